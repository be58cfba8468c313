"""Business policy as it is asked: clauses that are terms of their own beside the workspace's definitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pilothouse.data.definitions import Definitions


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


def plain(value: object) -> str:
    """Return a value so that case and white space make no other value of it."""
    return " ".join(str(value).split()).casefold()
