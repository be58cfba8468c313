"""How old values may grow: pure arithmetic over the workspace's schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilothouse.data.definitions import load_definitions
from pilothouse.data.freshness import Schedule
from pilothouse.vocabulary.documents import DocumentError

NOW = datetime(2026, 1, 14, tzinfo=UTC)


@given(st.integers(1, 4000), st.timedeltas(timedelta(0), timedelta(days=5000)))
def test_a_value_is_stale_exactly_when_it_is_older_than_its_greatest_age(days: int, age: timedelta) -> None:
    found = Schedule({"account": {"industry": days}}).freshness("account", "industry", NOW - age, NOW)
    assert (found.max_age_days, found.age_days) == (days, age.days)
    assert found.stale == (age > timedelta(days=days))


def test_a_field_without_a_rule_never_grows_stale_and_the_future_has_no_age() -> None:
    schedule = Schedule({"account": {"industry": 30}})
    assert not schedule.freshness("account", "city", NOW - timedelta(days=9999), NOW).stale
    assert schedule.freshness("account", "industry", NOW + timedelta(days=9), NOW).age_days == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version: 1\nfreshness:\n  account:\n    hue: 30\n", "3|4: account has no field 'hue'"),
        ("version: 1\nfreshness: {planet: {name: 30}}\n", "planet has no field"),
        ("version: 1\nfreshness: {account: {name: 0}}\n", "greater than or equal to 1"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "freshness.yaml").write_text(text)
    with pytest.raises(DocumentError) as refused:
        load_definitions(tmp_path)
    assert says.rpartition("|")[2].removeprefix("4: ") in str(refused.value)


def test_a_rule_stands_once(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text("version: 1\nfreshness: {account: {name: 30}}\n")
    with pytest.raises(DocumentError, match="already"):
        load_definitions(tmp_path)
