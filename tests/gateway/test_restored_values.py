"""A value that is put back has the writer and the date it had before: nobody's word is changed by undoing."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.world import World

from pilothouse.data.store import Observation
from pilothouse.gateway.rollback import Scope, apply
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.outcomes import ActionStatus as S
from pilothouse.vocabulary.records import FieldValue, RecordRef, WriterKind

A1 = RecordRef("crm", "account", "a1")


@pytest.fixture
def live(world_on_each_store: World) -> World:
    world = world_on_each_store
    world.promote("crm.account.update", bulk_allowance=50)
    world.promote("crm.account.update:fill-empty", bulk_allowance=50)
    return world


def known(world: World, name: str) -> tuple[object, str, str, datetime] | None:
    found = world.app.store.field(A1, name)
    return found and (found.value, found.writer_kind.value, found.writer, found.at)


def wrote(world: World, name: str, value: str) -> str:
    world.clock.advance(timedelta(hours=1))
    done = world.submit(world.action(name, value))
    if done.status is S.HELD:
        review = world.app.reviews.get(done.review)
        world.app.reviews.approve(review.id, "ada", review.payload_hash, "")
        done = world.gateway.resume(review.id)
    assert done.status is S.EXECUTED, done.sentence
    return done.action.id


def undo(world: World, scope: Scope) -> None:
    world.clock.advance(timedelta(hours=1))
    assert apply(world.gateway, scope, "noah", "it was right before").restored == 1
    world.app.take_in()


def test_a_restored_value_is_the_word_of_who_wrote_it_before(live: World) -> None:
    before = known(live, "country")
    wrote(live, "country", "Austria")
    undo(live, Scope(agent="tester"))
    assert known(live, "country") == before
    assert before is not None and before[1:3] == ("import", "import:seed")
    golden = live.app.golden.now(A1, live.clock.now()).fields["country"]
    assert golden.source.value.writer == "import:seed" and "noah" not in golden.why
    assert live.app.golden.then(A1, live.clock.now()).fields["country"].value == "Germany"


def test_a_field_that_was_empty_is_nobodys_again(live: World) -> None:
    wrote(live, "industry", "software")
    undo(live, Scope(agent="tester"))
    assert known(live, "industry") is None
    live.clock.advance(timedelta(hours=1))
    now = live.app.store.record_at(A1, live.clock.now())
    assert now is not None and "industry" not in now.fields


def test_the_next_proposal_sees_the_writer_from_before(live: World) -> None:
    wrote(live, "country", "Austria")
    undo(live, Scope(agent="tester"))
    again = live.submit(live.action("country", "Norway"))
    entry = next(e for e in live.app.ledger.entries(action=again.action.id) if e.value("changes"))
    [change] = entry.value("changes")
    assert (change["last_writer_kind"], change["last_writer"]) == ("import", "import:seed")


def test_a_later_word_of_a_source_counts_after_a_rollback(live: World) -> None:
    seeded = live.clock.now()
    wrote(live, "country", "Austria")
    undo(live, Scope(agent="tester"))
    told = Observation(A1, {"country": "France"}, seeded + timedelta(minutes=1), WriterKind.IMPORT, "import:late")
    assert live.app.store.observe([told], Actor("gita")) == (1, 0)
    assert live.app.store.observe([told], Actor("gita")) == (0, 1)
    present, then = live.app.store.field(A1, "country"), live.app.store.record_at(A1, live.clock.now())
    assert present is not None and then is not None
    assert present.value == then.value("country") == "France"


def test_a_value_seen_by_nobody_before_stays_a_persons(live: World) -> None:
    live.app.twin.edit_as("rosa", "account", "a1", {"country": "Chile"})
    live.clock.advance(timedelta(hours=1))
    wrote(live, "country", "Peru")
    undo(live, Scope(agent="tester"))
    assert (found := known(live, "country")) is not None
    assert found[:2] == ("Chile", "person") and "rosa" in found[2]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["country", "industry", "phone"]), st.text("abc", min_size=1, max_size=2)), min_size=1, max_size=4))  # fmt: skip
def test_writing_and_rolling_back_leaves_values_as_they_were(live: World, writes: list[tuple[str, str]]) -> None:
    def everything() -> dict[str, tuple[object, str, str, datetime]]:
        record = live.app.store.record(A1)
        assert record is not None
        return {name: told(value) for name, value in record.fields.items()}

    def told(value: FieldValue) -> tuple[object, str, str, datetime]:
        return value.value, value.writer_kind.value, value.writer, value.at

    before, begin = everything(), live.clock.now() + timedelta(minutes=1)
    for name, value in writes:
        if live.read("account", "a1").get(name) != value:
            wrote(live, name, value)
    undo(live, Scope(agent="tester", since=begin))
    assert everything() == before
    then = live.app.store.record_at(A1, live.clock.now())
    assert then is not None and {name: told(value) for name, value in then.fields.items()} == before
    live.app.ledger.rebuild()
    assert everything() == before
