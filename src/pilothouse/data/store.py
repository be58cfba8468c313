"""Records as every source tells them, drawn from `record.observed` and `action.executed` entries.

`observe` is idempotent: what is already known appends nothing, a difference appends what changed and nothing else. An
observation older than the value it would replace goes into the history and leaves the present alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby, islice
from typing import Any

from sqlalchemy import select

from pilothouse.data.projection import field_history, field_values, record_repeats
from pilothouse.data.repeating import Repeat, Repeats, Told, as_it_stood
from pilothouse.data.schema import is_personal
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.ledger.statements import Statement, given
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.clock import stamp, unstamp
from pilothouse.vocabulary.records import FieldValue, RecordRef, WriterKind, merged_into
from pilothouse.vocabulary.values import Json, JsonObject, canonical, parse_json

_FIELD = Statement(
    select(field_values).where(
        field_values.c.system == given("system"),
        field_values.c.object == given("object"),
        field_values.c.record_id == given("record"),
        field_values.c.field == given("field"),
    )
)


@dataclass(frozen=True, slots=True)
class Observation:
    """What a source says about one record: values, when they were true, and who or what wrote them there.

    `confirms` is for a source that was asked: a value it tells again is as old as its last word, not as its first.
    """

    ref: RecordRef
    fields: Mapping[str, Json]
    at: datetime
    writer_kind: WriterKind
    writer: str
    source_file: str = ""
    line: int = 0
    confirms: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """A record with its values and their provenance."""

    ref: RecordRef
    fields: Mapping[str, FieldValue]

    def value(self, name: str) -> Json:
        """Return a field's value, None when there is none."""
        found = self.fields.get(name)
        return found.value if found else None

    @property
    def merged_into(self) -> str:
        """The id of the record that this one went into, empty when it stands for itself."""
        return merged_into(self.value("flags"))

    def text(self, name: str) -> str:
        """Return a field's value as text without outer white space, the empty string when there is none."""
        value = self.value(name)
        return "" if value is None else str(value).strip()


