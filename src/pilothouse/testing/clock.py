"""A clock that stands still until it is told to move."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class TestClock:
    """Implements `Clock`."""

    __test__ = False

    def __init__(self, now: datetime = datetime(2026, 1, 14, 9, tzinfo=UTC)) -> None:
        self._now, self._lock = now, threading.Lock()

    def now(self) -> datetime:
        """Return the time it was set to. Each look moves it by a microsecond, so that no two moments are the same."""
        with self._lock:
            self._now += timedelta(microseconds=1)
            return self._now

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        with self._lock:
            self._now += by
