"""The tables of values, of their history and of what was said again, drawn from the ledger.

A value has the date of the word it rests on (`at`) and the moment it came to stand there (`since`). They differ where a
value was put back: it is as old as it was before, and it stands there whatever was written in between. `gone` marks the
moment a field went back to having no value at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import groupby
from typing import Any

from sqlalchemy import Column, Connection, Integer, Table, Text, case, delete, insert, null, or_, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.sql.base import Executable

from pilothouse.data.repeating import REPEATED
from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Entry
from pilothouse.ledger.statements import Statement, given
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.records import RecordRef, WriterKind
from pilothouse.vocabulary.values import canonical

KEY = ("system", "object", "record_id", "field")
TOLD = ("value", "at", "writer_kind", "writer", "position")


def _columns() -> list[Column[Any]]:
    return [Column(name, Text, nullable=False) for name in ("value", "at", "writer_kind", "writer")]


field_values = Table(
    "field_values",
    metadata,
    *(Column(name, Text, primary_key=True) for name in KEY),
    *_columns(),
    Column("position", Integer, nullable=False),
    Column("repeated_at", Text),
)
field_history = Table(
    "field_history",
    metadata,
    *(Column(name, Text, primary_key=True) for name in KEY),
    Column("position", Integer, primary_key=True, autoincrement=False),
    *_columns(),
    Column("since", Text, nullable=False),
    Column("gone", Integer, nullable=False),
)
record_repeats = Table(
    "record_repeats",
    metadata,
    *(Column(name, Text, primary_key=True) for name in KEY[:3]),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("as_of", Text, nullable=False),
    Column("fields", Text, nullable=False),
)


def _renewing(dialect: str, *, whatever_stands: bool = False) -> Executable:
    upsert = (sqlite_insert if dialect == "sqlite" else postgres_insert)(field_values)
    again = field_values.c.value == upsert.excluded.value
    told = {name: upsert.excluded[name] for name in TOLD}
    return upsert.on_conflict_do_update(
        index_elements=list(KEY),
        set_={**told, "repeated_at": case((again, field_values.c.repeated_at), else_=null())},
        where=None if whatever_stands else field_values.c.at <= upsert.excluded.at,
    )


_REMEMBER = Statement(insert(field_history), field_history.columns.keys())
_RENEW = Statement(_renewing, (*KEY, *TOLD))
_PUT_BACK = Statement(partial(_renewing, whatever_stands=True), (*KEY, *TOLD))
_TAKE_AWAY = Statement(delete(field_values).where(*(field_values.c[name] == given(name) for name in KEY)))
_AGAIN = Statement(insert(record_repeats), record_repeats.columns.keys())


class RecordProjector:
    """Follows what sources told and repeated, and what the gateway wrote."""

    name = "records"
    kinds = frozenset({"record.observed", "action.executed", REPEATED})
    tables = (field_values, field_history, record_repeats)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Add to the history; replace the present where the news is not older than it; renew what was said again."""
        for repeated, group in groupby(entries, key=lambda entry: entry.kind == REPEATED):
            if repeated:
                for entry in group:
                    _repeat(connection, entry)
                continue
            rows = [row for entry in group for row in rows_of(entry)]
            for start in range(0, len(rows), 5000):
                self._store(connection, rows[start : start + 5000])

    def _store(self, connection: Connection, rows: list[dict[str, Any]]) -> None:
        _REMEMBER.run_many(connection, rows)
        for how, group in groupby(rows, key=_how):
            how.run_many(connection, list(group))


def _how(row: dict[str, Any]) -> Statement:
    if row["gone"]:
        return _TAKE_AWAY
    return _PUT_BACK if row["since"] != row["at"] else _RENEW


def standing(rows: Iterable[Any]) -> list[Any]:
    """Return, of rows of the history in order of position, the one that stands for each field of each record.

    It is what `field_values` would hold had these rows been all: for asking how a record stood once.
    """
    found: dict[tuple[str, ...], Any] = {}
    for row in rows:
        key = (row.system, row.object, row.record_id, row.field)
        if row.gone:
            found.pop(key, None)
        elif key not in found or row.since != row.at or found[key].at <= row.at:
            found[key] = row
    return list(found.values())


def _repeat(connection: Connection, entry: Entry) -> None:
    body: dict[str, Any] = dict(entry.body)
    ids, names, as_of = body["ids"], body["fields"], body["as_of"]
    told = {key: body[key] for key in ("system", "object", "as_of")}
    row = {**told, "position": entry.position, "fields": canonical(names)}
    _AGAIN.run_many(connection, [{**row, "record_id": each} for each in ids])
    columns = field_values.c
    renew = (
        update(field_values)
        .where(columns.system == body["system"], columns.object == body["object"], columns.field.in_(names))
        .where(columns.at < as_of, or_(columns.repeated_at.is_(None), columns.repeated_at < as_of))
        .values(repeated_at=as_of)
    )
    for start in range(0, len(ids), 500):
        connection.execute(renew.where(columns.record_id.in_(ids[start : start + 500])))


def rows_of(entry: Entry) -> list[dict[str, Any]]:
    """Return what an entry tells, one row a field, as the tables hold it."""
    return _observed(entry) if entry.kind == "record.observed" else _executed(entry)


def _observed(entry: Entry) -> list[dict[str, Any]]:
    fields: dict[str, Any] = entry.value("fields") or dict.fromkeys(entry.body["names"])
    ref = RecordRef.parse(entry.subject)
    told = {key: entry.body[key] for key in ("at", "writer_kind", "writer")}
    return [_row(ref, name, value, told, entry.position) for name, value in fields.items()]


def _executed(entry: Entry) -> list[dict[str, Any]]:
    created = entry.body.get("created")
    ref = RecordRef.parse(created or entry.subject)
    after: dict[str, Any] = entry.value("after") or dict.fromkeys(entry.body["fields"])
    # A value that a reviewer put in place of the agent's is the reviewer's.
    chosen_by, agent = entry.body.get("edited_by", ""), entry.actor.agent
    kind = WriterKind.AGENT if agent and not chosen_by else WriterKind.PERSON
    now = stamp(entry.at)
    told = {"at": now, "writer_kind": kind.value, "writer": chosen_by or str(agent or entry.actor.person)}
    # What was put back is the word of whoever wrote it before, if the record shows it as it was asked for.
    restored: dict[str, Any] = (entry.body.get("restored") or {}) if entry.body.get("verified") else {}
    return [
        _row(
            ref,
            name,
            value,
            restored.get(name) or told,
            entry.position,
            since=now,
            gone=restored.get(name, told) is None,
        )
        for name, value in after.items()
    ]


def _row(
    ref: RecordRef,
    name: str,
    value: Any,
    told: dict[str, Any],
    position: int,
    *,
    since: str | None = None,
    gone: bool = False,
) -> dict[str, Any]:
    key = dict(zip(KEY, (ref.system, ref.object, ref.id, name), strict=True))
    began = {"since": since or told["at"], "gone": int(gone)}
    return {**key, "value": canonical(value), **told, "position": position, **began}


__all__ = ["RecordProjector", "field_history", "field_values", "record_repeats", "rows_of", "standing"]
