"""Verifying a ledger, against hashing the same lines and doing nothing else; prints one JSON line."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from pathlib import Path

from sqlalchemy import insert, text

from pilothouse.ledger.database import create_schema, open_database
from pilothouse.ledger.entries import Draft, row_of, seal
from pilothouse.ledger.ledger import Ledger
from pilothouse.ledger.notes import Signer
from pilothouse.ledger.tables import entries
from pilothouse.ledger.verify import verify_store
from pilothouse.ledger.witness import Witness
from pilothouse.testing.clock import TestClock
from pilothouse.vocabulary.actors import Actor, AgentRef

COUNT = 100_000


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        engine = open_database(f"sqlite:///{folder}/l.sqlite")
        create_schema(engine)
        clock = TestClock()
        draft = Draft(
            "action.executed", Actor("ana", AgentRef("bot", "1")), {"text": "x" * 200}, subject="crm/account/1"
        )
        rows = [row_of(seal(draft, clock.now()), position).columns for position in range(COUNT)]
        with engine.execution_options(pilothouse_write=True).begin() as connection:
            connection.execute(insert(entries), rows)
            connection.execute(text("UPDATE ledger_head SET size = :size"), {"size": COUNT})
        witness = Witness(folder / "witness", Signer.load_or_make(folder, "pilothouse/bench"))
        witness.checkpoint(Ledger(engine, clock))
        start = time.perf_counter()
        report = verify_store(engine, witness.folder, witness.signer.public)
        verified = time.perf_counter() - start
        assert report.ok and report.size == COUNT
        start = time.perf_counter()
        for row in rows:
            hashlib.sha256(b"\x00" + row["line"].encode()).digest()
        hashed = time.perf_counter() - start
    rate = COUNT / verified
    result = {"benchmark": "verify", "entries_per_s": round(rate), "over_bare_hashing": round(verified / hashed, 2)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
