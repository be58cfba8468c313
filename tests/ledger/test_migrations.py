"""A database made by an earlier version becomes, revision by revision, what a new one is."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from tests.world import World

from pilothouse.ledger.database import create_schema, metadata, open_database
from pilothouse.ledger.migrations import FOLDER, HEAD, revision_of, upgrade
from pilothouse.vocabulary.errors import InvalidInput


def test_head_is_the_last_revision_and_revisions_are_a_line() -> None:
    scripts = ScriptDirectory(str(FOLDER))
    revisions = [script.revision for script in scripts.walk_revisions()]
    assert scripts.get_current_head() == HEAD and revisions == sorted(revisions, reverse=True)


def test_the_revisions_lead_to_the_declared_tables(database_url: str) -> None:
    engine = open_database(database_url)
    with engine.execution_options(pilothouse_write=True).begin() as connection:
        upgrade(connection)
        assert revision_of(connection) == HEAD
    with engine.connect() as connection:
        ours = lambda _thing, name, *_: not str(name).startswith("test_")  # noqa: E731  other tests declare tables too
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": ours})
        assert compare_metadata(context, metadata) == []
    create_schema(engine)  # finds nothing to do
    engine.dispose()


def test_a_new_database_is_marked_and_opened_again_untouched(world_on_each_store: World) -> None:
    engine = world_on_each_store.app.ledger.engine
    size = world_on_each_store.app.ledger.size()
    create_schema(engine)
    with engine.connect() as connection:
        assert revision_of(connection) == HEAD
    assert world_on_each_store.app.ledger.size() == size > 0


def test_a_database_of_a_later_version_is_not_touched(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/x.sqlite")
    create_schema(engine)
    with engine.execution_options(pilothouse_write=True).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(InvalidInput, match="later version"):
        create_schema(engine)
