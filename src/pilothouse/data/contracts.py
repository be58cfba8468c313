"""Data contracts: what an agent may read, what it may write and how sure it must be, what it may only flag.

No contract, no access (R-017): the gateway refuses an agent whose contract is not here. Who asks whether one record
is in scope asks `scope.py`; many rows are checked by `compiled_checks.py`; the files are read by `contract_reading.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias, cast

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pilothouse.data.field_checks import FieldCheck
from pilothouse.data.freshness import CountsFrom
from pilothouse.vocabulary.records import WriterKind
from pilothouse.vocabulary.values import digest

Readable: TypeAlias = frozenset[str] | Literal["*"]


PRECEDENCE = (
    WriterKind.PERSON,
    WriterKind.SYSTEM,
    WriterKind.AGENT,
    WriterKind.ENRICHMENT,
    WriterKind.IMPORT,
)
"""Whose value outranks whose, strongest first, unless a contract says otherwise."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Freshness(_Strict):
    """How old a value may be, in days, from when they count, and whether an older one is flagged or not shown at all."""

    max_age_days: int = Field(ge=1)
    older: Literal["flag", "refuse"] = "flag"
    counts_from: CountsFrom = CountsFrom.REPEATED


class ReadRule(_Strict):
    """What may be read of an object: fields, records by a condition over `record.*`, and how fresh values must be.

    A record on which the filter cannot be judged, because a value it mentions is missing, is out of scope.
    """

    fields: tuple[str, ...] | Literal["*"]
    filter: str = ""
    fresh: Mapping[str, Freshness] = {}


class FieldRule(_Strict):
    """The terms on which one field may be written.

    `min_confidence` must be exceeded, not reached, for an automatic write. `review` asks for a person always, when a
    value would be overwritten, or never; where `review_when` holds of the record, or cannot be judged, always. Where
    `when` does not hold, or cannot be judged, the field may not be written.
    """

    min_confidence: float = Field(default=0.85, ge=0, le=1)
    review: Literal["never", "overwrite", "always"] = "overwrite"
    when: str = ""
    review_when: str = ""


class Rate(_Strict):
    """The most records that an agent may be shown of a system, in one run and within a minute; None sets no limit."""

    per_run: int | None = Field(default=None, ge=1)
    per_minute: int | None = Field(default=None, ge=1)


class Contract(_Strict):
    """One contract file."""

    contract: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    version: int = Field(ge=1)
    summary: str
    read: Mapping[str, ReadRule]
    write: dict[str, dict[str, FieldRule]] = {}
    flag: dict[str, tuple[str, ...]] = {}
    precedence: tuple[WriterKind, ...] = PRECEDENCE
    rates: Mapping[str, Rate] = {}
    checks: Mapping[str, Mapping[str, FieldCheck]] = {}

    @field_validator("read", mode="before")
    @classmethod
    def _fields_alone(cls, given: object) -> object:
        """Read an object's fields alone, as a list or "*", as a rule without filter."""
        if not isinstance(given, Mapping):
            return given
        rules = cast("Mapping[str, object]", given)
        return {name: {"fields": rule} if _fields_only(rule) else rule for name, rule in rules.items()}

    @field_validator("precedence")
    @classmethod
    def _names_agents(cls, order: tuple[WriterKind, ...]) -> tuple[WriterKind, ...]:
        if WriterKind.AGENT not in order or order[0] is not WriterKind.PERSON:
            raise ValueError("precedence must begin with person and name agent")
        return order

    @property
    def label(self) -> str:
        """Name, version and content hash: which text it was."""
        return f"{self.contract}@{self.version}-{digest(self.model_dump(mode='json'))[:16]}"

    def field_rule(self, object_name: str, field: str) -> FieldRule | None:
        """Return the terms for a field; None means that it may not be written.

        A field to flag may be proposed, and a person decides every time.
        """
        if field in self.flag.get(object_name, ()):
            return FieldRule(min_confidence=0, review="always")
        return self.write.get(object_name, {}).get(field)

    def readable(self, object_name: str) -> Readable:
        """Return the readable fields of an object: "*" for all, the empty set for none."""
        rule = self.read.get(object_name)
        if rule is None:
            return frozenset()
        return "*" if rule.fields == "*" else frozenset(rule.fields)

    def filter(self, object_name: str) -> str:
        """Return the condition that a record must meet to be in scope, empty for none."""
        rule = self.read.get(object_name)
        return rule.filter if rule else ""

    def conditions(self) -> Iterator[tuple[tuple[str, ...], str, str]]:
        """Yield every condition: the keys it stands under, its object, its text."""
        for name, rule in self.read.items():
            if rule.filter:
                yield ("read", name, "filter"), name, rule.filter
        for name, fields in self.write.items():
            for field, terms in fields.items():
                for key in ("when", "review_when"):
                    if getattr(terms, key):
                        yield ("write", name, field, key), name, getattr(terms, key)

    def fields_named(self) -> Iterator[tuple[tuple[str, ...], str, str]]:
        """Yield every place where an object, or a field of it, is named: keys, object, field (empty for the object)."""
        for section in ("read", "write", "flag", "checks"):
            for name, content in getattr(self, section).items():
                yield (section, name), name, ""
                fields = content.fields if isinstance(content, ReadRule) else content
                for field in () if fields == "*" else fields:
                    yield (section, name, field), name, field
        for name, rule in self.read.items():
            for field in rule.fresh:
                yield ("read", name, "fresh", field), name, field


def _fields_only(rule: object) -> bool:
    return isinstance(rule, str | list | tuple)
