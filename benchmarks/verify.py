"""Verifying a ledger, against hashing the same lines and doing nothing else; prints one JSON line."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from pathlib import Path

from sqlalchemy import select

from pilothouse.ledger.database import create_schema, open_database
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.ledger.notes import Signer
from pilothouse.ledger.tables import entries
from pilothouse.ledger.verify import verify_store
from pilothouse.ledger.witness import Witness
from pilothouse.testing.clock import TestClock
from pilothouse.vocabulary.actors import Actor, AgentRef

COUNT, BATCH = 100_000, 2000


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        engine = open_database(f"sqlite:///{folder}/l.sqlite")
        create_schema(engine)
        clock = TestClock()
        draft = Draft(
            "action.executed", Actor("ana", AgentRef("bot", "1")), {"text": "x" * 200}, subject="crm/account/1"
        )
        ledger = Ledger(engine, clock)
        for _ in range(0, COUNT, BATCH):
            ledger.append([draft] * BATCH)
        witness = Witness(folder / "witness", Signer.load_or_make(folder, "pilothouse/bench"))
        witness.checkpoint(ledger)
        start = time.perf_counter()
        report = verify_store(engine, witness.folder, witness.signer.public)
        verified = time.perf_counter() - start
        assert report.ok and report.size == COUNT
        with engine.connect() as connection:
            lines = connection.execute(select(entries.c.line)).scalars().all()
        start = time.perf_counter()
        for line in lines:
            hashlib.sha256(b"\x00" + line.encode()).digest()
        hashed = time.perf_counter() - start
    rate = COUNT / verified
    result = {"benchmark": "verify", "entries_per_s": round(rate), "over_bare_hashing": round(verified / hashed, 2)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
