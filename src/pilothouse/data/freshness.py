"""How old a value may grow before it has to be looked up again: one schedule, asked by everything that cares about age.

Pure: the same schedule, value and day always give the same answer. A field without a rule never becomes stale; that its
age is not judged shows as `max_age_days` None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

SECONDS_IN_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Freshness:
    """The age of a value in whole days, the greatest it may have (None: none is set), and whether it is past that."""

    age_days: int
    max_age_days: int | None
    stale: bool


@dataclass(frozen=True, slots=True)
class Schedule:
    """The greatest age in days, by object and field."""

    rules: Mapping[str, Mapping[str, int]]

    def freshness(self, object_name: str, field: str, value_at: datetime, as_of: datetime) -> Freshness:
        """Return how fresh a value is that was true at `value_at`, seen from `as_of` (both aware).

        A value is stale when it is older than its greatest age by any part of a day. One from after `as_of` has age 0.
        """
        seconds = max(0.0, (as_of - value_at).total_seconds())
        most = self.rules.get(object_name, {}).get(field)
        return Freshness(int(seconds // SECONDS_IN_DAY), most, most is not None and seconds > most * SECONDS_IN_DAY)
