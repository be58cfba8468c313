"""What a source says again: which values a file repeated, and how far they were repeated by a moment in the past.

A value that is repeated keeps the date on which it was told; the date of the last repeat stands beside it. What must never
happen here: a repeat of a value that is not the present one; a date later than the export that was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from pilothouse.ledger.entries import Draft
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.records import FieldValue, RecordRef, is_empty
from pilothouse.vocabulary.values import Json, canonical

REPEATED = "import.repeated"
MOST_RECORDS = 10_000
"""Records that one entry names at most."""


@dataclass
class Repeats:
    """Collects what the rows of one file say that is now the present value, new or not."""

    _said: dict[tuple[str, tuple[str, ...]], dict[str, datetime]] = field(
        default_factory=dict[tuple[str, tuple[str, ...]], dict[str, datetime]]
    )

    def note(self, ref: RecordRef, fields: Mapping[str, Json], at: datetime, known: Mapping[str, FieldValue]) -> None:
        """Take in what a row told, given what was known of the record just before it was written down."""
        said: dict[str, datetime] = {}
        for name, value in fields.items():
            present = known.get(name)
            if is_empty(value):
                continue
            if present is None:
                said[name] = at
            elif canonical(present.value) == canonical(value):
                said[name] = present.last_said
            elif at >= present.at:
                said[name] = at
        if said:
            self._said.setdefault((ref.object, tuple(sorted(said))), {})[ref.id] = min(said.values())

    def drafts(self, system: str, file: str, as_of: datetime, actor: Actor) -> Iterator[Draft]:
        """Yield the entries for what was last said before `as_of`, when the export was made; none when that is nothing.

        Each holds up to 10,000 records of one object that repeat the same fields.
        """
        for (object_name, names), said in sorted(self._said.items()):
            ids = iter(sorted(ident for ident, last in said.items() if last < as_of))
            while part := list(islice(ids, MOST_RECORDS)):
                head: dict[str, Json] = {"system": system, "object": object_name, "file": file, "as_of": stamp(as_of)}
                body: dict[str, Json] = {**head, "fields": list(names), "ids": list(part)}
                yield Draft(REPEATED, actor, body, subject=f"system/{system}")


@dataclass(frozen=True, slots=True)
class Repeat:
    """One entry's word on one record: these fields were said again as of then."""

    position: int
    as_of: datetime
    fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class Told:
    """One entry's word on one field: a value, since when it stands there, and whether the field has none from then on."""

    position: int
    field: str
    value: FieldValue
    since: datetime
    gone: bool = False


def as_it_stood(told: Iterable[Told], repeats: Sequence[Repeat], moment: datetime) -> dict[str, FieldValue]:
    """Return a record's fields as they stood at a moment: what the tables would hold of what was there by then.

    `told` is the whole history by field, in any order. A repeat counts only where the value that stood then is the one
    that was repeated, and not an older one.
    """
    by_field: dict[str, list[Told]] = {}
    for each in told:
        by_field.setdefault(each.field, []).append(each)
    found = {name: _stood(name, values, repeats, moment) for name, values in by_field.items()}
    return {name: value for name, value in found.items() if value is not None}


def _stood(name: str, values: Sequence[Told], repeats: Sequence[Repeat], moment: datetime) -> FieldValue | None:
    mine = [each for each in repeats if name in each.fields and each.as_of <= moment]
    then: FieldValue | None = None
    present: FieldValue | None = None
    for each in sorted((*values, *mine), key=lambda each: each.position):
        if isinstance(each, Told):
            present = _next(present, each)
            then = _next(then, each) if each.since <= moment else then
        elif then is not None and present is not None and then.position == present.position and then.at < each.as_of:
            then = replace(then, repeated_at=max(each.as_of, then.last_said))
    return then


def _next(present: FieldValue | None, told: Told) -> FieldValue | None:
    value = told.value
    if told.gone:
        return None
    if present is None:
        return value
    put_back = told.since != value.at
    if value.at < present.at and not put_back:
        return present
    again = canonical(present.value) == canonical(value.value)
    return replace(value, repeated_at=present.repeated_at) if again else value
