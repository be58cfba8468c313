"""When is a schedule due? The last time by now and the next one after it: pure functions of what is written and the clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

EVERY = re.compile(r"([1-9][0-9]{0,4})(m|h|d)")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Times(Protocol):
    """The times of one schedule."""

    def last(self, now: datetime) -> datetime:
        """Return the last time by `now`, in UTC."""
        ...

    def next(self, now: datetime) -> datetime:
        """Return the first time after `now`, in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class Every:
    """Every so often, counted from the beginning of 1970 UTC, so that every server means the same moments."""

    step: timedelta

    def last(self, now: datetime) -> datetime:
        """Return the last time by `now`."""
        return EPOCH + (now - EPOCH) // self.step * self.step

    def next(self, now: datetime) -> datetime:
        """Return the first time after `now`."""
        return self.last(now) + self.step


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression in a time zone. Changes of the clock are met as Debian's cron meets them (cronsim)."""

    expression: str
    zone: ZoneInfo

    def last(self, now: datetime) -> datetime:
        """Return the last time by `now`."""
        # Going back from a moment, cronsim leaves that moment out; a time is due at its very second.
        start = now.replace(microsecond=0) + timedelta(seconds=1)
        return next(CronSim(self.expression, start.astimezone(self.zone), reverse=True)).astimezone(UTC)

    def next(self, now: datetime) -> datetime:
        """Return the first time after `now`."""
        return next(CronSim(self.expression, now.astimezone(self.zone))).astimezone(UTC)


def every(text: str) -> Every:
    """Read `30m`, `6h` or `1d`; raises `ValueError` with a sentence."""
    found = EVERY.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no interval; write 30m, 6h or 1d")
    return Every(timedelta(**{UNITS[found[2]]: int(found[1])}))


def cron(expression: str, zone: ZoneInfo) -> Cron:
    """Read a cron expression of five fields; raises `ValueError` with a sentence, also for one that never comes."""
    if len(expression.split()) != 5:
        raise ValueError(f"{expression!r} is no cron time: it has five fields, as in '15 2 * * *'")
    times = Cron(expression, zone)
    try:
        times.next(EPOCH)
    except CronSimError as error:
        raise ValueError(f"{expression!r} is no cron time: {error}") from None
    except StopIteration:
        raise ValueError(f"{expression!r} never comes") from None
    return times
