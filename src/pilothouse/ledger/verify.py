"""Verification: is the ledger what was signed, entry by entry, from the first to the last?

It needs the entries, the retained checkpoints and the public key; no server and no secret. Where the retained leaf
hashes are at hand too, the first entry that was touched is named exactly; without them, the signed span it lies in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Engine, select

from pilothouse.ledger.entries import salted
from pilothouse.ledger.merkle import Frontier, root_of
from pilothouse.ledger.notes import Checkpoint, PublicKey, open_note
from pilothouse.ledger.tables import entries, private
from pilothouse.ledger.witness import read_leaves, read_notes
from pilothouse.vocabulary.errors import InvalidInput

COLUMNS = ("kind", "at", "agent", "person", "action", "subject")
Stored = Sequence[Any]


@dataclass
class Report:
    """What verification found. `first_bad` is the first position that is not as signed; `uncovered` counts entries
    after the last checkpoint, which nobody has signed yet."""

    size: int = 0
    checkpoints: int = 0
    uncovered: int = 0
    first_bad: int | None = None
    problems: list[str] = field(default_factory=list[str])

    @property
    def ok(self) -> bool:
        """True when nothing is wrong."""
        return not self.problems

    def bad(self, position: int, problem: str) -> None:
        """Note a problem at a position."""
        self.problems.append(problem)
        self.first_bad = position if self.first_bad is None else min(self.first_bad, position)


def verify_store(engine: Engine, folder: Path, key: PublicKey) -> Report:
    """Verify a database against what its workspace retained."""
    leaves = read_leaves(folder / "leaves.bin")
    report = verify(_stored(engine), read_notes(folder / "checkpoints.txt"), leaves, key)
    if report.ok:
        _payloads(engine, report)
    return report


def _stored(engine: Engine) -> Iterator[Stored]:
    columns = [entries.c[name] for name in ("position", "line", "leaf", *COLUMNS)]
    statement = str(select(*columns).order_by(entries.c.position).compile(engine))
    with engine.connect() as connection:
        cursor = connection.connection.cursor()
        cursor.execute(statement)
        while rows := cursor.fetchmany(5000):
            yield from rows


def verify(rows: Iterable[Stored], notes: Sequence[str], leaves: Sequence[bytes], key: PublicKey) -> Report:
    """Verify stored rows (position, line, leaf, kind, at, agent, person, action, subject) against notes and leaves."""
    report = Report()
    checkpoints = _open(notes, key, report)
    by_size = {each.size: each for each in checkpoints}
    trusted = _trusted(leaves, checkpoints)
    frontier, signed_to = Frontier(), 0
    sha, loads, add = hashlib.sha256, orjson.loads, frontier.add
    for position, row in enumerate(rows):
        leaf = sha(b"\x00" + row[1].encode()).digest()
        problem = _row_problem(position, row, leaf, trusted, loads)
        if problem:
            report.bad(position, problem)
            break
        add(leaf)
        checkpoint = by_size.get(position + 1)
        if checkpoint is not None:
            if frontier.root() != checkpoint.root:
                report.bad(signed_to, f"entries {signed_to} to {position} are not what was signed.")
                break
            signed_to = position + 1
    report.size = frontier.size
    _tail(report, checkpoints, trusted, signed_to)
    return report


def _row_problem(position: int, row: Stored, leaf: bytes, trusted: Sequence[bytes], loads: Callable[[str], Any]) -> str:
    if row[0] != position:
        return f"position {position} is missing; the next entry stands at {row[0]}."
    if position < len(trusted) and leaf != trusted[position]:
        return f"entry {position} is not the one that was signed: it was changed, replaced or moved."
    if leaf != bytes(row[2]):
        return f"entry {position} does not fit its own hash: its text was changed."
    try:
        line = loads(row[1])
        fits = line["position"] == position and all(
            line[name] == stored for name, stored in zip(COLUMNS, row[3:], strict=True)
        )
    except (ValueError, KeyError, TypeError):
        return f"entry {position} is not readable."
    return "" if fits else f"entry {position} has index columns that differ from its signed text."


def _open(notes: Sequence[str], key: PublicKey, report: Report) -> list[Checkpoint]:
    opened: list[Checkpoint] = []
    reached = 0
    for note in notes:
        try:
            checkpoint = open_note(note, key)
        except InvalidInput as error:
            report.bad(reached, str(error))
            continue
        opened.append(checkpoint)
        reached = checkpoint.size
    report.checkpoints = len(opened)
    if not opened:
        report.bad(0, "there is no checkpoint signed by this key; nothing can be vouched for.")
    return opened


def _trusted(leaves: Sequence[bytes], checkpoints: Sequence[Checkpoint]) -> Sequence[bytes]:
    """Return the retained leaf hashes as far as a signature vouches for them."""
    for checkpoint in sorted(checkpoints, key=lambda each: -each.size):
        if checkpoint.size <= len(leaves):
            part = leaves[: checkpoint.size]
            if root_of(part) == checkpoint.root:
                return part
    return ()


def _tail(report: Report, checkpoints: Sequence[Checkpoint], trusted: Sequence[bytes], signed_to: int) -> None:
    last = max((each.size for each in checkpoints), default=0)
    if report.first_bad is None and report.size < last:
        report.bad(report.size, f"the ledger ends at {report.size}, but {last} entries were signed: its tail was cut.")
    report.uncovered = max(0, report.size - max(signed_to, len(trusted)))


def _payloads(engine: Engine, report: Report) -> None:
    """Check that personal payloads that still exist are the ones their entries were joined to."""
    query = select(entries.c.position, entries.c.line, private.c.salt, private.c.payload).join(
        private, private.c.position == entries.c.position
    )
    with engine.connect() as connection:
        for row in connection.execute(query.order_by(entries.c.position)).yield_per(5000):
            if orjson.loads(row.line)["private_digest"] != salted(row.salt, row.payload):
                report.bad(row.position, f"the personal payload of entry {row.position} was changed.")
                return
