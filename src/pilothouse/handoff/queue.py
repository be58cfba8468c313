"""The table of reviews, drawn from their entries.

The projector is the last guard of a review's life: open → approved, rejected or expired; approved → used; nothing else.
An entry that contradicts this is refused together with everything it was submitted with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Float, Index, Table, Text, insert, text, update

from pilothouse.directory.suspensions import RESUMED, reach_of, within
from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Entry
from pilothouse.vocabulary.actions import Action, action_from_json
from pilothouse.vocabulary.actors import Actor, AgentRef
from pilothouse.vocabulary.clock import stamp, unstamp
from pilothouse.vocabulary.errors import Conflict
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.values import canonical, parse_json
from pilothouse.vocabulary.verdicts import Tier

reviews = Table(
    "reviews",
    metadata,
    Column("id", Text, primary_key=True),
    Column("action", Text, nullable=False, index=True),
    Column("owner", Text, nullable=False, index=True),
    Column("agent", Text, nullable=False),
    Column("proposer", Text, nullable=False),
    Column("barred", Text, nullable=False),
    Column("capability", Text, nullable=False),
    Column("action_type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("policy_version", Text, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("payload_hash", Text, nullable=False),
    Column("payload", Text),
    Column("changes", Text),
    Column("edited", Text),
    Column("status", Text, nullable=False, index=True),
    Column("opened_at", Text, nullable=False),
    Column("deadline", Text, nullable=False),
    Column("reminded_at", Text),
    Column("decided_at", Text),
    Column("decided_by", Text, nullable=False),
    Column("note", Text, nullable=False),
)
PENDING = text("status IN ('open', 'approved')")
# An action that expired may be asked about again; two live questions about one action would be two approvals.
Index("one_live_review_an_action", reviews.c.action, unique=True, sqlite_where=PENDING, postgresql_where=PENDING)
DECISIONS = {
    "review.approved": ReviewStatus.APPROVED,
    "review.edited": ReviewStatus.APPROVED,
    "review.rejected": ReviewStatus.REJECTED,
    "review.expired": ReviewStatus.EXPIRED,
    "review.used": ReviewStatus.USED,
}


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

    def approved_action(self) -> Action:
        """Return the action as it was approved, with the reviewer's values where they changed some."""
        if self.action is None or (self.was_edited and self.edited is None):
            raise Conflict(
                f"the payload of {self.id} was erased.", hint="Propose the action again.", code="payload_erased"
            )
        return self.action if self.edited is None else self.action.with_arguments(self.edited)


class ReviewProjector:
    """Follows every `review.*` entry, and the end of suspensions, which gives what they held back a new deadline."""

    name = "reviews"
    kinds = frozenset({"review.opened", "review.reminded", RESUMED, *DECISIONS})
    tables = (reviews,)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Bring the table up to date."""
        for entry in entries:
            if entry.kind == "review.opened":
                connection.execute(insert(reviews), _opened(entry))
            elif entry.kind == RESUMED:
                _renew(connection, entry)
            elif entry.kind == "review.reminded":
                _reminded(connection, entry)
            else:
                _move(connection, entry)


def due_before(kind: str) -> ReviewStatus:
    """Return how a review has to stand for an entry of this kind to be taken."""
    return ReviewStatus.APPROVED if kind == "review.used" else ReviewStatus.OPEN


def _move(connection: Connection, entry: Entry) -> None:
    review = entry.body["review"]
    due = due_before(entry.kind)
    mine = update(reviews).where(reviews.c.id == review, reviews.c.status == due.value)
    if connection.execute(mine.values(**_decided(entry))).rowcount != 1:
        verb = entry.kind.partition(".")[2]
        raise Conflict(
            f"review {review} is not {due} and cannot be {verb}.", hint="Look at how it stands now.", code="not_" + due
        )


def _renew(connection: Connection, entry: Entry) -> None:
    due = entry.body["reviews_due"]
    held_back = (reviews.c.status == ReviewStatus.OPEN.value, reviews.c.deadline < due)
    connection.execute(update(reviews).where(*held_back, within(reach_of(entry), reviews)).values(deadline=due))


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
    }


def _decided(entry: Entry) -> dict[str, Any]:
    values: dict[str, Any] = {"status": DECISIONS[entry.kind].value}
    if entry.kind == "review.used":
        return values
    values |= {"decided_at": stamp(entry.at), "decided_by": entry.body["by"], "note": entry.value("note", "")}
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
    )
