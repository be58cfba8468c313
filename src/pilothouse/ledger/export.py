"""A ledger that can be carried away and verified anywhere, with the public key and nothing else."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import orjson
from sqlalchemy import select

from pilothouse.ledger.entries import leaf_hash
from pilothouse.ledger.ledger import Ledger
from pilothouse.ledger.notes import PublicKey
from pilothouse.ledger.tables import entries
from pilothouse.ledger.verify import COLUMNS, Report, Stored, verify
from pilothouse.ledger.witness import HASH, Witness, split_notes
from pilothouse.vocabulary.errors import InvalidInput

ENTRIES, NOTES, LEAVES = "entries.jsonl", "checkpoints.txt", "leaves.bin"


def export(ledger: Ledger, witness: Witness, path: Path) -> int:
    """Write entries, checkpoints and leaf hashes into one zip file; personal payloads stay behind.

    Returns how many entries it holds. Signs first, so that all of them are covered.
    """
    witness.checkpoint(ledger)
    count = 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        with bundle.open(ENTRIES, "w") as file, ledger.engine.connect() as connection:
            for row in connection.execute(select(entries.c.line).order_by(entries.c.position)).yield_per(5000):
                file.write(row.line.encode() + b"\n")
                count += 1
        bundle.write(witness.notes_file, NOTES)
        bundle.write(witness.leaves_file, LEAVES)
    return count


def verify_bundle(path: Path, key: PublicKey) -> Report:
    """Verify an exported ledger; raises `InvalidInput` for a file that is no bundle."""
    try:
        with zipfile.ZipFile(path) as bundle:
            notes = split_notes(bundle.read(NOTES).decode())
            leaves = bundle.read(LEAVES)
            retained = [leaves[at : at + HASH] for at in range(0, len(leaves) - len(leaves) % HASH, HASH)]
            return verify(_lines(bundle), notes, retained, key)
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise InvalidInput(f"{path} is not an exported ledger ({error}).") from None


def _lines(bundle: zipfile.ZipFile) -> Iterator[Stored]:
    with bundle.open(ENTRIES) as file:
        for raw in file:
            line = raw.rstrip(b"\n").decode(errors="replace")
            try:
                parsed = orjson.loads(line)
                columns = [parsed[name] for name in COLUMNS]
                position = parsed["position"]
            except (ValueError, KeyError, TypeError):
                columns, position = [""] * len(COLUMNS), -1
            yield (position, *columns, line, leaf_hash(line))
