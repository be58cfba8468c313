"""Suspended is suspended: at once, in flight and queued, until somebody who may ends it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.world import World

from pilothouse.directory.suspensions import EVERY, Reach
from pilothouse.gateway import rollback
from pilothouse.gateway.ports import Call, CallRefused
from pilothouse.handoff.incidents import Finding
from pilothouse.ledger.entries import Draft
from pilothouse.orchestration.continuing import carry_on
from pilothouse.vocabulary.actors import Actor, AgentRef
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput, NotFound
from pilothouse.vocabulary.outcomes import ActionStatus as S
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.verdicts import Mode

UPDATE, FILL = "crm.account.update", "crm.account.update:fill-empty"
STOPPING = [
    Reach(),
    Reach("tester"),
    Reach("tester@1"),
    Reach(EVERY, UPDATE),
    Reach("tester", UPDATE),
    Reach(EVERY, FILL),
]
ELSEWHERE = [Reach("tester", "crm.record.flag"), Reach(EVERY, "crm.contact.update")]
AGENTS, TYPES = st.sampled_from([EVERY, "a", "a@1", "a@2", "b@1"]), st.sampled_from([EVERY, "x", "x:y", "x:z", "w"])
REACHES = st.builds(Reach, AGENTS, TYPES)


def suspend(world: World, reach: Reach, by: str = "noah") -> int:
    return world.gateway.door.agents.suspend(reach, by, "a drill")


@pytest.mark.parametrize("reach", STOPPING, ids=str)
def test_what_is_in_reach_gets_no_intent_and_goes_on_afterwards(world: World, reach: Reach) -> None:
    world.promote(FILL)
    suspend(world, reach)
    assert world.submit(world.action()).code == "agent_suspended" and world.committed() == []
    world.gateway.door.agents.resume(reach, "noah", "over")
    assert world.submit(world.action()).status is S.EXECUTED


@pytest.mark.parametrize("reach", ELSEWHERE, ids=str)
def test_what_is_out_of_reach_goes_on(world: World, reach: Reach) -> None:
    world.promote(FILL)
    suspend(world, reach)
    assert world.submit(world.action()).status is S.EXECUTED


@given(one=REACHES, other=REACHES, name=st.sampled_from(["a", "b"]), version=st.sampled_from(["1", "2"]), what=TYPES)
def test_containing_and_touching_agree_with_covering(
    one: Reach, other: Reach, name: str, version: str, what: str
) -> None:
    agent, types = AgentRef(name, version), {what, what.partition(":")[0]} - {EVERY}
    both = one.covers(agent, *types) and other.covers(agent, *types)
    if one.contains(other) and other.covers(agent, *types):
        assert one.covers(agent, *types)
    if both and types:
        assert one.touches(other)
    assert one.touches(other) == other.touches(one)


def test_a_call_that_was_not_done_is_not_sent_again_once_suspended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.promote(FILL)
    connector, sent = world.gateway.door.registry.connector("crm"), 0

    def busy(call: Call) -> None:
        nonlocal sent
        sent += 1
        suspend(world, Reach())
        raise CallRefused("429", "later", retryable=True)

    monkeypatch.setattr(connector, "perform", busy)
    world.gateway.door.pause = lambda _: None
    result = world.submit(world.action())
    assert (result.status, result.code, sent) == (S.FAILED, "agent_suspended", 1)


def test_suspended_between_intent_and_call_nothing_is_sent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from pilothouse.gateway.stages import perform

    world.promote(FILL)
    original = perform.call_of
    monkeypatch.setattr(perform, "call_of", lambda *given: (suspend(world, Reach("tester")), original(*given))[1])
    assert world.submit(world.action()).status is S.FAILED and world.committed() == []


def test_people_go_on_and_rollback_works_while_everything_is_suspended(world_on_each_store: World) -> None:
    world = world_on_each_store
    world.promote(FILL)
    assert world.submit(world.action()).status is S.EXECUTED
    suspend(world, Reach())
    assert world.gateway.submit_as_person(world.action("phone", "1", to="crm/account/a2"), "noah").status is S.EXECUTED
    undone = rollback.apply(world.gateway, rollback.Scope(agent="tester"), "noah", "wrong")
    assert undone.restored == 1 and world.read("account", "a1")["industry"] is None


def test_a_held_review_waits_is_not_approved_and_is_due_anew(world_on_each_store: World) -> None:
    world = world_on_each_store
    world.promote(UPDATE, Mode.ASSISTED)
    held, other = world.submit(world.action()), world.submit(world.action("phone", "1"))
    review = world.app.reviews.get(held.review)
    suspend(world, Reach("tester", UPDATE))
    with pytest.raises(Conflict) as refused:
        world.app.reviews.approve(review.id, "ravi", review.payload_hash)
    assert refused.value.code == "agent_suspended"
    with pytest.raises(InvalidInput):
        world.gateway.edit(review.id, "ravi", review.payload_hash, {"industry": "retail"})
    assert "suspended" in world.app.reviews.view(review.id, "ravi").why_not
    world.clock.advance(timedelta(days=30))
    assert carry_on(world.gateway).expired == [] and not world.app.reviews.view(review.id).overdue
    world.app.reviews.reject(other.review, "ravi", "no need")
    world.gateway.door.agents.resume(Reach("tester", UPDATE), "noah", "over")
    again = world.app.reviews.get(review.id)
    assert again.status is ReviewStatus.OPEN and again.deadline > world.clock.now()
    world.app.ledger.rebuild({"reviews", "suspensions"})
    assert world.app.reviews.get(review.id) == again
    world.app.reviews.approve(review.id, "ravi", again.payload_hash)
    assert world.gateway.resume(review.id).status is S.EXECUTED


def test_one_that_was_never_held_back_expires_as_ever(world: World) -> None:
    world.promote(UPDATE, Mode.ASSISTED)
    held = world.submit(world.action())
    suspend(world, Reach("tester", "crm.record.flag"))
    world.clock.advance(timedelta(days=30))
    assert carry_on(world.gateway).expired == [held.review]


def test_who_may_suspend_and_what_there_is_to_suspend(world: World) -> None:
    agents = world.gateway.door.agents
    for by, reach, error in (
        ("rosa", Reach(), Forbidden),
        ("iris", Reach(), Forbidden),
        ("noah", Reach("nobody"), NotFound),
        ("noah", Reach(EVERY, "crm.nothing"), NotFound),
    ):
        with pytest.raises(error):
            agents.suspend(reach, by, "why")
    with pytest.raises(InvalidInput):
        agents.suspend(Reach(), "noah", " ")
    with pytest.raises(NotFound):
        agents.resume(Reach("tester"), "noah", "it is not suspended")
    assert agents.suspensions() == ()


def test_after_an_incident_it_is_settled_first_and_somebody_else_resumes(world_on_each_store: World) -> None:
    world = world_on_each_store
    agents, desk = world.gateway.door.agents, world.app.incidents
    agents.suspend(Reach("tester"), "gita", "my own agent guesses")
    incident = desk.incidents.open(Finding(Reach("tester@1"), 2, "it guesses"), "rosa")
    with pytest.raises(Conflict) as unsettled:
        agents.resume(Reach("tester"), "noah", "it is fine")
    assert unsettled.value.code == "incident_unsettled"
    desk.resolve(incident.id, "noah", "nothing was written")
    with pytest.raises(Forbidden) as own:
        agents.resume(Reach("tester"), "gita", "it is fine")
    assert own.value.code == "owner_cannot_resume"
    desk.incidents.close(incident.id, "noah", "a contract check was added")
    with pytest.raises(Forbidden):  # closing it does not make the owner somebody else
        agents.resume(Reach("tester"), "gita", "it is fine")
    agents.resume(Reach("tester"), "noah", "it is fine")
    agents.suspend(Reach("tester"), "gita", "a pause")
    agents.resume(Reach("tester"), "gita", "no incident since")


def test_an_action_that_asks_while_the_suspension_commits_gets_no_intent_after_it(world: World) -> None:
    """The last word: suspended after every stage answered yes."""
    from pilothouse.gateway.passage import Passage, Stop
    from pilothouse.gateway.pipeline import STAGES
    from pilothouse.gateway.stages.record_intent import record_intent

    world.promote(FILL)
    passage = Passage(world.action(), credential=world.token())
    for stage in STAGES[: STAGES.index(record_intent)]:
        stage(passage, world.gateway.door)
    body = {"agent": EVERY, "action_type": FILL, "reason": "stop"}
    world.app.ledger.append([Draft("agent.suspended", Actor("noah"), body)])
    answer = record_intent(passage, world.gateway.door)
    assert isinstance(answer, Stop) and answer.code == "agent_suspended"
