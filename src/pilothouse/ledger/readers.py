"""Connections for the short reads on the way of an action: each thread keeps its own, and each statement stands alone.

Taking one from the shared pool for every read costs more than the read, and with many callers at once they queue for
the pool's lock. Meant for `Statement`s. What must never happen here: a moment that one reading saw shown to the next.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError


class Readers:
    """Gives a thread its connection; one that broke is thrown away, so that the next read finds a new one."""

    def __init__(self, engine: Engine) -> None:
        # SQLite is opened so that no transaction begins by itself; psycopg has to be told.
        alone = engine.dialect.name != "sqlite"
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT") if alone else engine
        self._local = threading.local()
        self._open: weakref.WeakSet[Connection] = weakref.WeakSet()

    @contextmanager
    def reading(self) -> Generator[Connection, None, None]:
        """Yield this thread's connection; what one reading saw never stands still for the next."""
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None or connection.closed:
            connection = self._local.connection = self._engine.connect()
            self._open.add(connection)
        try:
            yield connection
        except DBAPIError:
            self._local.connection = None
            connection.invalidate()
            connection.close()
            raise
        if connection.in_transaction():
            # A query through SQLAlchemy began one, and SQLite would go on showing this moment.
            connection.rollback()

    def close(self) -> None:
        """Close the connections of every thread."""
        for connection in list(self._open):
            connection.close()
