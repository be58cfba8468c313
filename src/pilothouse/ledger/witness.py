"""What is kept of the ledger outside its database: signed checkpoints, and the hash of every entry.

With both, a change anywhere in the database shows, and the first entry it touched can be named.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select

from pilothouse.ledger.ledger import Ledger
from pilothouse.ledger.merkle import Frontier
from pilothouse.ledger.notes import Checkpoint, Signer
from pilothouse.ledger.tables import entries
from pilothouse.vocabulary.errors import Conflict

HASH = 32


class Witness:
    """Keeps `leaves.bin` (32 bytes an entry) and `checkpoints.txt` (notes, a blank line between) in a folder."""

    def __init__(self, folder: Path, signer: Signer) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.signer = folder, signer
        self._grown = Frontier()
        self.leaves_file, self.notes_file = folder / "leaves.bin", folder / "checkpoints.txt"

    def checkpoint(self, ledger: Ledger) -> Checkpoint | None:
        """Sign the ledger as it stands; None when nothing came since the last time.

        Raises `Conflict` when the ledger is shorter than what was signed before: it was cut.
        """
        with self._locked():
            tree = self._tree()
            size, signed = ledger.size(), tree.size
            if size < signed:
                raise Conflict(
                    f"the ledger holds {size} entries, but {signed} were signed before: its tail was cut off.",
                    hint="Restore the database from a backup; run `pilothouse ledger verify`.",
                )
            fresh = list(_new_leaves(ledger, signed, size))
            if not fresh and self.notes_file.exists():
                return None
            for leaf in fresh:
                tree.add(leaf)
            checkpoint = self.signer.sign(tree.size, tree.root())
            # A crash between the two leaves more leaves than were signed; the next checkpoint signs them.
            _append(self.leaves_file, b"".join(fresh))
            _append(self.notes_file, checkpoint.note.encode() + b"\n")
            self._grown = tree
            return checkpoint

    def _tree(self) -> Frontier:
        """Return the tree over the retained leaves, grown on from the last time where nobody else wrote since."""
        size = self.leaves_file.stat().st_size // HASH if self.leaves_file.exists() else 0
        if self._grown.size != size:
            self._grown = Frontier()
            for leaf in read_leaves(self.leaves_file):
                self._grown.add(leaf)
        return self._grown.copy()

    @contextmanager
    def _locked(self) -> Generator[None, None, None]:
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def read_leaves(path: Path) -> list[bytes]:
    """Return the retained leaf hashes; a torn last one, as a crash may leave, is not counted."""
    content = path.read_bytes() if path.exists() else b""
    whole = len(content) - len(content) % HASH
    return [content[start : start + HASH] for start in range(0, whole, HASH)]


def read_notes(path: Path) -> list[str]:
    """Return the retained notes, oldest first."""
    return split_notes(path.read_text(encoding="utf-8")) if path.exists() else []


def split_notes(text: str) -> list[str]:
    """Split a file of notes; each ends with its signature line."""
    notes: list[str] = []
    part: list[str] = []
    for line in text.split("\n"):
        part.append(line)
        if line.startswith("— "):
            notes.append("\n".join(part).lstrip("\n") + "\n")
            part = []
    return notes


def _new_leaves(ledger: Ledger, start: int, size: int) -> Iterator[bytes]:
    columns = select(entries.c.leaf).where(entries.c.position >= start, entries.c.position < size)
    with ledger.engine.connect() as connection:
        for row in connection.execute(columns.order_by(entries.c.position)).yield_per(5000):
            yield bytes(row.leaf)


def _append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        torn = file.tell() % HASH if path.suffix == ".bin" else 0
        if torn:
            file.truncate(file.tell() - torn)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
