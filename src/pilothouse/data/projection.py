"""The tables of values and of their history, drawn from the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, Integer, Table, Text, insert
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.sql.base import Executable

from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Entry
from pilothouse.ledger.statements import Statement
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
)


def _renewing(dialect: str) -> Executable:
    upsert = (sqlite_insert if dialect == "sqlite" else postgres_insert)(field_values)
    return upsert.on_conflict_do_update(
        index_elements=list(KEY),
        set_={name: upsert.excluded[name] for name in TOLD},
        where=field_values.c.at <= upsert.excluded.at,
    )


_REMEMBER = Statement(insert(field_history), field_history.columns.keys())
_RENEW = Statement(_renewing, field_values.columns.keys())


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
        _RENEW.run_many(connection, rows)


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
    told = {"at": stamp(entry.at), "writer_kind": kind.value, "writer": chosen_by or str(agent or entry.actor.person)}
    return [_row(ref, name, value, told, entry.position) for name, value in after.items()]


def _row(ref: RecordRef, name: str, value: Any, told: dict[str, Any], position: int) -> dict[str, Any]:
    key = dict(zip(KEY, (ref.system, ref.object, ref.id, name), strict=True))
    return {**key, "value": canonical(value), **told, "position": position}


__all__ = ["RecordProjector", "field_history", "field_values", "rows_of"]
