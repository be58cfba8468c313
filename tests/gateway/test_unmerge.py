"""Rolling back a merge takes it apart; a flag put back alone would leave every reference at the wrong record."""

from __future__ import annotations

from dataclasses import replace

from tests.agents.test_duplicates import enlisted, found, ref, twice
from tests.world import World

from pilothouse.assembly import SYSTEM
from pilothouse.gateway.rollback import Fate, Scope, apply, plan
from pilothouse.vocabulary.records import RecordRef

__all__ = ["twice"]


def merged(world: World) -> str:
    """Merge b1 into b2 on a person's approval; returns the action."""
    [finding] = found(enlisted(world))
    assert finding.proposal is not None
    held = world.submit(replace(finding.proposal, expects={"flags": None}), world.token("hygiene@1"))
    review = world.app.reviews.get(held.review)
    world.app.reviews.approve(review.id, "ada", review.payload_hash, "")
    done = world.gateway.resume(review.id)
    assert done.status == "executed"
    world.app.take_in()
    return done.action.id


def test_rolling_a_merge_back_takes_it_apart(twice: World) -> None:
    world = twice
    action = merged(world)
    undone = apply(world.gateway, Scope(action=action), "noah", "two plants after all")
    assert [each.action.capability for each in undone.results] == ["crm.record.unmerge"] and undone.restored == 1
    assert world.read("opportunity", "q1")["account"] == "b1" and world.read("account", "b2")["city"] is None
    assert not world.read("account", "b1")["flags"]
    world.app.take_in()
    deal, loser = world.app.store.record(RecordRef(SYSTEM, "opportunity", "q1")), world.app.store.record(ref("b1"))
    assert deal and loser and (deal.text("account"), loser.text("flags")) == ("b1", "")
    assert plan(world.gateway, Scope(agent="hygiene")).items == []


def test_a_person_who_took_the_record_up_again_is_left_alone(twice: World) -> None:
    world = twice
    action = merged(world)
    world.app.twin.edit_as("rosa", "account", "b1", {"flags": "a plant of its own"})
    [item] = plan(world.gateway, Scope(action=action)).items
    assert item.fate is Fate.STAYS and "rosa" in item.why
