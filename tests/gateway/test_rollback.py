"""Rollback: the plan first; what a person changed stays; what was interrupted is finished by running it again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.world import World, letter

from pilothouse.gateway import rollback
from pilothouse.gateway.rollback import Fate, Scope, apply, plan
from pilothouse.orchestration.continuing import carry_on
from pilothouse.vocabulary.errors import Forbidden, InvalidInput, NotFound
from pilothouse.vocabulary.outcomes import ActionStatus as S
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.verdicts import Mode

TESTER = Scope(agent="tester")


@pytest.fixture
def busy(world_on_each_store: World) -> World:
    world = world_on_each_store
    world.promote("crm.account.update:fill-empty", bulk_allowance=50)
    for number in range(1, 5):
        assert world.submit(world.action(to=f"crm/account/a{number}")).status is S.EXECUTED
    assert world.submit(world.action("phone", "1", to="crm/account/a1")).status is S.EXECUTED
    return world


def test_everything_an_agent_did_is_put_back_and_nothing_else(busy: World) -> None:
    assert [item.fate for item in plan(busy.gateway, TESTER).items] == [Fate.RESTORE] * 5
    undone = apply(busy.gateway, TESTER, "noah", "wrong source")
    assert undone.restored == 4 and all(result.status is S.EXECUTED for result in undone.results)
    for number in range(1, 5):
        assert busy.read("account", f"a{number}")["industry"] is None
        assert busy.read("account", f"a{number}")["country"] == "Germany"
    assert busy.read("account", "a1")["phone"] is None


def test_what_a_person_changed_later_stays_and_all_three_values_are_shown(busy: World) -> None:
    busy.app.twin.edit_as("rosa", "account", "a2", {"industry": "retail"})
    [stays] = plan(busy.gateway, TESTER).of(Fate.STAYS)
    assert (stays.old, stays.agent, stays.present) == (None, "software", "retail") and "rosa" in stays.why
    apply(busy.gateway, TESTER, "noah", "wrong source")
    assert busy.read("account", "a2")["industry"] == "retail"


def test_a_person_confirming_the_agents_value_is_a_persons_value(busy: World) -> None:
    busy.app.twin.edit_as("rosa", "account", "a2", {"industry": "software"})
    apply(busy.gateway, TESTER, "noah", "wrong source")
    assert busy.read("account", "a2")["industry"] == "software"


def test_a_window_a_field_and_a_single_action(busy: World) -> None:
    middle = busy.clock.now()
    busy.clock.advance(timedelta(hours=1))
    late = busy.submit(busy.action(to="crm/account/a5"))
    assert len(plan(busy.gateway, Scope(agent="tester", since=middle)).items) == 1
    assert len(plan(busy.gateway, Scope(agent="tester", until=middle)).items) == 5
    assert [i.field for i in plan(busy.gateway, Scope(agent="tester", field="phone")).items] == ["phone"]
    apply(busy.gateway, Scope(action=late.action.id), "noah", "only this")
    assert busy.read("account", "a5")["industry"] is None and busy.read("account", "a1")["industry"] == "software"


def test_twice_changes_nothing_more(busy: World) -> None:
    apply(busy.gateway, TESTER, "noah", "first")
    before = len(busy.committed())
    again = apply(busy.gateway, TESTER, "noah", "second")
    assert again.results == [] and again.plan.items == [] and len(busy.committed()) == before


def test_killed_in_the_middle_it_is_finished_by_running_it_again(busy: World, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    calls = {"n": 0}
    original = rollback._marks

    def die_at_second(*arguments: object):
        calls["n"] += 1
        if calls["n"] == 2:
            raise Killed
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(rollback, "_marks", die_at_second)
    with pytest.raises(Killed):
        apply(busy.gateway, TESTER, "noah", "interrupted")
    monkeypatch.undo()
    again = busy.reopened()
    carry_on(again.gateway)
    apply(again.gateway, TESTER, "noah", "go on")
    assert all(again.read("account", f"a{number}")["industry"] is None for number in range(1, 5))
    restored = [row["id"] for row in again.committed() if row["operation"] == "crm.record.restore"]
    assert sorted(restored) == ["a1", "a2", "a3", "a4"]
    assert plan(again.gateway, TESTER).items == []
    again.app.close()


def test_a_rollback_is_itself_governed_and_told(busy: World) -> None:
    with pytest.raises(Forbidden):
        apply(busy.gateway, TESTER, "ravi", "I would like to")
    with pytest.raises(InvalidInput):
        apply(busy.gateway, TESTER, "noah", " ")
    with pytest.raises(InvalidInput):
        Scope()
    undone = apply(busy.gateway, TESTER, "noah", "told")
    action = undone.results[0].action
    kinds = [entry.kind for entry in busy.app.ledger.entries(action=action.id)]
    assert kinds == ["action.intended", "action.executed"] and action.causes
    assert busy.gateway.row(action.causes[0]).status == "undone"


def test_a_rollback_is_not_news_to_the_agents(busy: World) -> None:
    apply(busy.gateway, TESTER, "noah", "quietly")
    before = busy.app.ledger.size()
    assert busy.app.take_in() == 0
    observed = [e for e in busy.app.ledger.entries(after=before - 1) if e.kind == "record.observed"]
    assert observed == []


def test_what_cannot_be_undone_is_listed(world: World) -> None:
    from pilothouse.vocabulary.records import RecordRef

    world.promote("crm.message.send")
    arguments = letter("c1")
    there = RecordRef("crm", "message", "")
    held = world.submit(world.action(capability="crm.message.send", target=there, arguments=arguments, expects=None))
    review = world.app.reviews.get(held.review)
    world.app.reviews.approve(held.review, "noah", review.payload_hash)
    world.gateway.resume(held.review)
    planned = plan(world.gateway, TESTER)
    assert planned.of(Fate.RESTORE) == [] and len(planned.of(Fate.CANNOT)) >= 1


def test_what_a_person_undid_is_done_again_only_when_a_person_says_so(world_on_each_store: World) -> None:
    world = world_on_each_store
    world.promote("crm.account.update:fill-empty")
    first = world.submit(world.action(idempotency_key="fill"))
    apply(world.gateway, Scope(agent="tester"), "noah", "a drill")
    row = world.gateway.row(first.action.id)
    assert (row.status, row.code) == ("undone", "undone") and "noah undid it" in row.sentence
    again = world.submit(world.action(idempotency_key="fill"))
    other = world.submit(world.action(idempotency_key="a new key"))
    for each in (again, other):
        assert (each.status, each.code) == (S.HELD, "undone_before"), each.sentence
    assert "noah undid it" in world.app.reviews.get(again.review).sentence
    world.app.reviews.approve(again.review, "ravi", world.app.reviews.get(again.review).payload_hash)
    assert world.gateway.resume(again.review).status is S.EXECUTED
    assert world.read("account", "a1")["industry"] == "software"
    before = world.app.ledger.size()
    assert world.app.ledger.rebuild() == before and world.gateway.row(again.action.id).status == "executed"


def test_a_value_that_a_reviewer_chose_is_the_reviewers(world_on_each_store: World) -> None:
    world = world_on_each_store
    world.promote("crm.account.update", Mode.ASSISTED)
    review = world.app.reviews.get(world.submit(world.action()).review)
    world.gateway.edit(review.id, "ravi", review.payload_hash, {"industry": "retail"})
    done = world.gateway.resume(review.id)
    known = world.app.store.field(RecordRef.parse("crm/account/a1"), "industry")
    assert known is not None and (known.value, known.writer_kind, known.writer) == ("retail", "person", "ravi")
    [item] = plan(world.gateway, Scope(agent="tester")).items
    assert item.fate is Fate.STAYS and "ravi chose this value" in item.why
    [item] = plan(world.gateway, Scope(action=done.action.id)).items
    assert item.fate is Fate.RESTORE


@pytest.mark.parametrize(
    "scope", [{"agent": "nope"}, {"agent": "tester@7"}, {"action": "act_nope"}, {"agent": "tester", "field": "nosuch"}]
)
def test_a_slip_in_what_to_undo_is_no_all_clear(world: World, scope: dict[str, str]) -> None:
    with pytest.raises(NotFound):
        plan(world.gateway, Scope(**scope))


def test_what_a_person_changed_through_the_same_door_stays(world: World) -> None:
    world.promote("crm.account.update:fill-empty")
    world.submit(world.action())
    mine = world.action("industry", "mining", evidence=())
    assert world.gateway.submit_as_person(mine, "gita").status is S.EXECUTED
    [item] = plan(world.gateway, Scope(agent="tester")).items
    assert item.fate is Fate.STAYS and "gita changed it after the agent" in item.why
    apply(world.gateway, Scope(agent="tester"), "noah", "a drill")
    assert world.read("account", "a1")["industry"] == "mining"
