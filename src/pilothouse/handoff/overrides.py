"""What people did with what agents proposed: every override with both values, and counts by agent and action type.

The counts are the raw material of trust (requirements R-090): each comes with its n, and nothing is rounded away.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median

from pilothouse.handoff.queue import Review
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.values import Json

EDITED, REJECTED, APPROVED = "edited", "rejected", "approved"


@dataclass(frozen=True, slots=True)
class Override:
    """One proposal that a person changed or refused. `chosen` is None for a rejection; both are None once erased."""

    review: str
    action: str
    kind: str
    agent: str
    on_behalf_of: str
    capability: str
    action_type: str
    subject: str
    by: str
    at: datetime
    proposed: Mapping[str, Json] | None
    chosen: Mapping[str, Json] | None
    note: str


@dataclass(slots=True)
class Tally:
    """How proposals of one agent and action type were decided. `expired` and `waiting` were not decided by anybody."""

    agent: str
    action_type: str
    approved: int = 0
    edited: int = 0
    rejected: int = 0
    expired: int = 0
    waiting: int = 0
    hasty: int = 0
    """Approvals that are no evidence: given faster than the text can be skimmed, or never shown to who gave them."""
    seconds: list[float] = field(default_factory=list[float])
    """From opening to decision, one number a decision."""

    @property
    def n(self) -> int:
        """How many proposals a person decided, and looked at."""
        return self.approved + self.edited + self.rejected

    @property
    def unmodified_rate(self) -> float | None:
        """The share of the decided that was approved as proposed; None when nothing was decided."""
        return self.approved / self.n if self.n else None

    @property
    def median_seconds(self) -> float | None:
        """Half of the decisions took no longer than this; None when nothing was decided."""
        return median(self.seconds) if self.seconds else None


def decision_of(review: Review) -> str:
    """Return what a person decided: "approved" (as proposed), "edited" or "rejected"; empty when no person did."""
    if review.status is ReviewStatus.REJECTED:
        return REJECTED
    if review.status not in (ReviewStatus.APPROVED, ReviewStatus.USED):
        return ""
    return EDITED if review.was_edited else APPROVED


def overrides_of(found: Iterable[Review]) -> list[Override]:
    """Return the overrides among reviews, newest first."""
    overridden = [_override(each) for each in found if decision_of(each) in (EDITED, REJECTED)]
    return sorted(overridden, key=lambda each: each.at, reverse=True)


def _override(review: Review) -> Override:
    return Override(
        review=review.id,
        action=review.action_id,
        kind=decision_of(review),
        agent=str(review.actor.agent or ""),
        on_behalf_of=review.actor.person,
        capability=review.capability,
        action_type=review.action_type,
        subject=review.subject,
        by=review.decided_by,
        at=review.decided_at or review.opened_at,
        proposed=review.action.arguments if review.action else None,
        chosen=review.edited,
        note=review.note,
    )


def tallies_of(found: Iterable[Review], evident: Callable[[Review], bool]) -> list[Tally]:
    """Count decisions by agent and action type, in order of both; `evident` tells which of them are evidence."""
    counted: dict[tuple[str, str], Tally] = {}
    groups: defaultdict[tuple[str, str], list[Review]] = defaultdict(list)
    for each in found:
        groups[(str(each.actor.agent or ""), each.action_type)].append(each)
    for key in sorted(groups):
        counted[key] = tally = Tally(*key)
        for each in groups[key]:
            _count(tally, each, evident)
    return list(counted.values())


def _count(tally: Tally, review: Review, evident: Callable[[Review], bool]) -> None:
    if decision_of(review) and not evident(review):
        tally.hasty += 1
        return
    match decision_of(review):
        case "approved":
            tally.approved += 1
        case "edited":
            tally.edited += 1
        case "rejected":
            tally.rejected += 1
        case _:
            tally.expired += review.status is ReviewStatus.EXPIRED
            tally.waiting += review.status is ReviewStatus.OPEN
            return
    if review.decided_at is not None:
        tally.seconds.append((review.decided_at - review.opened_at).total_seconds())
