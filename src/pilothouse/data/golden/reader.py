"""Golden records out of the store: as they are known now, or as they stood at a moment in the past."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TypeAlias

from pilothouse.data.golden.record import GoldenRecord, Told, golden
from pilothouse.data.golden.survivorship import Survivorship
from pilothouse.data.identity.entities import RESOLVED, Entities, Entity
from pilothouse.data.schema import field_spec
from pilothouse.data.store import DataStore, Record
from pilothouse.vocabulary.errors import InvalidInput, NotFound
from pilothouse.vocabulary.records import FieldValue, RecordRef

YEARS = range(1900, 2101)
Read: TypeAlias = Callable[[RecordRef], Record | None]


class GoldenRecords:
    """Reads golden records by the workspace's rules."""

    def __init__(self, store: DataStore, entities: Entities, rules: Survivorship) -> None:
        self._store, self._entities, self._rules = store, entities, rules

    def now(self, ref: RecordRef, as_of: datetime) -> GoldenRecord:
        """Return what is known now, ages reckoned to `as_of`; raises `NotFound` when no source tells of the record."""
        return self._golden(ref, as_of, self._store.record)

    def then(self, ref: RecordRef, moment: datetime) -> GoldenRecord:
        """Return what held at a moment: no value dated later plays a part. Who is who is taken as it is known now.

        Raises `NotFound` when no source told of the record by then, `InvalidInput` for a moment out of all range.
        """
        if moment.year not in YEARS:
            raise InvalidInput(f"{moment.year} is not a year of business.", hint="Name a moment from 1900 to 2100.")
        return self._golden(ref, moment, lambda each: self._store.record_at(each, moment))

    def _golden(self, ref: RecordRef, as_of: datetime, read: Read) -> GoldenRecord:
        entity = self._entities.of(ref)
        refs = entity.members if entity is not None else (ref,)
        records = [found for each in refs if (found := read(each)) is not None]
        if not records:
            raise NotFound(f"no source tells of {ref} at that time.", hint="Look at the list of actions or reviews.")
        # What went into another no longer tells anything, unless nothing else is left to ask.
        living = [each for each in records if not each.merged_into] or records
        return golden_of(living, entity, self._entities, self._rules, as_of)


def golden_of(
    records: Iterable[Record], entity: Entity | None, entities: Entities, rules: Survivorship, as_of: datetime
) -> GoldenRecord:
    """Return the golden record of the records of one entity, none of which may be left out silently."""
    members = sorted(records, key=lambda each: each.ref)
    told = (each for record in members for each in _told(record, entities if len(members) > 1 else None))
    fields = golden(told, rules, as_of)
    refs = tuple(each.ref for each in members)
    return GoldenRecord(refs[0].object, entity.id if entity else "", refs, as_of, fields)


def _told(record: Record, entities: Entities | None) -> Iterator[Told]:
    for name, value in record.fields.items():
        yield Told(record.ref, name, value, _stands_for(record.ref, name, value, entities) if entities else "")


def _stands_for(ref: RecordRef, name: str, value: FieldValue, entities: Entities) -> str:
    """Return what a reference leads to: each system has identifiers of its own, which mean nothing in another."""
    spec = field_spec(ref.object, name)
    if spec is None or spec.to not in RESOLVED or not isinstance(value.value, str):
        return ""  # people and products are not resolved; their names are compared as text
    target = RecordRef(ref.system, spec.to, value.value)
    entity = entities.of(target)
    return entity.id if entity is not None else str(target)
