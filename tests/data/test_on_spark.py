"""The same pairs with the same levels come out on Spark as on one machine, and so do the entities."""

from __future__ import annotations

import importlib.util
import shutil

import pytest
from tests.world import World

from pilothouse.data.identity.features import ACCOUNT
from pilothouse.data.identity.index import Index
from pilothouse.data.identity.on_spark import spark_engine
from pilothouse.data.store import Observation
from pilothouse.testing.companies import companies
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import InvalidInput
from pilothouse.vocabulary.records import RecordRef, WriterKind

missing = importlib.util.find_spec("pyspark") is None or shutil.which("java") is None
spark = [pytest.mark.spark, pytest.mark.skipif(missing, reason="Spark is not here; `make test-spark` brings it")]
EVERY = "SELECT * FROM pairs ORDER BY ALL"


def rows(count: int) -> list[tuple[str, tuple[str, ...]]]:
    told = companies(count)
    return [(f"s/account/{n}", tuple(getattr(each, name, "") for name in ACCOUNT)) for n, each in enumerate(told)]


def index(count: int, *, on_spark: bool) -> Index:
    made = Index("account", engine=spark_engine("local[2]") if on_spark else None)
    made.begin()
    made.take(rows(count))
    return made


@pytest.mark.parametrize("count", [pytest.param(1500, marks=spark)])
def test_pairs_and_levels_are_the_same(count: int) -> None:
    here, there = index(count, on_spark=False), index(count, on_spark=True)
    one, other = here.connection.execute(EVERY).fetchall(), there.connection.execute(EVERY).fetchall()
    assert len(one) > count / 2 and one == other
    here.close()
    there.close()


@pytest.mark.parametrize("count", [pytest.param(400, marks=spark)])
def test_the_entities_are_the_same_and_what_is_new_is_resolved_here(world: World, count: int) -> None:
    app = world.app
    told = [dict(zip(ACCOUNT, values, strict=True)) for _, values in rows(count + 5)]
    seen = [
        Observation(RecordRef("s", "account", str(n)), {k: v for k, v in each.items() if v and k != "postcode"},
                    world.clock.now(), WriterKind.IMPORT, "t")
        for n, each in enumerate(told)
    ]  # fmt: skip
    app.store.observe(seen[:count], Actor("gita"))
    app.resolver.resolve("account", 0, engine=spark_engine("local[2]"))
    there = {frozenset(each) for each in app.entities.current("account").values()}
    assert app.resolver.resolve("account", 0, full=True).changed == 0
    app.resolver.forget()
    assert app.resolver.resolve("account", 0).changed == 0
    assert {frozenset(each) for each in app.entities.current("account").values()} == there
    app.store.observe(seen[count:], Actor("gita"))
    assert app.resolver.resolve("account", 0).records == len(list(app.store.records("account")))


def test_where_spark_cannot_start_it_says_what_to_do() -> None:
    if importlib.util.find_spec("pyspark") is not None:
        pytest.skip("pyspark is installed")
    with pytest.raises(InvalidInput, match="pyspark is not installed"):
        spark_engine("local[2]")
