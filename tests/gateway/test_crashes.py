"""Crashes at each durable step, and each outside write broken twice: not done; done but unanswered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.world import World, letter

from pilothouse.gateway.stages import record_result
from pilothouse.orchestration.continuing import carry_on
from pilothouse.vocabulary.actors import AgentRef
from pilothouse.vocabulary.outcomes import ActionStatus as S
from pilothouse.vocabulary.records import RecordRef


class Killed(BaseException):
    """The process is gone: nothing catches this."""


def live(world: World) -> None:
    world.promote("crm.account.update:fill-empty")


@pytest.mark.parametrize(
    ("fault", "status", "value"),
    [
        ("timeout_before_commit", S.FAILED, None),
        ("timeout_after_commit", S.EXECUTED, "software"),
        ("500", S.FAILED, None),
        ("slow", S.EXECUTED, "software"),
    ],
)
def test_an_outside_write_broken_both_ways_is_settled_by_reading(
    world: World, fault: str, status: S, value: str | None
) -> None:
    live(world)
    world.app.twin.faults.arm(fault)
    result = world.submit(world.action())
    assert result.status is status, result.sentence
    assert world.read("account", "a1")["industry"] == value
    assert world.gateway.row(result.action.id).status == status.value


def test_what_was_not_done_may_be_proposed_again_and_is_done_once(world: World) -> None:
    live(world)
    world.app.twin.faults.arm("timeout_before_commit")
    assert world.submit(world.action(idempotency_key="k")).status is S.FAILED
    assert world.submit(world.action(idempotency_key="k")).status is S.EXECUTED
    assert len(world.committed()) == 1


def test_too_many_requests_is_retried_and_then_given_up(world: World) -> None:
    live(world)
    world.gateway.door.pause = lambda _: None
    world.app.twin.faults.arm("429", times=2)
    assert world.submit(world.action()).status is S.EXECUTED
    world.app.twin.faults.arm("429", times=3)
    result = world.submit(world.action(to="crm/account/a2"))
    assert (result.status, result.code) == (S.FAILED, "too_many_requests")


def test_a_wrong_value_is_seen_at_read_back(world: World) -> None:
    live(world)
    world.app.twin.faults.arm("wrong_value")
    result = world.submit(world.action())
    assert (result.status, result.code) == (S.EXECUTED, "wrong_value")
    assert world.gateway.row(result.action.id).verified == 0


def test_an_unreadable_system_refuses_before_anything_is_tried(world: World) -> None:
    live(world)
    world.app.twin.faults.arm("timeout_before_commit", operation="read")
    result = world.submit(world.action())
    assert (result.status, result.code) == (S.REFUSED, "system_unreadable")


def test_when_it_cannot_be_told_who_opted_out_nothing_is_sent(world: World) -> None:
    world.promote("crm.message.send")
    arguments = letter("c1")
    there = RecordRef("crm", "message", "")
    message = world.action(capability="crm.message.send", target=there, arguments=arguments, expects=None)
    world.app.twin.faults.arm("429", operation="read")
    result = world.submit(message)
    assert (result.status, result.code) == (S.REFUSED, "system_unreadable")


def test_killed_between_intent_and_call_it_was_not_done(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    live(world)

    def die(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(type(world.gateway.door.registry.connector("crm")), "perform", die)
    action = world.action()
    with pytest.raises(Killed):
        world.submit(action)
    monkeypatch.undo()
    again = world.reopened()
    assert again.gateway.row(action.id).status == "intended"
    assert carry_on(again.gateway).settled == []  # it may be under way in another process
    world.clock.advance(timedelta(minutes=2))
    assert [each.status for each in carry_on(again.gateway).settled] == [S.FAILED]
    assert again.committed() == [] and carry_on(again.gateway).settled == []
    again.app.close()


def test_killed_between_call_and_result_it_was_done_and_is_not_done_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(world)

    def die(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(record_result, "action_draft", die)
    action = world.action()
    with pytest.raises(Killed):
        world.submit(action)
    monkeypatch.undo()
    again = world.reopened()
    world.clock.advance(timedelta(minutes=2))
    assert [each.status for each in carry_on(again.gateway).settled] == [S.EXECUTED]
    assert again.read("account", "a1")["industry"] == "software" and len(again.committed()) == 1
    row = again.gateway.row(action.id)
    assert row.status == "executed" and row.code == "reconciled"
    again.app.close()


def test_while_an_outcome_is_unknown_nobody_else_writes_the_field(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(world)
    connector = type(world.gateway.door.registry.connector("crm"))
    world.app.twin.faults.arm("timeout_before_commit")

    def silent(*_: object) -> None:
        from pilothouse.gateway.ports import CallUnknown

        raise CallUnknown("still nothing")

    monkeypatch.setattr(connector, "lookup", silent)
    assert world.submit(world.action()).status is S.UNKNOWN
    other = world.submit(world.action(value="retail"))
    assert (other.status, other.code) == (S.REFUSED, "field_claimed")
    monkeypatch.undo()
    carry_on(world.gateway)
    assert world.submit(world.action(value="retail")).status is S.EXECUTED


def test_suspended_between_judgement_and_intent_nothing_runs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    live(world)
    from pilothouse.gateway.stages import record_intent

    original = record_intent.action_draft

    def suspend_first(*arguments: object):
        world.gateway.door.agents.suspend(AgentRef("tester", "1"), "gita", "stop")
        monkeypatch.setattr(record_intent, "action_draft", original)
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(record_intent, "action_draft", suspend_first)
    result = world.submit(world.action())
    assert (result.status, result.code) == (S.REFUSED, "agent_suspended")
    assert world.committed() == []


def results(world: World, action: str) -> list[str]:
    return [each.kind for each in world.app.ledger.entries(kinds={"action.executed", "action.failed"}, action=action)]


def test_what_is_under_way_is_not_settled_by_somebody_else(
    world_on_each_store: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server tends every two seconds, and anybody may run `carry` beside it, while a call takes its time."""
    world = world_on_each_store
    live(world)
    other, connector = world.reopened(), type(world.gateway.door.registry.connector("crm"))
    call = connector.perform
    rival: list[str] = []

    def slow(*arguments: Any) -> Any:
        assert carry_on(world.gateway).settled == [] and carry_on(other.gateway).settled == []
        rival.append(other.submit(other.action(value="retail")).code)
        world.clock.advance(timedelta(minutes=3))
        assert carry_on(world.gateway).settled == []  # its own process knows for certain
        return call(*arguments)

    monkeypatch.setattr(connector, "perform", slow)
    result = world.submit(world.action())
    assert (result.status, rival) == (S.EXECUTED, ["field_claimed"])
    assert results(world, result.action.id) == ["action.executed"]
    other.app.close()


