"""`definitions/survivorship.yaml`: whose value counts when sources differ, and for how long a value is good."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pilothouse.data.contracts import PRECEDENCE
from pilothouse.data.freshness import CountsFrom, GoodFor, Schedule
from pilothouse.data.schema import OBJECTS
from pilothouse.vocabulary.documents import Document, DocumentError, load_document
from pilothouse.vocabulary.records import WriterKind

FILE = "survivorship.yaml"
EVERY = "*"
"""Stands for every field of an object that has no rule of its own."""


class SurvivorRule(BaseModel):
    """How the value of one field is chosen.

    `writers` is the order of hands, strongest first; kinds left out rank last, all alike. `systems` is the order of
    sources among values of equally strong hands; systems left out rank last, all alike. Then the newer value counts.
    `counts_from` says what the days of `max_age_days` count from: when the value was told, or last repeated.
    `always_wins` is a value that counts whoever wrote it, such as a consent withdrawn anywhere.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    writers: tuple[WriterKind, ...] | None = None
    systems: tuple[str, ...] = ()
    max_age_days: int | None = Field(default=None, ge=1, le=36_500)
    counts_from: CountsFrom | None = None
    always_wins: str | bool | None = None

    @field_validator("writers")
    @classmethod
    def _people_first(cls, order: tuple[WriterKind, ...] | None) -> tuple[WriterKind, ...] | None:
        if order is not None and (not order or order[0] is not WriterKind.PERSON):
            raise ValueError("writers must begin with person: a person's value outranks every other")
        return order

    @field_validator("writers", "systems")
    @classmethod
    def _once(cls, order: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if order is not None and len(set(order)) < len(order):
            raise ValueError("the same one stands twice")
        return order


class Survivorship(BaseModel):
    """The file: a default order of hands, and rules by object and field (`*`: every other field of the object)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = Field(default=1, ge=1)
    writers: tuple[WriterKind, ...] = PRECEDENCE
    counts_from: CountsFrom = CountsFrom.REPEATED
    objects: Mapping[str, Mapping[str, SurvivorRule]] = {}

    @field_validator("writers")
    @classmethod
    def _people_first(cls, order: tuple[WriterKind, ...]) -> tuple[WriterKind, ...]:
        if sorted(order) != sorted(WriterKind) or order[0] is not WriterKind.PERSON:
            raise ValueError(f"writers must begin with person and name each once: {', '.join(sorted(WriterKind))}")
        return order

    def rule(self, object_name: str, field: str) -> SurvivorRule:
        """Return the rule for a field: its own, else the object's for every field, else none but the default order."""
        rules = self.objects.get(object_name, {})
        return rules.get(field) or rules.get(EVERY) or SurvivorRule()

    def order(self, object_name: str, field: str) -> tuple[WriterKind, ...]:
        """Return the order of hands for a field, strongest first."""
        return self.rule(object_name, field).writers or self.writers

    @cached_property
    def schedule(self) -> Schedule:
        """For how long the values of each field are good, by object and field."""
        return {
            name: {
                field: GoodFor(most, self.rule(name, field).counts_from or self.counts_from)
                for field in OBJECTS[name].fields
                if (most := self.rule(name, field).max_age_days) is not None
            }
            for name in self.objects
        }


def load_survivorship(folder: Path) -> Survivorship:
    """Read the file of a definitions folder, the defaults where there is none; raises `DocumentError` with its line."""
    path = folder / FILE
    if not path.exists():
        return Survivorship()
    document = load_document(path, Survivorship)
    _check(document)
    return document.model


def _check(document: Document[Survivorship]) -> None:
    for name, rules in document.model.objects.items():
        spec = OBJECTS.get(name)
        if spec is None:
            raise document.error(f"{name!r} is no object; known: {', '.join(OBJECTS)}", "objects", name)
        for field in rules:
            if field != EVERY and field not in spec.fields:
                raise document.error(f"{name} has no field {field!r}", "objects", name, field)


__all__ = ["DocumentError", "SurvivorRule", "Survivorship", "load_survivorship"]
