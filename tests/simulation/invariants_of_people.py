"""What must hold of what people decide: only people, once each, in time, by their own act, never what they stand behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.roster import Roster

from pilothouse.directory.suspensions import RESUMED, reach_of
from pilothouse.ledger.entries import Entry
from pilothouse.vocabulary.clock import stamp

APPROVED = ("review.approved", "review.edited")
BY_PEOPLE = (*APPROVED, "review.rejected", "canary.decided")
ENDS = (*BY_PEOPLE, "review.expired", "canary.expired")
STRICT = ("T3", "TX")
Rows = Sequence[dict[str, Any]]


def check_people(entries: Sequence[Entry], journal: Rows) -> None:
    """Assert all of them."""
    each_review_is_decided_once_by_somebody_who_may(entries)
    no_intent_without_a_persons_own_approval(entries)
    no_canary_reaches_the_system_of_record(entries, journal)
    spot_checks_are_decided_by_those_who_stand_apart(entries)
    questions_are_answered_and_closed_by_whom_they_concern(entries)


@dataclass
class _Queue:
    """Open reviews, as the entries tell of them."""

    opened: dict[str, Entry] = field(default_factory=dict[str, Entry])
    owner: dict[str, str] = field(default_factory=dict[str, str])
    due: dict[str, str] = field(default_factory=dict[str, str])
    ended: dict[str, Entry] = field(default_factory=dict[str, Entry])
    reminded: set[str] = field(default_factory=set[str])


def each_review_is_decided_once_by_somebody_who_may(entries: Sequence[Entry]) -> None:
    """Every decision is one person's own entry, in time, theirs to make, and the only one; time only ever rejects."""
    roster, queue, batches = Roster(), _Queue(), dict[str, tuple[str, int]]()
    for entry in entries:
        roster.follow(entry)
        review = entry.body.get("review", "") if entry.kind.startswith(("review.", "canary.")) else ""
        if entry.kind == "review.opened":
            queue.opened[review], queue.owner[review] = entry, entry.body["owner"]
            queue.due[review] = entry.body["deadline"]
        elif entry.kind == RESUMED:
            _renewed(queue, entry)
        elif entry.kind == "review.reminded":
            assert review not in queue.reminded | queue.ended.keys(), f"of {review} somebody was reminded twice"
            queue.reminded.add(review)
        elif entry.kind == "review.reassigned":
            _handed_on(queue, roster, entry)
        elif entry.kind in ENDS:
            assert review not in queue.ended, f"{review} was decided twice"
            if entry.kind in BY_PEOPLE:
                _by_a_person(queue, roster, entry)
                _in_one_batch(batches, entry)
            queue.ended[review] = entry
    sizes = Counter(e.body["batch"] for e in queue.ended.values() if e.body.get("batch"))
    for batch, count in sizes.items():
        assert count <= batches[batch][1], f"more were decided in {batch} than it had rows"


def _renewed(queue: _Queue, entry: Entry) -> None:
    for review, asked in queue.opened.items():
        types, agent = (asked.body["capability"], asked.body["action_type"]), asked.actor.agent
        if agent is not None and reach_of(entry).covers(agent, *types):
            queue.due[review] = max(queue.due[review], entry.body["reviews_due"])


def _handed_on(queue: _Queue, roster: Roster, entry: Entry) -> None:
    review, to, by = entry.body["review"], entry.body["to"], entry.actor.person
    asked = queue.opened[review]
    assert review not in queue.ended, f"{review} was handed on after it was decided"
    assert by in ("system", queue.owner[review]) or roster.may(by, "review"), f"{by} may not hand {review} on"
    assert to in roster.roles, f"{review} was handed to {to}, who is not there"
    if asked.body["tier"] in STRICT:
        assert to not in asked.body["barred"], f"{review} was handed to {to}, who stands behind it"
    queue.owner[review] = to
    queue.reminded.discard(review)


