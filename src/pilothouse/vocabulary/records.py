"""Records in systems of record: how one is named, what a snapshot of it holds, what changed in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.values import Json, canonical


@dataclass(frozen=True, slots=True, order=True)
class RecordRef:
    """A record by system, object and the system's own identifier: `crm/account/001`.

    `id` is empty for a record that does not exist yet (the target of a create).
    """

    system: str
    object: str
    id: str

    def __str__(self) -> str:
        return f"{self.system}/{self.object}/{self.id}"

    @classmethod
    def parse(cls, text: str) -> RecordRef:
        """Read `system/object/id`; the id may itself contain slashes."""
        parts = text.split("/", 2)
        if len(parts) != 3 or not parts[0] or not parts[1]:
            raise ValueError(f"{text!r} does not name a record; write it as system/object/id")
        return cls(*parts)


class WriterKind(StrEnum):
    """What kind of hand wrote a value last. A person's value outranks every other (X-09)."""

    PERSON = "person"
    AGENT = "agent"
    ENRICHMENT = "enrichment"
    IMPORT = "import"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class FieldValue:
    """One value of one field, with its source, its time and who or what wrote it."""

    value: Json
    system: str
    at: datetime
    writer_kind: WriterKind
    writer: str
    position: int | None = None
    """Ledger position of the entry it was drawn from; None before it is recorded."""
    repeated_at: datetime | None = None
    """When its source last said it again without telling it anew: the day of an export that still holds it."""

    @property
    def last_said(self) -> datetime:
        """When its source last said it: told it, or repeated it since."""
        return self.at if self.repeated_at is None else max(self.at, self.repeated_at)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A record as a system of record showed it at one moment."""

    ref: RecordRef
    version: int
    fields: Mapping[str, Json]
    writers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Per field, the system's own name of who wrote it last, where the system tells."""
    stale_days: Mapping[str, int] = field(default_factory=dict[str, int])
    """Per field that is older than the reader's contract asks for, its age in days."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """What an action would do to one field, and who stands behind the value it replaces."""

    field: str
    before: Json
    after: Json
    last_writer_kind: WriterKind | None = None
    last_writer: str = ""
    last_written_at: datetime | None = None

    @property
    def fills_empty(self) -> bool:
        """True when there was no value: null or blank text."""
        return is_empty(self.before)


def is_empty(value: Json) -> bool:
    """True for null and for text of white space only; 0 and false are values."""
    return value is None or (isinstance(value, str) and not value.strip())


def same_value(left: Json, right: Json) -> bool:
    """True when two values are equal for a record; null and blank text are the same absence."""
    if is_empty(left) and is_empty(right):
        return True
    if isinstance(left, int | float) and isinstance(right, int | float):
        return isinstance(left, bool) == isinstance(right, bool) and left == right
    return canonical(left) == canonical(right)


MERGED = "merged into "
"""How the flags of a record begin that went into another of its object; the other's id follows."""


def merged_into(flags: Json) -> str:
    """Return the id of the record that one with these flags went into, empty when it went into none."""
    text = str(flags or "")
    return text.removeprefix(MERGED) if text.startswith(MERGED) else ""


def change_to_json(change: FieldChange) -> dict[str, Json]:
    """Return a change as it stands in an entry."""
    return {
        "field": change.field,
        "before": change.before,
        "after": change.after,
        "last_writer_kind": change.last_writer_kind.value if change.last_writer_kind else None,
        "last_writer": change.last_writer,
        "last_written_at": stamp(change.last_written_at) if change.last_written_at else None,
    }
