"""Proofs about reviews: time approves nothing, and nobody approves what they stand behind.

The steps of a review's life are read off the code, by asking the guards that run (`queue.due_before`, `deciding`,
`opening.need_approval`) in every situation that they tell apart; then a solver shows by induction what no run of any
length reaches. What must never happen here: a step left out because somebody thought that it cannot happen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import product

from pilothouse.conditions.logic import Bool, Number, Search, a_bool, an_int, equal, every, no, same, some, truth, whole
from pilothouse.decision.proving.telling import Claim, Counterexample, claim
from pilothouse.directory.people import Person
from pilothouse.handoff.deciding import check, need_a_person
from pilothouse.handoff.opening import need_approval, opening
from pilothouse.handoff.owners import STRICT
from pilothouse.handoff.queue import DECISIONS, Review, due_before
from pilothouse.vocabulary.actions import Action
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor, AgentRef, Role
from pilothouse.vocabulary.errors import PilothouseError
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.verdicts import Reason, Tier, Treatment, Verdict

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
ACTION = Action("crm.account.update", RecordRef("crm", "account", "1"), {"phone": "1"}, "Shown for the proof.")
AGENT = AgentRef("agent", "1")
STATUSES = tuple(ReviewStatus)
APPROVED = (ReviewStatus.APPROVED, ReviewStatus.USED)
BY_PEOPLE = {kind for kind in DECISIONS if kind not in ("review.expired", "review.used")}


@dataclass(frozen=True, slots=True)
class Step:
    """One step that the guards let pass. `by` is "person", an agent, the system, or nobody."""

    kind: str
    by: str
    before: ReviewStatus
    after: ReviewStatus
    late: bool


def prove_reviews() -> list[Claim]:
    """Return what can be said of the claims (b) and (c)."""
    return [_time_never_approves(), _nobody_approves_their_own()]


# (b) The life of a review.


def steps() -> Iterator[Step]:
    """Yield every step that the guards let pass, by whoever tries it, in time or late, with the payload shown or not."""
    for kind, before, late, same_payload in product(DECISIONS, STATUSES, (False, True), (True, False)):
        for by in ("person", str(AGENT), SYSTEM_PERSON, ""):
            if due_before(kind) is before and _passes(kind, by, before, late=late, same_payload=same_payload):
                yield Step(kind, by, before, DECISIONS[kind], late)


def _passes(kind: str, by: str, status: ReviewStatus, *, late: bool, same_payload: bool) -> bool:
    decided_by = "person" if status in APPROVED else ""
    review = replace(_review(), status=status, decided_by=decided_by, deadline=NOW + timedelta(days=-1 if late else 1))
    shown = review.payload_hash if same_payload else "another"
    try:
        if kind in BY_PEOPLE:
            need_a_person(by)
            if not by:  # no directory knows nobody
                return False
            check(review, _person(by), shown, NOW, approving=kind != "review.rejected")
        elif kind == "review.used":
            need_approval(review, shown)
    except PilothouseError:
        return False
    return True


def _time_never_approves() -> Claim:
    """By induction: the first state is sound, and every step leads from a sound state to a sound one."""
    found = list(steps())
    before, after = an_int("status before"), an_int("status after")
    person, person_after, by_person = (
        a_bool("a person approved"),
        a_bool("a person approved, after"),
        a_bool("by a person"),
    )
    taken = some(
        every([
            equal(before, whole(STATUSES.index(each.before))),
            equal(after, whole(STATUSES.index(each.after))),
            same(by_person, truth(each.by == "person")),
            same(person_after, some([person, truth(_approves(each) and each.by == "person" and not each.late)])),
        ])
        for each in found
    )  # fmt: skip
    start = every([equal(before, whole(STATUSES.index(ReviewStatus.OPEN))), no(person)])
    search = Search()
    broken = [
        every([start, no(_sound(before, person))]),
        every([_sound(before, person), taken, no(_sound(after, person_after))]),
        every([taken, no(by_person), equal(after, whole(STATUSES.index(ReviewStatus.APPROVED)))]),
    ]
    counterexamples: list[Counterexample] = []
    if search.find(some(broken)) is not None:
        counterexamples = [_told(each) for each in found if _approves(each) and (each.by != "person" or each.late)]
    doubts = (
        [] if counterexamples or search.find(some(broken)) is None else ["a step breaks it that is not understood."]
    )
    title = "No time that passes, no system and no agent approves; what is used was approved by a person, in time"
    return claim("b", title, len(STATUSES) * len(DECISIONS) * 16, counterexamples, doubts)


def _sound(status: Number, person: Bool) -> Bool:
    approved = some(equal(status, whole(STATUSES.index(each))) for each in APPROVED)
    return some([no(approved), person])


def _approves(step: Step) -> bool:
    return step.after is ReviewStatus.APPROVED


def _told(step: Step) -> Counterexample:
    who, when = step.by or "nobody", "after its deadline" if step.late else "in time"
    sentence = f"{step.kind} by {who} {when} takes a review from {step.before} to {step.after}."
    return Counterexample(sentence, step.kind, "", "", ())


# (c) Who may approve.


def _nobody_approves_their_own() -> Claim:
    """Every role, standing and tier, one by one: the guards tell nothing else apart."""
    counterexamples: list[Counterexample] = []
    asked = 0
    for role, active, tier, owns in product(Role, (True, False), Tier, (True, False)):
        asked += 1
        person = replace(_person("somebody"), role=role, active=active)
        review = replace(_review(), tier=tier, barred=frozenset({"somebody"}), owner="somebody" if owns else "other")
        if tier in (Tier.T3, Tier.TX) and _may(review, person):
            sentence = f"A {role.value} approves a {tier.value} proposal that they stand behind."
            counterexamples.append(Counterexample(sentence, "review.approved", "", "", ()))
    for by in (str(AGENT), SYSTEM_PERSON):
        asked += 1
        if _a_person(by):
            counterexamples.append(Counterexample(f"{by} decides a review.", "review.approved", "", "", ()))
    doubts = (
        []
        if _barred() == ["proposer", "the-owner"]
        else ["who stands behind a proposal is not kept from approving it."]
    )
    doubts += [] if set(STRICT) == {Tier.T3, Tier.TX} else ["other tiers than T3 and TX count as strict."]
    title = "No agent approves, and nobody who stands behind a tier 3 proposal approves it"
    return claim("c", title, asked, counterexamples, doubts)


def _may(review: Review, person: Person) -> bool:
    try:
        check(review, person, review.payload_hash, NOW, approving=True)
    except PilothouseError:
        return False
    return True


def _a_person(by: str) -> bool:
    try:
        need_a_person(by)
    except PilothouseError:
        return False
    return True


def _barred() -> list[str]:
    """Return whom opening a review keeps from approving it: who proposed it, and the agent's owner."""
    verdict = Verdict(Treatment.PERSON, Tier.T3, (Reason("shown", "Shown for the proof.", Treatment.PERSON),), "")
    actor = Actor("proposer", AGENT)
    draft, _ = opening(ACTION, verdict, actor=actor, owner="other", agent_owner="the-owner", deadline=NOW, changes=())
    listed = draft.body["barred"]
    return [str(each) for each in listed] if isinstance(listed, list) else []


def _person(ident: str) -> Person:
    return Person(ident, ident, f"{ident}@example.com", Role.REVOPS)


def _review() -> Review:
    return Review(
        id="rev", action_id=ACTION.id, owner="other", actor=Actor("proposer", AGENT), barred=frozenset(),
        capability=ACTION.capability, action_type=ACTION.capability, subject="crm/account/1", tier=Tier.T3, code="",
        sentence="", rule="", policy_version="", confidence=0.9, payload_hash=ACTION.payload_hash, action=ACTION,
        changes=(), edited=None, was_edited=False, status=ReviewStatus.OPEN, opened_at=NOW,
        deadline=NOW + timedelta(days=1), decided_at=None, decided_by="", note="",
    )  # fmt: skip
