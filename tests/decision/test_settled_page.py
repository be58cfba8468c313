"""The page of settled questions names all of them, and nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pilothouse.decision.cases import run_cases
from tests.decision.test_decision import KNOWN, POLICY
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
