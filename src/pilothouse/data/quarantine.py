"""Rows that could not be taken in: kept with file, line, reason and their raw text, so that nothing is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Integer, Table, Text, insert, select

from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Draft, Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.values import digest

quarantine = Table(
    "quarantine",
    metadata,
    Column("key", Text, primary_key=True),
    Column("file", Text, nullable=False),
    Column("line", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("raw", Text, nullable=False),
    Column("position", Integer, nullable=False),
)
LONGEST_RAW = 20_000


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was set aside."""

    file: str
    line: int
    reason: str
    raw: str

    @property
    def key(self) -> str:
        """What makes it the same row at a second import."""
        return digest([self.file, self.line, self.reason, self.raw[:LONGEST_RAW]])


class QuarantineProjector:
    """Follows `import.row_quarantined` entries."""

    name = "quarantine"
    kinds = frozenset({"import.row_quarantined"})
    tables = (quarantine,)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Add the rows."""
        rows = [
            {
                **{name: entry.body[name] for name in ("key", "file", "line", "reason")},
                "raw": entry.value("raw", ""),
                "position": entry.position,
            }
            for entry in entries
        ]
        connection.execute(insert(quarantine), rows)


def set_aside(ledger: Ledger, rows: Sequence[BadRow], actor: Actor) -> int:
    """Record bad rows that are not in quarantine yet; returns how many were new."""
    keys = {row.key: row for row in rows}
    known: set[str] = set()
    wanted = sorted(keys)
    with ledger.engine.connect() as connection:
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            known.update(connection.execute(select(quarantine.c.key).where(quarantine.c.key.in_(part))).scalars())
    drafts = [
        Draft(
            "import.row_quarantined",
            actor,
            {"key": key, "file": row.file, "line": row.line, "reason": row.reason},
            {"raw": row.raw[:LONGEST_RAW]},
            subject=f"file/{row.file}",
        )
        for key, row in keys.items()
        if key not in known
    ]
    if drafts:
        ledger.append(drafts)
    return len(drafts)


def set_aside_rows(ledger: Ledger) -> list[BadRow]:
    """Return what is in quarantine, by file and line."""
    query = select(quarantine).order_by(quarantine.c.file, quarantine.c.line)
    with ledger.engine.connect() as connection:
        return [BadRow(row.file, row.line, row.reason, row.raw) for row in connection.execute(query)]
