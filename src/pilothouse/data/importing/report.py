"""What an import did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

Progress = Callable[[str, int], None]


@dataclass
class ImportReport:
    """What an import did."""

    rows: int = 0
    changed: int = 0
    unchanged: int = 0
    repeated: int = 0
    """Records of which the export was the latest word, though it changed nothing or had been told before."""
    skipped: int = 0
    skipped_why: Counter[str] = field(default_factory=Counter[str])
    unread: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    quarantined: int = 0
    newly_quarantined: int = 0
    resolved: int = 0
    newest: datetime | None = None
    objects: Counter[str] = field(default_factory=Counter[str])
    ignored: list[str] = field(default_factory=list[str])
    encodings: dict[str, str] = field(default_factory=dict[str, str])
    """The files that are not UTF-8, with what they were read as."""
