"""How old a value is, and whether it is older than this field's values may be.

What must never happen here: a value of unknown age taken for a fresh one; the caller has to say when it was told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from pilothouse.vocabulary.records import FieldValue


class CountsFrom(StrEnum):
    """What a value's age counts from: when its source told it, or when its source last said it, repeats included."""

    TOLD = "told"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True)
class GoodFor:
    """For how many days a field's values are good, and from when the days count."""

    days: int
    counts_from: CountsFrom = CountsFrom.REPEATED


Schedule: TypeAlias = Mapping[str, Mapping[str, GoodFor]]
"""By object and field, for how long a value is good; a field that is not in it never goes stale."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """A value's age in whole days, the most it may be (None: no limit), and whether it is older than that."""

    age_days: int
    max_age_days: int | None
    stale: bool


def said_at(object_name: str, field: str, value: FieldValue, schedule: Schedule) -> datetime:
    """Return the moment from which a value's age counts; a field without a rule counts from the last repeat."""
    rule = schedule.get(object_name, {}).get(field)
    return counted(value, rule.counts_from if rule else CountsFrom.REPEATED)


def counted(value: FieldValue, counts_from: CountsFrom) -> datetime:
    """Return when a value was told, or last said."""
    return value.at if counts_from is CountsFrom.TOLD else value.last_said


def freshness(object_name: str, field: str, value_at: datetime, as_of: datetime, schedule: Schedule) -> Freshness:
    """Return how fresh a value that counts from `value_at` is at `as_of`; one from the future counts as told just now."""
    age = max(as_of - value_at, timedelta(0))
    rule = schedule.get(object_name, {}).get(field)
    most = rule.days if rule else None
    return Freshness(age.days, most, most is not None and age > timedelta(days=most))
