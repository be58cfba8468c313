"""Moments as people write them: `48h`, `7d`, `2026-01-31T12:00`."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from pilothouse.vocabulary.clock import unstamp
from pilothouse.vocabulary.errors import WrongUse

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def when(text: str | None, now: datetime) -> datetime | None:
    """Read a moment: ISO 8601, or a time ago such as `48h`, `30m`, `7d`; raises `WrongUse`."""
    if text is None:
        return None
    try:
        if text[-1:] in UNITS and text[:-1].isdigit():
            return now - timedelta(**{UNITS[text[-1]]: int(text[:-1])})
        return unstamp(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise WrongUse(f"{text!r} is no moment.", hint="Write 48h, 7d or 2026-01-31T12:00.") from None


def as_of(text: str | None, now: datetime) -> datetime | None:
    """Read the moment as of which something is judged; a day means its end, or now while it lasts.

    Raises `WrongUse` for what is no moment, and for one to come: nothing is known of it.
    """
    if text is None:
        return None
    moment = when(text, now)
    if moment is not None and _is_day(text):
        end = datetime.combine(moment.date(), time.max, UTC)
        moment = now if moment <= now < end else end
    if moment is not None and moment > now:
        raise WrongUse(f"{text} is still to come.", hint=f"Name a day up to {now:%Y-%m-%d}.")
    return moment


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
