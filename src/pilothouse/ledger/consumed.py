"""Which facts each proposal rested on: the way from a written value to every later decision that drew on it.

Only the places of facts are kept here (record, field, ledger position), never a value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.sql.base import Executable

from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Entry
from pilothouse.ledger.statements import Statement

action_evidence = Table(
    "action_evidence",
    metadata,
    Column("action", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("record", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("position", Integer),
    Column("asked_at", Integer, nullable=False),
    Index("evidence_by_position", "position"),
    Index("evidence_by_place", "record", "field", "asked_at"),
)


def _inserting(dialect: str) -> Executable:
    # An act is handed in, held and taken up with the same evidence; it was asked when it was first handed in.
    return (sqlite_insert if dialect == "sqlite" else postgres_insert)(action_evidence).on_conflict_do_nothing()


_INSERT = Statement(_inserting, action_evidence.columns.keys())


class EvidenceProjector:
    """Follows the entries with which an act first stands in the ledger."""

    name = "evidence"
    kinds = frozenset({"action.refused", "action.shadowed", "action.held", "action.intended"})
    tables = (action_evidence,)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Add the places of each fact that names one."""
        rows = [row for entry in entries if not _again(entry) for row in _rows(entry)]
        if rows:
            _INSERT.run_many(connection, rows)


def _again(entry: Entry) -> bool:
    """True for what comes after a review: its evidence was taken down when it was held."""
    return bool(entry.body["review"]) and entry.kind != "action.held"


def _rows(entry: Entry) -> list[dict[str, Any]]:
    facts: list[dict[str, Any]] = entry.value("evidence") or []
    rows = [
        {
            "action": entry.action,
            "number": number,
            "record": fact["record"],
            "field": fact["field"],
            "position": _read_before(fact["position"], entry.position),
            "asked_at": entry.position,
        }
        for number, fact in enumerate(facts)
    ]
    return [row for row in rows if row["position"] is not None or (row["record"] and row["field"])]


def _read_before(position: object, asked: int) -> int | None:
    """Return a position that can have been read when this was asked; a proposer may claim any number."""
    return position if isinstance(position, int) and 0 <= position < asked else None
