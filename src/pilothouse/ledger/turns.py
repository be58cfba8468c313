"""One at a time, whoever begins: a lock of the database's own kind, which ends with its holder.

PostgreSQL has advisory locks, held by a connection. SQLite's write lock would stop every other entry as well, so a second
file beside the database is locked in its place. Both are let go when the process dies, however it dies.

What must never happen here: a lock that outlives its holder, or one that only time takes away.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Engine, text


class Busy(Exception):
    """Somebody else's turn did not end in time."""


@contextmanager
def hold(engine: Engine, name: str, patience: float) -> Generator[None]:
    """Hold the only turn of a name (letters, digits, dashes); raises `Busy` when it is not free within `patience` seconds."""
    holding = _on_postgres if engine.dialect.name == "postgresql" else _beside_sqlite
    with holding(engine, name, patience):
        yield


@contextmanager
def _on_postgres(engine: Engine, name: str, patience: float) -> Generator[None]:
    number = int.from_bytes(hashlib.sha256(f"pilothouse/{name}".encode()).digest()[:8], signed=True)
    lock, deadline = {"lock": number}, time.monotonic() + patience
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), lock).scalar_one():
            if time.monotonic() > deadline:
                raise Busy(name)
            time.sleep(0.1)
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), lock)


@contextmanager
def _beside_sqlite(engine: Engine, name: str, patience: float) -> Generator[None]:
    path = Path(f"{engine.url.database}-{name}")
    with closing(sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)) as connection:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            raise Busy(name) from None
        yield
