"""Each invariant of the simulation can fail: with the guard behind it taken out, the check says what went wrong."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.simulation import invariants_of_autonomy, invariants_of_people
from tests.simulation.invariants import check
from tests.simulation.invariants_of_policy import every_decision_can_be_made_again
from tests.world import World, letter

from pilothouse.decision.autonomy.ramp import Step, drawn
from pilothouse.decision.publishing import in_force as reading
from pilothouse.decision.publishing import publishing
from pilothouse.decision.publishing.content import gather
from pilothouse.directory.registered import Registered, Standing
from pilothouse.directory.roles import permissions_of
from pilothouse.gateway import promotions
from pilothouse.gateway.proposals import ProposalProjector, Through
from pilothouse.handoff import deciding, keeping, questions, reviews, spot_checks
from pilothouse.handoff.questions import Kind
from pilothouse.handoff.queue import Review, ReviewProjector
from pilothouse.ledger.entries import Draft, Entry
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor, AgentRef, Role
from pilothouse.vocabulary.outcomes import ActionStatus
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.verdicts import Mode

comply_stage = sys.modules["pilothouse.gateway.stages.comply"]
record_intent_stage = sys.modules["pilothouse.gateway.stages.record_intent"]
TESTER, FILL, SEND = AgentRef("tester", "1"), "crm.account.update:fill-empty", "crm.message.send"
LOG_IN = Through.LOG_IN
REFUSE = """rules:
  - {id: stop, applies_to: ["crm.*"], then: refuse, reason: Nothing moves for now.}
"""


def nothing(*_: object, **__: object) -> None:
    """Stand in for a guard that was taken out."""


def broken(world: World, says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        check(world)


# Policy versions.


def stop(world: World) -> dict[str, str]:
    return {**gather(world.root), "policy/stop.yaml": REFUSE}


def test_a_version_that_its_author_approved_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "_other", lambda *_: nothing)
    proposed = world.app.versions.propose(stop(world), "gita", "Stop.")
    check(world)
    world.app.versions.approve(proposed.id, "gita")
    broken(world, "approved their own")


def test_a_version_approved_by_somebody_who_may_not_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "_may", nothing)
    proposed = world.app.versions.propose(stop(world), "gita", "Stop.")
    world.app.versions.approve(proposed.id, "ada")
    broken(world, "ada may not approve")


def test_a_version_written_against_another_text_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    versions, first = world.app.versions, world.publish({})
    both = [
        versions.propose({**stop(world), "policy/x.yaml": text}, "gita", "Stop.")
        for text in ("rules: []\n", "rules: []  # none\n")
    ]
    versions.approve(both[0].id, "noah")
    check(world)
    monkeypatch.setattr("pilothouse.decision.publishing.versions.last_published", lambda _: first.id)
    versions.approve(both[1].id, "noah")
    broken(world, "was written against v1-")


def test_a_rollback_by_somebody_who_may_not_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first = world.publish({})
    world.publish(stop(world))
    monkeypatch.setattr(publishing, "_may", nothing)
    world.app.versions.rollback(first.id, "noah", "It stops too much.")
    check(world)
    world.app.versions.rollback("v2", "rosa", "It did not.")
    broken(world, "rosa may not roll back")


def test_a_decision_by_what_was_no_longer_in_force_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.promote(FILL)
    old = world.gateway.door.rules()
    assert world.submit(world.action()).status is ActionStatus.EXECUTED
    world.publish(stop(world))
    world.clock.advance(timedelta(minutes=1))
    check(world)
    monkeypatch.setattr(reading.InForce, "__call__", lambda _: old)
    monkeypatch.setattr(reading.InForce, "version_in", lambda *_: old.version)
    assert world.submit(world.action(to="crm/account/a2")).status is ActionStatus.EXECUTED
    broken(world, "and v1-.* was in force")


def test_a_version_that_decides_before_its_day_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.promote(FILL)
    world.publish({})
    day = world.clock.now() + timedelta(days=2)
    versions = world.app.versions
    later = versions.approve(versions.propose(stop(world), "gita", "Stop.", effective=day).id, "noah")
    world.submit(world.action())
    check(world)
    monkeypatch.setattr(reading, "in_force", lambda *_: later.id)
    world.submit(world.action(to="crm/account/a2"))
    broken(world, "was decided by v2-")


def test_a_file_that_was_not_published_and_decided_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It claims to be the version in force, and its text is not."""
    world.promote(FILL)
    version = world.publish({})
    assert world.submit(world.action()).status is ActionStatus.EXECUTED
    every_decision_can_be_made_again(world)
    secret = world.app.versions.read(stop(world), version.id)
    monkeypatch.setattr(reading.InForce, "__call__", lambda _: replace(secret, version=version.id))
    assert world.submit(world.action(to="crm/account/a2")).status is ActionStatus.REFUSED
    with pytest.raises(AssertionError):
        every_decision_can_be_made_again(world)


