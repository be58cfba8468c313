"""The terms the company uses, as files: stages with their order, words that all share, and how old values may grow."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from pilothouse.data.golden.survivorship import FILE as SURVIVORSHIP
from pilothouse.data.golden.survivorship import Survivorship, load_survivorship
from pilothouse.vocabulary.documents import DocumentError, load_document


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


class DefinitionsFile(BaseModel):
    """One file under `definitions/`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = Field(ge=1)
    stages: tuple[Stage, ...] = ()
    terms: tuple[Term, ...] = ()


class Definitions:
    """Every definition of a workspace."""

    def __init__(
        self,
        stages: tuple[Stage, ...] = (),
        terms: tuple[Term, ...] = (),
        survivorship: Survivorship | None = None,
    ) -> None:
        self.stages, self.terms = stages, terms
        self.survivorship = survivorship or Survivorship()
        self._by_name = {name.casefold(): stage for stage in stages for name in (stage.name, *stage.also)}

    def stage(self, name: str) -> Stage | None:
        """Return the stage with this name or other name, whatever its case; None for one that is not defined."""
        return self._by_name.get(name.strip().casefold())

    @property
    def closed_stages(self) -> frozenset[str]:
        """Every name of a closed stage."""
        return frozenset(name for stage in self.stages if stage.closed for name in (stage.name, *stage.also))


def load_definitions(folder: Path) -> Definitions:
    """Read every definitions file; raises `DocumentError`, also for a stage name that stands twice."""
    stages: list[Stage] = []
    terms: list[Term] = []
    seen: set[str] = set()
    for path in sorted(each for each in folder.glob("*.yaml") if each.name != SURVIVORSHIP):
        document = load_document(path, DefinitionsFile)
        for index, stage in enumerate(document.model.stages):
            for name in (stage.name, *stage.also):
                if name.casefold() in seen:
                    raise document.error(f"the stage name {name!r} stands twice", "stages", index)
                seen.add(name.casefold())
        stages += document.model.stages
        terms += document.model.terms
    return Definitions(tuple(stages), tuple(terms), load_survivorship(folder))


__all__ = ["Definitions", "DocumentError", "Stage", "Term", "load_definitions"]
