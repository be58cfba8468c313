"""The registry of what the company's words mean: stages with their criteria, and terms that hold of a record or do not.

Read by `defining/reading.py`, evaluated by `defining/evaluating.py`. Agents, audit and reports ask here. What must never
happen here: a definition without a version; a second copy of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pilothouse.conditions.conditions import Condition, Conditions, Together
from pilothouse.data.golden.survivorship import Survivorship
from pilothouse.data.typed import Value
from pilothouse.vocabulary.errors import NotFound


@dataclass(frozen=True, slots=True)
class Criterion:
    """One condition that must hold, what it asks in words, and where it is written (file:line)."""

    condition: Condition
    words: str
    where: str

    @property
    def source(self) -> str:
        """The condition as it is written."""
        return self.condition.source

    @property
    def text(self) -> str:
        """What it asks: in words where somebody gave some, else as it is written."""
        return self.words or self.source


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the sales process, with the other names that sources use for it.

    `entry` must hold of every deal in it; `exit` must hold of every deal that went on from it to a later stage.
    """

    name: str
    closed: bool = False
    won: bool = False
    also: tuple[str, ...] = ()
    entry: tuple[Criterion, ...] = ()
    exit: tuple[Criterion, ...] = ()
    where: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """A defined term: it holds of a record when every criterion of `all` does, and one of `any` where there are some.

    `version` is the file's version and the hash of all definition files, because one may refer to another. `refers` are
    the terms it refers to, whatever their object.
    """

    name: str
    object: str
    meaning: str
    owner: str
    all: tuple[Criterion, ...]
    any: tuple[Criterion, ...]
    together: Together
    refers: frozenset[str]
    version: str
    where: str

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """Every criterion, those of `all` first; the order of the answers of `together`."""
        return (*self.all, *self.any)

    @property
    def condition(self) -> str:
        """The whole condition as one line of text."""
        every = [each.source for each in self.all]
        some = " || ".join(f"({each.source})" for each in self.any)
        return " && ".join(f"({each})" for each in [*every, *([some] if some else [])])


@dataclass(frozen=True)
class Definitions:
    """Every definition of a workspace, with the compiler of conditions for each object.

    `constants` are values that conditions may mention by their names and that are the same for every record.
    """

    stages: tuple[Stage, ...] = ()
    terms: tuple[Term, ...] = ()
    stages_version: str = ""
    survivorship: Survivorship = field(default_factory=Survivorship)
    conditions: Mapping[str, Conditions] = field(default_factory=dict[str, Conditions], repr=False, compare=False)
    constants: Mapping[str, Value] = field(default_factory=dict[str, Value])
    _stages: dict[str, Stage] = field(init=False, repr=False, compare=False, default_factory=dict[str, Stage])
    _terms: dict[str, Term] = field(init=False, repr=False, compare=False, default_factory=dict[str, Term])

    def __post_init__(self) -> None:
        self._stages.update({name.casefold(): each for each in self.stages for name in (each.name, *each.also)})
        self._terms.update({each.name: each for each in self.terms})

    def stage(self, name: str) -> Stage | None:
        """Return the stage with this name or other name, whatever its case; None for one that is not defined."""
        return self._stages.get(name.strip().casefold())

    def term(self, name: str) -> Term:
        """Return a term; raises `NotFound`."""
        found = self._terms.get(name)
        if found is None:
            raise NotFound(f"no term {name!r} is defined.", hint=f"There is: {', '.join(self._terms) or 'none yet'}.")
        return found

    def has(self, name: str) -> bool:
        """True when a term of this name is defined."""
        return name in self._terms

    def terms_of(self, object_name: str) -> list[Term]:
        """Return the terms that are judged on an object."""
        return [each for each in self.terms if each.object == object_name]

    def passed(self, stage: Stage) -> tuple[Stage, ...]:
        """Return the stages that a deal in this one has gone on from: the open ones before it; for a lost one none."""
        if stage.closed and not stage.won:
            return ()
        before = self.stages[: self.stages.index(stage)]
        return tuple(each for each in before if not each.closed)

    @property
    def closed_stages(self) -> frozenset[str]:
        """Every name of a closed stage."""
        return frozenset(name for stage in self.stages if stage.closed for name in (stage.name, *stage.also))
