"""A promotion is proposed by one person and confirmed by another, of RevOps and of engineering; nothing else raises trust."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.world import World

from pilothouse.directory.roles import FOR_ENGINEERING, FOR_REVOPS, permissions_of
from pilothouse.gateway.promotions import GOOD_FOR
from pilothouse.gateway.proposals import Proposal, ProposalStatus, Through
from pilothouse.ledger.entries import Draft
from pilothouse.vocabulary.actors import Actor, AgentRef, Role
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput, NotFound
from pilothouse.vocabulary.outcomes import ActionStatus
from pilothouse.vocabulary.verdicts import Mode

TESTER, FILL = AgentRef("tester", "1"), "crm.account.update:fill-empty"
LOG_IN = Through.LOG_IN


def propose(world: World, by: str = "noah", mode: Mode = Mode.LIVE) -> Proposal:
    return world.gateway.door.promotions.propose(TESTER, FILL, by, LOG_IN, bootstrap=mode)


def confirm(world: World, proposal: Proposal, by: str = "emil") -> Proposal:
    return world.gateway.door.promotions.confirm(proposal.id, by, LOG_IN)


def test_a_proposal_changes_nothing_until_somebody_else_confirms_it(world_on_each_store: World) -> None:
    world = world_on_each_store
    proposed = propose(world)
    assert world.submit(world.action()).status is ActionStatus.SHADOWED
    done = confirm(world, proposed)
    assert (done.status, done.proposed_by, done.decided_by) == (ProposalStatus.CONFIRMED, "noah", "emil")
    assert world.submit(world.action()).status is ActionStatus.EXECUTED
    [asked, promoted] = world.app.ledger.entries(kinds={"promotion.proposed", "agent.promoted"})
    assert (asked.actor.person, promoted.actor.person) == ("noah", "emil")  # each by an act of their own
    assert promoted.body["by"] == ["noah", "emil"] and promoted.body["through"] == ["log-in", "log-in"]
    before = world.gateway.door.promotions.list()
    world.app.ledger.rebuild()
    assert world.gateway.door.promotions.list() == before


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ("noah", "noah", "two different"),
        ("noah", "gita", "owns"),
        ("noah", "ravi", "may not"),
        ("noah", "rosa", "may not"),
        ("ada", "emil", "both stand for engineering"),
    ],
)
def test_who_may_not_confirm(world: World, one: str, other: str, why: str) -> None:
    proposed = propose(world, one)
    with pytest.raises(Forbidden, match=why):
        confirm(world, proposed, other)
    assert world.gateway.door.agents.get(TESTER).standings == {}


@pytest.mark.parametrize("by", ["gita", "ravi", "rosa", "iris"])
def test_who_may_not_even_propose(world: World, by: str) -> None:
    with pytest.raises(Forbidden):
        propose(world, by)
    assert list(world.app.ledger.entries(kinds={"promotion.proposed"})) == []


def test_time_takes_a_proposal_away_and_never_confirms_it(world: World) -> None:
    proposed = propose(world)
    world.clock.advance(GOOD_FOR)
    assert proposed.as_of(world.clock.now()) is ProposalStatus.EXPIRED
    assert world.gateway.door.promotions.list(waiting=True) == []
    with pytest.raises(Conflict, match="expired"):
        confirm(world, proposed)
    confirm(world, propose(world))  # proposed again, it is good again


def leaves(world: World) -> None:
    world.app.directory.deactivate("noah", "ada")


def other_role(world: World) -> None:
    world.app.directory.change_role("noah", Role.REVIEWER, "ada")


def same_side(world: World) -> None:
    world.app.directory.change_role("noah", Role.ENGINEERING, "ada")


def demoted(world: World) -> None:
    world.gateway.door.agents.demote(TESTER, FILL, "ada", "too eager")


def withdrawn(world: World) -> None:
    [waiting] = world.gateway.door.promotions.list(waiting=True)
    world.gateway.door.promotions.withdraw(waiting.id, "noah", "too early", LOG_IN)


@pytest.mark.parametrize("since", [leaves, other_role, same_side, demoted, withdrawn])
def test_what_happened_since_counts_when_it_is_confirmed(world: World, since: Callable[[World], None]) -> None:
    proposed = propose(world)
    since(world)
    with pytest.raises((Forbidden, Conflict)):
        confirm(world, proposed)
    assert world.gateway.door.agents.get(TESTER).standing(FILL).mode is Mode.SHADOW


def test_a_proposal_is_good_once_and_only_one_waits(world: World) -> None:
    proposed = propose(world)
    with pytest.raises(Conflict, match="already"):
        propose(world, "ada")
    confirm(world, proposed)
    with pytest.raises(Conflict, match="confirmed by emil"):
        confirm(world, proposed, "ada")


@pytest.mark.parametrize(
    "changed",
    [{"proposal": "pmt_made-up"}, {"mode": "live", "share": 100}, {"action_type": "crm.record.delete"}, {"by": "noah"}],
)
def test_no_entry_raises_trust_past_its_proposal(world: World, changed: dict[str, str]) -> None:
    """The projector holds it also against whoever writes the entry directly."""
    proposed = propose(world, mode=Mode.ASSISTED)
    same = {"proposal": proposed.id, "agent": "tester@1", "action_type": FILL, "mode": "assisted", "share": 0}
    more = {"bulk_allowance": 0, "bootstrap": True, "salt": "", "scope": [], "through": ["log-in", "log-in"]}
    who = str(changed.pop("by", "emil"))
    body = {**same, **more, "by": ["noah", who], **changed}
    with pytest.raises(Conflict):
        world.app.ledger.append([Draft("agent.promoted", Actor(who), body)])
    assert world.gateway.door.agents.get(TESTER).standings == {}


def test_putting_back_into_shadow_takes_one_person_a_reason_and_an_agent_that_is_there(world: World) -> None:
    agents = world.gateway.door.agents
    with pytest.raises(InvalidInput, match="reason"):
        agents.demote(TESTER, FILL, "noah", " ")
    with pytest.raises(NotFound):
        agents.demote(AgentRef("nobody", "1"), FILL, "noah", "too eager")
    with pytest.raises(InvalidInput, match="no grant"):
        agents.demote(TESTER, "crm.contact.merge", "noah", "too eager")
    with pytest.raises(Forbidden):
        agents.demote(TESTER, FILL, "ravi", "too eager")
    assert agents.demote(TESTER, FILL, "emil", "too eager") == world.app.ledger.size() - 1


def test_no_role_stands_for_both_sides() -> None:
    sides = {role: {FOR_REVOPS, FOR_ENGINEERING} & permissions_of(role).may for role in Role}
    assert all(len(each) <= 1 for each in sides.values())
    assert all(bool(sides[role]) is ("promote" in permissions_of(role).may) for role in Role)
    assert sides[Role.REVOPS] == {FOR_REVOPS} and sides[Role.ENGINEERING] == {FOR_ENGINEERING}


def test_the_other_side_is_told_that_something_waits(world: World) -> None:
    propose(world)
    world.clock.advance(timedelta(minutes=1))
    world.app.notifications.round()
    told = {
        person: [n.event.value for n in world.app.notifications.inbox.of(person)] for person in ("emil", "ada", "ravi")
    }
    assert "promotion_proposed" in told["emil"] and "promotion_proposed" in told["ada"] and not told["ravi"]
