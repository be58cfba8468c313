"""One review as one screen shows it: who is asked, about what, why, on what evidence, by when, and who may answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pilothouse.directory.people import Directory
from pilothouse.directory.suspensions import Suspension
from pilothouse.handoff.owners import may_decide
from pilothouse.handoff.queue import Review
from pilothouse.vocabulary.actions import evidence_to_json
from pilothouse.vocabulary.errors import NotFound
from pilothouse.vocabulary.outcomes import ReviewStatus


@dataclass(frozen=True, slots=True)
class ReviewView:
    """Everything needed to decide. `changes` hold before, after and who wrote the present value; `why_not` is the
    sentence that keeps the viewer from approving, empty when nothing does."""

    id: str
    status: str
    owner: str
    owner_name: str
    agent: str
    on_behalf_of: str
    on_behalf_of_name: str
    capability: str
    subject: str
    intent: str
    tier: str
    code: str
    sentence: str
    rule: str
    policy_version: str
    confidence: float
    evidence: tuple[dict[str, Any], ...]
    changes: tuple[dict[str, Any], ...]
    arguments: dict[str, Any] | None
    edited: dict[str, Any] | None
    payload_hash: str
    opened_at: datetime
    deadline: datetime
    overdue: bool
    decided_by: str
    decided_at: datetime | None
    note: str
    suspended: str
    why_not: str


def view_of(
    review: Review, directory: Directory, now: datetime, viewer: str = "", suspension: Suspension | None = None
) -> ReviewView:
    """Return the view of a review, for a viewer where one is named; raises `NotFound` for an unknown viewer.

    While suspended it is not overdue: its deadline is set anew when the suspension ends.
    """
    action = review.action
    overdue = review.status is ReviewStatus.OPEN and review.deadline <= now and suspension is None
    suspended = f"{suspension}." if suspension else ""
    return ReviewView(
        id=review.id,
        status=review.status.value,
        owner=review.owner,
        owner_name=_name(directory, review.owner),
        agent=str(review.actor.agent or ""),
        on_behalf_of=review.actor.person,
        on_behalf_of_name=_name(directory, review.actor.person),
        capability=review.capability,
        subject=review.subject,
        intent=action.intent if action else "",
        tier=review.tier.value,
        code=review.code,
        sentence=review.sentence,
        rule=review.rule,
        policy_version=review.policy_version,
        confidence=review.confidence,
        evidence=tuple(evidence_to_json(fact) for fact in action.evidence) if action else (),
        changes=review.changes,
        arguments=dict(action.arguments) if action else None,
        edited=review.edited,
        payload_hash=review.payload_hash,
        opened_at=review.opened_at,
        deadline=review.deadline,
        overdue=overdue,
        decided_by=review.decided_by,
        decided_at=review.decided_at,
        note=review.note,
        suspended=suspended,
        why_not=_why_not(review, directory, overdue, suspended, viewer),
    )


def _why_not(review: Review, directory: Directory, overdue: bool, suspended: str, viewer: str) -> str:
    if review.status is not ReviewStatus.OPEN:
        return f"It is already {review.status}."
    if suspended:
        return suspended
    if overdue:
        return "Its deadline has passed; it counts as rejected."
    if review.action is None:
        return "Its payload was erased; it can only be rejected."
    if not viewer:
        return ""
    return may_decide(directory.person(viewer), owner=review.owner, tier=review.tier, barred=review.barred)


def _name(directory: Directory, person: str) -> str:
    try:
        return directory.person(person).name
    except NotFound:
        return person
