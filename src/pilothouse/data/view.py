"""What an agent sees: records reduced to what its contract lets it read, as they are known now.

`as_of` is the day the agent reasons about ("today" of an old export); it does not turn values back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pilothouse.data.contracts import Contract
from pilothouse.data.definitions import Definitions
from pilothouse.data.golden.reader import golden_of
from pilothouse.data.golden.record import GoldenRecord
from pilothouse.data.identity.entities import Attachment, Entities, Entity
from pilothouse.data.store import DataStore, Record
from pilothouse.vocabulary.records import RecordRef, is_empty

SUREST = 0.97
"""The most that "it is the same company" counts for: sources that agree can still both be wrong."""


@dataclass(frozen=True, slots=True)
class Match:
    """Another record of the same account or contact: what showed it, and how strongly (0 to 1)."""

    record: Record
    because: str
    strength: float


class DataView:
    """A read-only window. Objects outside the contract are empty, fields outside it do not exist."""

    def __init__(
        self,
        store: DataStore,
        entities: Entities,
        contract: Contract,
        definitions: Definitions,
        as_of: datetime,
        system: str,
    ) -> None:
        self._store, self._contract = store, contract
        self.definitions, self.as_of, self.system = definitions, as_of, system
        self._all: dict[str, list[Record]] = {}
        self._ids: dict[str, dict[str, Record]] = {}
        self._entities = entities
        self._attached: dict[str, dict[str, Attachment]] = {}
        self._matches: dict[RecordRef, list[Match]] = {}

    def everywhere(self, object_name: str) -> Sequence[Record]:
        """Return the records of an object from every source."""
        if object_name not in self._all:
            readable = self._contract.readable(object_name)
            records = self._store.records(object_name) if readable else ()
            self._all[object_name] = [_reduced(record, readable) for record in records]
        return self._all[object_name]

    def records(self, object_name: str) -> Sequence[Record]:
        """Return the records of an object in the system the agent works on."""
        return [each for each in self.everywhere(object_name) if each.ref.system == self.system]

    def record(self, ref: RecordRef) -> Record | None:
        """Return one record, or None when nobody told of it or the contract does not let the agent read it."""
        if ref.object not in self._ids:
            self._ids[ref.object] = {str(each.ref): each for each in self.everywhere(ref.object)}
        return self._ids[ref.object].get(str(ref))

    def counterparts(self, record: Record) -> list[Match]:
        """Return what other systems hold of the same account or contact, as far as that was worked out."""
        if record.ref not in self._matches:
            self._matches[record.ref] = self._found(record)
        return self._matches[record.ref]

    def _found(self, record: Record) -> list[Match]:
        entity = self._entities.of(record.ref)
        if entity is None:
            return []
        matches = (self._match(record, entity, ref) for ref in entity.members if ref.system != record.ref.system)
        return [match for match in matches if match is not None]

    def _match(self, record: Record, entity: Entity, ref: RecordRef) -> Match | None:
        other, asked = self.record(ref), self._asked(ref)
        if other is None or self._refuted(ref, entity):
            return None
        if asked is None or asked.refuted:
            because = f"one {entity.object} with {record.ref}, sure to {entity.confidence:.2f}"
            return Match(other, because, min(entity.confidence, SUREST))
        if asked.to == record.ref:
            because, sure = f"asked for {record.ref}, sure to {asked.likelihood:.2f}", asked.likelihood
        else:
            sure = min(asked.likelihood, entity.confidence)
            because = f"asked for {asked.to}, which is one {entity.object} with {record.ref}, sure to {sure:.2f}"
        return Match(other, because, min(sure, SUREST))

    def _refuted(self, ref: RecordRef, entity: Entity) -> bool:
        """True where a person said that a record is of another company, and who is who was not worked out anew yet."""
        asked = self._asked(ref)
        return asked is not None and asked.refuted and asked.to in entity.members

    def _asked(self, ref: RecordRef) -> Attachment | None:
        if ref.object not in self._attached:
            self._attached[ref.object] = self._entities.attached(ref.object)
        return self._attached[ref.object].get(str(ref))

    def golden(self, ref: RecordRef) -> GoldenRecord | None:
        """Return the golden record of what the contract lets the agent read; None when it may read none of it.

        Only members that it may see are weighed: a value it may not read decides nothing in front of it. As everywhere in
        the view, values are those known now, and ages are reckoned to `as_of`.
        """
        entity = self._entities.of(ref)
        refs = entity.members if entity is not None else (ref,)
        seen = (self.record(each) for each in refs if entity is None or not self._refuted(each, entity))
        records = [found for found in seen if found is not None]
        if not records:
            return None
        return golden_of(records, entity, self._entities, self.definitions.survivorship, self.as_of)

    def frequencies(self, object_name: str, field: str) -> Counter[str]:
        """Return how often each text value of a field occurs in the system the agent works on."""
        values = (record.value(field) for record in self.records(object_name))
        return Counter(str(value).strip() for value in values if not is_empty(value))


def _reduced(record: Record, readable: frozenset[str] | str) -> Record:
    if readable == "*":
        return record
    return Record(record.ref, {name: value for name, value in record.fields.items() if name in readable})
