"""What a write rests on has an age, by the ledger's dates; a stale or missing basis is never enough by itself."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.world import World

from pilothouse.data.store import Observation
from pilothouse.decision.policy import load_policy
from pilothouse.vocabulary.actions import Evidence
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.documents import DocumentError
from pilothouse.vocabulary.outcomes import ActionStatus
from pilothouse.vocabulary.records import RecordRef, WriterKind

SOURCE = RecordRef("enrich", "account", "e1")
KEY = "crm.account.update:fill-empty"


def told(world: World, days: int, value: str = "software", ref: RecordRef = SOURCE) -> int:
    at = world.clock.now() - timedelta(days=days)
    world.app.store.observe([Observation(ref, {"industry": value}, at, WriterKind.ENRICHMENT, "vendor")], Actor("gita"))
    found = world.app.store.history(ref, "industry")[-1]
    assert found.position is not None
    return found.position


def fact(
    record: str = str(SOURCE), field: str = "industry", value: str | None = "software", position: int | None = None
):
    return Evidence("a source says so", record, field, value, position)


def held(world: World, *evidence: Evidence) -> bool:
    result = world.submit(world.action(evidence=evidence))
    assert result.status in (ActionStatus.EXECUTED, ActionStatus.HELD), result.sentence
    if result.status is ActionStatus.HELD:
        assert result.verdict is not None and result.verdict.rule == "stale-evidence"
    return result.status is ActionStatus.HELD


@pytest.fixture
def live(world_on_each_store: World) -> World:
    world_on_each_store.promote(KEY)
    return world_on_each_store


def test_fresh_evidence_goes_through(live: World) -> None:
    assert not held(live, fact(position=told(live, 300)))


def test_stale_evidence_waits_for_a_person_and_goes_through_with_their_word(live: World) -> None:
    position = told(live, 900)
    result = live.submit(live.action(evidence=(fact(position=position),), confidence=1.0))
    assert result.status is ActionStatus.HELD and live.read("account", "a1")["industry"] is None
    review = live.app.reviews.get(result.review)
    live.app.reviews.approve(review.id, "noah", review.payload_hash, "")
    assert live.gateway.resume(review.id).status is ActionStatus.EXECUTED


def test_a_fresh_source_that_says_the_same_makes_up_for_a_stale_one(live: World) -> None:
    other = RecordRef("billing", "account", "b1")
    old, new = told(live, 900), told(live, 3, "Software", other)
    assert not held(live, fact(position=old), fact(str(other), value="Software", position=new))


@pytest.mark.parametrize(
    "wrong",
    [
        fact("enrich/account/nobody"),
        fact("no record at all"),
        fact(field="industri"),
        fact(value="mining"),
        fact(position=0),
        fact("enrich/account/nobody", value=None),
        fact("billing/account/e1", position=1),
    ],
    ids=["record", "path", "field", "value", "position", "absence", "system"],
)
def test_evidence_that_names_what_is_not_there_never_goes_through(live: World, wrong: Evidence) -> None:
    told(live, 1)
    assert held(live, wrong)


def test_a_date_the_agent_claims_counts_for_nothing(live: World) -> None:
    position = told(live, 900)
    claim = Evidence("fresh, I swear", str(SOURCE), "industry", "software", position, live.clock.now())
    assert held(live, claim)


def test_that_a_field_is_empty_does_not_grow_old(live: World) -> None:
    fresh = fact(position=told(live, 1))
    assert not held(live, fact("crm/account/a1", value=None), fresh)


POLICY = """
rules:
  - {{id: the-rule, applies_to: [crm.account.update], when: "{when}", then: auto, reason: because it is so}}
"""


def test_a_misspelt_fact_is_an_error_and_an_unknown_age_is_a_no(live: World, tmp_path: Path) -> None:
    capabilities = live.gateway.door.registry.capabilities
    (tmp_path / "p.yaml").write_text(POLICY.format(when="!evidence.stlae"))
    with pytest.raises(DocumentError, match=r"evidence\.stale"):
        load_policy(tmp_path, capabilities, frozenset())
    live.publish({"policy/p.yaml": POLICY.format(when="evidence.age_days < 30")}, without="policy/")
    refused = live.submit(live.action())  # names no value of ours: there is no age to compare
    assert (refused.status, refused.code) == (ActionStatus.REFUSED, "policy_error")
    position = told(live, 10)
    assert live.submit(live.action(evidence=(fact(position=position),))).status is ActionStatus.EXECUTED
