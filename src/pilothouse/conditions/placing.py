"""Where the problems of a condition stand in the file that it was written in.

What must never happen here: a problem reported without file and line.
"""

from __future__ import annotations

from typing import Any

from pilothouse.conditions.conditions import ConditionError
from pilothouse.vocabulary.documents import Document, DocumentError, Key


def placed(document: Document[Any], error: ConditionError, source: str, *keys: Key, about: str) -> list[DocumentError]:
    """Return each problem of the condition `source`, which stands under `keys`, as an error with its line.

    `about` says what the condition belongs to, such as `rule merges`.
    """
    line = document.line(*keys)
    block = "\n" in source.strip()  # then its rows stand below the key, one a line
    return [
        DocumentError(document.path, line + row if block else line, f"{about}: {problem}")
        for row, problem in error.problems
    ]
