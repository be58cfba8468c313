"""Did somebody look before deciding? An approval faster than its text can be skimmed says nothing about the agent.

What must never happen here: a rejection or a correction left out of the evidence, which would flatter the agent.
"""

from __future__ import annotations

from datetime import datetime

from pilothouse.decision.handing import ReviewsFile
from pilothouse.handoff.queue import Review
from pilothouse.vocabulary.outcomes import ReviewStatus

APPROVALS = (ReviewStatus.APPROVED, ReviewStatus.USED)
DECIDED = (*APPROVALS, ReviewStatus.REJECTED, ReviewStatus.CAUGHT, ReviewStatus.MISSED)


def words_of(review: Review) -> int:
    """Return how many words somebody has to read: why a person is asked, what would change, and on what evidence."""
    told = [review.sentence]
    for each in review.changes:
        told += [str(each.get("field", "")), str(each.get("before") or ""), str(each.get("after") or "")]
    if review.action is not None:
        told += [review.action.intent, *(fact.note for fact in review.action.evidence)]
        told += [] if review.changes else [str(value) for value in review.action.arguments.values()]
    return sum(len(each.split()) for each in told)


def fastest(review: Review, settings: ReviewsFile) -> float:
    """Return the seconds below which nobody can have read it.

    Silent reading runs at about 240 words a minute (Brysbaert 2019, doi 10.1016/j.jml.2019.104047); the setting allows
    for skimming at about three times that. Of a batch each row is read, so the times of its rows add up.
    """
    reading = words_of(review) * 60 / settings.words_per_minute
    return max(settings.fastest_seconds, reading * max(review.batch_size, 1))


def seconds_looked(review: Review, shown_at: datetime | None) -> float | None:
    """Return the seconds from being shown to who decided until the decision; None when it was never shown to them."""
    if shown_at is None or review.decided_at is None or shown_at > review.decided_at:
        return None
    return (review.decided_at - shown_at).total_seconds()


def counts_as_evidence(review: Review, shown_at: datetime | None, settings: ReviewsFile) -> bool:
    """True when a decision says something about the agent.

    `shown_at` is when the review was first shown to who decided it. A rejection or a correction always counts. An approval
    counts when it was shown for long enough; one that was never shown to who gave it does not.
    """
    if review.status is ReviewStatus.REJECTED or review.was_edited:
        return True
    return review.status in APPROVALS and not why_no_evidence(review, shown_at, settings)


def why_no_evidence(review: Review, shown_at: datetime | None, settings: ReviewsFile) -> str:
    """Return a sentence to who approved why that says nothing about the agent; empty when it does, or was no approval."""
    if review.was_edited or review.status not in APPROVALS:
        return ""
    looked = seconds_looked(review, shown_at)
    if looked is None:
        return "You never opened it: it does not count as evidence for the agent."
    if looked < fastest(review, settings):
        return f"Decided in {int(looked)} s, faster than it can be read: it does not count as evidence for the agent."
    return ""
