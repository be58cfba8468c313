"""Resolving: from what sources tell, and what people said, to entities; written down as what changed and nothing else.

What is new is compared with everything; what nothing new touches stays as it is. In between, weights stand still: they
are measured again when there are a quarter more records, or fewer, or somebody asks. With the same weights, the same records
give the same entities in whatever order and in how many runs they came. What people said always stands, and everything
that lasts is in the ledger; the index in the state folder is only quicker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pilothouse.data.identity.attaching import going_with, standing, with_attached, words_for
from pilothouse.data.identity.deals import DEAL, groups_of_deals
from pilothouse.data.identity.entities import RESOLVED, Doubt, Entities, Judgement
from pilothouse.data.identity.features import FIELDS
from pilothouse.data.identity.judging import Judges
from pilothouse.data.identity.numbers import digest, in_force, measured_draft
from pilothouse.data.identity.turn import turn
from pilothouse.data.identity.weights import Weights, corrected, shipped
from pilothouse.data.identity.writing import Fence, worked_out, write
from pilothouse.data.store import DataStore
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.errors import InvalidInput

if TYPE_CHECKING:
    from pilothouse.data.identity.catching_up import Caught
    from pilothouse.data.identity.grouping import Grouped
    from pilothouse.data.identity.index import Engine, Index


@dataclass
class Resolution:
    """What resolving one object came to."""

    object: str
    records: int = 0
    entities: int = 0
    joined: int = 0
    """Records that share their entity with another record."""
    changed: int = 0
    looked_at: int = 0
    """Records that were grouped anew, because they or something near them were new."""
    needed: float = 0.0
    doubts: list[Doubt] = field(default_factory=list[Doubt])


class Resolver:
    """Resolves the records of an object, and takes people's judgements."""

    def __init__(self, ledger: Ledger, store: DataStore, entities: Entities, judges: Judges, folder: Path) -> None:
        self._ledger, self._store, self._entities, self._folder = ledger, store, entities, folder
        self.judge = judges.judge

    def due(self) -> list[str]:
        """Return the objects that several systems tell of and of which some record was never resolved."""
        due: list[str] = []
        for name in RESOLVED:
            asked_for = self._asked(name)
            refs = {record.ref for record in self._store.living(name) if str(record.ref) not in asked_for}
            known = {ref for records in self._entities.current(name).values() for ref in records}
            if len({ref.system for ref in refs}) > 1 and any(str(ref) not in known for ref in refs):
                due.append(name)
        return due

    def forget(self) -> None:
        """Delete what is kept beside the ledger, as when a person was erased; the next run makes it again."""
        for name in FIELDS:
            with turn(self._ledger.engine, name):
                for path in self._folder.glob(f"{name}.*"):
                    path.unlink()

    def pairs(self, object_name: str, count: int = 20) -> list[Doubt]:
        """Return the pairs most worth a person's look, as of the last run, without those that were judged since."""
        from pilothouse.data.identity import doubts

        known = {frozenset((each.one, each.other)) for each in self._entities.judgements(object_name)}
        waiting = [
            each for each in doubts.read(self._doubts(object_name)) if frozenset((each.one, each.other)) not in known
        ]
        return [self._placed(each) for each in waiting[:count]]

    def pending(self, object_name: str) -> list[Judgement]:
        """Return the judgements that are not in effect yet: the next run puts them into effect."""
        told: list[Judgement] = []
        for each in self._entities.judgements(object_name):
            one, other = self._entities.of(each.one), self._entities.of(each.other)
            if (one is not None and other is not None and one.id == other.id) != each.same:
                told.append(each)
        return told

    def resolve(
        self, object_name: str, doubts: int = 20, *, full: bool = False, engine: Engine | None = None
    ) -> Resolution:
        """Work out who is who, and write down what changed; `full` measures the weights again and groups all records.
        `engine` is where all records are compared anew, where not here.

        Deals are always compared anew, whole, and by no weights. Raises `InvalidInput` for an object that is not resolved,
        `Conflict` while another run resolves it.
        """
        if object_name not in RESOLVED:
            raise InvalidInput(f"{object_name!r} is not resolved.", hint=f"There is: {', '.join(RESOLVED)}.")
        if object_name == DEAL:
            return self._resolve_deals()
        from pilothouse.data.identity.catching_up import catch_up

        resolution = Resolution(object_name)
        with turn(self._ledger.engine, object_name):
            fence = Fence(self._ledger, object_name)
            path = self._folder / f"{object_name}.duckdb"
            caught = catch_up(self._ledger, self._store, object_name, path, engine)
            try:
                self._resolve(caught, resolution, fence, full=full or engine is not None)
                caught.index.commit()
            finally:
                caught.index.close()
        resolution.doubts = self.pairs(object_name, doubts)
        return resolution

    def settle(self, object_name: str) -> Resolution:
        """Resolve an object, and after accounts the deals too: which of them are one hangs on their accounts."""
        resolution = self.resolve(object_name, 0)
        if object_name == "account" and self._entities.totals(DEAL)[0]:
            self._resolve_deals()
        return resolution

    def _resolve_deals(self) -> Resolution:
        with turn(self._ledger.engine, DEAL):
            fence = Fence(self._ledger, DEAL)
            groups = groups_of_deals(self._store, self._entities)
            names = [[str(ref) for ref in group.records] for group in groups]
            changed = worked_out(self._entities, DEAL, names, self._entities.current(DEAL))
            sure = {str(ref): group.sure for group in groups for ref in group.records}
            write(fence, changed, sure)
        count, (entities, joined) = sum(map(len, names)), self._entities.totals(DEAL)
        return Resolution(DEAL, count, entities, joined, len(changed), looked_at=count)

    def _resolve(self, caught: Caught, resolution: Resolution, fence: Fence, *, full: bool) -> None:
        from pilothouse.data.identity.doubts import find_doubts, keep
        from pilothouse.data.identity.grouping import COMPARED

        index = caught.index
        weights = self._weights(index, fence, full=full)
        if full or index.note("weights") != digest(weights):
            caught.moved = None
            index.take_note("weights", digest(weights))
            index.fix(weights.common)
        found = self._grouped(caught, weights)
        resolution.changed = self._write(found, fence)
        resolution.records, resolution.looked_at, resolution.needed = index.count(), len(found.names), weights.needed
        resolution.entities, resolution.joined = self._entities.totals(index.object)
        only = f"WHERE {COMPARED}" + (
            " AND (l IN (FROM affected) OR r IN (FROM affected))" if caught.moved is not None else ""
        )
        gone = None if caught.moved is None else set(found.names)
        keep(self._doubts(index.object), find_doubts(index, weights, only), gone)

    def _weights(self, index: Index, fence: Fence, *, full: bool) -> Weights:
        """Return the weights in force, measured again where they no longer suit."""
        from pilothouse.data.identity.measuring import measure
        from pilothouse.data.identity.model import LEARN_FROM

        count, known = index.count(), in_force(self._ledger, index.object)
        if count < LEARN_FROM:
            base = shipped(index.model, count, index.told())
        elif not full and known.measured is not None and known.measured.suit(count):
            base = known.measured
        else:
            base = measure(index)
            fence.append([measured_draft(index.object, base)])
        return corrected(base, known.correction)

    def _grouped(self, caught: Caught, weights: Weights) -> _Found:
        """Return the groups, and the entities that hold any of their records; neither cuts the other apart."""
        import numpy as np

        from pilothouse.data.identity.comparing import words_of
        from pilothouse.data.identity.grouping import group

        index = caught.index
        same, different = words_of(self._entities.judgements(index.object))
        asked = standing(going_with(self._asked(index.object), index.merged()), same, different)
        same, different = words_for(asked, same), words_for(asked, different)
        while True:
            alone = self._follow(caught, asked)
            grouped = group(index, weights, same, different, caught.moved, asked.keys())
            groups = with_attached(grouped.groups(), asked, alone)
            names = [name for each in groups for name in each]
            if caught.moved is None:
                return _Found(grouped, groups, names, self._entities.current(index.object))
            current, here = self._entities.holding(names), set(names)
            outside = index.ids(sorted(ref for refs in current.values() for ref in refs if ref not in here))
            if not len(outside):
                return _Found(grouped, groups, names, current)
            caught.moved = np.unique(np.concatenate([caught.moved, outside]))

    def _follow(self, caught: Caught, asked: Mapping[str, str]) -> set[str]:
        """Have the records move that those are attached to which did; return the attached ones that have to be placed."""
        if caught.moved is None or not asked:
            return set(asked)
        import numpy as np

        moving = set(caught.index.names(caught.moved)) & asked.keys()
        targets = caught.index.ids(sorted({asked[name] for name in moving}))
        caught.moved = np.union1d(caught.moved, targets)
        return moving

    def _asked(self, object_name: str) -> dict[str, str]:
        """Return, by name, the records that were asked for, with the one that each was asked for."""
        return {name: str(each.to) for name, each in self._entities.attached(object_name).items()}

    def _write(self, found: _Found, fence: Fence) -> int:
        changed = worked_out(self._entities, fence.object, found.groups, found.current)
        write(fence, changed, found.grouped.confidences() if changed else {})
        return len(changed)

    def _doubts(self, object_name: str) -> Path:
        return self._folder / f"{object_name}.pairs.json"

    def _placed(self, doubt: Doubt) -> Doubt:
        one, other = self._entities.of(doubt.one), self._entities.of(doubt.other)
        return replace(doubt, together=one is not None and other is not None and one.id == other.id)


@dataclass(frozen=True)
class _Found:
    """What grouping came to: compared records, groups with those attached, all names, and the entities they are in."""

    grouped: Grouped
    groups: list[list[str]]
    names: list[str]
    current: Mapping[str, Sequence[str]]
