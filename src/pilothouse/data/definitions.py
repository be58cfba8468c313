"""The terms the company uses, as files: stages with their order, words that all share, and how old values may grow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from pilothouse.data.freshness import Schedule
from pilothouse.data.schema import field_spec
from pilothouse.vocabulary.documents import Document, DocumentError, load_document


class Stage(BaseModel):
    """A stage of the sales process, with the other names that sources use for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    closed: bool = False
    won: bool = False
    also: tuple[str, ...] = ()
    exit_criteria: str = ""


class Term(BaseModel):
    """A defined term: what it means in words, and on which object it is judged."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    object: str
    meaning: str


Days = Annotated[int, Field(ge=1, le=36_500)]


class DefinitionsFile(BaseModel):
    """One file under `definitions/`. `freshness` gives the greatest age of values in days, by object and field."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = Field(ge=1)
    stages: tuple[Stage, ...] = ()
    terms: tuple[Term, ...] = ()
    freshness: dict[str, dict[str, Days]] = {}


class Definitions:
    """Every definition of a workspace."""

    def __init__(
        self, stages: tuple[Stage, ...] = (), terms: tuple[Term, ...] = (), schedule: Schedule | None = None
    ) -> None:
        self.stages, self.terms = stages, terms
        self.schedule = schedule or Schedule({})
        self._by_name = {name.casefold(): stage for stage in stages for name in (stage.name, *stage.also)}

    def stage(self, name: str) -> Stage | None:
        """Return the stage with this name or other name, whatever its case; None for one that is not defined."""
        return self._by_name.get(name.strip().casefold())

    @property
    def closed_stages(self) -> frozenset[str]:
        """Every name of a closed stage."""
        return frozenset(name for stage in self.stages if stage.closed for name in (stage.name, *stage.also))


def load_definitions(folder: Path) -> Definitions:
    """Read every definitions file; raises `DocumentError`, also for a stage name or a freshness rule that stands twice."""
    stages: list[Stage] = []
    terms: list[Term] = []
    rules: dict[str, dict[str, int]] = {}
    seen: set[str] = set()
    for path in sorted(folder.glob("*.yaml")):
        document = load_document(path, DefinitionsFile)
        for index, stage in enumerate(document.model.stages):
            for name in (stage.name, *stage.also):
                if name.casefold() in seen:
                    raise document.error(f"the stage name {name!r} stands twice", "stages", index)
                seen.add(name.casefold())
        stages += document.model.stages
        terms += document.model.terms
        _add_freshness(document, rules)
    return Definitions(tuple(stages), tuple(terms), Schedule(rules))


def _add_freshness(document: Document[DefinitionsFile], rules: dict[str, dict[str, int]]) -> None:
    for object_name, fields in document.model.freshness.items():
        for field, days in fields.items():
            if field_spec(object_name, field) is None:
                raise document.error(f"{object_name} has no field {field!r}", "freshness", object_name, field)
            if field in rules.setdefault(object_name, {}):
                raise document.error(
                    f"{object_name}.{field} has a greatest age already", "freshness", object_name, field
                )
            rules[object_name][field] = days


__all__ = ["Definitions", "DocumentError", "Stage", "Term", "load_definitions"]
