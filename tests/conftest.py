"""Fixtures every room's tests share: a clock, databases of both kinds, a wired app on the twin."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pilothouse.testing.clock import TestClock
from tests.postgres import Cluster, start_cluster
from tests.world import World, make_world


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    # Not under pytest's own folder: other runs make that unreadable for the user PostgreSQL runs as.
    folder = Path(tempfile.mkdtemp(prefix="pilothouse-postgres-"))
    cluster = start_cluster(folder)
    yield cluster
    cluster.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Both stores: every test that takes this runs twice."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.sqlite"
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.new_database()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace as `pilothouse init` writes it, made once and copied for each test."""
    from pilothouse.workspace.config import init_workspace

    root = tmp_path_factory.mktemp("template") / "workspace"
    init_workspace(root)
    return root


@pytest.fixture
def new_world(template: Path, tmp_path: Path, clock: TestClock) -> Iterator[Callable[..., World]]:
    made: list[World] = []

    def make(database_url: str | None = None) -> World:
        root = tmp_path / f"world{len(made)}"
        shutil.copytree(template, root)
        made.append(make_world(root, clock, database_url))
        return made[-1]

    yield make
    for world in made:
        world.app.close()


@pytest.fixture
def world(new_world: Callable[..., World]) -> World:
    return new_world()


@pytest.fixture
def world_on_each_store(new_world: Callable[..., World], database_url: str) -> World:
    return new_world(database_url)