def test_a_write_of_a_field_that_the_contract_in_force_closes_is_seen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder's contract opens it still, and another published one does not."""
    world.promote(FILL)
    wide = gather(world.root)["contracts/wide.yaml"]
    closed = world.publish({"contracts/wide.yaml": wide.replace("industry: {min_confidence: 0.85}, ", "")})
    rules = world.gateway.door.rules()
    check(world)
    opened = replace(
        rules, contracts=world.app.versions.read({**closed.content, "contracts/wide.yaml": wide}).contracts
    )
    monkeypatch.setattr(reading.InForce, "__call__", lambda _: opened)
    assert world.submit(world.action()).status is ActionStatus.EXECUTED
    with pytest.raises(AssertionError):
        check(world)


def test_more_records_than_the_policy_in_force_lets_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The window is the one that policy names, and the gateway counts over none."""
    crm = gather(world.root)["policy/crm.yaml"]
    world.publish({"policy/crm.yaml": crm.replace("write_set_minutes: 10", "write_set_minutes: 60")})
    world.promote(FILL)
    monkeypatch.setattr(sys.modules["pilothouse.gateway.stages.limit"], "measure", lambda *_: (1, 0))
    monkeypatch.setattr(record_intent_stage, "measure", lambda *_: (1, 0))
    for number in range(1, 7):
        check(world)
        world.clock.advance(timedelta(minutes=9))
        assert world.submit(world.action(to=f"crm/account/a{number}")).status is ActionStatus.EXECUTED
    broken(world, "I7: 6 records without a person")


# Promotions and standing.


def propose(world: World, by: str = "noah", mode: Mode = Mode.LIVE) -> str:
    return world.gateway.door.promotions.propose(TESTER, FILL, by, LOG_IN, bootstrap=mode).id


@pytest.mark.parametrize(
    ("one", "other", "says"),
    [
        ("noah", "noah", "noah confirmed their own proposal"),
        ("ada", "emil", "stand for"),
        ("noah", "ravi", "stand for"),
        ("gita", "emil", "stand behind"),
    ],
)
def test_a_promotion_by_the_wrong_two_is_seen(
    world: World, monkeypatch: pytest.MonkeyPatch, one: str, other: str, says: str
) -> None:
    monkeypatch.setattr(promotions.Promotions, "_two_people", nothing)
    monkeypatch.setattr(promotions.Promotions, "_eligible", lambda *_: "")
    monkeypatch.setattr(ProposalProjector, "_decided", nothing)
    ident = propose(world, one)
    check(world)
    world.gateway.door.promotions.confirm(ident, other, LOG_IN)
    broken(world, says)


def test_a_promotion_after_its_proposal_lapsed_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ProposalProjector, "_decided", nothing)
    monkeypatch.setattr(promotions.Promotions, "_waiting", promotions.Promotions.get)
    ident = propose(world)
    world.clock.advance(timedelta(days=8))
    world.gateway.door.promotions.confirm(ident, "emil", LOG_IN)
    broken(world, "had lapsed")


def test_a_promotion_that_nobody_proposed_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ProposalProjector, "_decided", nothing)
    world.promote(FILL)
    [entry] = world.app.ledger.entries(kinds={"agent.promoted"})
    check(world)
    body = {**entry.body, "proposal": "pmt_never"}
    world.app.ledger.append([Draft("agent.promoted", Actor("emil"), body, subject=entry.subject)])
    broken(world, "nobody proposed")


def live(_: Registered, *__: str) -> Standing:
    scope = frozenset({"account.industry", "account.phone"})
    return Standing(Mode.LIVE, promoted_by=("noah", "emil"), bootstrap=True, share=100, scope=scope)


def test_an_act_without_standing_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert world.submit(world.action()).status is ActionStatus.SHADOWED
    check(world)
    monkeypatch.setattr(Registered, "standing", live)
    assert world.submit(world.action()).status is ActionStatus.EXECUTED
    broken(world, "in shadow")


def test_an_act_alone_where_people_are_asked_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.promote(FILL, Mode.ASSISTED)
    monkeypatch.setattr(Registered, "standing", live)
    assert world.submit(world.action()).status is ActionStatus.EXECUTED
    broken(world, "acted alone, and its action type is assisted")


def test_an_act_outside_its_share_or_above_the_ceiling_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.promote(FILL)
    [promoted] = world.app.ledger.entries(kinds={"agent.promoted"})
    assert world.submit(world.action()).status is ActionStatus.EXECUTED
    entries = list(world.app.ledger.entries())
    trusted = invariants_of_autonomy.nothing_acts_beyond_its_standing
    trusted(entries)
    place = drawn(promoted.body["salt"], FILL, "crm/account/a1")
    staged = [_with(e, share=place) if e.position == promoted.position else e for e in entries]
    with pytest.raises(AssertionError, match="outside"):
        trusted(staged)
    earned = [_with(e, bootstrap=False, gate=[]) if e.position == promoted.position else e for e in entries]
    with pytest.raises(AssertionError, match="left a step out"):
        trusted(earned)
    monkeypatch.setattr(invariants_of_autonomy, "next_step", lambda _: Step(Mode.LIVE, 100))
    earned = [_with(e, bootstrap=False, gate=["met"]) if e.position == promoted.position else e for e in entries]
    with pytest.raises(AssertionError, match="nobody assessed readiness"):
        trusted(earned)
    low = promoted._replace(kind="readiness.assessed", body={"level": 2, "stage": 0})
    with pytest.raises(AssertionError, match="above the ceiling"):
        trusted([low, *earned])
    rated = promoted._replace(kind="agent.rated", body={"agent": "tester@1", "level": 3})
    with pytest.raises(AssertionError, match="below level 4"):
        trusted([rated, *entries])


def test_a_demotion_without_a_reason_of_its_own_is_seen(world: World) -> None:
    world.promote(FILL)
    body = {"agent": "tester@1", "action_type": FILL, "to": "shadow", "reason": "", "cause": "whim"}
    check(world)
    world.app.ledger.append([Draft("agent.demoted", Actor(SYSTEM_PERSON), body, subject="agent/tester@1")])
    broken(world, "demoted for nothing")


def _with(entry: Entry, **changed: Any) -> Entry:
    return entry._replace(body={**entry.body, **changed})


# Reviews.


def asked(world: World, **more: Any) -> Review:
    """Have the agent ask about a change of an account; with a message, of tier 3."""
    world.promote(FILL, Mode.ASSISTED)
    return world.app.reviews.get(world.submit(world.action(**more)).review)


def letter_asked(world: World) -> Review:
    world.promote(SEND)
    there = RecordRef("crm", "message", "")
    given: dict[str, Any] = {"target": there, "arguments": letter("c1"), "expects": None}
    return world.app.reviews.get(world.submit(world.action(capability=SEND, **given)).review)


def approve(world: World, review: Review, by: str = "ravi") -> None:
    world.app.reviews.approve(review.id, by, review.payload_hash)


def test_an_approval_of_what_one_stands_behind_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "_permitted", nothing)
    review = letter_asked(world)
    check(world)
    approve(world, review, "gita")
    broken(world, "gita approved .*, which they stand behind")


def test_an_approval_by_somebody_who_may_not_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "_permitted", nothing)
    approve(world, asked(world), "iris")
    broken(world, "iris may not decide")


def test_an_approval_in_anothers_name_is_seen(world: World) -> None:
    review = asked(world)
    body = {"review": review.id, "by": "ravi", "payload_hash": review.payload_hash}
    world.app.ledger.append([Draft("review.approved", Actor("ada"), body, action=review.action_id)])
    broken(world, "in the name of another")


def test_an_approval_after_its_deadline_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reviews, "check", nothing)
    review = asked(world)
    world.clock.advance(timedelta(days=9))
    approve(world, review)
    broken(world, "after its deadline")


def test_an_approval_of_another_payload_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reviews, "check", nothing)
    world.app.reviews.approve(asked(world).id, "ravi", "0" * 64)
    broken(world, "for another payload")


def test_a_review_decided_twice_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reviews, "check", nothing)
    review = asked(world)
    approve(world, review)
    check(world)
    monkeypatch.setattr(ReviewProjector, "apply", nothing)
    world.app.reviews.reject(review.id, "noah", "I saw it later")
    broken(world, "was decided twice")


def test_a_review_handed_to_somebody_who_stands_behind_it_is_seen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "can_be_asked", lambda *_: "")
    review = letter_asked(world)
    world.gateway.keeper.reassign(review.id, "ada", "ravi", "She knows them.")
    check(world)
    world.gateway.keeper.reassign(review.id, "gita", "ravi", "She knows them.")
    broken(world, "handed to gita, who stands behind it")


def test_a_second_reminder_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(world)
    world.clock.advance(timedelta(hours=23))
    kept = world.gateway.keeper.tend()
    assert kept.reminded
    check(world)
    entry = next(iter(world.app.ledger.entries(kinds={"review.reminded"})))
    monkeypatch.setattr(ReviewProjector, "apply", nothing)
    world.app.ledger.append([Draft(entry.kind, entry.actor, entry.body, action=entry.action)])
    broken(world, "reminded twice")


def test_a_batch_with_more_decisions_than_rows_is_seen(world: World) -> None:
    world.promote(FILL, Mode.ASSISTED)
    for number in (1, 2):
        world.submit(world.action(to=f"crm/account/a{number}"))
    for each in world.app.reviews.list():
        world.app.reviews.approve(each.id, "ravi", each.payload_hash, batch=("batch_one", 1))
    broken(world, "more were decided in batch_one than it had rows")


def test_an_act_without_a_persons_own_approval_is_seen(world: World) -> None:
    review = letter_asked(world)
    approve(world, review)
    world.gateway.resume(review.id)
    check(world)
    entries = [e for e in world.app.ledger.entries() if e.kind != "review.approved"]
    with pytest.raises(AssertionError, match="nobody had approved"):
        invariants_of_people.no_intent_without_a_persons_own_approval(entries)


def test_an_approval_spent_twice_is_seen(world: World) -> None:
    review = letter_asked(world)
    approve(world, review)
    world.gateway.resume(review.id)
    entries = list(world.app.ledger.entries())
    again = [*entries, next(e for e in entries if e.kind == "action.intended")]
    with pytest.raises(AssertionError, match="spent twice"):
        invariants_of_people.no_intent_without_a_persons_own_approval(again)


def test_an_intent_other_than_what_was_approved_is_seen(world: World) -> None:
    review = letter_asked(world)
    approve(world, review)
    world.gateway.resume(review.id)
    own = invariants_of_people.no_intent_without_a_persons_own_approval
    entries = list(world.app.ledger.entries())
    own(entries)
    for changed, says in (
        ({"payload_hash": "0" * 64}, "is not what was approved"),
        ({"decided_by": "noah"}, "names another"),
    ):
        with pytest.raises(AssertionError, match=says):
            own([_with(each, **changed) if each.kind == "action.intended" else each for each in entries])


# Canaries, spot checks, questions.


def planted(world: World) -> Review:
    """Return an open review that is a canary, as the entries tell of it."""
    review = asked(world)
    body = {"review": review.id, "gate": review.action_type}
    secret = {"fault": "wrong industry", "wrong": '{"industry":"software"}'}
    world.app.ledger.append([Draft("canary.seeded", Actor(SYSTEM_PERSON), body, secret, review.subject)])
    return review


def test_a_canary_that_is_sent_is_seen(world: World) -> None:
    review = letter_asked(world)
    approve(world, review)
    world.gateway.resume(review.id)
    entries, journal = list(world.app.ledger.entries()), world.app.twin.journal()
    no_canary = invariants_of_people.no_canary_reaches_the_system_of_record
    no_canary(entries, journal)
    seeded = entries[-1]._replace(kind="canary.seeded", body={"review": review.id})
    with pytest.raises(AssertionError, match="are canaries, and were sent"):
        no_canary([*entries, seeded], journal)


def test_a_canary_approved_as_if_it_were_real_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    review = planted(world)
    monkeypatch.setattr(reviews, "is_canary", lambda *_: False)
    monkeypatch.setattr(ReviewProjector, "apply", nothing)
    approve(world, review)
    broken(world, "a canary was approved as if it were real")


def looked_at(world: World) -> str:
    """Have something done, and return the spot check of it."""
    world.publish({"policy/handing.yaml": "spot_checks: {auto: 1, approved: 1}\n"})
    world.promote(FILL)
    assert world.submit(world.action()).status is ActionStatus.EXECUTED
    return world.app.spot_checks.list()[0].id


@pytest.mark.parametrize(("by", "says"), [("gita", "stand behind"), ("iris", "may not judge")])
def test_a_spot_check_by_the_wrong_person_is_seen(
    world: World, monkeypatch: pytest.MonkeyPatch, by: str, says: str
) -> None:
    check_id = looked_at(world)
    check(world)
    monkeypatch.setattr(spot_checks, "permissions_of", lambda _: replace(permissions_of(Role.ADMIN)))
    was = spot_checks.SpotChecks.get
    monkeypatch.setattr(spot_checks.SpotChecks, "get", lambda *given: replace(was(*given), barred=frozenset()))
    world.app.spot_checks.decide(check_id, by, passed=True)
    broken(world, says)


def test_a_spot_check_judged_twice_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    check_id = looked_at(world)
    monkeypatch.setattr(spot_checks.SpotCheckProjector, "apply", nothing)
    world.app.spot_checks.decide(check_id, "ravi", passed=True)
    check(world)
    world.app.spot_checks.decide(check_id, "noah", passed=False, note="No.")
    broken(world, "was judged twice")


@pytest.mark.parametrize(
    ("acts", "says"),
    [
        (["answer rosa"], "rosa may not answer"),
        (["close ravi"], "which nobody had answered"),
        (["close rosa", "answer gita"], "was closed"),
    ],
)
def test_a_question_answered_or_closed_by_the_wrong_person_is_seen(
    world: World, monkeypatch: pytest.MonkeyPatch, acts: list[str], says: str
) -> None:
    world.promote(FILL)
    done, rosa = world.submit(world.action()), world.app.directory.person("rosa")
    question = world.app.questions.ask(done.action.id, rosa, "Why?", Kind.WHY, "gita").id
    check(world)
    monkeypatch.setattr(questions.QuestionProjector, "apply", nothing)
    for each in acts:
        verb, by = each.split()
        kind = {"answer": "question.answered", "close": "question.closed"}[verb]
        world.app.ledger.append([Draft(kind, Actor(by), {"question": question}, action=done.action.id)])
    broken(world, says)


def test_a_question_that_its_asker_is_to_answer_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "_answers", lambda *_: "gita")
    world.promote(FILL)
    done, gita = world.submit(world.action()), world.app.directory.person("gita")
    world.app.questions.ask(done.action.id, gita, "Why?", Kind.WHY, "gita")
    broken(world, "gita is to answer their own")


# Messages.


@pytest.mark.parametrize("what", ["withdrawn", "lapsed", "address", "domain"])
def test_a_message_that_should_not_have_gone_out_is_seen(
    world: World, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    compliance = world.app.compliance
    if what == "lapsed":
        compliance.sign_off(SEND, "Read the texts again.", world.clock.now() + timedelta(hours=1), "ada")
    review = letter_asked(world)
    approve(world, review)
    check(world)
    match what:
        case "withdrawn":
            compliance.withdraw(SEND, "the texts changed", "ada")
        case "lapsed":
            world.clock.advance(timedelta(hours=2))
        case "address":
            compliance.suppress("C1@alder.example", "unsubscribed")
        case _:
            compliance.suppress("@alder.example", "their lawyers wrote", "ada")
    for stage in ("comply", "still_complies"):
        monkeypatch.setattr(comply_stage, stage, nothing)
    monkeypatch.setattr(record_intent_stage, "still_complies", nothing)
    monkeypatch.setattr(comply_stage, "_left_alone", lambda *_: "")
    monkeypatch.setattr(type(compliance), "signed", lambda *_: True)
    assert world.gateway.resume(review.id).status is ActionStatus.EXECUTED
    broken(world, "was not signed off" if what in ("withdrawn", "lapsed") else "asked to be left alone")
