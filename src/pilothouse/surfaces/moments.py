"""Moments as people write them: `48h`, `7d`, `2026-01-31T12:00`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pilothouse.vocabulary.clock import unstamp
from pilothouse.vocabulary.errors import InvalidInput

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def when(text: str | None, now: datetime) -> datetime | None:
    """Read a moment: ISO 8601, or a time ago such as `48h`, `30m`, `7d`; raises `InvalidInput`."""
    if text is None:
        return None
    if text[-1:] in UNITS and text[:-1].isdigit():
        return now - timedelta(**{UNITS[text[-1]]: int(text[:-1])})
    try:
        return unstamp(text).astimezone(UTC)
    except ValueError:
        raise InvalidInput(f"{text!r} is no moment.", hint="Write 48h, 7d or 2026-01-31T12:00.") from None
