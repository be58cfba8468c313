"""The table of reviews, drawn from their entries.

The projector is the last guard of a review's life: open → approved, rejected or expired; approved → used; nothing else.
A canary goes from open to caught, missed or expired, and nowhere else: it can never be approved, so it can never be used.
An entry that contradicts this is refused together with everything it was submitted with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from pilothouse.directory.suspensions import RESUMED, reach_of, within
from pilothouse.handoff.tables import canaries, reviews, shown
from pilothouse.ledger.entries import Entry
from pilothouse.vocabulary.actions import Action, action_from_json
from pilothouse.vocabulary.actors import Actor, AgentRef
from pilothouse.vocabulary.clock import stamp, unstamp
from pilothouse.vocabulary.errors import Conflict
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.values import canonical, parse_json
from pilothouse.vocabulary.verdicts import Tier

DECISIONS = {
    "review.approved": ReviewStatus.APPROVED,
    "review.edited": ReviewStatus.APPROVED,
    "review.rejected": ReviewStatus.REJECTED,
    "review.expired": ReviewStatus.EXPIRED,
    "review.used": ReviewStatus.USED,
}
OF_CANARIES = ("canary.decided", "canary.expired")


@dataclass(frozen=True, slots=True)
class Review:
    """One question to a person, with everything needed to answer it."""

    id: str
    action_id: str
    owner: str
    actor: Actor
    barred: frozenset[str]
    capability: str
    action_type: str
    subject: str
    tier: Tier
    code: str
    sentence: str
    rule: str
    policy_version: str
    confidence: float
    payload_hash: str
    action: Action | None
    changes: tuple[dict[str, Any], ...]
    edited: dict[str, Any] | None
    was_edited: bool
    """True when a reviewer changed values, also once those values were erased."""
    status: ReviewStatus
    opened_at: datetime
    deadline: datetime
    decided_at: datetime | None
    decided_by: str
    note: str
    asked_because: str = ""
    """Why the owner is asked and not somebody else, in a few words."""
    answer_by: datetime | None = None
    """When somebody else is asked, if nobody answered; None when nobody else will be."""
    reminded_at: datetime | None = None
    lapsed: int = 0
    """How many times whoever was asked did not answer in time, so that somebody else was."""
    batch: str = ""
    batch_size: int = 0
    """The batch it was decided in, and how many reviews were; empty and 0 when it was decided alone."""

    def approved_action(self) -> Action:
        """Return the action as it was approved, with the reviewer's values where they changed some."""
        if self.action is None or (self.was_edited and self.edited is None):
            raise Conflict(
                f"the payload of {self.id} was erased.", hint="Propose the action again.", code="payload_erased"
            )
        return self.action if self.edited is None else self.action.with_arguments(self.edited)


