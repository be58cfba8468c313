"""How old values may grow: pure arithmetic over the workspace's schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pilothouse.data.freshness import GoodFor, freshness

NOW = datetime(2026, 1, 14, tzinfo=UTC)


@given(st.integers(1, 4000), st.timedeltas(timedelta(0), timedelta(days=5000)))
def test_a_value_is_stale_exactly_when_it_is_older_than_its_greatest_age(days: int, age: timedelta) -> None:
    found = freshness("account", "industry", NOW - age, NOW, {"account": {"industry": GoodFor(days)}})
    assert (found.max_age_days, found.age_days) == (days, age.days)
    assert found.stale == (age > timedelta(days=days))


def test_a_field_without_a_rule_never_grows_stale_and_the_future_has_no_age() -> None:
    schedule = {"account": {"industry": GoodFor(30)}}
    assert not freshness("account", "city", NOW - timedelta(days=9999), NOW, schedule).stale
    assert freshness("account", "industry", NOW + timedelta(days=9), NOW, schedule).age_days == 0
