"""The ramp of one action type: shadow, assisted, then live for a growing share of its acts.

What must never happen here: a step left out on the way up; another draw for the same record, however often it is asked.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from pilothouse.directory.registered import WHOLE, Standing
from pilothouse.vocabulary.verdicts import Mode

SHARES = (10, 50, WHOLE)
"""The shares of a live action type, in percent, in the order in which they are reached."""
STRICTEST_FIRST = (Mode.SHADOW, Mode.ASSISTED, Mode.LIVE)


@dataclass(frozen=True, slots=True)
class Step:
    """A place on the ramp; `share` is 0 except in live."""

    mode: Mode
    share: int = 0

    def __str__(self) -> str:
        return f"{self.mode.value}, {self.share} %" if self.mode is Mode.LIVE else self.mode.value


def next_step(standing: Standing) -> Step | None:
    """Return the step that follows; None at the end of the ramp.

    What is live by bootstrap stands at the whole share and has no step above it, earned or not.
    """
    if standing.mode is Mode.SHADOW:
        return Step(Mode.ASSISTED)
    if standing.mode is Mode.ASSISTED:
        return Step(Mode.LIVE, SHARES[0])
    above = [share for share in SHARES if share > standing.share]
    return Step(Mode.LIVE, above[0]) if above else None


def drawn(salt: str, action_type: str, record: str) -> int:
    """Return where a record falls, from 0 to 99: an act on it runs by itself where this is below the share.

    It hangs on the record and not on the act, so that the same act under a new key, or with other values, falls in the
    same place. An act on no record yet (a create) always falls last, and is reviewed until the share is whole.
    """
    if not record:
        return WHOLE - 1
    found = hashlib.sha256(f"{salt}\n{action_type}\n{record}".encode()).digest()
    return int.from_bytes(found[:8], "big") % WHOLE


def stricter(one: Mode, other: Mode) -> Mode:
    """Return the stricter of two modes."""
    return min(one, other, key=STRICTEST_FIRST.index)
