"""Which entries somebody must hear of at once, and whom each of them concerns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from pilothouse.directory.suspensions import EVERY, Reach
from pilothouse.ledger.entries import Entry
from pilothouse.vocabulary.values import JsonObject

AgentOwners = Callable[[Reach], Collection[str]]
"""Returns who owns the agents that something is about."""
"""Returns the person who owns an agent; the empty string when nobody registered it."""


class Event(StrEnum):
    """What people are told of."""

    OVER_THRESHOLD = "over_threshold"
    REVIEW_OPENED = "review_opened"
    REVIEW_REMINDER = "review_reminder"
    REVIEW_OVERDUE = "review_overdue"
    AGENT_SUSPENDED = "agent_suspended"
    AGENT_RESUMED = "agent_resumed"
    PROMOTION_PROPOSED = "promotion_proposed"
    AGENT_PROMOTED = "agent_promoted"
    AGENT_DEMOTED = "agent_demoted"
    POLICY_PROPOSED = "policy_proposed"
    POLICY_ROLLED_BACK = "policy_rolled_back"
    INCIDENT_OPENED = "incident_opened"
    JOB_FAILED = "job_failed"
    DELIVERY_FAILED = "delivery_failed"
    DAILY_QUEUE = "daily_queue"
    WEEKLY_SHADOW = "weekly_shadow"
    TEST = "test"


WINDOWS: Mapping[Event, timedelta] = {
    Event.OVER_THRESHOLD: timedelta(minutes=10),
    Event.REVIEW_OPENED: timedelta(seconds=45),
    Event.JOB_FAILED: timedelta(minutes=10),
    Event.DELIVERY_FAILED: timedelta(minutes=10),
}
"""How long after a message more of the same matter waits, to be told together. The first is always told at once.

Ten minutes is the window within which single writes are one operation (X-10); 45 seconds keeps a review within the 60 that
are allowed to pass.
"""
ABOUT_AGENTS = {
    "agent.suspended": Event.AGENT_SUSPENDED,
    "agent.resumed": Event.AGENT_RESUMED,
    "agent.promoted": Event.AGENT_PROMOTED,
    "agent.demoted": Event.AGENT_DEMOTED,
}
ABOUT_REVIEWS = {
    "review.opened": Event.REVIEW_OPENED,
    "review.reassigned": Event.REVIEW_OPENED,
    "review.reminded": Event.REVIEW_REMINDER,
    "review.expired": Event.REVIEW_OVERDUE,
}
ABOUT_POLICY = {"policy.proposed": Event.POLICY_PROPOSED, "policy.rolled_back": Event.POLICY_ROLLED_BACK}
PROPOSED = "promotion.proposed"
ACTS = frozenset({"action.held", "action.intended"})
FOLLOWED = frozenset(
    {
        *ABOUT_AGENTS,
        *ABOUT_REVIEWS,
        *ABOUT_POLICY,
        *ACTS,
        PROPOSED,
        "incident.opened",
        "job.failed",
        "notification.undelivered",
    }
)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is told. `position` is that of its entry; `payload_hash` binds a review to what was shown."""

    position: int
    what: str = ""
    subject: str = ""
    sentence: str = ""
    action: str = ""
    review: str = ""
    payload_hash: str = ""

    def as_json(self) -> JsonObject:
        """Return the item as it stands in an entry, without what is empty."""
        return {name: value for name, value in asdict(self).items() if value != ""}


@dataclass(frozen=True, slots=True)
class Occasion:
    """An item, whom it concerns, and which matter it belongs to.

    `people` are told by name, and everybody who holds the permission `verb`. `besides` is a channel that is not used.
    """

    event: Event
    matter: str
    item: Item
    people: frozenset[str] = frozenset()
    verb: str = ""
    besides: str = ""


