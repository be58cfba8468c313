"""What an agent is, and what it may do at most, follows from what it has shown: a vendor's word counts for nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from tests.surfaces.test_rest import client, enter  # noqa: F401  # pyright: ignore[reportUnusedImport]
from tests.world import World

from pilothouse.data.store import Observation
from pilothouse.decision.autonomy.rating import LOG, Rating, Shown, rate
from pilothouse.decision.autonomy.spectrum import Kind, kind_of
from pilothouse.surfaces.cards import card_of
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor, AgentRef
from pilothouse.vocabulary.outcomes import ActionStatus
from pilothouse.vocabulary.records import RecordRef, WriterKind
from pilothouse.vocabulary.verdicts import Mode

TESTER, FILL = AgentRef("tester", "1"), "crm.account.update:fill-empty"
GOOD = Shown(acts=3, lacking=dict.fromkeys(LOG, 0), changes=3, contract="wide@1")


def rating(world: World) -> Rating:
    return world.app.gates.ratings.rate(world.gateway.door.agents.get(TESTER))


def claimed_by_a_source(world: World, writer: str, days: float) -> None:
    """A source says that the agent wrote something, so many days from now."""
    at = world.clock.now() + timedelta(days=days)
    ref = RecordRef("crm", "account", "a2")
    world.app.store.observe([Observation(ref, {"industry": "mining"}, at, WriterKind.AGENT, writer)], Actor("gita"))


def test_before_it_did_anything_its_level_is_a_claim(world: World) -> None:
    found = rating(world)
    assert (found.level, found.shown, found.reason) == (4, False, "")
    assert {each.code: each.met for each in found.criteria} == {
        "log": None, "before_after": None, "scope": True, "around": True,
    }  # fmt: skip
    assert world.app.gates.ratings.record() == []


def test_what_goes_through_the_gateway_shows_the_log(world_on_each_store: World) -> None:
    world = world_on_each_store
    world.promote(FILL)
    world.submit(world.action())
    found = rating(world)
    assert found.shown and found.level == 4 and all(each.met for each in found.criteria)
    assert "1 act(s) through the gateway, every one with all seven fields" in found.criteria[0].figures


@pytest.mark.parametrize("writer", ["tester@1", "tester"])
def test_an_agent_known_from_imports_alone_is_held_below_level_4(world_on_each_store: World, writer: str) -> None:
    world = world_on_each_store
    claimed_by_a_source(world, writer, days=-30)
    world.promote(FILL)
    [entry] = world.app.gates.ratings.record()
    assert (entry.kind, entry.actor.person, entry.body["level"]) == ("agent.rated", SYSTEM_PERSON, 3)
    assert "1 value(s) that only sources say it wrote" in entry.body["reason"]
    held = world.submit(world.action())
    assert held.status is ActionStatus.HELD and world.app.twin.records("account")[0]["industry"] is None
    assert (
        "Evidence holds it to level 3"
        in {
            each.held_back
            for each in card_of(world.app, world.gateway.door.agents.get(TESTER)).types
            if each.name == FILL
        }.pop()
    )
    assert world.app.gates.ratings.record() == []  # nothing changed
    before = world.gateway.door.agents.get(TESTER)
    world.app.ledger.rebuild()
    assert world.gateway.door.agents.get(TESTER) == before

    world.app.reviews.approve(held.review, "ravi", world.app.reviews.get(held.review).payload_hash)
    assert world.gateway.resume(held.review).status is ActionStatus.EXECUTED
    [lifted] = world.app.gates.ratings.record()  # now an act of its own stands in the log with all that is asked
    assert (lifted.body["level"], lifted.body["reason"]) == (4, "")


def test_who_writes_past_the_gateway_is_held_whatever_else_it_does(world: World) -> None:
    world.promote(FILL)
    world.submit(world.action())
    claimed_by_a_source(world, "tester@1", days=0.1)
    world.clock.advance(timedelta(days=1))
    assert rating(world).level == 3 and "past the gateway" in rating(world).reason
    world.app.autonomy.round()
    assert world.gateway.door.agents.get(TESTER).rated is not None  # the server's daily round wrote it down
    assert world.submit(world.action(to="crm/account/a3")).status is ActionStatus.HELD


def test_somebody_elses_writing_is_not_its_own(world: World) -> None:
    claimed_by_a_source(world, "other@1", days=-30)
    claimed_by_a_source(world, "tester@2", days=-30)
    assert rating(world).reason == ""


LACKING: list[dict[str, Any]] = [
    {"lacking": {**dict.fromkeys(LOG, 0), "input state": 1}}, {"bare": 1}, {"ungranted": 1}, {"contract": ""},
    {"around": 1}, {"acts": 0, "lacking": None, "changes": 0, "outside": 5},
]  # fmt: skip


@pytest.mark.parametrize("lacking", LACKING)
def test_each_thing_that_is_not_shown_holds_it_below(lacking: dict[str, Any]) -> None:
    found = rate(TESTER, 4, replace(GOOD, **lacking))
    assert (found.level, found.shown) == (3, False) and found.reason
    assert rate(TESTER, 4, GOOD).shown


counts = st.integers(0, 3)


@given(claimed=st.integers(1, 4), acts=counts, bare=counts, outside=counts, around=counts, ungranted=counts)
def test_evidence_never_raises_a_claim(
    claimed: int, acts: int, bare: int, outside: int, around: int, ungranted: int
) -> None:
    shown = Shown(acts, None, acts, bare, outside, around, ungranted, "wide@1")
    found = rate(TESTER, claimed, shown)
    assert found.level <= claimed and bool(found.reason) is (found.level < claimed)
    assert not found.shown or all(each.met for each in found.criteria)


@pytest.mark.parametrize(
    ("reasoning", "level", "modes", "kind"),
    [
        ("rules", 4, [Mode.LIVE], Kind.RULES),
        ("model", 2, [Mode.ASSISTED], Kind.ENHANCED),
        ("model", 3, [Mode.ASSISTED], Kind.GUIDED),
        ("model", 4, [Mode.SHADOW, Mode.ASSISTED], Kind.GUIDED),
        ("model", 4, [], Kind.GUIDED),
        ("model", 4, [Mode.SHADOW, Mode.LIVE], Kind.AUTONOMOUS),
    ],
)
def test_the_label_follows_from_manifest_and_standing(
    reasoning: str, level: int, modes: list[Mode], kind: Kind
) -> None:
    assert kind_of(reasoning, level, modes) is kind


def test_surfaces_show_the_rating_with_its_reason(world: World, client: TestClient) -> None:  # noqa: F811
    claimed_by_a_source(world, "tester@1", days=-30)
    world.promote(FILL)
    world.app.gates.ratings.record()
    enter(world, client, "iris")
    card = client.get("/v1/agents/tester@1/card").json()
    assert (card["kind"], card["rating"]["level"], card["rating"]["claimed"]) == ("guided agent", 3, 4)
    [told] = client.get("/v1/readiness").json()["ratings"]
    assert told["level"] == 3 and "only sources say" in told["reason"]
    assert client.get("/v1/agents").json()[0]["rated"]["level"] == 3
    for path, says in {
        "/agents": "Held to level 3; it claims level 4", "/agents/tester@1": "held to level 3", "/readiness": "only sources say",
    }.items():  # fmt: skip
        assert says in client.get(path).text
