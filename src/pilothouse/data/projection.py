"""The tables of values and of their history, drawn from the ledger.

A value has the date of the word it rests on (`at`) and the moment it came to stand there (`since`). They differ where a
value was put back: it is as old as it was before, and it stands there whatever was written in between. `gone` marks the
moment a field went back to having no value at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import groupby
from typing import Any

from sqlalchemy import Column, Connection, Integer, Table, Text, delete, insert
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.sql.base import Executable

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


def _renewing(dialect: str, *, whatever_stands: bool = False) -> Executable:
    upsert = (sqlite_insert if dialect == "sqlite" else postgres_insert)(field_values)
    return upsert.on_conflict_do_update(
        index_elements=list(KEY),
        set_={name: upsert.excluded[name] for name in TOLD},
        where=None if whatever_stands else field_values.c.at <= upsert.excluded.at,
    )


_REMEMBER = Statement(insert(field_history), field_history.columns.keys())
_RENEW = Statement(_renewing, field_values.columns.keys())
_PUT_BACK = Statement(partial(_renewing, whatever_stands=True), field_values.columns.keys())
_TAKE_AWAY = Statement(delete(field_values).where(*(field_values.c[name] == given(name) for name in KEY)))


class RecordProjector:
    """Follows what sources told and what the gateway wrote."""

    name = "records"
    kinds = frozenset({"record.observed", "action.executed"})
    tables = (field_values, field_history)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Add to the history; replace the present where the news is not older than it."""
        rows = [row for entry in entries for row in rows_of(entry)]
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


__all__ = ["RecordProjector", "field_history", "field_values", "rows_of", "standing"]