def occasions_of(entry: Entry, owners_of: AgentOwners) -> Iterator[Occasion]:
    """Yield what must be told of an entry: nothing or one thing."""
    if entry.kind in ACTS:
        yield from _act(entry, owners_of)
    elif entry.kind in ABOUT_REVIEWS:
        yield _review(entry, owners_of)
    elif entry.kind in ABOUT_AGENTS:
        yield _agent(entry, owners_of)
    elif entry.kind in ABOUT_POLICY:
        yield from _policy(entry)
    elif entry.kind == PROPOSED:
        yield _proposed(entry)
    elif entry.kind == "incident.opened":
        yield _incident(entry, owners_of)
    elif entry.kind == "job.failed":
        item = Item(entry.position, what=entry.body["job"], sentence=entry.body["error"])
        yield Occasion(Event.JOB_FAILED, item.what, item, verb="suspend")
    elif entry.body["event"] != Event.DELIVERY_FAILED:  # of an alert that does not arrive, the console alone tells
        channel = entry.body["channel"]
        item = Item(entry.position, what=channel, sentence=entry.body["reason"], subject=entry.subject)
        yield Occasion(Event.DELIVERY_FAILED, channel, item, verb="suspend", besides=channel)


def _act(entry: Entry, owners_of: AgentOwners) -> Iterator[Occasion]:
    verdict: dict[str, Any] = entry.body.get("verdict") or {}
    if not verdict.get("notify"):
        return
    item = Item(
        entry.position,
        what=f"{entry.actor.agent or entry.actor.person}: {entry.body['capability']}",
        subject=entry.subject,
        sentence=f"{'Held' if entry.kind == 'action.held' else 'Performed'}: {verdict['sentence']}",
        action=entry.action,
    )
    yield Occasion(Event.OVER_THRESHOLD, f"{item.what} {entry.kind}", item, _behind(entry, owners_of))


def _review(entry: Entry, owners_of: AgentOwners) -> Occasion:
    body, event = entry.body, ABOUT_REVIEWS[entry.kind]
    item = Item(
        entry.position,
        what=body.get("capability", ""),
        subject=entry.subject,
        sentence=body.get("sentence", ""),
        action=entry.action,
        review=body["review"],
        payload_hash=body.get("payload_hash", ""),
    )
    return Occasion(event, "", item, frozenset({body.get("to") or body["owner"]}))


def _agent(entry: Entry, owners_of: AgentOwners) -> Occasion:
    body = entry.body
    reach = Reach(body["agent"], body.get("action_type") or EVERY)
    what = f"{reach} {body['mode']}" if "mode" in body else str(reach)
    item = Item(entry.position, what=what, subject=entry.subject, sentence=body.get("reason", ""))
    people = {*owners_of(reach), entry.actor.person, *body.get("by", ())} - {""}
    # Promotions of one agent are one message; two suspensions never are.
    matter = body["agent"] if "mode" in body else str(reach)
    return Occasion(ABOUT_AGENTS[entry.kind], matter, item, frozenset(people))


def _proposed(entry: Entry) -> Occasion:
    """It waits for one of the other side, so all of them hear of it."""
    body = entry.body
    what = f"{body['action_type']} of {body['agent']} to {body['mode']}, by {entry.actor.person}"
    item = Item(entry.position, what=what, subject=entry.subject, sentence=f"It lapses {body['expires_at'][:10]}.")
    return Occasion(Event.PROMOTION_PROPOSED, body["agent"], item, verb=body["waits_for"])


def _policy(entry: Entry) -> Iterator[Occasion]:
    """A proposal waits for whoever may approve it; a rollback takes one person, so the others hear of it."""
    body = entry.body
    if body.get("bootstrap"):
        return
    item = Item(entry.position, what=f"{body['version']}, by {body['author']}", sentence=body["note"])
    yield Occasion(ABOUT_POLICY[entry.kind], item.what, item, verb="approve_policy")


def _incident(entry: Entry, owners_of: AgentOwners) -> Occasion:
    body = entry.body
    reach = Reach(body["agent"], body["action_type"])
    what = f"{body['incident']}, severity {body['severity']}, about {reach}"
    item = Item(entry.position, what=what, subject=entry.subject)
    people = {entry.actor.person, *owners_of(reach), *body["notify"]} - {""}
    return Occasion(Event.INCIDENT_OPENED, item.what, item, frozenset(people), verb="suspend")


def _behind(entry: Entry, owners_of: AgentOwners) -> frozenset[str]:
    agent = entry.actor.agent
    return frozenset({entry.actor.person, *(owners_of(Reach(str(agent))) if agent else ())} - {""})
