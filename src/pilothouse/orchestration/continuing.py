"""What goes on by itself after people decided, after time passed and after a crash."""

from __future__ import annotations

from dataclasses import dataclass, field

from pilothouse.gateway.gateway import Gateway
from pilothouse.gateway.passage import Result
from pilothouse.gateway.reconcile import Settled, reconcile_all
from pilothouse.handoff.keeping import Kept
from pilothouse.vocabulary.errors import Conflict
from pilothouse.vocabulary.outcomes import ReviewStatus


@dataclass
class Continued:
    """What was taken up."""

    settled: list[Settled] = field(default_factory=list[Settled])
    expired: list[str] = field(default_factory=list[str])
    resumed: list[Result] = field(default_factory=list[Result])
    kept: Kept = field(default_factory=Kept)


def carry_on(gateway: Gateway) -> Continued:
    """Settle unanswered acts, close overdue reviews, remind and hand on, take up approved ones. Safe to repeat at any time."""
    settled = reconcile_all(gateway.door)
    expired = gateway.reviews.expire()
    kept = gateway.keeper.tend()
    gateway.canaries.tend()
    return Continued(settled, expired, resume_approved(gateway), kept)


def resume_approved(gateway: Gateway) -> list[Result]:
    """Take up every approved review that was not taken up yet."""
    results: list[Result] = []
    for review in gateway.reviews.list(status=ReviewStatus.APPROVED):
        try:
            results.append(gateway.resume(review.id))
        except Conflict:
            continue  # Another worker took it up between the listing and now.
    return results
