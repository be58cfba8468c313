"""When a provider may be asked again: about the same company, and at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from pilothouse.data.enrichment.answers import Outcome, Terms
from pilothouse.data.enrichment.requests import last
from pilothouse.vocabulary.clock import unstamp

UNCERTAIN = timedelta(days=1)
"""How long nobody asks again where the last request was not answered, or not usably."""
FAILURES, COOLING = 5, timedelta(minutes=15)
"""So many failures in a row, and a provider is left alone for so long; then one request shows whether it recovered."""
FAILED = frozenset({Outcome.BROKEN, Outcome.UNANSWERED, Outcome.LATER})
SETTINGS = frozenset({Outcome.NO_CREDITS, Outcome.REFUSED})
"""What only people can mend; the next run tries again, one request long."""


def again_from(row: Any, terms: Terms) -> datetime:
    """Return from when on the same may be asked again, given the last request about it."""
    days = {
        Outcome.FOUND: timedelta(days=terms.cache_days),
        Outcome.NOT_FOUND: timedelta(days=terms.not_found_days),
        Outcome.OPEN: UNCERTAIN,
        Outcome.BROKEN: UNCERTAIN,
        Outcome.UNANSWERED: UNCERTAIN,
    }
    return unstamp(row.answered_at or row.at) + days.get(Outcome(row.outcome), timedelta())


def closed_until(connection: Connection, provider: str, now: datetime) -> tuple[datetime, str] | None:
    """Return until when a provider is left alone, and why; None when it may be asked."""
    rows = last(connection, provider, FAILURES)
    if not rows:
        return None
    newest, ended = rows[0], unstamp(rows[0].answered_at)
    if newest.outcome == Outcome.LATER and now < (until := ended + timedelta(seconds=newest.wait)):
        return until, f"{provider} asked for patience: {newest.sentence}"
    if _all_failed(rows) and now < (until := ended + COOLING):
        return until, f"the last {FAILURES} requests to {provider} failed, the last with: {newest.sentence}"
    return None


def _all_failed(rows: Sequence[Any]) -> bool:
    return len(rows) == FAILURES and all(row.outcome in FAILED for row in rows)
