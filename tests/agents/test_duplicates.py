"""Two records of one company are proposed to be merged; a person decides, every time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.world import World

from pilothouse.agents.hygiene.duplicates import duplicates
from pilothouse.assembly import SYSTEM
from pilothouse.data.view import DataView
from pilothouse.demo.stage import run_hygiene
from pilothouse.gateway.agents import load_manifests
from pilothouse.gateway.rollback import Scope
from pilothouse.gateway.rollback import apply as roll_back
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.findings import Finding
from pilothouse.vocabulary.records import RecordRef

ONE: dict[str, Any] = {"name": "Birch Foods", "website": "https://birch-foods.example", "country": "Germany"}


def ref(ident: str) -> RecordRef:
    return RecordRef(SYSTEM, "account", ident)


@pytest.fixture
def twice(world: World) -> World:
    """A world in which one company is in the CRM twice, b2 with more to it than b1."""
    rows: list[tuple[str, str, dict[str, Any]]] = [
        ("account", "b1", {**ONE, "city": "Ulm"}),
        ("account", "b2", {**ONE, "name": "Birch Foods GmbH"}),
        *(("contact", f"p{n}", {"email": f"p{n}@birch-foods.example", "account": "b2"}) for n in range(3)),
        ("opportunity", "q1", {"name": "Birch deal", "stage": "Proposal", "account": "b1", "owner": "rosa"}),
    ]
    world.app.twin.seed(rows)
    world.app.take_in()
    body = {"joined": ["crm/account/b1", "crm/account/b2"], "left": [], "into": "", "size": 2, "confidence": 0.93}
    told(world, {"id": "acc_birch", **body})
    return world


def told(world: World, *changes: dict[str, Any]) -> None:
    from pilothouse.ledger.entries import Draft

    body: dict[str, Any] = {"object": "account", "changes": list(changes)}
    world.app.ledger.append([Draft("identity.changed", Actor("gita"), body)])


def found(world: World) -> list[Finding]:
    app, now = world.app, world.clock.now()
    view = DataView(app.store, app.entities, app.contracts["hygiene"], app.definitions, now, SYSTEM)
    return list(duplicates(view, now))


def enlisted(world: World) -> World:
    agents = world.gateway.door.agents
    [manifest] = [each.model for each in load_manifests(world.root / "agents") if each.model.name == "hygiene"]
    agents.register(manifest, by="ada")
    world.promote("crm.account.merge", agent="hygiene@1")
    return world


def test_the_record_that_holds_less_is_to_go_into_the_other(twice: World) -> None:
    [finding] = found(twice)
    proposal = finding.proposal
    assert proposal is not None and (finding.record, proposal.arguments) == (ref("b1"), {"into": "b2"})
    assert proposal.confidence == 0.93 and "the same name and website" in finding.sentence
    shown = {(fact.record, fact.field, fact.value) for fact in proposal.evidence}
    assert {("crm/account/b1", "name", "Birch Foods"), ("crm/account/b2", "name", "Birch Foods GmbH")} <= shown


def test_a_persons_word_that_they_differ_ends_it_at_once(twice: World) -> None:
    twice.app.resolver.judge(ref("b1"), ref("b2"), same=False, by="gita", why="two plants")
    assert found(twice) == []


def test_three_records_make_two_proposals_into_one_record_and_the_same_act_either_way_round(twice: World) -> None:
    twice.app.twin.seed([("account", "b3", ONE)])
    twice.app.take_in()
    more = {"joined": ["crm/account/b3"], "left": [], "into": "", "size": 3, "confidence": 0.9}
    told(twice, {"id": "acc_birch", **more})
    before = {f.record.id: f.proposal for f in found(twice)}
    assert {ident: p.arguments["into"] for ident, p in before.items() if p} == {"b1": "b2", "b3": "b2"}
    twice.app.twin.seed([("contact", f"n{n}", {"email": f"n{n}@x.example", "account": "b1"}) for n in range(9)])
    twice.app.take_in()
    turned = {f.record.id: f.proposal for f in found(twice)}
    assert {ident: p.arguments["into"] for ident, p in turned.items() if p} == {"b2": "b1", "b3": "b1"}
    one, other = before["b1"], turned["b2"]
    assert one and other and one.idempotency_key == other.idempotency_key


def test_a_live_agent_is_held_and_a_decided_merge_is_known_everywhere(twice: World) -> None:
    world = enlisted(twice)
    run = run_hygiene(world.app, "gita", world.clock.now())
    [held] = [each for each in run.results if each.action.capability == "crm.account.merge"]
    assert held.status == "held" and held.verdict is not None and held.verdict.treatment.name == "PERSON"
    assert not [row for row in world.committed() if row["operation"] == "crm.account.merge"]
    review = world.app.reviews.get(held.review)
    world.app.reviews.approve(review.id, "ada", review.payload_hash, "")
    assert world.gateway.resume(review.id).status == "executed"
    assert world.read("opportunity", "q1")["account"] == "b2" and world.read("account", "b2")["city"] == "Ulm"
    world.app.take_in()
    deal, winner, loser = (
        world.app.store.record(each) for each in (RecordRef(SYSTEM, "opportunity", "q1"), ref("b2"), ref("b1"))
    )
    assert deal and winner and loser
    assert (deal.text("account"), winner.text("city"), loser.text("flags")) == ("b2", "Ulm", "merged into b2")
    assert found(world) == []
    again = run_hygiene(world.app, "gita", world.clock.now())
    assert not [f for f in again.findings if f.record == ref("b1")], "nothing of a merged record is left to mend"


def test_the_winner_must_be_there_and_stand_as_it_was_read(twice: World) -> None:
    from dataclasses import replace

    world = enlisted(twice)
    [finding] = found(world)
    assert finding.proposal is not None
    token = world.token("hygiene@1")
    for into, code in (("nobody", "no_such_record"), ("b1", "no_partner")):
        wrong = replace(finding.proposal, arguments={"into": into}, expects={"flags": None}, idempotency_key=into)
        assert world.submit(wrong, token).code == code


def held_merge(world: World) -> str:
    """Have the agent propose the merge once; returns the review."""
    run = run_hygiene(world.app, "gita", world.clock.now())
    [held] = [each for each in run.results if each.action.capability == "crm.account.merge"]
    assert held.status == "held"
    return held.review


def merges(world: World) -> tuple[Finding, list[str]]:
    """Run the agent; return its finding about the two, and how its proposals of a merge ended."""
    run = run_hygiene(world.app, "gita", world.clock.now())
    [finding] = [each for each in run.findings if each.kind == "duplicate"]
    return finding, [each.status for each in run.results if each.action.capability == "crm.account.merge"]


def test_a_rejected_merge_is_told_of_and_not_proposed_again_until_a_person_says_they_are_one(twice: World) -> None:
    world = enlisted(twice)
    review = held_merge(world)
    world.app.reviews.reject(review, "ada", "Not before the audit.")
    for _ in range(2):
        finding, statuses = merges(world)
        assert finding.proposal is None and statuses == []
        assert f"Not proposed again: ada rejected it. ({review})" in finding.sentence
    assert world.app.reviews.list() == []
    world.app.twin.seed([("contact", f"n{n}", {"email": f"n{n}@x.example", "account": "b1"}) for n in range(9)])
    world.app.take_in()
    finding, statuses = merges(world)
    assert finding.record == ref("b2") and statuses == [], "the other way round it is the same act"
    world.clock.advance(timedelta(hours=1))
    world.app.resolver.judge(ref("b1"), ref("b2"), same=True, by="gita", why="The audit is over.")
    again = held_merge(world)
    world.app.reviews.reject(again, "ada", "Still not.")
    finding, statuses = merges(world)
    assert statuses == [] and again in finding.sentence


def test_rejecting_a_merge_is_no_word_on_who_is_who(twice: World) -> None:
    world = enlisted(twice)
    world.app.reviews.reject(held_merge(world), "ada", "The other way round, please.")
    assert world.app.entities.judgements("account") == []
    one, other = world.app.entities.of(ref("b1")), world.app.entities.of(ref("b2"))
    assert one and other and one.id == other.id


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_merge_that_was_taken_apart_is_told_of_and_not_proposed_again(twice: World, by_hand: bool) -> None:
    world = enlisted(twice)
    review = world.app.reviews.get(held_merge(world))
    world.app.reviews.approve(review.id, "ada", review.payload_hash, "")
    done = world.gateway.resume(review.id)
    assert done.status == "executed"
    world.app.take_in()
    if by_hand:
        world.app.twin.edit_as("rosa", "account", "b1", {"flags": None})
    else:
        assert roll_back(world.gateway, Scope(action=done.action.id), "noah", "Two plants.").restored == 1
    world.app.take_in()
    finding, statuses = merges(world)
    assert statuses == [] and finding.proposal is None
    assert ("took it back since" if by_hand else "noah undid it") in finding.sentence
    world.app.resolver.judge(ref("b1"), ref("b2"), same=True, by="gita", why="One plant after all.")
    assert held_merge(world)


def test_a_review_that_nobody_decided_is_asked_again(twice: World) -> None:
    world = enlisted(twice)
    held_merge(world)
    world.clock.advance(timedelta(days=30))
    assert world.app.reviews.expire()
    assert held_merge(world)
