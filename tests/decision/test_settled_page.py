"""The page of settled questions names all of them, and nothing that is not there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from tests.decision.test_decision import KNOWN, POLICY

from pilothouse.data.deals import habits
from pilothouse.data.defining.reading import load_definitions
from pilothouse.data.store import Record
from pilothouse.decision.cases import run_cases
from pilothouse.vocabulary.records import FieldValue, RecordRef, WriterKind
from pilothouse.vocabulary.values import Json
from pilothouse.workspace.config import STARTER

ROOT = Path(__file__).parents[2]
ROWS = {
    row[2:6]: row for row in (ROOT / "docs" / "settled-questions.md").read_text().splitlines() if row.startswith("| X-")
}


def test_every_question_is_answered() -> None:
    assert list(ROWS) == [f"X-{number:02}" for number in range(1, 23)]


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_what_a_row_names_is_there(row: str) -> None:
    titles = {each.title for each in run_cases(STARTER / "policy" / "cases", POLICY, KNOWN) if not each.problem}
    cases, tests = re.findall(r'case "([^"]+)"', row), re.findall(r"`(tests/[\w/.]+)::(\w+)`", row)
    assert set(cases) <= titles
    for path, name in tests:
        assert f"def {name}(" in (ROOT / path).read_text()
    assert cases or tests or "ARCHITECTURE" in row


def test_silence_goes_by_history_and_by_14_days_where_there_is_little() -> None:
    definitions = load_definitions(STARTER / "definitions")
    stays: dict[str, list[FieldValue]] = {}

    def told(value: Json, at: date) -> FieldValue:
        moment = datetime.combine(at, time(9), UTC)
        return FieldValue(value, "crm", moment, WriterKind.IMPORT, "import")

    def closed(number: int, in_proposal: int, in_negotiation: int, *, won: bool = True) -> Record:
        """A deal that was last heard of on the day it went into each of its two stages."""
        begun = date(2026, 1, 1)
        middle = begun + timedelta(days=in_proposal)
        end = middle + timedelta(days=in_negotiation)
        ident, last = f"o{number}", "Closed Won" if won else "Closed Lost"
        heard.extend((ident, each) for each in (begun, middle))
        # That it closed was told a year later, as exports do; the day is the deal's own.
        stays[ident] = [
            told("Value Proposition", begun),
            told("Negotiation", middle),
            told(last, end + timedelta(days=365)),
        ]
        fields: dict[str, Json] = {"stage": last, "close_date": end.isoformat(), "is_closed": True, "is_won": won}
        return Record(
            RecordRef("crm", "opportunity", ident), {name: told(value, end) for name, value in fields.items()}
        )

    def pauses(deals: Sequence[Record]) -> dict[str, tuple[int, int]]:
        activities = [
            Record(
                RecordRef("crm", "activity", f"v{number}"),
                {"opportunity": told(ident, at), "at": told(at.isoformat(), at)},
            )
            for number, (ident, at) in enumerate(heard)
        ]
        found = habits(deals, activities, stays, definitions).pauses
        assert found is not None and [each.learned for each in found.values()] == [
            e.deals >= 20 for e in found.values()
        ]
        return {name: (each.days, each.deals) for name, each in found.items()}

    heard: list[tuple[str, date]] = []
    many = [closed(number, 5, 30 if number < 17 else 90) for number in range(20)]
    lost = [closed(100 + number, 300, 300, won=False) for number in range(30)]
    learned = pauses([*many, *lost])
    assert learned["Proposal"] == (5, 20), "the pause of a stage is that stage's own, also below 14 days"
    assert learned["Negotiation"] == (90, 20), "nine in ten of the won ones paused no longer"
    assert learned["Prospecting"] == (14, 0), "no won deal is known to have been there"
    assert pauses([*many[1:], *lost])["Negotiation"] == (14, 19), "too few to learn from"
