"""What an agent sees: records reduced to what its contract lets it read, as they are known now.

`as_of` is the day the agent reasons about ("today" of an old export); it does not turn values back. What was shown is
counted, so that the run's entry can tell it. What must never happen here: a record outside the contract's filter, or
beyond its limits, shown all the same; a record that went into another, which stands for its history only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pilothouse.data.contracts import Contract
from pilothouse.data.defining.answers import Answer, Evaluation, StageCheck
from pilothouse.data.defining.evaluating import Evaluator
from pilothouse.data.definitions import Definitions
from pilothouse.data.golden.reader import golden_of
from pilothouse.data.golden.record import GoldenRecord
from pilothouse.data.graph.features import Features
from pilothouse.data.graph.graph import BuyerGraph
from pilothouse.data.graph.timeline import Item
from pilothouse.data.identity.entities import Attachment, Entities, Entity
from pilothouse.data.reads import Reads
from pilothouse.data.scope import Stale, shown, stale_values
from pilothouse.data.store import DataStore, Record
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.records import FieldValue, RecordRef, is_empty

SUREST = 0.97
"""The most that "it is the same company" counts for: sources that agree can still both be wrong."""


@dataclass(frozen=True, slots=True)
class Match:
    """Another record of the same account or contact: what showed it, and how strongly (0 to 1)."""

    record: Record
    because: str
    strength: float


class DataView:
    """A read-only window. Objects and records outside the contract are absent, fields outside it do not exist."""

    def __init__(
        self,
        store: DataStore,
        entities: Entities,
        contract: Contract,
        definitions: Definitions,
        as_of: datetime,
        system: str,
        reads: Reads | None = None,
        graph: BuyerGraph | None = None,
        decided: Callable[[str], str] = lambda key: "",
    ) -> None:
        self._store, self._contract = store, contract
        self.definitions, self.as_of, self.system = definitions, as_of, system
        self.reads = reads or Reads(contract)
        self._here: dict[tuple[str, str], Sequence[Record]] = {}
        self._all: dict[str, Sequence[Record]] = {}
        self._ids: dict[str, dict[RecordRef, Record]] = {}
        self._entities, self._graph = entities, graph
        self._attached: dict[str, dict[str, Attachment]] = {}
        self._apart: dict[str, set[frozenset[RecordRef]]] = {}
        self._matches: dict[RecordRef, list[Match]] = {}
        self._evaluator = Evaluator(definitions, self, as_of)
        self.decided = decided
        """What became of an act that was proposed under this idempotency key and decided, in a sentence; empty for none."""

    def everywhere(self, object_name: str) -> Sequence[Record]:
        """Return the records of an object from every source; raises `Forbidden` beyond the contract's limits."""
        if object_name not in self._all:
            home = self.records(object_name)
            others = self._shown(object_name, self._store.living(object_name, besides=self.system))
            self._all[object_name] = sorted([*home, *others], key=lambda each: (each.ref.system, each.ref.id))
        return self._all[object_name]

    def records(self, object_name: str) -> Sequence[Record]:
        """Return the records of an object in the system the agent works on; raises as `everywhere`."""
        return self.records_of(object_name, self.system)

    def records_of(self, object_name: str, system: str) -> Sequence[Record]:
        """Return the records of an object in one system; raises as `everywhere`."""
        key = (object_name, system)
        if key not in self._here:
            if system != self.system and object_name in self._all:
                found = [each for each in self._all[object_name] if each.ref.system == system]
            else:
                found = self._shown(object_name, self._store.living(object_name, system))
            self._here[key] = found
        return self._here[key]

    def _shown(self, object_name: str, records: Iterable[Record]) -> list[Record]:
        if not self._contract.readable(object_name):
            return []
        found = [each for record in records if (each := shown(self._contract, record, self.as_of)) is not None]
        self.reads.count(object_name, Counter(each.ref.system for each in found))
        return found

    def histories(self, object_name: str, field: str, system: str) -> Mapping[str, Sequence[FieldValue]]:
        """Return what a readable field of the shown records held before, oldest first, by the record's id."""
        readable = self._contract.readable(object_name)
        if readable != "*" and field not in readable:
            return {}
        told = self._store.histories(object_name, field, system)
        return {each.ref.id: told.get(each.ref.id, []) for each in self.records_of(object_name, system)}

    def record(self, ref: RecordRef) -> Record | None:
        """Return one record, or None when nobody told of it or the contract does not let the agent read it."""
        if ref.object not in self._ids:
            self._ids[ref.object] = {each.ref: each for each in self.everywhere(ref.object)}
        return self._ids[ref.object].get(ref)

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

    def duplicates(self, object_name: str) -> list[tuple[float, list[Record]]]:
        """Return the records of this system that are one account or contact with others of it, and how sure (0 to 1)."""
        here = {str(each.ref): each for each in self.records(object_name)}
        found: list[tuple[float, list[Record]]] = []
        for ident, members in sorted(self._entities.current(object_name).items()):
            records = [here[each] for each in sorted(members) if each in here]
            entity = self._entities.entity(ident) if len(records) > 1 else None
            if entity is not None:
                found.append((min(entity.confidence, SUREST), records))
        return found

    def judged_different(self, one: RecordRef, other: RecordRef) -> bool:
        """True where a person said that two records are not the same, worked out anew since or not."""
        if one.object not in self._apart:
            judged = self._entities.judgements(one.object)
            self._apart[one.object] = {frozenset((each.one, each.other)) for each in judged if not each.same}
        return frozenset((one, other)) in self._apart[one.object]

    def judged_same(self, records: Sequence[Record]) -> str:
        """Return when a person last said that two of these records are the same, as text; empty when nobody did."""
        refs = {each.ref for each in records}
        said = self._entities.judgements(records[0].ref.object) if records else []
        return max((stamp(each.at) for each in said if each.same and {each.one, each.other} <= refs), default="")

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

    def holds(self, term: str, record: Record) -> bool:
        """Return whether a defined term holds of a record; False too where it cannot be told. Raises `NotFound`."""
        return self._evaluator.answer(term, record) is Answer.YES

    def defined(self, term: str, record: Record) -> Evaluation:
        """Return whether a defined term holds of a record, why, and by which version, from what the agent may see."""
        return self._evaluator.evaluate(term, record)

    def stage_check(self, deal: Record) -> StageCheck:
        """Return whether a deal meets what its stage asks, from what the agent may see."""
        return self._evaluator.stage_check(deal)

    def stale(self, record: Record) -> Sequence[Stale]:
        """Return the values of a record that are older than the contract asks for, and that it only flags."""
        return stale_values(self._contract, record, self.as_of)