class DataStore:
    """Writes observations, reads records."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def observe(
        self, observations: Iterable[Observation], actor: Actor, batch: int = 500, repeats: Repeats | None = None
    ) -> tuple[int, int]:
        """Take in observations; returns how many records were new or changed, and how many said nothing new.

        `repeats` is told what each of them says that is the present value from here on.
        """
        changed = unchanged = 0
        queue = iter(observations)
        while page := list(islice(queue, batch)):
            for part in _without_repeats(page):
                known = self._known([each.ref for each in part])
                drafts = self._drafts(part, known, actor)
                self._ledger.append(drafts)
                if repeats is not None:
                    for each in part:
                        repeats.note(each.ref, each.fields, each.at, known.get(each.ref, {}))
                changed += len(drafts)
                unchanged += len(part) - len(drafts)
        return changed, unchanged

    def drafts(self, page: Sequence[Observation], actor: Actor) -> list[Draft]:
        """Return the entries that observations call for, for a caller that appends them together with its own.

        No field of a record may stand in the page twice.
        """
        return self._drafts(page, self._known([each.ref for each in page]), actor)

    def _drafts(
        self, page: Sequence[Observation], known: Mapping[RecordRef, Mapping[str, FieldValue]], actor: Actor
    ) -> list[Draft]:
        past = self._past(page, known)
        drafts = [_draft(each, known.get(each.ref, {}), past, actor) for each in page]
        return [draft for draft in drafts if draft is not None]

    def _known(self, refs: Sequence[RecordRef]) -> dict[RecordRef, dict[str, FieldValue]]:
        found: dict[RecordRef, dict[str, FieldValue]] = {}
        for system, object_name, ids in _by_object(refs):
            query = select(field_values).where(
                field_values.c.system == system,
                field_values.c.object == object_name,
                field_values.c.record_id.in_(ids),
            )
            with self._ledger.engine.connect() as connection:
                for row in connection.execute(query):
                    found.setdefault(_ref(row), {})[row.field] = value_of(row)
        return found

    def _past(
        self, page: Sequence[Observation], known: Mapping[RecordRef, Mapping[str, FieldValue]]
    ) -> set[tuple[RecordRef, str, str]]:
        """Return (record, field, time) of history already taken in, for observations older than the present."""
        late = [
            each.ref
            for each in page
            if any(name in known.get(each.ref, {}) and known[each.ref][name].at > each.at for name in each.fields)
        ]
        seen: set[tuple[RecordRef, str, str]] = set()
        for system, object_name, ids in _by_object(late):
            history = field_history.c
            query = select(history.system, history.object, history.record_id, history.field, history.at).where(
                history.system == system, history.object == object_name, history.record_id.in_(ids)
            )
            with self._ledger.engine.connect() as connection:
                seen.update((_ref(row), row.field, row.at) for row in connection.execute(query).all())
        return seen

    def field(self, ref: RecordRef, name: str) -> FieldValue | None:
        """Return the present value of one field with its provenance, or None."""
        with self._ledger.reading() as connection:
            row = _FIELD.first(connection, system=ref.system, object=ref.object, record=ref.id, field=name)
        return value_of(row) if row is not None else None

    def title(self, ref: RecordRef) -> str:
        """Return what people call a record: its name, else its address or subject, else its object and id."""
        for name in ("name", "email", "subject"):
            found = self.field(ref, name)
            if found is not None and str(found.value or "").strip():
                return str(found.value).strip()
        return f"{ref.object} {ref.id}".strip()

    def record(self, ref: RecordRef) -> Record | None:
        """Return a record, or None when no source told of it."""
        fields = self._known([ref]).get(ref)
        return Record(ref, fields) if fields else None

    def record_at(self, ref: RecordRef, moment: datetime) -> Record | None:
        """Return a record as it stood at a moment, by the dates its sources gave; None when none told of it by then."""
        told, again = field_history.c, record_repeats.c
        with self._ledger.engine.connect() as connection:
            history = select(field_history).where(
                told.system == ref.system, told.object == ref.object, told.record_id == ref.id
            )
            values = [_told(row) for row in connection.execute(history)]
            said = select(record_repeats).where(
                again.system == ref.system, again.object == ref.object, again.record_id == ref.id
            )
            repeats = [_repeat(row) for row in connection.execute(said)]
        fields = as_it_stood(values, repeats, moment)
        return Record(ref, fields) if fields else None

    def some(self, refs: Collection[RecordRef]) -> Iterator[Record]:
        """Yield the records with these names that any source told of, by name."""
        ordered = sorted(set(refs))
        for start in range(0, len(ordered), 500):
            found = self._known(ordered[start : start + 500])
            yield from (Record(ref, fields) for ref, fields in sorted(found.items(), key=lambda each: each[0]))

    def pointing(self, object_name: str, name: str, to: Collection[RecordRef]) -> Iterator[RecordRef]:
        """Yield the records of an object whose field names one of these records of the same system."""
        for system, _, ids in _by_object(to):
            query = select(field_values).where(
                field_values.c.system == system,
                field_values.c.object == object_name,
                field_values.c.field == name,
                field_values.c.value.in_([canonical(each) for each in ids]),
            )
            with self._ledger.engine.connect() as connection:
                yield from [_ref(row) for row in connection.execute(query)]

    def records(self, object_name: str, system: str | None = None, *, besides: str | None = None) -> Iterator[Record]:
        """Yield every record of an object, by system and id; of one system only, or of all but one."""
        columns = field_values.c
        query = select(field_values).where(columns.object == object_name).order_by(columns.system, columns.record_id)
        if system is not None:
            query = query.where(columns.system == system)
        if besides is not None:
            query = query.where(columns.system != besides)
        with self._ledger.engine.connect() as connection:
            rows = connection.execute(query).yield_per(5000)
            for ref, group in groupby(rows, key=_ref):
                yield Record(ref, {row.field: value_of(row) for row in group})

    def living(self, object_name: str, system: str | None = None, *, besides: str | None = None) -> Iterator[Record]:
        """Yield records as `records` does, without those that went into another: these stand for their history only."""
        return (each for each in self.records(object_name, system, besides=besides) if not each.merged_into)

    def history(self, ref: RecordRef, name: str) -> list[FieldValue]:
        """Return every value a field is known to have had, oldest first."""
        columns = field_history.c
        query = (
            select(field_history)
            .where(columns.system == ref.system, columns.object == ref.object, columns.record_id == ref.id)
            .where(columns.field == name)
            .order_by(columns.since, columns.position)
        )
        with self._ledger.engine.connect() as connection:
            return [value_of(row) for row in connection.execute(query)]

    def histories(self, object_name: str, name: str, system: str) -> dict[str, list[FieldValue]]:
        """Return every value a field of an object's records is known to have had, oldest first, by the record's id.

        Each is dated to when it came to stand there.
        """
        columns = field_history.c
        query = (
            select(field_history)
            .where(columns.system == system, columns.object == object_name, columns.field == name)
            .order_by(columns.record_id, columns.since, columns.position)
        )
        found: dict[str, list[FieldValue]] = {}
        with self._ledger.engine.connect() as connection:
            for row in connection.execute(query).yield_per(5000):
                found.setdefault(row.record_id, []).append(moved(row))
        return found

    def systems(self) -> list[str]:
        """Return the systems that any record is known of, in order."""
        query = select(field_values.c.system).distinct().order_by(field_values.c.system)
        with self._ledger.engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def newest(self) -> datetime | None:
        """Return the latest moment any source told of, or None when nothing is known."""
        query = select(field_values.c.at).order_by(field_values.c.at.desc()).limit(1)
        with self._ledger.engine.connect() as connection:
            text = connection.execute(query).scalar_one_or_none()
        return unstamp(text) if text else None


def _draft(
    seen: Observation,
    known: Mapping[str, FieldValue],
    past: set[tuple[RecordRef, str, str]],
    actor: Actor,
) -> Draft | None:
    news: dict[str, Json] = {}
    before: dict[str, Json] = {}
    for name, value in seen.fields.items():
        present = known.get(name)
        again = present is not None and canonical(present.value) == canonical(value)
        if present is not None and again and not (seen.confirms and seen.at > present.at):
            continue
        if present is None and value is None:
            continue
        if present is not None and present.at > seen.at and (seen.ref, name, stamp(seen.at)) in past:
            continue
        news[name], before[name] = value, present.value if present else None
    if not news:
        return None
    values: JsonObject = {"fields": news, "before": before}
    head: JsonObject = {
        "at": stamp(seen.at),
        "writer_kind": seen.writer_kind.value,
        "writer": seen.writer,
        "file": seen.source_file,
        "line": seen.line,
        "names": sorted(news),
    }
    subject = str(seen.ref)
    if is_personal(seen.ref.object):
        return Draft("record.observed", actor, head, values, subject, subject=subject)
    return Draft("record.observed", actor, {**head, **values}, subject=subject)


def _without_repeats(page: Sequence[Observation]) -> Iterator[list[Observation]]:
    """Split a page so that no part tells of the same record twice: each part is compared with what came before it."""
    part: list[Observation] = []
    seen: set[RecordRef] = set()
    for each in page:
        if each.ref in seen:
            yield part
            part, seen = [], set()
        part.append(each)
        seen.add(each.ref)
    if part:
        yield part


def _by_object(refs: Iterable[RecordRef]) -> Iterator[tuple[str, str, list[str]]]:
    for (system, object_name), group in groupby(sorted(set(refs)), key=lambda ref: (ref.system, ref.object)):
        ids = [ref.id for ref in group]
        for start in range(0, len(ids), 500):
            yield system, object_name, ids[start : start + 500]


def _ref(row: Any) -> RecordRef:
    return RecordRef(row.system, row.object, row.record_id)


def moved(row: Any) -> FieldValue:
    """Return the value that a row of the history holds, dated to when it came to stand there."""
    return replace(value_of(row), at=unstamp(row.since))


def _told(row: Any) -> Told:
    return Told(row.position, row.field, value_of(row), unstamp(row.since), bool(row.gone))


def _repeat(row: Any) -> Repeat:
    return Repeat(row.position, unstamp(row.as_of), frozenset(parse_json(row.fields)))  # type: ignore[arg-type]


def value_of(row: Any) -> FieldValue:
    """Return the value that a row of either table of values holds; the history does not tell of repeats."""
    told, again = unstamp(row.at), getattr(row, "repeated_at", None)
    kind = WriterKind(row.writer_kind)
    return FieldValue(
        parse_json(row.value), row.system, told, kind, row.writer, row.position, unstamp(again) if again else None
    )
