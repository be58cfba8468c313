"""How well people oversee: how long they look, how often they say yes, what they miss, and whether the queue grows.

Each number comes with its n. What must never happen here: a small n read as a finding (R-086, R-100).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import select

from pilothouse.decision.handing import Handing
from pilothouse.handoff.looking import APPROVALS, DECIDED, fastest, seconds_looked
from pilothouse.handoff.queue import Review
from pilothouse.handoff.reviews import Reviews
from pilothouse.handoff.spot_checks import ErrorRate, SpotChecks, error_rates
from pilothouse.handoff.tables import canaries
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.outcomes import ReviewStatus

ENOUGH = 20
"""Fewer decisions than this are no finding."""
NEARLY_ALL, MANY_HASTY = 0.98, 0.25
HOUR = timedelta(hours=1)
SOON = 4 * HOUR
"""A review that has been open for less is no sign of a bottleneck."""


@dataclass(frozen=True, slots=True)
class Overseen:
    """One reviewer, or one gate (an action type). `seconds` is the median from being shown to deciding, over `timed`.

    `hasty` counts approvals faster than their text can be skimmed, or never shown. `warnings` are sentences.
    """

    name: str
    n: int
    approved: int
    hasty: int
    seconds: float | None
    timed: int
    canaries: int
    caught: int
    warnings: tuple[str, ...]

    @property
    def approval_rate(self) -> float | None:
        """The share approved as proposed; None when nothing was decided."""
        return self.approved / self.n if self.n else None

    @property
    def catch_rate(self) -> float | None:
        """The share of canaries that was caught; None when none was decided."""
        return self.caught / self.canaries if self.canaries else None


@dataclass(frozen=True, slots=True)
class Queue:
    """What came in and went out since `since`, and what is open now; `oldest_hours` is the age of the oldest."""

    since: datetime
    opened: int
    decided: int
    expired: int
    open: int
    oldest_hours: float | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Oversight:
    """The whole report."""

    queue: Queue
    reviewers: tuple[Overseen, ...]
    gates: tuple[Overseen, ...]
    spot_checks: tuple[ErrorRate, ...]


def oversight(
    ledger: Ledger, reviews: Reviews, checks: SpotChecks, handing: Handing, now: datetime, days: int
) -> Oversight:
    """Return the report over reviews opened within so many days."""
    since = now - timedelta(days=days)
    every = [each for each in reviews.list(status=None) if each.opened_at >= since]
    looked = reviews.shown_to_decider(every)
    with ledger.engine.connect() as connection:
        planted = {row.review for row in connection.execute(select(canaries.c.review))}
    real = [each for each in every if each.id not in planted or each.status is ReviewStatus.OPEN]
    return Oversight(
        queue=_queue(real, since, now),
        reviewers=_by({each.id: each.decided_by for each in every}, every, looked, handing),
        gates=_by({each.id: each.action_type for each in every}, every, looked, handing),
        spot_checks=tuple(error_rates(checks.list(waiting=False))),
    )


def _by(
    keys: Mapping[str, str], every: Sequence[Review], looked: Mapping[str, datetime], handing: Handing
) -> tuple[Overseen, ...]:
    groups: defaultdict[str, list[Review]] = defaultdict(list)
    for each in every:
        if each.status in DECIDED:
            groups[keys[each.id]].append(each)
    return tuple(_overseen(name, groups[name], looked, handing) for name in sorted(groups))


def _overseen(name: str, mine: Sequence[Review], looked: Mapping[str, datetime], handing: Handing) -> Overseen:
    of_canaries = [each for each in mine if each.status in (ReviewStatus.CAUGHT, ReviewStatus.MISSED)]
    real = [each for each in mine if each not in of_canaries]
    approved = [each for each in real if each.status in APPROVALS and not each.was_edited]
    times = {each.id: seconds_looked(each, looked.get(each.id)) for each in mine}
    hasty = sum((t := times[each.id]) is None or t < fastest(each, handing.reviews) for each in approved)
    timed = [seconds for seconds in times.values() if seconds is not None]
    caught = sum(each.status is ReviewStatus.CAUGHT for each in of_canaries)
    return Overseen(
        name=name,
        n=len(real),
        approved=len(approved),
        hasty=hasty,
        seconds=median(timed) if timed else None,
        timed=len(timed),
        canaries=len(of_canaries),
        caught=caught,
        warnings=tuple(_rubber_stamp(len(real), len(approved), hasty, len(of_canaries), caught)),
    )


def _rubber_stamp(n: int, approved: int, hasty: int, planted: int, caught: int) -> list[str]:
    said: list[str] = []
    if n >= ENOUGH and approved >= NEARLY_ALL * n:
        said.append(
            f"{approved} of {n} were approved as they stood: is this review still needed, or is nobody reading?"
        )
    if n >= ENOUGH and hasty >= MANY_HASTY * n:
        said.append(f"{hasty} of {n} were approved faster than they can be read, or unseen; they count as no evidence.")
    if planted > caught:
        said.append(f"{planted - caught} of {planted} planted wrong proposals were approved.")
    return said


def _queue(real: Sequence[Review], since: datetime, now: datetime) -> Queue:
    waiting = [each for each in real if each.status is ReviewStatus.OPEN]
    decided = sum(each.status in DECIDED for each in real)
    expired = sum(each.status is ReviewStatus.EXPIRED for each in real)
    late = [each for each in waiting if each.lapsed or each.deadline <= now]
    said: list[str] = []
    aged = sum(now - each.opened_at > SOON for each in waiting)
    if len(real) >= ENOUGH and aged > decided:
        said.append(
            f"{aged} have been open for over {SOON // HOUR} h and {decided} were decided: the queue is a bottleneck."
        )
    if expired >= ENOUGH or (len(real) >= ENOUGH and expired > len(real) / 4):
        said.append(f"{expired} of {len(real)} ran out of time undecided.")
    if late:
        said.append(f"{len(late)} open review(s) were not answered in time and went to somebody else.")
    oldest = max(((now - each.opened_at).total_seconds() / 3600 for each in waiting), default=None)
    return Queue(since, len(real), decided, expired, len(waiting), oldest, tuple(said))
