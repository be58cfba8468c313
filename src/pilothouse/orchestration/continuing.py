"""What goes on by itself after people decided, after time passed and after a crash."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pilothouse.gateway.gateway import Gateway
from pilothouse.gateway.passage import Result
from pilothouse.gateway.pipeline import PASSING
from pilothouse.gateway.reconcile import Settled, reconcile_all
from pilothouse.handoff.keeping import Kept
from pilothouse.vocabulary.errors import Conflict
from pilothouse.vocabulary.outcomes import ReviewStatus

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=15), timedelta(minutes=15)


@dataclass
class Patience:
    """When to try again what only time stood against. Every attempt is an entry, so they come ever more seldom."""

    waits: dict[str, tuple[datetime, timedelta]] = field(default_factory=dict[str, tuple[datetime, timedelta]])

    def due(self, review: str, now: datetime) -> bool:
        """True unless it is too early to try again."""
        return review not in self.waits or self.waits[review][0] <= now

    def note(self, review: str, result: Result, now: datetime) -> None:
        """Remember how an attempt went."""
        if result.code not in PASSING:
            self.waits.pop(review, None)
            return
        _, last = self.waits.get(review, (now, FIRST_WAIT / 2))
        wait = min(last * 2, LONGEST_WAIT)
        self.waits[review] = (now + wait, wait)


@dataclass
class Continued:
    """What was taken up."""

    settled: list[Settled] = field(default_factory=list[Settled])
    expired: list[str] = field(default_factory=list[str])
    resumed: list[Result] = field(default_factory=list[Result])
    kept: Kept = field(default_factory=Kept)


def carry_on(gateway: Gateway, patience: Patience | None = None) -> Continued:
    """Settle unanswered acts, close overdue reviews, remind and hand on, take up approved ones. Safe to repeat at any time."""
    settled = reconcile_all(gateway.door)
    expired = gateway.reviews.expire()
    kept = gateway.keeper.tend()
    gateway.canaries.tend()
    return Continued(settled, expired, resume_approved(gateway, patience), kept)


def resume_approved(gateway: Gateway, patience: Patience | None = None) -> list[Result]:
    """Take up every approved review that was not taken up yet and is not to be waited with."""
    patience = patience or Patience()
    results: list[Result] = []
    for review in gateway.reviews.list(status=ReviewStatus.APPROVED):
        now = gateway.door.clock.now()
        if not patience.due(review.id, now):
            continue
        try:
            result = gateway.resume(review.id)
        except Conflict:
            continue  # Another worker took it up between the listing and now.
        patience.note(review.id, result, now)
        results.append(result)
    return results
