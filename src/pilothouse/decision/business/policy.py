"""Business policy as it is asked: clauses that are terms of their own beside the workspace's definitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from pilothouse.data.definitions import Definitions
from pilothouse.decision.written import THRESHOLD, BusinessUse, Policy


class Question(StrEnum):
    """What may be asked of a record."""

    ICP = "icp"
    TRIGGER = "trigger"
    DISQUALIFIED = "disqualified"
    PRIORITY = "priority"
    ROUTE = "route"


@dataclass(frozen=True, slots=True)
class Clause:
    """One compiled clause; `term` is its name among the definitions, `gives` the level or what it starts."""

    id: str
    term: str
    object: str
    reason: str
    where: str
    skips: bool
    gives: str = ""
    confidence: float = 1.0
    points: int = 0


@dataclass(frozen=True, slots=True)
class Fit:
    """The levels in order, and what is said when none holds."""

    object: str
    levels: tuple[Clause, ...]
    otherwise: str
    otherwise_reason: str


@dataclass(frozen=True, slots=True)
class Table:
    """Owners by a field's value; values are kept as `plain` returns them."""

    id: str
    field: str
    owners: Mapping[str, str]
    reason: str
    where: str
    skips: bool


@dataclass(frozen=True, slots=True)
class Routing:
    """The tables in order, and who gets what none of them knows."""

    object: str
    tables: tuple[Table, ...]
    unowned: str
    unowned_reason: str


@dataclass(frozen=True, slots=True)
class BusinessPolicy:
    """Everything under `policy/business/`. `definitions` hold the clauses beside the workspace's own terms."""

    version: str
    definitions: Definitions
    fit: Fit | None = None
    triggers: tuple[Clause, ...] = ()
    disqualifiers: tuple[Clause, ...] = ()
    priority: tuple[Clause, ...] = ()
    routing: Routing | None = None

    @property
    def clauses(self) -> tuple[Clause, ...]:
        """Every clause that has conditions."""
        return (*(self.fit.levels if self.fit else ()), *self.triggers, *self.disqualifiers, *self.priority)

    def uses(self) -> dict[str, tuple[BusinessUse, ...]]:
        """Return the clauses that compare with thresholds, by the threshold's name."""
        found: dict[str, tuple[BusinessUse, ...]] = {}
        for clause in self.clauses:
            term = self.definitions.term(clause.term)
            needs = {name for each in term.criteria for name in each.condition.needs if name.startswith(THRESHOLD)}
            for name in sorted(needs):
                use = BusinessUse(clause.term, clause.where, clause.object, term.condition, clause.reason)
                own = name.removeprefix(THRESHOLD)
                found[own] = (*found.get(own, ()), use)
        return found

    def presuming(self, policy: Policy) -> BusinessPolicy:
        """Return the same clauses with the thresholds of a policy."""
        return replace(self, definitions=replace(self.definitions, constants=policy.named_thresholds))


def plain(value: object) -> str:
    """Return a value so that case and white space make no other value of it."""
    return " ".join(str(value).split()).casefold()
