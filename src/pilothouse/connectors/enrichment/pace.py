"""A token bucket: so many requests a minute, a few of them at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

BURST = 5


class Pace:
    """Tokens come in evenly and each request takes one, waiting for it when there is none."""

    def __init__(
        self, per_minute: int, seconds: Callable[[], float], sleep: Callable[[float], None], burst: int = BURST
    ) -> None:
        self._rate, self._most = per_minute / 60, float(min(burst, per_minute))
        self._tokens, self._seconds, self._sleep = self._most, seconds, sleep
        self._then, self._lock = seconds(), threading.Lock()

    def wait(self) -> None:
        """Take a token; callers that wait are served in the order in which they came."""
        with self._lock:
            now = self._seconds()
            self._tokens = min(self._most, self._tokens + (now - self._then) * self._rate)
            self._then = now
            self._tokens -= 1
            short = -self._tokens / self._rate
        if short > 0:
            self._sleep(short)
