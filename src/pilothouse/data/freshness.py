"""How old a value is, and whether it is older than this field's values may be.

What must never happen here: a value of unknown age taken for a fresh one; the caller has to say when it was told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

Schedule: TypeAlias = Mapping[str, Mapping[str, int]]
"""By object and field, for how many days a value is good; a field that is not in it never goes stale."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """A value's age in whole days, the most it may be (None: no limit), and whether it is older than that."""

    age_days: int
    max_age_days: int | None
    stale: bool


def freshness(object_name: str, field: str, value_at: datetime, as_of: datetime, schedule: Schedule) -> Freshness:
    """Return how fresh a value told at `value_at` is at `as_of`; one from the future counts as told just now."""
    age = max(as_of - value_at, timedelta(0))
    most = schedule.get(object_name, {}).get(field)
    return Freshness(age.days, most, most is not None and age > timedelta(days=most))
