"""An error in one line: what is wrong, and then what to do next, as two sentences."""

from __future__ import annotations

from pathlib import Path

import pytest

from pilothouse.vocabulary.documents import DocumentError
from pilothouse.vocabulary.errors import Conflict


@pytest.mark.parametrize(
    ("message", "hint", "says"),
    [
        ("a@1 is suspended: a drill", "Resume it first.", "a@1 is suspended: a drill. Resume it first."),
        ("It is gone.", "Look again.", "It is gone. Look again."),
        ("Is it there?", "Look again.", "Is it there? Look again."),
        ("It is gone.", "", "It is gone."),
        ("no full stop", "", "no full stop"),
    ],
)
def test_the_hint_begins_a_new_sentence(message: str, hint: str, says: str) -> None:
    error = Conflict(message, hint=hint)
    assert str(error) == says and error.message == message


def test_a_problem_in_a_file_ends_before_its_hint() -> None:
    error = DocumentError(Path("p.yaml"), 4, "rule x contradicts itself", hint="Mend it, or take it out.")
    assert str(error) == "p.yaml:4: rule x contradicts itself. Mend it, or take it out."
