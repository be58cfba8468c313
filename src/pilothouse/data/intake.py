"""How far each system of record was read."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Column, Connection, Integer, Table, Text, delete, insert

from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Entry

cursors = Table(
    "intake_cursors", metadata, Column("system", Text, primary_key=True), Column("cursor", Integer, nullable=False)
)


class IntakeProjector:
    """Follows `intake.read` entries."""

    name = "intake"
    kinds = frozenset({"intake.read"})
    tables = (cursors,)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Keep the furthest cursor of each system."""
        for entry in entries:
            row = {"system": entry.body["system"], "cursor": entry.body["cursor"]}
            connection.execute(delete(cursors).where(cursors.c.system == row["system"]))
            connection.execute(insert(cursors), row)
