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
from pilothouse.data.graph.features import Features
from pilothouse.data.graph.graph import BuyerGraph
from pilothouse.data.graph.timeline import Item
from pilothouse.data.identity.entities import Entities
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
        graph: BuyerGraph | None = None,
    ) -> None:
        self._store, self._contract = store, contract
        self.definitions, self.as_of, self.system = definitions, as_of, system
        self._all: dict[str, list[Record]] = {}
        self._ids: dict[str, dict[str, Record]] = {}
        self._entities, self._graph = entities, graph

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
        entity = self._entities.of(record.ref)
        if entity is None:
            return []
        because = f"one {entity.object} with {record.ref}, sure to {entity.confidence:.2f}"
        others = [self.record(ref) for ref in entity.members if ref.system != record.ref.system]
        strength = min(entity.confidence, SUREST)
        return [Match(other, because, strength) for other in others if other is not None]

    def timeline(self, ref: RecordRef) -> Sequence[Item]:
        """Return what happened around an account or contact by `as_of`, newest first; empty without a contract for signals."""
        graph = self._around(ref)
        return graph.timeline(ref, self.as_of, graph.known.ledger.size()) if graph else ()

    def features(self, ref: RecordRef) -> Features | None:
        """Return the features of an account or contact at `as_of`; None without a contract for signals."""
        graph = self._around(ref)
        return graph.features(ref, self.as_of, graph.known.ledger.size()) if graph else None

    def _around(self, ref: RecordRef) -> BuyerGraph | None:
        """Return the graph when the contract lets the agent read signals and this record, else None."""
        if not (self._contract.readable("signal") and self._contract.readable(ref.object)):
            return None
        if self._graph is None:
            raise RuntimeError("the contract allows signals, and this view was made without a buyer graph")
        return self._graph

    def frequencies(self, object_name: str, field: str) -> Counter[str]:
        """Return how often each text value of a field occurs in the system the agent works on."""
        values = (record.value(field) for record in self.records(object_name))
        return Counter(str(value).strip() for value in values if not is_empty(value))


def _reduced(record: Record, readable: frozenset[str] | str) -> Record:
    if readable == "*":
        return record
    return Record(record.ref, {name: value for name, value in record.fields.items() if name in readable})
