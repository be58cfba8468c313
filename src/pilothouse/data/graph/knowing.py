"""What was known by a moment: how long the ledger was then, and values, edges and memberships as they stood.

Everything here takes `before`, a ledger position, and sees no entry from there on: two calls with the same position
give the same answer for ever, whatever is appended later (but for what a person's erasure took away).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import select
from sqlalchemy.sql.base import Executable

from pilothouse.data.graph.edges import entity_history, graph_edges
from pilothouse.data.projection import field_history, standing
from pilothouse.data.store import Record, moved, value_of
from pilothouse.ledger.entries import Entry, entry_of
from pilothouse.ledger.ledger import Ledger
from pilothouse.ledger.tables import entries, private
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.records import FieldValue, RecordRef

DISORDER = timedelta(minutes=1)
"""By how much entries of callers that write at once can stand out of the order of their times."""
PART = 500


class Knowledge:
    """Reads the ledger's projections as they stood before a position."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def position_at(self, moment: datetime) -> int:
        """Return the position of the first entry recorded after a moment, or the ledger's size when there is none."""
        size = self.ledger.size()
        low, high, early = 0, size, stamp(moment - DISORDER)
        with self.ledger.engine.connect() as connection:
            while low < high:
                middle = (low + high) // 2
                at = connection.execute(select(entries.c.at).where(entries.c.position == middle)).scalar_one()
                low, high = (middle + 1, high) if at <= early else (low, middle)
            later = select(entries.c.position).where(entries.c.position >= low, entries.c.at > stamp(moment))
            found = connection.execute(later.order_by(entries.c.position).limit(1)).scalar_one_or_none()
        return size if found is None else int(found)

    def records(self, refs: Collection[RecordRef], before: int) -> dict[RecordRef, Record]:
        """Return records with the values that were known."""
        history = field_history.c
        found: dict[RecordRef, dict[str, FieldValue]] = {}
        for (system, object_name), group in groupby(sorted(set(refs)), key=lambda ref: (ref.system, ref.object)):
            for ids in _parts([ref.id for ref in group]):
                query = (
                    select(field_history)
                    .where(history.system == system, history.object == object_name, history.record_id.in_(ids))
                    .where(history.position < before)
                    .order_by(history.position)
                )
                for row in standing(self._rows(query)):
                    found.setdefault(RecordRef(system, object_name, row.record_id), {})[row.field] = value_of(row)
        return {ref: Record(ref, fields) for ref, fields in found.items()}

    def changes(self, refs: Collection[RecordRef], field: str, before: int) -> dict[RecordRef, list[FieldValue]]:
        """Return every value of a field that was known, oldest first, each dated to when it came to stand there."""
        history = field_history.c
        found: dict[RecordRef, list[FieldValue]] = {}
        for (system, object_name), group in groupby(sorted(set(refs)), key=lambda ref: (ref.system, ref.object)):
            for ids in _parts([ref.id for ref in group]):
                query = (
                    select(field_history)
                    .where(history.system == system, history.object == object_name, history.record_id.in_(ids))
                    .where(history.field == field, history.position < before)
                    .order_by(history.since, history.position)
                )
                for row in self._rows(query):
                    found.setdefault(RecordRef(system, object_name, row.record_id), []).append(moved(row))
        return found

    def targets(self, records: Iterable[str], names: Sequence[str], before: int) -> dict[str, set[str]]:
        """Return, by record, the values of its edges of these names."""
        found: dict[str, set[str]] = {}
        columns = graph_edges.c
        for part in _parts(records):
            query = (
                select(columns.record, columns.name, columns.value)
                .where(columns.record.in_(part), columns.name.in_(names), columns.position < before)
                .order_by(columns.at, columns.position)
            )
            last = {(row.record, row.name): row.value for row in self._rows(query)}
            for (record, _), value in last.items():
                if value:
                    found.setdefault(record, set()).add(value)
        return found

    def holders(self, values: Iterable[str], names: Sequence[str], before: int) -> dict[str, set[str]]:
        """Return, by value, the records that had an edge of these names to it (and did not change it since)."""
        wanted, candidates = set(values), set[str]()
        columns = graph_edges.c
        for part in _parts(wanted):
            query = select(columns.record).where(
                columns.value.in_(part), columns.name.in_(names), columns.position < before
            )
            candidates.update(row.record for row in self._rows(query.distinct()))
        found: dict[str, set[str]] = {}
        for record, held in self.targets(candidates, names, before).items():
            for value in held & wanted:
                found.setdefault(value, set()).add(record)
        return found

    def entities(self, records: Iterable[str], before: int) -> dict[str, str]:
        """Return the entity that each record was of; records that were of none are missing."""
        found: dict[str, str] = {}
        columns = entity_history.c
        for part in _parts(records):
            query = select(columns.record, columns.entity).where(columns.record.in_(part), columns.position < before)
            found.update({row.record: row.entity for row in self._rows(query.order_by(columns.position))})
        return {record: entity for record, entity in found.items() if entity}

    def members(self, entity: str, before: int) -> set[str]:
        """Return the records that were of an entity; `entity/ID` among them is one that it had taken over."""
        columns = entity_history.c
        query = select(columns.record).where(columns.entity == entity, columns.position < before).distinct()
        candidates = [row.record for row in self._rows(query)]
        return {record for record, now in self.entities(candidates, before).items() if now == entity}

    def entries(self, subjects: Iterable[str], before: int, kinds: Collection[str] | None = None) -> Iterator[Entry]:
        """Yield the entries about these subjects, in order of position within each part."""
        joined = entries.outerjoin(private, entries.c.position == private.c.position)
        columns = select(entries.c.line, private.c.payload).select_from(joined).order_by(entries.c.position)
        for part in _parts(subjects):
            query = columns.where(entries.c.subject.in_(part), entries.c.position < before)
            if kinds is not None:
                query = query.where(entries.c.kind.in_(sorted(kinds)))
            for row in self._rows(query):
                yield entry_of(row.line, row.payload)

    def first(self) -> datetime | None:
        """Return when the ledger began, None while it is empty."""
        with self.ledger.engine.connect() as connection:
            line = connection.execute(select(entries.c.line).where(entries.c.position == 0)).scalar_one_or_none()
        return entry_of(line, None).at if line else None

    def first_told(self, ref: RecordRef) -> datetime | None:
        """Return when a source first told of a record, None when none did: what was known begins there."""
        history = field_history.c
        query = (
            select(history.position)
            .where(history.system == ref.system, history.object == ref.object, history.record_id == ref.id)
            .order_by(history.position)
            .limit(1)
        )
        found = self._rows(query)
        return self.ledger.entry(found[0].position).at if found else None

    def refs(self, object_name: str, before: int) -> list[RecordRef]:
        """Return every record of an object that was known, in order."""
        history = field_history.c
        query = select(history.system, history.record_id).where(
            history.object == object_name, history.position < before
        )
        return sorted(RecordRef(row.system, object_name, row.record_id) for row in self._rows(query.distinct()))

    def _rows(self, query: Executable) -> Sequence[Any]:
        with self.ledger.engine.connect() as connection:
            return connection.execute(query).all()


def _parts(values: Iterable[str]) -> Iterator[list[str]]:
    every = sorted(set(values))
    for start in range(0, len(every), PART):
        yield every[start : start + PART]