@pytest.mark.parametrize(
    ("fault", "kind"), [("timeout_before_commit", "action.failed"), ("timeout_after_commit", "action.executed")]
)
def test_two_who_settle_the_same_act_record_it_once(
    world_on_each_store: World, monkeypatch: pytest.MonkeyPatch, fault: str, kind: str
) -> None:
    world = world_on_each_store
    live(world)
    world.app.twin.faults.arm(fault)
    connector = type(world.gateway.door.registry.connector("crm"))
    lookup = connector.lookup

    def somebody_is_first(*arguments: Any) -> Any:
        monkeypatch.setattr(connector, "lookup", lookup)
        assert len(carry_on(world.gateway).settled) == 1
        return lookup(*arguments)

    monkeypatch.setattr(connector, "lookup", somebody_is_first)
    result = world.submit(world.action())
    assert results(world, result.action.id) == [kind] == [f"action.{result.status.value}"]


def test_who_was_taken_for_dead_and_comes_back_finds_its_result(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    live(world)
    other, connector = world.reopened(), type(world.gateway.door.registry.connector("crm"))
    call = connector.perform

    def asleep(*arguments: Any) -> Any:
        receipt = call(*arguments)
        world.clock.advance(timedelta(minutes=3))
        assert [each.status for each in carry_on(other.gateway).settled] == [S.EXECUTED]
        return receipt

    monkeypatch.setattr(connector, "perform", asleep)
    result = world.submit(world.action())
    assert (result.status, results(world, result.action.id)) == (S.EXECUTED, ["action.executed"])
    other.app.close()
