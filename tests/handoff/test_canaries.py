"""Known-wrong proposals: made from real ones, told from them only once decided, and never carried out."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from tests.world import World

from pilothouse.handoff.queue import Review
from pilothouse.handoff.reviews import consume_guard, used
from pilothouse.handoff.tables import canaries
from pilothouse.ledger.entries import Draft
from pilothouse.orchestration.continuing import carry_on
from pilothouse.surfaces.canaries import canary_said
from pilothouse.vocabulary.actions import Evidence
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import Conflict, NotFound, PilothouseError
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.verdicts import Mode

VALUES = ("software", "retail", "mining", "banking")


def ended_reviews(world: World, rate: str = "0.5") -> World:
    """Four real proposals, decided; canaries may be made in their shape."""
    (world.root / "policy" / "handing.yaml").write_text(f"canaries: {{rate: {rate}}}\n")
    world = world.reopened()
    world.promote("crm.account.update:fill-empty", Mode.ASSISTED)
    for number, value in enumerate(VALUES, 1):
        says = (Evidence(f"billing says {value}", f"billing/account/b{number}", "industry", value, position=0),)
        held = world.submit(world.action(value=value, to=f"crm/account/a{number}", evidence=says))
        review = world.app.reviews.get(held.review)
        if number % 2:
            world.app.reviews.reject(review.id, "ravi", "not sure")
        else:
            world.app.reviews.approve(review.id, "ravi", review.payload_hash)
            world.gateway.resume(review.id)
    return world


def planted(world: World) -> list[Review]:
    with world.app.ledger.engine.connect() as connection:
        names = {row.review for row in connection.execute(select(canaries.c.review))}
    return [each for each in world.app.reviews.list(status=None) if each.id in names]


def test_there_are_none_unless_policy_asks(world: World) -> None:
    world = ended_reviews(world, "0")
    assert world.gateway.canaries.tend() == [] and planted(world) == []


def test_there_are_as_many_as_policy_asks_for(world: World) -> None:
    world = ended_reviews(world)
    for _ in range(6):
        carry_on(world.gateway)
    assert len(planted(world)) == 2  # half of four real ones


def test_a_canary_shows_what_a_real_one_shows_and_contradicts_its_evidence(world_on_each_store: World) -> None:
    world = ended_reviews(world_on_each_store)
    world.gateway.canaries.tend()
    [canary] = planted(world)
    [shape] = [
        each for each in world.app.reviews.list(status=None) if each.subject == canary.subject and each != canary
    ]
    assert canary.action is not None and canary.action.evidence
    same = (
        "capability",
        "action_type",
        "tier",
        "code",
        "sentence",
        "rule",
        "confidence",
        "actor",
        "barred",
        "policy_version",
    )
    assert all(getattr(canary, name) == getattr(shape, name) for name in same)
    assert canary.action.arguments["industry"] not in {fact.value for fact in canary.action.evidence}
    assert canary in world.app.reviews.list() and canary_said(world.app, canary) == ""
    with pytest.raises(NotFound):
        world.app.canaries.fault(canary.id)
    rows = world.app.reviews.list(status=None)
    world.app.ledger.rebuild()
    assert world.app.reviews.list(status=None) == rows and planted(world) == [canary]


def test_an_approved_canary_is_missed_a_rejected_one_caught_and_the_reviewer_is_told(world: World) -> None:
    world = ended_reviews(world)
    world.gateway.canaries.tend(), world.gateway.canaries.tend()
    one, other = planted(world)
    done = world.app.reviews.approve(one.id, "ravi", one.payload_hash)
    assert done.status is ReviewStatus.MISSED and "it was approved" in canary_said(world.app, done)
    done = world.app.reviews.reject(other.id, "ravi", "billing says otherwise")
    assert done.status is ReviewStatus.CAUGHT and "Well caught" in canary_said(world.app, done)
    [tally] = world.app.reviews.tallies()
    assert (tally.rejected, tally.waiting, tally.expired) == (2, 0, 0)  # the real ones alone


def test_a_corrected_canary_is_caught(world: World) -> None:
    world = ended_reviews(world)
    world.gateway.canaries.tend()
    [canary] = planted(world)
    assert canary.action is not None
    right = canary.action.evidence[0].value
    done = world.app.reviews.edit(
        canary.id, "ravi", canary.payload_hash, {**canary.action.arguments, "industry": right}
    )
    assert done.status is ReviewStatus.CAUGHT


def test_a_canary_that_nobody_decided_says_nothing_about_the_agent(world: World) -> None:
    world = ended_reviews(world)
    world.gateway.canaries.tend()
    world.clock.advance(world.app.reviews.list()[0].deadline - world.clock.now())
    assert len(world.app.reviews.expire()) == 1
    assert planted(world)[0].status is ReviewStatus.EXPIRED and world.app.reviews.tallies()[0].expired == 0


STEPS = st.lists(
    st.sampled_from(["approve", "edit", "reject", "resume", "carry", "forge", "use", "rebuild"]), min_size=1, max_size=6
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_nothing_ever_comes_of_a_canary_whatever_is_tried(
    planted_world: tuple[World, Review], steps: list[str]
) -> None:
    """One world for all examples: whatever was tried before is still there when the next is tried."""
    world, canary = planted_world
    before = world.committed()
    for step in steps:
        with suppress(PilothouseError):
            attempt(world, canary, step)
    now = world.app.reviews.get(canary.id)
    assert now.status in (ReviewStatus.OPEN, ReviewStatus.CAUGHT, ReviewStatus.MISSED, ReviewStatus.EXPIRED)
    assert world.committed() == before
    assert list(world.app.ledger.entries(action=canary.action_id, kinds={"action.intended", "action.executed"})) == []


def attempt(world: World, canary: Review, step: str) -> None:
    assert canary.action is not None
    match step:
        case "approve":
            world.app.reviews.approve(canary.id, "ravi", canary.payload_hash)
        case "edit":
            world.gateway.edit(canary.id, "ravi", canary.payload_hash, {"industry": "forestry"})
        case "reject":
            world.app.reviews.reject(canary.id, "ravi", "wrong")
        case "resume":
            world.gateway.resume(canary.id)
        case "carry":
            carry_on(world.gateway)
        case "forge":  # somebody with hands on the code writes the entry of an approval
            body = {"review": canary.id, "by": "ravi", "payload_hash": canary.payload_hash}
            world.app.ledger.append(
                [Draft("review.approved", Actor("ravi"), body, {"note": ""}, action=canary.action_id)]
            )
        case "use":
            guard = consume_guard(canary.id, canary.payload_hash)
            world.app.ledger.append([used(canary.id, canary.action, Actor("gita"))], guard=guard)
        case _:
            world.app.ledger.rebuild()


@pytest.fixture
def planted_world(world: World) -> tuple[World, Review]:
    world = ended_reviews(world)
    world.gateway.canaries.tend()
    return world, planted(world)[0]


def test_the_gateway_refuses_a_decided_canary_by_name(planted_world: tuple[World, Review]) -> None:
    world, canary = planted_world
    world.app.reviews.approve(canary.id, "ravi", canary.payload_hash)
    with pytest.raises(Conflict) as refused:
        world.gateway.resume(canary.id)
    assert refused.value.code == "canary"
