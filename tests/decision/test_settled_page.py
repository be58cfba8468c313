"""The page of settled questions names all of them, and nothing that is not there."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from tests.decision.test_decision import KNOWN, POLICY

from pilothouse.data.deals import habits
from pilothouse.data.defining.reading import load_definitions
from pilothouse.data.store import Record
from pilothouse.decision.cases import run_cases
from pilothouse.vocabulary.records import FieldValue, RecordRef, WriterKind
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
    def won(number: int, silent: int) -> Record:
        told = {"stage": "Closed Won", "engaged_date": "2026-01-01", "close_date": "2026-03-01"}
        last = (date(2026, 3, 1) - timedelta(days=silent)).isoformat()
        at = datetime(2026, 3, 2, tzinfo=UTC)
        fields = {**told, "last_activity_date": last, "is_closed": True, "is_won": True}
        values = {name: FieldValue(value, "crm", at, WriterKind.IMPORT, "import") for name, value in fields.items()}
        return Record(RecordRef("crm", "opportunity", f"o{number}"), values)

    definitions = load_definitions(STARTER / "definitions")
    many = [won(number, 30 if number < 16 else 90) for number in range(20)]
    assert habits(many, [], definitions).pause == 90, "nine in ten of them paused no longer"
    assert habits([won(number, 30) for number in range(20)], [], definitions).pause == 30
    assert habits(many[:19], [], definitions).pause == 14, "too few to learn from"
    assert habits([won(number, 3) for number in range(20)], [], definitions).pause == 14, "never less"
