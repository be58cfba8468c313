"""Faults that can be switched on, so that every way in which a system of record fails can be seen on purpose."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """What may go wrong. The two timeouts look the same to the caller; only one of them did the work."""

    TOO_MANY = "429"
    BROKEN = "500"
    TIMEOUT_BEFORE = "timeout_before_commit"
    TIMEOUT_AFTER = "timeout_after_commit"
    SLOW = "slow"
    WRONG_VALUE = "wrong_value"


@dataclass
class Faults:
    """The armed faults, first in, first out; each strikes a number of times."""

    _armed: list[tuple[Fault, str]] = field(default_factory=list[tuple[Fault, str]])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, fault: Fault | str, times: int = 1, operation: str = "write") -> None:
        """Arm a fault for the next requests of an operation ("read" or "write"). Unknown names raise `ValueError`."""
        with self._lock:
            self._armed += [(Fault(fault), operation)] * times

    def strike(self, operation: str) -> Fault | None:
        """Take the next fault armed for an operation, if any."""
        with self._lock:
            for index, (fault, wanted) in enumerate(self._armed):
                if wanted == operation:
                    del self._armed[index]
                    return fault
        return None

    def clear(self) -> None:
        """Disarm everything."""
        with self._lock:
            self._armed.clear()
