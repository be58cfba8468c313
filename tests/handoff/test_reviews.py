"""Reviews: bound to the payload, used once, decided by the right person, never by time."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.world import World, letter

from pilothouse.handoff.queue import Review
from pilothouse.handoff.sla import deadline
from pilothouse.orchestration.continuing import carry_on
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput
from pilothouse.vocabulary.outcomes import ActionStatus as S
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.verdicts import Mode


def held(world: World, *, value: str = "software") -> Review:
    world.promote("crm.account.update", Mode.ASSISTED)
    return world.app.reviews.get(world.submit(world.action(value=value)).review)


def held_message(world: World) -> Review:
    world.promote("crm.message.send", Mode.LIVE)
    arguments = letter("c1")
    message = world.action(
        capability="crm.message.send", target=RecordRef("crm", "message", ""), arguments=arguments, expects=None
    )
    return world.app.reviews.get(world.submit(message).review)


def test_a_review_shows_everything_needed_to_decide(world_on_each_store: World) -> None:
    review = held(world_on_each_store)
    assert (review.owner, review.status, review.payload_hash) == ("rosa", ReviewStatus.OPEN, review.action.payload_hash)  # type: ignore[union-attr]
    assert review.changes[0]["before"] is None and review.changes[0]["after"] == "software"
    assert review.sentence and review.rule and review.policy_version and review.deadline > review.opened_at
    world_on_each_store.app.ledger.rebuild()
    assert world_on_each_store.app.reviews.get(review.id) == review


def test_approving_carries_out_exactly_what_was_shown(world: World) -> None:
    review = held(world)
    world.app.reviews.approve(review.id, "ravi", review.payload_hash, "looks right")
    assert world.gateway.resume(review.id).status is S.EXECUTED
    assert world.read("account", "a1")["industry"] == "software"
    assert world.app.reviews.get(review.id).status is ReviewStatus.USED


def test_an_approval_is_good_once(world: World) -> None:
    review = held(world)
    world.app.reviews.approve(review.id, "ravi", review.payload_hash)
    world.gateway.resume(review.id)
    with pytest.raises(Conflict):
        world.gateway.resume(review.id)
    assert len(world.committed()) == 1


def test_an_approval_of_another_payload_is_none(world: World) -> None:
    review = held(world)
    with pytest.raises(Conflict, match="another payload"):
        world.app.reviews.approve(review.id, "ravi", "0" * 64)


def test_editing_keeps_both_values_and_carries_out_the_persons(world: World) -> None:
    review = held(world)
    world.app.reviews.edit(review.id, "ravi", review.payload_hash, {"industry": "retail"}, "they sell shoes")
    assert world.gateway.resume(review.id).status is S.EXECUTED
    assert world.read("account", "a1")["industry"] == "retail"
    [entry] = world.app.ledger.entries(kinds={"review.edited"})
    assert entry.value("proposed") == {"industry": "software"} and entry.value("arguments") == {"industry": "retail"}
    [override] = world.app.reviews.overrides()
    assert (override.review, override.kind, override.by) == (review.id, "edited", "ravi")
    assert (override.proposed, override.chosen) == ({"industry": "software"}, {"industry": "retail"})


def test_an_edit_that_makes_it_another_tier_is_decided_anew(world: World) -> None:
    world.promote("crm.opportunity.stage")
    move = world.action("stage", "Engaging", to="crm/opportunity/o1", capability="crm.opportunity.stage")
    review = world.app.reviews.get(world.submit(move).review)
    assert (review.tier, review.owner) == ("T2", "rosa")
    world.app.reviews.edit(review.id, "rosa", review.payload_hash, {"stage": "Closed Won"})
    done = world.gateway.resume(review.id)
    assert (done.status, done.code) == (S.REFUSED, "approval_for_lower_tier"), done.sentence
    assert world.committed() == [] and world.app.reviews.get(review.id).status is ReviewStatus.USED


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"nosuch": 1}, "outside_contract"),
        ({"industry": "software", "name": "Other"}, "outside_contract"),
        ({"industry": None}, "no_change"),
        ({"industry": 5}, "invalid_arguments"),
    ],
)
def test_values_that_could_not_go_through_leave_the_review_open(
    world: World, values: dict[str, Any], code: str
) -> None:
    review = held(world)
    with pytest.raises(InvalidInput) as refused:
        world.gateway.edit(review.id, "ravi", review.payload_hash, values)
    assert refused.value.code == code and world.app.reviews.get(review.id).status is ReviewStatus.OPEN
    world.gateway.edit(review.id, "ravi", review.payload_hash, {"industry": "retail"})
    assert world.gateway.resume(review.id).status is S.EXECUTED


def test_rejecting_needs_a_reason_and_keeps_it(world: World) -> None:
    review = held(world)
    with pytest.raises(InvalidInput):
        world.app.reviews.reject(review.id, "ravi", " ")
    world.app.reviews.reject(review.id, "ravi", "not our market")
    with pytest.raises(Conflict):
        world.gateway.resume(review.id)
    assert world.app.reviews.get(review.id).note == "not our market" and world.committed() == []
    assert world.gateway.row(review.action_id).status == "rejected"


def test_time_never_approves(world: World) -> None:
    review = held(world)
    world.clock.advance(timedelta(days=4))
    with pytest.raises(Conflict, match="counts as rejected"):
        world.app.reviews.approve(review.id, "ravi", review.payload_hash)
    assert carry_on(world.gateway).expired == []  # the attempt had closed it
    assert world.app.reviews.get(review.id).status is ReviewStatus.EXPIRED and world.committed() == []
    assert world.gateway.row(review.action_id).status == "expired"


def test_the_proposer_and_the_agents_owner_cannot_approve_tier_3(world: World) -> None:
    review = held_message(world)
    assert review.tier == "T3" and review.owner not in ("gita",)
    with pytest.raises(Forbidden, match="stands behind"):
        world.app.reviews.approve(review.id, "gita", review.payload_hash)
    world.app.reviews.approve(review.id, "noah", review.payload_hash)
    assert world.gateway.resume(review.id).status is S.EXECUTED
    assert len(world.app.twin.records("message")) == 1


@pytest.mark.parametrize("who", ["iris", "rosa"])
def test_who_may_not_review_may_not(world: World, who: str) -> None:
    review = held_message(world)
    with pytest.raises(Forbidden):
        world.app.reviews.approve(review.id, who, review.payload_hash)


def test_a_rep_decides_about_their_own_record(world: World) -> None:
    review = held(world)
    world.app.reviews.approve(review.id, "rosa", review.payload_hash)
    assert world.gateway.resume(review.id).status is S.EXECUTED


def test_the_world_moved_while_it_waited(world: World) -> None:
    review = held(world)
    world.app.twin.edit_as("rosa", "account", "a1", {"industry": "mining"})
    world.app.reviews.approve(review.id, "ravi", review.payload_hash)
    result = world.gateway.resume(review.id)
    assert (result.status, result.code) == (S.REFUSED, "stale_read")
    assert world.app.reviews.get(review.id).status is ReviewStatus.USED and world.committed() == []


def test_a_lapsed_token_does_not_undo_an_approval_but_a_suspension_does(world: World) -> None:
    review = held(world)
    world.app.reviews.approve(review.id, "ravi", review.payload_hash)
    world.gateway.door.agents.suspend(world.gateway.door.agents.latest("tester").ref, "noah", "stop")
    assert world.gateway.resume(review.id).code == "agent_suspended"


def test_of_many_deciding_at_once_exactly_one_decides(world: World) -> None:
    review = held(world)
    outcomes: list[str] = []

    def decide(number: int) -> None:
        try:
            if number % 2:
                world.app.reviews.approve(review.id, "ravi", review.payload_hash)
            else:
                world.app.reviews.reject(review.id, "noah", "no")
            outcomes.append("decided")
        except Conflict:
            outcomes.append("too late")

    threads = [threading.Thread(target=decide, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["decided"] + ["too late"] * 7


def test_a_business_day_skips_the_weekend() -> None:
    friday = datetime(2026, 1, 16, 15, tzinfo=UTC)
    assert deadline(friday, 1) == datetime(2026, 1, 19, 15, tzinfo=UTC)
