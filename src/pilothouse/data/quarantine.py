"""Rows that could not be taken in: kept whole with file, line and reason, until a mended row takes their place.

What must never happen here: a row shortened on the way in; a row called resolved because a file that does not speak of it
was imported.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Integer, Table, Text, delete, insert, select, update

from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Draft, Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.values import Json, digest

quarantine = Table(
    "quarantine",
    metadata,
    Column("key", Text, primary_key=True),
    Column("system", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("line", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("raw", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("resolved", Text, nullable=False),
    Column("position", Integer, nullable=False),
)
HEAVY = 8_000_000
"""Characters of raw text that go into one append."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was set aside. `record` names the record it tells of, where that can be read."""

    file: str
    line: int
    reason: str
    raw: str
    record: str = ""

    def key(self, system: str) -> str:
        """Return what makes it the same row at a second import."""
        return digest([system, self.file, self.line, self.reason, self.raw])


@dataclass(frozen=True, slots=True)
class SetAside:
    """A row in quarantine; `resolved` says how it was settled, and is empty while it is not."""

    system: str
    file: str
    line: int
    reason: str
    raw: str
    record: str
    resolved: str


class QuarantineProjector:
    """Follows rows being set aside, and being settled."""

    name = "quarantine"
    kinds = frozenset({"import.row_quarantined", "import.rows_resolved"})
    tables = (quarantine,)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Bring the table up to date."""
        for entry in entries:
            if entry.kind == "import.rows_resolved":
                for key, how in entry.body["keys"].items():
                    connection.execute(update(quarantine).where(quarantine.c.key == key).values(resolved=how))
                continue
            row = {name: entry.body[name] for name in ("key", "system", "file", "line", "reason", "record")}
            # PostgreSQL keeps no NUL in text; the ledger's entry has the row as it was.
            raw = str(entry.value("raw", "")).replace("\0", "\u2400")
            connection.execute(delete(quarantine).where(quarantine.c.key == row["key"]))
            connection.execute(insert(quarantine), {**row, "raw": raw, "resolved": "", "position": entry.position})


def set_aside(ledger: Ledger, system: str, rows: Sequence[BadRow], actor: Actor) -> int:
    """Record bad rows that are not in quarantine yet, or were settled and are back; returns how many."""
    keys = {row.key(system): row for row in rows}
    known: set[str] = set()
    wanted = sorted(keys)
    with ledger.engine.connect() as connection:
        for start in range(0, len(wanted), 500):
            part = quarantine.c.key.in_(wanted[start : start + 500])
            query = select(quarantine.c.key).where(part, quarantine.c.resolved == "")
            known.update(connection.execute(query).scalars())
    new = {key: row for key, row in keys.items() if key not in known}
    for part in _by_weight(new):
        ledger.append([_draft(key, system, row, actor) for key, row in part])
    return len(new)


def _draft(key: str, system: str, row: BadRow, actor: Actor) -> Draft:
    told: dict[str, Json] = {"key": key, "system": system, "file": row.file, "line": row.line}
    told |= {"reason": row.reason, "record": row.record}
    return Draft("import.row_quarantined", actor, told, {"raw": row.raw}, subject=f"file/{row.file}")


def _by_weight(rows: Mapping[str, BadRow]) -> Iterator[list[tuple[str, BadRow]]]:
    part, weight = list[tuple[str, BadRow]](), 0
    for key, row in rows.items():
        part.append((key, row))
        weight += len(row.raw)
        if weight > HEAVY:
            yield part
            part, weight = [], 0
    if part:
        yield part


def resolve(
    ledger: Ledger, system: str, files: Collection[str], bad: Mapping[str, str], taken: Collection[str], actor: Actor
) -> int:
    """Settle the rows in quarantine that an import has mended; returns how many.

    `files` were read whole, `bad` are the keys of rows they had set aside, with the record each tells of, and `taken` are
    the records that came in from rows of their own. A row that tells of a record is settled when that record comes in, or
    is set aside anew; one that does not, when a file of the same name no longer has it.
    """
    again = {record for record in bad.values() if record}
    settled: dict[str, Json] = {}
    query = select(quarantine).where(quarantine.c.system == system, quarantine.c.resolved == "")
    with ledger.engine.connect() as connection:
        for row in connection.execute(query):
            how = "" if row.key in bad else _how(row.file, row.record, files, again, taken)
            if how:
                settled[row.key] = how
    if settled:
        body: dict[str, Json] = {"system": system, "keys": settled}
        ledger.append([Draft("import.rows_resolved", actor, body, subject=f"system/{system}")])
    return len(settled)


def _how(file: str, record: str, files: Collection[str], again: Collection[str], taken: Collection[str]) -> str:
    if record:
        if record in again:
            return f"a later row of {record} was set aside in its place"
        return f"{record} came in" if record in taken else ""
    return f"a later {file} no longer has it" if file in files else ""


def set_aside_rows(ledger: Ledger, *, settled: bool = False) -> list[SetAside]:
    """Return what is in quarantine, by file and line; with `settled` also the rows that were mended since."""
    query = select(quarantine).order_by(quarantine.c.file, quarantine.c.line, quarantine.c.position)
    if not settled:
        query = query.where(quarantine.c.resolved == "")
    with ledger.engine.connect() as connection:
        return [
            SetAside(row.system, row.file, row.line, row.reason, row.raw, row.record, row.resolved)
            for row in connection.execute(query)
        ]
