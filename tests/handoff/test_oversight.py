"""How well people oversee: the numbers, their n, and what they warn of; and acts looked at again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.handoff.test_canaries import ended_reviews, planted
from tests.world import World

from pilothouse.handoff.spot_checks import sampled
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput
from pilothouse.vocabulary.outcomes import ActionStatus
from pilothouse.vocabulary.verdicts import Mode


def decide(world: World, number: int, seconds: float | None, how: str = "approve") -> None:
    held = world.submit(world.action("phone", str(number), to=f"crm/account/a{number % 8 + 1}"))
    review = world.app.reviews.get(held.review)
    if seconds is not None:
        world.app.reviews.show([review.id], "ravi")
        world.clock.advance(timedelta(seconds=seconds))
    if how == "approve":
        world.app.reviews.approve(review.id, "ravi", review.payload_hash)
    else:
        world.app.reviews.reject(review.id, "ravi", "no")


def test_an_approval_unseen_or_too_fast_is_no_evidence_and_a_rejection_always_is(world: World) -> None:
    world.promote("crm.account.update:fill-empty", Mode.ASSISTED)
    for number, (seconds, how) in enumerate(
        [(None, "approve"), (1, "approve"), (30, "approve"), (1, "reject"), (None, "reject")]
    ):
        decide(world, number, seconds, how)
    [tally] = world.app.reviews.tallies()
    assert (tally.approved, tally.rejected, tally.hasty) == (1, 2, 2)
    [ravi] = world.app.oversight(30).reviewers
    assert (ravi.name, ravi.n, ravi.approved, ravi.hasty, ravi.timed) == ("ravi", 5, 3, 2, 3)
    assert ravi.seconds == pytest.approx(1, abs=0.2)


def test_only_the_first_look_counts(world_on_each_store: World) -> None:
    world = world_on_each_store
    world.promote("crm.account.update:fill-empty", Mode.ASSISTED)
    review = world.app.reviews.get(world.submit(world.action()).review)
    world.app.reviews.show([review.id], "ravi")
    world.clock.advance(timedelta(seconds=30))
    world.app.reviews.show([review.id], "ravi")
    assert len(list(world.app.ledger.entries(kinds={"review.shown"}))) == 1
    world.app.reviews.approve(review.id, "ravi", review.payload_hash)
    world.app.ledger.rebuild()
    assert world.app.reviews.counts_as_evidence(world.app.reviews.get(review.id))


def test_who_approves_everything_at_once_is_told_of_and_twenty_are_needed_for_it(world: World) -> None:
    world.promote("crm.account.update:fill-empty", Mode.ASSISTED)
    for number in range(19):
        decide(world, number, 1)
    assert world.app.oversight(30).reviewers[0].warnings == ()
    decide(world, 19, 1)
    [stamp, fast] = world.app.oversight(30).reviewers[0].warnings
    assert "20 of 20 were approved as they stood" in stamp and "faster than they can be read" in fast


def test_a_queue_is_a_bottleneck_when_it_stands_not_when_it_was_just_filled(world: World) -> None:
    world.promote("crm.account.update:fill-empty", Mode.ASSISTED)
    for number in range(20):
        world.submit(world.action("phone", str(number), to=f"crm/account/a{number % 8 + 1}"))
    assert world.app.oversight(30).queue.warnings == ()
    world.clock.advance(timedelta(hours=5))
    assert "20 have been open for over 4 h and 0 were decided" in world.app.oversight(30).queue.warnings[0]


def test_catch_rates_come_by_reviewer_and_gate(world: World) -> None:
    world = ended_reviews(world)
    world.gateway.canaries.tend(), world.gateway.canaries.tend()
    one, other = planted(world)
    world.app.reviews.approve(one.id, "ravi", one.payload_hash)
    world.app.reviews.reject(other.id, "ravi", "billing says otherwise")
    report = world.app.oversight(30)
    [ravi], [gate] = report.reviewers, report.gates
    assert (ravi.canaries, ravi.caught, ravi.n) == (2, 1, 4) and ravi.catch_rate == 0.5
    assert (gate.name, gate.canaries, gate.caught) == ("crm.account.update:fill-empty", 2, 1)
    assert any("planted" in each for each in ravi.warnings)


def checked_world(world: World) -> World:
    (world.root / "policy" / "handing.yaml").write_text("spot_checks: {auto: 1, approved: 0}\n")
    world = world.reopened()
    world.promote("crm.account.update:fill-empty", Mode.LIVE)
    return world


def test_what_ran_by_itself_is_looked_at_again_by_somebody_who_stands_apart(world_on_each_store: World) -> None:
    world = checked_world(world_on_each_store)
    assert world.submit(world.action()).status is ActionStatus.EXECUTED
    [check] = world.app.spot_checks.list()
    assert (check.origin, check.action_type) == ("auto", "crm.account.update:fill-empty")
    with pytest.raises(Forbidden):
        world.app.spot_checks.decide(check.id, "gita", passed=True)
    with pytest.raises(InvalidInput):
        world.app.spot_checks.decide(check.id, "ravi", passed=False)
    world.app.spot_checks.decide(check.id, "ravi", passed=False, note="they sell shoes")
    with pytest.raises(Conflict):
        world.app.spot_checks.decide(check.id, "noah", passed=True)
    [rate] = world.app.oversight(30).spot_checks
    assert (rate.n, rate.failed, rate.rate) == (1, 1, 1.0)
    [entry] = world.app.ledger.entries(kinds={"spotcheck.decided"})
    assert entry.body["passed"] is False and entry.body["agent"] == "tester@1"
    world.app.ledger.rebuild()
    assert world.app.spot_checks.get(check.id).passed is False


def test_the_share_that_is_looked_at_is_the_share_asked_for(world: World) -> None:
    chosen = sum(sampled(f"act_{number}", 0.2) for number in range(5000))
    assert 900 < chosen < 1100 and not sampled("act_1", 0) and sampled("act_1", 1)
    assert world.app.spot_checks.list() == []
