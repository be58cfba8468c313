"""X-03: a stage move is freed only on to the next open stage, with every exit criterion known to hold, and by its gate."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.world import World

from pilothouse.data.definitions import Definitions
from pilothouse.gateway.passage import Result
from pilothouse.gateway.stage_moves import next_stage
from pilothouse.ledger.entries import Draft
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import Forbidden
from pilothouse.vocabulary.outcomes import ActionStatus
from pilothouse.vocabulary.values import Json
from pilothouse.vocabulary.verdicts import Mode

MOVE = "crm.opportunity.stage"
FORWARD = f"{MOVE}:forward"


def deal(world: World, ident: str, **fields: Json) -> str:
    """A deal in Engaging, which asks for an amount before a deal goes on from it."""
    world.app.twin.seed([("opportunity", ident, {"name": ident, "stage": "Engaging", "account": "a1", **fields})])
    world.app.take_in()
    return f"crm/opportunity/{ident}"


def move(world: World, ident: str, to: str = "Proposal") -> Result:
    action = world.action("stage", to, to=f"crm/opportunity/{ident}", capability=MOVE)
    return world.submit(action)


def tier(result: Result) -> str:
    assert result.verdict is not None
    return result.verdict.tier.value


def type_of(world: World, result: Result) -> str:
    [entry] = [e for e in world.app.ledger.entries(action=result.action.id) if "action_type" in e.body][:1]
    return str(entry.body["action_type"])


def earned(world: World) -> None:
    """As if the whole ramp of forward moves had been climbed, in the words of the ledger."""
    step: dict[str, Any] = {"agent": "tester@1", "action_type": FORWARD, "mode": "live", "share": 100}
    step |= {"bulk_allowance": 50, "bootstrap": False, "proposal": "pmt_1"}
    until = (world.clock.now() + timedelta(days=1)).isoformat()
    asked = {"standing_at": "", "waits_for": "promote_for_engineering", "through": "log-in", "expires_at": until}
    done = {"by": ["noah", "emil"], "through": ["log-in"] * 2, "salt": "s", "scope": ["opportunity.stage"]}
    line = {
        "agent": "tester@1",
        "action_type": FORWARD,
        "knots": [[0.0, 0.97], [1.0, 0.97]],
        "method": "given",
        "n": 99,
    }
    line |= {"right": 97, "brier": 0.1, "brier_stated": 0.1, "considered": {}, "up_to": 0, "by": "noah"}
    ceiling = {"level": 4, "stage": 4, "met": [], "items": []}
    drafts = (
        ("promotion.proposed", "noah", {**step, **asked}), ("agent.promoted", "emil", {**step, **done}),
        ("readiness.assessed", "system", ceiling), ("calibration.fitted", "noah", line),
    )  # fmt: skip
    world.app.ledger.append([Draft(kind, Actor(by), body) for kind, by, body in drafts])


def test_a_move_that_earned_it_runs_and_only_that_one(world_on_each_store: World) -> None:
    world = world_on_each_store
    earned(world)
    for ident, fields in {"ok": {"amount": 10.0}, "unknown": {}, "nothing": {"amount": 0.0}}.items():
        deal(world, ident, **fields)
    ran = move(world, "ok")
    assert (ran.status, tier(ran), ran.verdict and ran.verdict.rule, type_of(world, ran)) == (
        ActionStatus.EXECUTED,
        "T1",
        "stage-forward",
        FORWARD,
    )
    assert world.read("opportunity", "ok")["stage"] == "Proposal"
    for ident in ("unknown", "nothing"):  # a criterion that is not met, and one that nobody can tell, are one to it
        kept = move(world, ident)
        assert kept.status is ActionStatus.SHADOWED and type_of(world, kept) == MOVE


@pytest.mark.parametrize(
    ("stage", "to"),
    [
        ("Engaging", "Negotiation"),  # leaves Proposal out
        ("Engaging", "Prospecting"),  # back
        ("Engaging", "Closed Won"),
        ("Engaging", "Nowhere"),
        ("Proposal", "Negotiation"),  # names no exit criteria, so nothing can be evaluated
        ("Negotiation", "Closed Won"),
        ("Closed Lost", "Prospecting"),
        ("Nowhere", "Proposal"),
    ],
)
def test_no_other_move_is_a_forward_one(world: World, stage: str, to: str) -> None:
    earned(world)
    deal(world, "d", stage=stage, amount=10.0)
    found = move(world, "d", to)
    assert type_of(world, found) == MOVE and found.status is not ActionStatus.EXECUTED
    if "Closed" in stage + to:
        assert tier(found) == "T3"


def test_a_deal_that_says_it_is_closed_does_not_move(world: World) -> None:
    earned(world)
    deal(world, "d", amount=10.0, is_closed=True)
    assert type_of(world, move(world, "d")) == MOVE


def test_the_criteria_are_asked_of_the_record_as_it_is_now(world: World) -> None:
    earned(world)
    deal(world, "d", amount=10.0)
    world.app.twin.edit_as("rosa", "opportunity", "d", {"amount": 0.0})  # nobody has read that yet
    assert type_of(world, move(world, "d")) == MOVE


def test_no_two_people_free_it_without_a_track_record(world: World) -> None:
    with pytest.raises(Forbidden, match="by its gate only"):
        world.promote(FORWARD, Mode.LIVE)
    world.promote(MOVE, Mode.LIVE)  # says nothing for forward moves that their gate would not say
    deal(world, "d", amount=10.0)
    held = move(world, "d")
    assert (held.status, tier(held), type_of(world, held)) == (ActionStatus.HELD, "T2", FORWARD)
    assert world.read("opportunity", "d")["stage"] == "Engaging"


def test_in_shadow_it_says_what_it_would_come_to(world: World) -> None:
    deal(world, "d", amount=10.0)
    found = move(world, "d")
    assert found.status is ActionStatus.SHADOWED and "would say auto" in found.sentence


def test_a_stage_that_a_person_set_stays_for_people(world: World) -> None:
    earned(world)
    deal(world, "d", stage="Prospecting", amount=10.0)
    world.app.twin.edit_as("rosa", "opportunity", "d", {"stage": "Engaging"})
    world.app.take_in()
    assert move(world, "d").status is ActionStatus.HELD


def test_the_next_stage_is_the_very_next_open_one(world: World) -> None:
    definitions: Definitions = world.app.definitions
    following = {each.name: getattr(next_stage(definitions, each), "name", "") for each in definitions.stages}
    assert following == {
        "Prospecting": "Engaging", "Engaging": "Proposal", "Proposal": "Negotiation", "Negotiation": "",
        "Closed Won": "", "Closed Lost": "",
    }  # fmt: skip
