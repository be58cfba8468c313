"""By when a review must be decided."""

from __future__ import annotations

from datetime import datetime, timedelta

from pilothouse.vocabulary.errors import InvalidInput

SATURDAY = 5
REMIND_BEFORE = timedelta(hours=4)
"""So long before its deadline, the owner of an open review is reminded of it once."""


def deadline(now: datetime, business_days: int = 1) -> datetime:
    """Return the same time of day, so many business days later; Saturdays and Sundays (UTC) do not count.

    Raises `InvalidInput` for less than one day: such a review would be overdue before anybody could read it.
    """
    if business_days < 1:
        raise InvalidInput(f"{business_days} business days leave nobody time to decide.", hint="Give at least 1.")
    due, left = now, business_days
    while left > 0:
        due += timedelta(days=1)
        if due.weekday() < SATURDAY:
            left -= 1
    return due
