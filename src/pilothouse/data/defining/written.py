"""The shapes of the files under `definitions/` and `definitions/cases/`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, field_validator


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PartFile(_Strict):
    """One criterion: a condition, and what it asks in words. Written as text alone it has no words of its own."""

    when: str = Field(min_length=1)
    words: str = ""


def parts(given: object) -> object:
    """Read each criterion that is text (or a bare true or false) as a condition without words."""
    if not isinstance(given, list | tuple):
        return given
    return [{"when": _text(each)} if isinstance(each, str | bool) else each for each in cast("list[object]", given)]


def _text(given: str | bool) -> str:
    return str(given).lower() if isinstance(given, bool) else given


class StageFile(_Strict):
    """A stage of the sales process, with the other names that sources use for it.

    `entry` must hold of every deal in it; `exit` must hold of every deal that went on from it to a later stage.
    """

    name: str = Field(min_length=1)
    closed: bool = False
    won: bool = False
    also: tuple[str, ...] = ()
    entry: tuple[PartFile, ...] = ()
    exit: tuple[PartFile, ...] = ()

    _read = field_validator("entry", "exit", mode="before")(parts)


class TermFile(_Strict):
    """A defined term. It holds of a record when every criterion of `all` does, and one of `any` where there are some."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{1,60}$")
    object: str
    meaning: str = Field(min_length=8)
    owner: str = Field(min_length=1)
    all: tuple[PartFile, ...] = ()
    any: tuple[PartFile, ...] = ()

    _read = field_validator("all", "any", mode="before")(parts)


class DefinitionsFile(_Strict):
    """One file under `definitions/`."""

    version: int = Field(ge=1)
    stages: tuple[StageFile, ...] = ()
    terms: tuple[TermFile, ...] = ()


WANTED = {True: "yes", False: "no"}


class GivenFile(_Strict):
    """A record that a case is about, and what else is known.

    `facts` stand in for what would be worked out from other records; `related` holds, by reference field, the record it
    points at.
    """

    title: str
    record: Mapping[str, Any]
    facts: Mapping[str, bool | int | float | str] = {}
    related: Mapping[str, Mapping[str, Any]] = {}
    as_of: date = date(2026, 1, 15)


class CaseFile(GivenFile):
    """A golden case and the answer that is wanted. Without `term` it asks whether the deal agrees with its stage."""

    term: str | None = None
    want: Literal["yes", "no", "cannot tell"]
    missing: tuple[str, ...] | None = None

    @field_validator("want", mode="before")
    @classmethod
    def _spoken(cls, given: object) -> object:
        """YAML reads a bare yes or no as a boolean."""
        return WANTED[given] if isinstance(given, bool) else given


class CasesFile(_Strict):
    """One file under `definitions/cases/`."""

    cases: tuple[CaseFile, ...]
