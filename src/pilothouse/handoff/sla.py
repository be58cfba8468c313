"""By when a review must be decided."""

from __future__ import annotations

from datetime import datetime, timedelta

SATURDAY = 5


def deadline(now: datetime, business_days: int = 1) -> datetime:
    """Return the same time of day, so many business days later; Saturdays and Sundays do not count."""
    due, left = now, business_days
    while left > 0:
        due += timedelta(days=1)
        if due.weekday() < SATURDAY:
            left -= 1
    return due
