"""How a database made by an earlier version becomes one of this version: Alembic's revisions, one file a change.

A new database is made whole from the tables as they are declared and marked with `HEAD`; tests show that the revisions
lead to the very same. `make migration` drafts a revision from what changed. What must never happen here: an entry of
the ledger changed or lost by a migration; projections may be thrown away, since `pilothouse ledger rebuild` makes them.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

HEAD = "0001"
FOLDER = Path(__file__).parent


def revision_of(connection: Connection) -> str:
    """Return the revision a database stands at, empty for one that has none."""
    if "alembic_version" not in inspect(connection).get_table_names():
        return ""
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none() or ""


def mark(connection: Connection) -> None:
    """Mark a database that was just made whole."""
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    MigrationContext.configure(connection).stamp(ScriptDirectory(str(FOLDER)), HEAD)


def upgrade(connection: Connection, to: str = HEAD) -> None:
    """Bring a database forward, inside the caller's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(FOLDER))
    command.upgrade(config, to)
