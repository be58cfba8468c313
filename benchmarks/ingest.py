"""Taking in signals from a CloudEvents file, against bare batched inserts of the very same rows; prints one JSON line.

    python benchmarks/ingest.py [how many, 100000 by default]

`ratio` is the rate of the whole way (reading the file, checking each signal against the catalogue, the ledger with its
leaf hashes, the projection) over the rate of handing the finished rows to SQLite in the same batches, into tables with
the same indexes and with the same durability, in the same run and turn about with it. Memory is the peak of this
process at a tenth of the way and at the end. The tree over all entries is verified before anything is printed.
"""

from __future__ import annotations

import json
import resource
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from pilothouse.assembly import projectors
from pilothouse.data.importing.events import import_events
from pilothouse.data.importing.source import inspect
from pilothouse.data.signals.catalogue import load_catalogue
from pilothouse.data.signals.receiving import BATCH, Fate, Signals
from pilothouse.ledger.database import create_schema, open_database
from pilothouse.ledger.ledger import Ledger
from pilothouse.ledger.notes import Signer
from pilothouse.ledger.verify import verify_store
from pilothouse.ledger.witness import Witness
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.clock import SystemClock
from pilothouse.workspace.config import STARTER

TABLES = ("ledger_entries", "ledger_private", "signals", "signal_handles")
ACCOUNTS = 5000


def write_events(path: Path, count: int) -> None:
    with path.open("w") as file:
        for number in range(count):
            event = {
                "specversion": "1.0",
                "id": f"e{number}",
                "source": "web",
                "type": ("web.visit", "intent.third_party", "email.reply", "product.usage")[number % 4],
                "time": f"2025-{number % 12 + 1:02}-{number % 28 + 1:02}T{number % 24:02}:00:00Z",
                "subject": f"crm/account/A{number * 7919 % ACCOUNTS:05}",
                "data": (
                    {"page": "/pricing", "seconds": 40},
                    {"topic": "revenue operations", "score": 71},
                    {"sentiment": 0.4},
                    {"events": 12, "users": 3},
                )[number % 4],
            }
            file.write(json.dumps(event) + "\n")


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Bare:
    """The same rows, copied batch by batch out of the first database, timed while they are inserted only."""

    def __init__(self, source: Path, target: Path) -> None:
        self.source = sqlite3.connect(source)
        create_schema(open_database(f"sqlite:///{target}"))
        self.target = sqlite3.connect(target, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self.target.execute(f"PRAGMA {pragma}")
        self.seconds, self.done = 0.0, 0

    def copy_to(self, end: int) -> None:
        rows = [
            (
                table,
                self.source.execute(
                    f"SELECT * FROM {table} WHERE position >= ? AND position < ?", (self.done, end)
                ).fetchall(),
            )
            for table in TABLES
        ]
        begun = time.perf_counter()
        self.target.execute("BEGIN IMMEDIATE")
        for table, values in rows:
            if values:
                places = ",".join("?" * len(values[0]))
                self.target.executemany(f"INSERT INTO {table} VALUES ({places})", values)
        self.target.execute("COMMIT")
        self.seconds += time.perf_counter() - begun
        self.done = end


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_events(folder / "events.jsonl", count)
        engine = open_database(f"sqlite:///{folder}/p.sqlite")
        create_schema(engine)
        ledger = Ledger(engine, SystemClock(), projectors())
        receiver = Signals(ledger, load_catalogue(STARTER / "signals"))
        bare = Bare(folder / "p.sqlite", folder / "bare.sqlite")
        seconds, taken, tenth = 0.0, 0, 0.0
        batches = import_events(inspect(folder / "events.jsonl"), receiver, Actor("bench"))
        while True:
            begun = time.perf_counter()
            receipts = next(batches, None)
            seconds += time.perf_counter() - begun
            if receipts is None:
                break
            assert all(each.fate is Fate.ACCEPTED for each in receipts)
            taken += len(receipts)
            tenth = tenth or (peak_mb() if taken >= count / 10 else 0.0)
            bare.copy_to(ledger.size())
        end = peak_mb()
        witness = Witness(folder / "witness", Signer.load_or_make(folder, "pilothouse/bench"))
        witness.checkpoint(ledger)
        report = verify_store(engine, witness.folder, witness.signer.public)
        assert report.ok and report.size == taken == count == bare.done
        print(
            json.dumps(
                {
                    "benchmark": "ingest",
                    "signals": count,
                    "batch": BATCH,
                    "per_s": round(count / seconds),
                    "bare_per_s": round(count / bare.seconds),
                    "ratio": round(bare.seconds / seconds, 2),
                    "peak_mb_at_a_tenth": round(tenth),
                    "peak_mb_at_the_end": round(end),
                }
            )
        )


if __name__ == "__main__":
    main()