class ReviewProjector:
    """Follows every `review.*` and `canary.*` entry, and the end of suspensions, which gives what they held back a new
    deadline."""

    name = "reviews"
    kinds = frozenset(
        {
            "review.opened",
            "review.reminded",
            "review.reassigned",
            "review.shown",
            "canary.seeded",
            RESUMED,
            *DECISIONS,
            *OF_CANARIES,
        }
    )
    tables = (reviews, shown, canaries)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Bring the tables up to date."""
        for entry in entries:
            match entry.kind:
                case "review.opened":
                    connection.execute(insert(reviews), _opened(entry))
                case "review.reminded":
                    _reminded(connection, entry)
                case "review.reassigned":
                    _reassigned(connection, entry)
                case "review.shown":
                    _shown(connection, entry)
                case kind if kind == RESUMED:
                    _renew(connection, entry)
                case "canary.seeded":
                    connection.execute(insert(canaries), _seeded(entry))
                case "canary.decided" | "canary.expired":
                    _canary_closed(connection, entry)
                case _:
                    _move(connection, entry)


def _while_open(connection: Connection, entry: Entry, values: dict[str, Any]) -> None:
    review = entry.body["review"]
    mine = update(reviews).where(reviews.c.id == review, reviews.c.status == ReviewStatus.OPEN.value)
    if connection.execute(mine.values(**values)).rowcount != 1:
        raise Conflict(f"review {review} is not open.", hint="Look at how it stands now.", code="not_open")


def _reassigned(connection: Connection, entry: Entry) -> None:
    values = {"owner": entry.body["to"], "asked_because": entry.body["because"], "answer_by": entry.body["answer_by"]}
    _while_open(
        connection, entry, {**values, "reminded_at": None, "lapsed": reviews.c.lapsed + int(entry.body["late"])}
    )


def _shown(connection: Connection, entry: Entry) -> None:
    """Only the first time counts: two pages of one person opened at once are one look."""
    place = (shown.c.review == entry.body["review"], shown.c.person == entry.actor.person)
    if connection.execute(select(shown.c.at).where(*place)).first() is None:
        row = {"review": entry.body["review"], "person": entry.actor.person, "at": stamp(entry.at)}
        connection.execute(insert(shown), row)


def _seeded(entry: Entry) -> dict[str, Any]:
    told = {key: entry.value(key, "") for key in ("review", "gate", "fault", "wrong")}
    return {**told, "seeded_at": stamp(entry.at), "decided_by": ""}


def _canary_closed(connection: Connection, entry: Entry) -> None:
    review = entry.body["review"]
    if not is_canary(connection, review):
        raise Conflict(f"review {review} is a real one.", hint="Approve, edit or reject it.", code="no_canary")
    if entry.kind == "canary.expired":
        _while_open(connection, entry, {"status": ReviewStatus.EXPIRED.value, "decided_at": stamp(entry.at)})
        return
    caught, by = bool(entry.body["caught"]), entry.body["by"]
    status = ReviewStatus.CAUGHT if caught else ReviewStatus.MISSED
    decided = {"decided_at": stamp(entry.at), "decided_by": by}
    batch = {"batch": entry.body["batch"], "batch_size": entry.body["batch_size"]}
    _while_open(connection, entry, {"status": status.value, "note": entry.value("note", ""), **decided, **batch})
    connection.execute(update(canaries).where(canaries.c.review == review).values(caught=int(caught), **decided))


def is_canary(connection: Connection, review: str) -> bool:
    """True for a known-wrong proposal that was mixed in. No surface asks this of an open review."""
    return connection.execute(select(canaries.c.review).where(canaries.c.review == review)).first() is not None


def due_before(kind: str) -> ReviewStatus:
    """Return how a review has to stand for an entry of this kind to be taken."""
    return ReviewStatus.APPROVED if kind == "review.used" else ReviewStatus.OPEN


def _move(connection: Connection, entry: Entry) -> None:
    review = entry.body["review"]
    due = due_before(entry.kind)
    mine = update(reviews).where(
        reviews.c.id == review, reviews.c.status == due.value, reviews.c.id.not_in(select(canaries.c.review))
    )
    if connection.execute(mine.values(**_decided(entry))).rowcount != 1:
        verb = entry.kind.partition(".")[2]
        raise Conflict(
            f"review {review} is not {due} and cannot be {verb}.", hint="Look at how it stands now.", code="not_" + due
        )


def _renew(connection: Connection, entry: Entry) -> None:
    due = entry.body["reviews_due"]
    held_back = (reviews.c.status == ReviewStatus.OPEN.value, reviews.c.deadline < due)
    connection.execute(
        update(reviews).where(*held_back, within(reach_of(entry), reviews)).values(deadline=due, answer_by="")
    )


def _reminded(connection: Connection, entry: Entry) -> None:
    mine = (reviews.c.id == entry.body["review"], reviews.c.status == ReviewStatus.OPEN.value)
    once = update(reviews).where(*mine, reviews.c.reminded_at.is_(None))
    if connection.execute(once.values(reminded_at=stamp(entry.at))).rowcount != 1:
        raise Conflict(f"of review {entry.body['review']} nobody need be reminded.", code="not_open")


def _opened(entry: Entry) -> dict[str, Any]:
    body = entry.body
    same = ("owner", "barred", "capability", "tier", "code", "sentence", "rule", "policy_version", "confidence")
    action, changes = entry.value("payload"), entry.value("changes")
    return {
        **{key: body[key] for key in same},
        "id": body["review"],
        "action": entry.action,
        "action_type": body.get("action_type") or body["capability"],
        "agent": str(entry.actor.agent or ""),
        "proposer": entry.actor.person,
        "barred": canonical(body["barred"]),
        "subject": entry.subject,
        "payload_hash": body["payload_hash"],
        "payload": canonical(action) if action is not None else None,
        "changes": canonical(changes) if changes is not None else None,
        "status": ReviewStatus.OPEN.value,
        "opened_at": stamp(entry.at),
        "deadline": body["deadline"],
        "decided_by": "",
        "note": "",
        "asked_because": body.get("asked_because", ""),
        "answer_by": body.get("answer_by", ""),
        "lapsed": 0,
        "batch": "",
        "batch_size": 0,
    }


def _decided(entry: Entry) -> dict[str, Any]:
    values: dict[str, Any] = {"status": DECISIONS[entry.kind].value}
    if entry.kind == "review.used":
        return values
    values |= {"decided_at": stamp(entry.at), "decided_by": entry.body["by"], "note": entry.value("note", "")}
    values |= {"batch": entry.body.get("batch", ""), "batch_size": entry.body.get("batch_size", 0)}
    if entry.kind == "review.edited":
        values |= {"edited": canonical(entry.value("arguments")), "payload_hash": entry.body["new_hash"]}
    return values


def review_of(row: Any) -> Review:
    """Read a row of the table."""
    agent = AgentRef.parse(row.agent) if row.agent else None
    changes: Any = parse_json(row.changes) if row.changes else []
    barred: Any = parse_json(row.barred)
    edited: Any = parse_json(row.edited) if row.edited else None
    payload: Any = parse_json(row.payload) if row.payload else None
    return Review(
        id=row.id,
        action_id=row.action,
        owner=row.owner,
        actor=Actor(row.proposer, agent),
        barred=frozenset(barred),
        capability=row.capability,
        action_type=row.action_type,
        subject=row.subject,
        tier=Tier(row.tier),
        code=row.code,
        sentence=row.sentence,
        rule=row.rule,
        policy_version=row.policy_version,
        confidence=row.confidence,
        payload_hash=row.payload_hash,
        action=action_from_json(payload) if payload is not None else None,
        changes=tuple(changes),
        edited=edited,
        was_edited=row.edited is not None,
        status=ReviewStatus(row.status),
        opened_at=unstamp(row.opened_at),
        deadline=unstamp(row.deadline),
        decided_at=unstamp(row.decided_at) if row.decided_at else None,
        decided_by=row.decided_by,
        note=row.note,
        asked_because=row.asked_because,
        answer_by=unstamp(row.answer_by) if row.answer_by else None,
        reminded_at=unstamp(row.reminded_at) if row.reminded_at else None,
        lapsed=row.lapsed,
        batch=row.batch,
        batch_size=row.batch_size,
    )
