"""When signals make an opportunity: thresholds on features, as files of the workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pilothouse.data.graph.features import NAMES
from pilothouse.data.signals.catalogue import SignalKind
from pilothouse.vocabulary.documents import load_document


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(_Strict):
    """A threshold on one feature; exactly one of the two is given."""

    feature: str
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("say either at_least or at_most")
        return self


class Derivation(_Strict):
    """What makes a derived opportunity, and which kinds of signal are its evidence."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    words: str = Field(min_length=1)
    evidence: tuple[SignalKind, ...] = Field(min_length=1)
    all: tuple[Condition, ...] = Field(min_length=1)


class Support(_Strict):
    """How signals speak for a deal: at a weight of `half` (90 days, these kinds) its support is one half."""

    kinds: tuple[SignalKind, ...] = (SignalKind.BEHAVIOURAL, SignalKind.INTENT, SignalKind.RELATIONSHIP)
    half: float = Field(default=2.0, gt=0)
    least: float = Field(default=0.15, ge=0, le=1)

    def score(self, weight: float) -> float:
        """Return 1 − 2^(−weight / half), 0 for a weight of 0 or less: more of the same adds ever less."""
        return round(1 - 2 ** (-weight / self.half), 4) if weight > 0 else 0.0


class OpportunityFile(_Strict):
    """One file under `opportunities/`."""

    version: int = Field(ge=1)
    derived: tuple[Derivation, ...] = ()
    support: Support | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """Every derivation of a workspace, and how support is scored."""

    derived: tuple[Derivation, ...] = ()
    support: Support = field(default_factory=Support)


@dataclass(frozen=True, slots=True)
class Check:
    """One condition beside what was found."""

    feature: str
    value: float | None
    wanted: str
    holds: bool


def evaluate(conditions: Sequence[Condition], numbers: Mapping[str, float | None]) -> list[Check]:
    """Judge conditions: the one place where they are, so that another way of writing them changes nothing else.

    A feature about which nothing is known holds no condition.
    """
    checks: list[Check] = []
    for each in conditions:
        value = numbers.get(each.feature)
        wanted = f"at least {each.at_least:g}" if each.at_least is not None else f"at most {each.at_most:g}"
        holds = value is not None and (
            value >= each.at_least if each.at_least is not None else value <= (each.at_most or 0)
        )
        checks.append(Check(each.feature, value, wanted, holds))
    return checks


def confidence(conditions: Sequence[Condition], numbers: Mapping[str, float | None]) -> float:
    """Return the geometric mean of 1 − 2^(−value / threshold) over the lower thresholds: a half where each is just met.

    It orders derived opportunities by how far they are beyond their thresholds; it is no rate at which they are won.
    """
    lower = [(numbers.get(each.feature) or 0.0, each.at_least) for each in conditions if each.at_least]
    shares = [1 - 2 ** (-max(0.0, value) / threshold) for value, threshold in lower if threshold and threshold > 0]
    return round(prod(shares) ** (1 / len(shares)), 4) if shares else 0.5


def load_rules(folder: Path) -> Rules:
    """Read every file under `opportunities/`; raises `DocumentError`, also for an unknown feature or a name twice."""
    derived: list[Derivation] = []
    support = Support()
    for path in sorted(folder.glob("*.yaml")):
        document = load_document(path, OpportunityFile)
        for index, each in enumerate(document.model.derived):
            if each.name in {known.name for known in derived}:
                raise document.error(f"{each.name!r} stands twice", "derived", index)
            for place, condition in enumerate(each.all):
                if condition.feature not in NAMES:
                    raise document.error(f"there is no feature {condition.feature!r}", "derived", index, "all", place)
            derived.append(each)
        support = document.model.support or support
    return Rules(tuple(derived), support)
