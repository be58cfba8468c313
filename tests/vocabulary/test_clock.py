"""Moments as text: what was written is read back, and text order is time order, in every century and time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from pilothouse.vocabulary.clock import stamp, unstamp

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=ZONES)


@given(MOMENTS, MOMENTS)
def test_a_stamp_is_read_back_and_sorts_as_time_does(one: datetime, other: datetime) -> None:
    assert unstamp(stamp(one)) == one
    assert (stamp(one) < stamp(other)) == (one < other)


def test_a_stamp_is_utc_with_microseconds() -> None:
    assert stamp(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == "2026-01-02T03:04:05.000000Z"
