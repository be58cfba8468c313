"""What a later export says again: it renews the last repeat and never the date on which the value was told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from tests.world import World

from pilothouse.data.freshness import CountsFrom, GoodFor, said_at
from pilothouse.data.golden.reader import GoldenRecords
from pilothouse.data.golden.record import Told, golden
from pilothouse.data.golden.survivorship import SurvivorRule, Survivorship
from pilothouse.data.importing.importer import ImportReport, import_files
from pilothouse.data.projection import RecordProjector
from pilothouse.data.repeating import REPEATED, Repeats
from pilothouse.data.store import Observation
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import InvalidInput
from pilothouse.vocabulary.records import FieldValue, RecordRef, WriterKind

GITA = Actor("gita")
REF = RecordRef("erp", "account", "1")
HEAD = "id,name,industry,updated_at\n"


def day(number: int, month: int = 1) -> datetime:
    return datetime(2025, month, number, tzinfo=UTC)


def run(world: World, path: Path, exported: datetime | None = None) -> ImportReport:
    app = world.app
    return import_files(
        app.ledger, app.store, [path], "canonical", system="erp", actor=GITA, clock=world.clock, exported=exported
    )


def accounts(folder: Path, *rows: str, head: str = HEAD) -> Path:
    path = folder / "accounts.csv"
    path.write_text(head + "".join(f"{row}\n" for row in rows))
    return path


def industry(world: World) -> FieldValue:
    found = world.app.store.field(REF, "industry")
    assert found is not None
    return found


def rows(world: World) -> list[Sequence[object]]:
    with world.app.ledger.engine.connect() as connection:
        return [
            tuple(row)
            for table in RecordProjector.tables
            for row in connection.execute(select(table).order_by(*table.primary_key.columns))
        ]


def test_a_later_export_renews_the_last_repeat_and_not_the_telling(world_on_each_store: World, tmp_path: Path) -> None:
    world = world_on_each_store
    run(world, accounts(tmp_path, "1,Alder,software,2024-03-01", "2,Beech,retail,2024-03-02"))
    run(world, accounts(tmp_path, "1,Alder,software,2024-03-01", "2,Beech,mining,2025-10-01"))
    told = industry(world)
    assert (told.at, told.repeated_at) == (datetime(2024, 3, 1, tzinfo=UTC), datetime(2025, 10, 1, tzinfo=UTC))
    # What was told anew that day was not repeated too.
    beech = world.app.store.field(RecordRef("erp", "account", "2"), "industry")
    assert beech is not None and (beech.value, beech.repeated_at) == ("mining", None)
    before = rows(world)
    world.app.ledger.rebuild()
    assert rows(world) == before


def test_the_same_file_again_says_nothing_new(world_on_each_store: World, tmp_path: Path) -> None:
    world = world_on_each_store
    dated = accounts(tmp_path, "1,Alder,software,2024-03-01", "2,Beech,retail,2025-02-01")
    (tmp_path / "other").mkdir()
    undated = accounts(tmp_path / "other", "7,Cedar,mining", head="id,name,industry\n")
    for path in (dated, undated):
        run(world, path)
        before, size = rows(world), world.app.ledger.size()
        world.clock.advance(timedelta(days=200))
        report = run(world, path)
        assert (report.changed, report.repeated, rows(world)) == (0, 0, before)
        assert world.app.ledger.size() == size + 2  # it began, it ended


def test_a_new_export_without_dates_counts_from_its_first_import(world: World, tmp_path: Path) -> None:
    head = "id,name,industry\n"
    run(world, accounts(tmp_path, "1,Alder,software", head=head))
    first = industry(world).at
    world.clock.advance(timedelta(days=40))
    run(world, accounts(tmp_path, "1,Alder,software", "2,Beech,retail", head=head))
    told = industry(world)
    assert told.at == first and (told.last_said - first).days == 40
    # The first file, come back from a drawer, is as old as it was.
    world.clock.advance(timedelta(days=40))
    run(world, accounts(tmp_path, "1,Alder,software", head=head))
    assert industry(world) == told


def test_one_entry_names_a_files_records_and_who_imports_may_say_when_it_was_made(world: World, tmp_path: Path) -> None:
    path = accounts(tmp_path, *(f"{n},Alder {n},software,2024-03-01" for n in range(1, 40)))
    report = run(world, path, exported=day(5))
    assert report.repeated == 39 and industry(world).repeated_at == day(5)
    (entry,) = world.app.ledger.entries(kinds={REPEATED})
    assert entry.body["as_of"] == "2025-01-05T00:00:00.000000Z" and entry.body["fields"] == ["industry", "name"]
    assert len(entry.body["ids"]) == 39  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="has not come yet"):
        run(world, path, exported=world.clock.now() + timedelta(days=1))


def test_what_a_source_contradicts_or_leaves_empty_is_not_repeated(world: World, tmp_path: Path) -> None:
    run(world, accounts(tmp_path, "1,Alder,software,2025-01-01"))
    corrected = Observation(REF, {"industry": "retail"}, day(9), WriterKind.PERSON, "rosa")
    world.app.store.observe([corrected], GITA)
    run(world, accounts(tmp_path, "1,Alder,software,2025-01-01", "2,Beech,retail,2025-03-01"))
    assert (industry(world).value, industry(world).repeated_at) == ("retail", None)
    name = world.app.store.field(REF, "name")
    assert name is not None and name.repeated_at == day(1, 3)


def test_a_past_moment_knows_only_what_was_repeated_by_then(world_on_each_store: World, tmp_path: Path) -> None:
    world = world_on_each_store
    path = accounts(tmp_path, "1,Alder,software,2024-03-01")
    for month in (2, 4, 6):
        run(world, path, exported=day(1, month))
    run(world, accounts(tmp_path, "1,Alder,mining,2025-07-01"))

    def then(moment: datetime) -> FieldValue:
        record = world.app.store.record_at(REF, moment)
        assert record is not None
        return record.fields["industry"]

    assert then(day(15)).repeated_at is None
    assert [then(day(15, month)).repeated_at for month in (2, 3, 4, 6)] == [day(1, m) for m in (2, 2, 4, 6)]
    assert (then(day(2, 7)).value, then(day(2, 7)).repeated_at) == ("mining", None)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 28), st.integers(1, 28)), min_size=1, max_size=8))
def test_as_of_the_end_of_time_a_record_is_what_it_is_now(world: World, told: list[tuple[str, int, int]]) -> None:
    app = world.app
    ref = RecordRef("erp", "account", f"h{app.ledger.size()}")
    for value, at, as_of in told:
        repeats = Repeats()
        app.store.observe(
            [Observation(ref, {"city": value}, day(at), WriterKind.IMPORT, "import:x")], GITA, repeats=repeats
        )
        app.ledger.append(list(repeats.drafts("erp", "x.csv", day(as_of), GITA)))
    now, then = app.store.record(ref), app.store.record_at(ref, day(31, 12))
    assert now is not None and then is not None
    one, other = now.fields["city"], then.fields["city"]
    assert (one.value, one.at, one.last_said) == (other.value, other.at, other.last_said)
    # A repeat is of the present value, and never older than it was told.
    assert one.last_said >= one.at


def test_the_rule_says_what_age_counts_from(world: World, tmp_path: Path) -> None:
    run(world, accounts(tmp_path, "1,Alder,software,2024-03-01"), exported=day(1, 10))
    now = day(15, 10)
    for counts_from, stale in ((CountsFrom.REPEATED, False), (CountsFrom.TOLD, True)):
        rules = Survivorship(counts_from=counts_from, objects={"account": {"industry": SurvivorRule(max_age_days=365)}})
        found = GoldenRecords(world.app.store, world.app.entities, rules).now(REF, now).fields["industry"]
        assert found.stale is stale
        assert (found.told_at, found.repeated_at) == (datetime(2024, 3, 1, tzinfo=UTC), day(1, 10))
        assert "on 1 Mar 2024, last repeated on 1 Oct 2025" in found.why


def test_a_repeat_never_decides_which_value_counts() -> None:
    old = FieldValue("x", "crm", day(1), WriterKind.IMPORT, "import:x", 1, repeated_at=day(9))
    new = FieldValue("y", "erp", day(5), WriterKind.IMPORT, "import:y", 2)
    told = [Told(RecordRef(each.system, "account", "1"), "city", each) for each in (old, new)]
    rules = Survivorship(objects={"account": {"city": SurvivorRule(max_age_days=10)}})
    found = golden(told, rules, day(20))["city"]
    assert found.value == "y" and found.stale


def test_each_field_counts_from_what_its_rule_says() -> None:
    value = FieldValue("x", "crm", day(1), WriterKind.IMPORT, "import:x", 1, repeated_at=day(9))
    schedule = {"account": {"phone": GoodFor(10), "city": GoodFor(10, CountsFrom.TOLD)}}
    assert said_at("account", "phone", value, schedule) == day(9)
    assert said_at("account", "city", value, schedule) == day(1)
