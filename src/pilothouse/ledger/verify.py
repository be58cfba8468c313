"""Verification: is the ledger what was signed, entry by entry, from the first to the last?

It needs the entries, the retained checkpoints and the public key; no server and no secret. Where the retained leaf
hashes are at hand too, the first entry that was touched is named exactly; without them, the signed span it lies in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Engine, select

from pilothouse.ledger.entries import salted
from pilothouse.ledger.merkle import Frontier
from pilothouse.ledger.notes import Checkpoint, PublicKey, open_note
from pilothouse.ledger.tables import entries, private
from pilothouse.ledger.witness import read_leaves, read_notes
from pilothouse.vocabulary.errors import InvalidInput

COLUMNS = ("kind", "at", "agent", "person", "action", "subject")
SIGNED = itemgetter("position", *COLUMNS)
Stored = tuple[Any, ...]


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
    columns = [entries.c[name] for name in ("position", *COLUMNS, "line", "leaf")]
    statement = str(select(*columns).order_by(entries.c.position).compile(engine))
    with engine.connect() as connection:
        cursor = connection.connection.cursor()
        cursor.execute(statement)
        while rows := cursor.fetchmany(5000):
            yield from rows


def verify(rows: Iterable[Stored], notes: Sequence[str], leaves: Sequence[bytes], key: PublicKey) -> Report:
    """Verify stored rows (position, `COLUMNS`, line, leaf) against notes and retained leaf hashes."""
    report = Report()
    checkpoints = _open(notes, key, report)
    by_size = {each.size: each for each in checkpoints}
    frontier = _vouched(leaves, by_size, report)
    vouched = signed_to = frontier.size
    sha, loads = hashlib.sha256, orjson.loads
    for position, row in enumerate(rows):
        leaf = sha(b"\x00" + row[-2].encode()).digest()
        known = position < vouched
        try:
            sound = position == row[0] and leaf == row[-1] and SIGNED(loads(row[-2])) == row[:-2]
        except (ValueError, KeyError, TypeError):
            sound = False
        if not sound or (known and leaf != leaves[position]):
            report.bad(position, _problem(position, row, leaf, leaves[position] if known else leaf))
            break
        report.size = position + 1
        if known:
            continue
        frontier.add(leaf)
        checkpoint = by_size.get(report.size)
        if checkpoint is not None:
            if frontier.root() != checkpoint.root:
                report.bad(signed_to, f"entries {signed_to} to {position} are not what was signed.")
                break
            signed_to = report.size
    _tail(report, checkpoints, signed_to)
    return report


def _problem(position: int, row: Stored, leaf: bytes, signed: bytes) -> str:
    if row[0] != position:
        return f"position {position} is missing; the next entry stands at {row[0]}."
    if leaf != signed:
        return f"entry {position} is not the one that was signed: it was changed, replaced or moved."
    if leaf != row[-1]:
        return f"entry {position} does not fit its own hash: its text was changed."
    return f"entry {position} is not readable, or its index columns differ from its signed text."


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
    roots: dict[int, bytes] = {}
    for each in opened:
        if roots.setdefault(each.size, each.root) != each.root:
            report.bad(0, f"two different ledgers of {each.size} entries were signed with this key.")
    if not opened:
        report.bad(0, "there is no checkpoint signed by this key; nothing can be vouched for.")
    return opened


def _vouched(leaves: Sequence[bytes], by_size: Mapping[int, Checkpoint], report: Report) -> Frontier:
    """Return the tree over the retained leaf hashes, as far as a signature vouches for them."""
    frontier, vouched = Frontier(), Frontier()
    doubted: list[tuple[int, int]] = []
    for leaf in leaves:
        frontier.add(leaf)
        checkpoint = by_size.get(frontier.size)
        if checkpoint is not None and frontier.root() == checkpoint.root:
            vouched = frontier.copy()
        elif checkpoint is not None:
            doubted.append((vouched.size, frontier.size))
    for start, end in doubted:
        if end < vouched.size:  # a later signature vouches for other entries than this one did
            report.bad(start, f"entries {start} to {end - 1} are not what was signed.")
    return vouched


def _tail(report: Report, checkpoints: Sequence[Checkpoint], signed_to: int) -> None:
    last = max((each.size for each in checkpoints), default=0)
    if report.first_bad is None and report.size < last:
        report.bad(report.size, f"the ledger ends at {report.size}, but {last} entries were signed: its tail was cut.")
    report.uncovered = max(0, report.size - signed_to)


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