def _by_a_person(queue: _Queue, roster: Roster, entry: Entry) -> None:
    review, by, asked = entry.body["review"], entry.actor.person, queue.opened[entry.body["review"]]
    approving = entry.kind in APPROVED or entry.body.get("decision") in ("approved", "edited")
    strict = asked.body["tier"] in STRICT
    assert entry.body["by"] == by and entry.actor.agent is None, f"{review} was decided in the name of another"
    own = queue.owner[review] == by and roster.may(by, "review_own") and not strict
    assert roster.may(by, "review") or own, f"{by} may not decide {review}"
    if approving:
        assert stamp(entry.at) < queue.due[review], f"{review} was approved after its deadline"
    if approving and strict:
        assert by not in asked.body["barred"], f"{by} approved {review}, which they stand behind"
        assert by != asked.actor.person, f"{by} approved their own {review}"
    if entry.kind in APPROVED:
        assert entry.body["payload_hash"] == asked.body["payload_hash"], f"{review} was approved for another payload"


def _in_one_batch(batches: dict[str, tuple[str, int]], entry: Entry) -> None:
    batch = entry.body.get("batch", "")
    if batch:
        named = (entry.actor.person, entry.body["batch_size"])
        assert batches.setdefault(batch, named) == named, f"{batch} was decided by two, or with two sizes"


def no_intent_without_a_persons_own_approval(entries: Sequence[Entry]) -> None:
    """What cites a review has the approval of exactly its payload before it, by who is named; an approval is good once."""
    approved, spent = dict[str, Entry](), set[str]()
    for entry in entries:
        if entry.kind in APPROVED:
            approved[entry.body["review"]] = entry
        if entry.kind != "action.intended" or not entry.body["review"]:
            continue
        review, body = entry.body["review"], entry.body
        assert review in approved, f"{entry.action} was carried out, and nobody had approved {review}"
        approval = approved[review]
        shown = approval.body.get("new_hash", approval.body["payload_hash"])
        assert shown == body["payload_hash"], f"{entry.action} is not what was approved in {review}"
        assert body["decided_by"] == approval.actor.person, f"{entry.action} names another than approved {review}"
        assert review not in spent, f"the approval of {review} was spent twice"
        spent.add(review)


def no_canary_reaches_the_system_of_record(entries: Sequence[Entry], journal: Rows) -> None:
    """Whatever people say about a canary, no request ever comes of it."""
    planted = {e.body["review"] for e in entries if e.kind == "canary.seeded"}
    acts = {e.action for e in entries if e.kind == "review.opened" and e.body["review"] in planted}
    sent = acts & {row["request_id"] for row in journal}
    assert not sent, f"{sent} are canaries, and were sent"


def spot_checks_are_decided_by_those_who_stand_apart(entries: Sequence[Entry]) -> None:
    """Who judges an act is a reviewer, proposed, approved and owns nothing of it, and judges it once."""
    roster, intents, owners = Roster(), dict[str, Entry](), dict[str, str]()
    opened, decided = dict[str, Entry](), set[str]()
    for entry in entries:
        roster.follow(entry)
        if entry.kind == "agent.registered":
            owners[entry.subject.removeprefix("agent/")] = entry.body["manifest"]["owner"]
        elif entry.kind == "action.intended":
            intents[entry.action] = entry
        elif entry.kind == "spotcheck.opened":
            opened[entry.body["check"]] = entry
        elif entry.kind == "spotcheck.decided":
            check, by = entry.body["check"], entry.actor.person
            intent = intents[opened[check].action]
            behind = {intent.actor.person, owners[str(intent.actor.agent)], intent.body["decided_by"]}
            assert check not in decided, f"{check} was judged twice"
            assert by not in behind, f"{by} judged {check}, which they stand behind"
            assert roster.may(by, "review") and entry.body["by"] == by, f"{by} may not judge {check}"
            decided.add(check)


def questions_are_answered_and_closed_by_whom_they_concern(entries: Sequence[Entry]) -> None:
    """Nobody answers what they asked but a reviewer; nothing is closed unanswered but by who asked; closed is closed."""
    roster, asked, answered, closed = Roster(), dict[str, Entry](), set[str](), set[str]()
    for entry in entries:
        roster.follow(entry)
        if not entry.kind.startswith("question."):
            continue
        question, by = entry.body["question"], entry.actor.person
        if entry.kind == "question.asked":
            asked[question] = entry
            assert entry.body["owner"] != by, f"{by} is to answer their own {question}"
            continue
        staff = by == asked[question].body["owner"] or roster.may(by, "review")
        assert question not in closed, f"{question} was closed"
        if entry.kind == "question.answered":
            assert staff, f"{by} may not answer {question}"
            answered.add(question)
        else:
            mine = by == asked[question].actor.person
            assert mine or (staff and question in answered), f"{by} closed {question}, which nobody had answered"
            closed.add(question)
