"""When was a file exported? What it repeats is said as of then, and never as of the day somebody happens to import it.

Who imports may say so. Else the newest date that any of its rows bears: the export cannot be older. A file whose rows bear
no dates counts from the day its content was first imported, so that importing it again says nothing new.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.clock import unstamp

STARTED = "import.started"


def first_imports(ledger: Ledger, system: str) -> dict[str, datetime]:
    """Return when each content (SHA-256 of the file) was first imported from a system."""
    found: dict[str, datetime] = {}
    for entry in ledger.entries(kinds={STARTED}, subject=f"system/{system}"):
        for each in cast("list[dict[str, Any]]", entry.body["files"]):
            found.setdefault(each["sha256"], unstamp(str(entry.body["read_at"])))
    return found


def exported_at(
    given: datetime | None, newest: datetime | None, first: datetime | None, imported_at: datetime
) -> datetime:
    """Return when a file was exported, as far as is known, never after it was imported."""
    return min(given or newest or first or imported_at, imported_at)
