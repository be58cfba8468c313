"""From people's judgements to weights that are in force, and back: recorded, measured before and after, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pilothouse.data.identity.entities import Entities
from pilothouse.data.identity.features import FIELDS
from pilothouse.data.identity.judging import Judges
from pilothouse.data.identity.model import MODELS
from pilothouse.data.identity.numbers import InForce, forgot_draft, in_force, learned_draft
from pilothouse.data.identity.turn import turn
from pilothouse.data.identity.weights import Correction, Weights, shipped
from pilothouse.data.store import DataStore
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.errors import Conflict, InvalidInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pilothouse.data.identity.index import Index

TELLING = 0.5
"""Bits by which a level must weigh more or less than before to be worth a sentence."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a level weighs now, in words; `more` is by how many bits it weighs more than before."""

    says: str
    more: float


class Learner:
    """Fits corrections to what people said, and takes them back."""

    def __init__(self, ledger: Ledger, store: DataStore, entities: Entities, judges: Judges, folder: Path) -> None:
        self._ledger, self._store, self._entities = ledger, store, entities
        self._judges, self._folder = judges, folder

    def state(self, object_name: str) -> InForce:
        """Return what is in force."""
        return in_force(self._ledger, _known(object_name))

    def learn(self, object_name: str, by: str) -> Correction:
        """Fit a correction to the judgements that stand and put it in force; the next run weighs with it.

        Raises `Forbidden` for somebody who may not judge, `InvalidInput` when there are too few judgements, `Conflict`
        when cross-validation says that it does not help; nothing changes then.
        """
        from pilothouse.data.identity.catching_up import catch_up
        from pilothouse.data.identity.learning import fit

        self._judges.allowed(by)
        with turn(self._ledger.engine, _known(object_name)):
            caught = catch_up(self._ledger, self._store, object_name, self._folder / f"{object_name}.duckdb")
            try:
                levels, bits, same = self._examples(caught.index)
            finally:
                caught.index.close()
            _enough(same)
            found = fit(MODELS[object_name], levels, bits, same)
            if not found.helps:
                raise Conflict(
                    f"{len(same)} judgements do not make better weights: {found.before:.2f} bits of surprise at an answer "
                    f"before, {found.after:.2f} after.",
                    hint="Nothing was changed. Judge more pairs: `pilothouse resolve --ask 25`.",
                )
            self._ledger.append([learned_draft(object_name, found, by)])
        return found

    def unlearn(self, object_name: str, by: str, why: str) -> None:
        """Go back to the weights without any correction; raises `Conflict` when there is none."""
        self._judges.allowed(by)
        if not why.strip():
            raise InvalidInput("taking weights back needs a reason.", hint="One sentence is enough.")
        with turn(self._ledger.engine, _known(object_name)):
            if in_force(self._ledger, object_name).correction is None:
                raise Conflict(f"no correction is in force for {object_name}s.", hint="There is nothing to take back.")
            self._ledger.append([forgot_draft(object_name, by, why)])

    def _examples(self, index: Index) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
        """Return levels, bits over the line and answer of each judged pair that is a candidate, in order of names."""
        from pilothouse.data.identity.pairs import weigh

        base = self._base(index)
        said = {(str(each.one), str(each.other)): each.same for each in self._entities.judgements(index.object)}
        return weigh(index.connection, index.model, base, said)

    def _base(self, index: Index) -> Weights:
        measured = in_force(self._ledger, index.object).measured
        if measured is not None and measured.suit(index.count()):
            return measured
        return shipped(index.model, index.count(), index.told())


def lessons(object_name: str, correction: Correction) -> Iterator[Lesson]:
    """Yield what was learned, in words, the greatest change first."""
    told = [
        Lesson(level.says, more)
        for comparison in MODELS[_known(object_name)].comparisons
        for level, more in zip(comparison.levels, correction.bits[comparison.name], strict=True)
        if abs(more) >= TELLING
    ]
    yield from sorted(told, key=lambda each: -abs(each.more))


def _known(object_name: str) -> str:
    if object_name not in FIELDS:
        raise InvalidInput(f"{object_name!r} is not resolved by weights.", hint=f"There is: {', '.join(FIELDS)}.")
    return object_name


def _enough(same: NDArray[np.bool_]) -> None:
    from pilothouse.data.identity.learning import FEWEST, FEWEST_OF_EACH

    yes, no = int(same.sum()), int((~same).sum())
    if yes + no < FEWEST or min(yes, no) < FEWEST_OF_EACH:
        raise InvalidInput(
            f"{yes} pairs were called the same and {no} different; too few to learn from.",
            hint=f"At least {FEWEST} are needed, {FEWEST_OF_EACH} of either kind: `pilothouse resolve --ask 25`.",
        )
