"""Opening the one database, SQLite or PostgreSQL, and the schema that every room hangs its tables on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, MetaData, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from pilothouse.vocabulary.errors import InvalidInput

metadata = MetaData()
SCHEMA_LOCK = 7015


def open_database(url: str) -> Engine:
    """Return an engine for `sqlite:///path` or `postgresql://…`; raises `InvalidInput` for another or malformed URL.

    SQLite runs in WAL mode with `synchronous=FULL`: a commit is on disk when it returns.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise InvalidInput(
            f"{url!r} is not a database URL.", hint="Write sqlite:///path/to/file or postgresql://host/name."
        ) from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _sqlite(parsed)
    if backend == "postgresql":
        return create_engine(parsed.set(drivername="postgresql+psycopg"), pool_size=10, max_overflow=70)
    raise InvalidInput(f"{backend} is not supported.", hint="Use SQLite or PostgreSQL 15 or newer.")


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise InvalidInput("the ledger needs a file, not memory.", hint="Write sqlite:///path/to/file.")
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": 30, "check_same_thread": False}, pool_size=10, max_overflow=90)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        # The driver's own transaction handling would begin late and without the write lock; SQLAlchemy begins instead.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        writing = connection.get_execution_options().get("pilothouse_write", False)
        connection.connection.cursor().execute("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def create_schema(engine: Engine) -> None:
    """Make the tables of a new database, or bring those of an earlier version forward; nothing to do is quick.

    Raises `InvalidInput` for a database that a later version has made.
    """
    from pilothouse.ledger.migrations import HEAD, mark, revision_of, upgrade
    from pilothouse.ledger.tables import guard_entries

    with engine.execution_options(pilothouse_write=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            # Several processes may start at once on a new database; SQLite's write lock sees to that by itself.
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": SCHEMA_LOCK})
        revision = revision_of(connection)
        if revision > HEAD:
            raise InvalidInput(
                f"the database was made by a later version of Pilothouse (revision {revision}, this one knows {HEAD}).",
                hint="Install the version that made it, or a newer one.",
            )
        if not revision:
            metadata.create_all(connection)
            mark(connection)
        elif revision < HEAD:
            upgrade(connection)
        if revision != HEAD:
            guard_entries(connection)
