"""One resolution of an object at a time, whoever starts it: a lock of the database's own kind, which ends with its holder.

PostgreSQL has advisory locks, held by a connection. SQLite's write lock would stop every other entry as well, so a second
file beside the database is locked in its place. Both are let go when the process dies, however it dies. That no
identifier is given twice does not hang on this lock: the resolver asks the ledger again under the write lock.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Engine, text

from pilothouse.vocabulary.errors import Conflict

LOCKS = {"account": 7016, "contact": 7017, "opportunity": 7018}
PATIENCE = 30.0
"""Seconds to wait for one's turn."""


@contextmanager
def turn(engine: Engine, object_name: str, patience: float = PATIENCE) -> Generator[None]:
    """Hold the only turn to resolve an object; raises `Conflict` when another does not end in time."""
    holding = _on_postgres if engine.dialect.name == "postgresql" else _beside_sqlite
    with holding(engine, object_name, patience):
        yield


def _busy(object_name: str) -> Conflict:
    return Conflict(f"{object_name}s are being resolved by another run.", hint="Try again when it has ended.")


@contextmanager
def _on_postgres(engine: Engine, object_name: str, patience: float) -> Generator[None]:
    lock, deadline = {"lock": LOCKS[object_name]}, time.monotonic() + patience
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), lock).scalar_one():
            if time.monotonic() > deadline:
                raise _busy(object_name)
            time.sleep(0.1)
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), lock)


@contextmanager
def _beside_sqlite(engine: Engine, object_name: str, patience: float) -> Generator[None]:
    path = Path(f"{engine.url.database}-resolving-{object_name}")
    with closing(sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)) as connection:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            raise _busy(object_name) from None
        yield
