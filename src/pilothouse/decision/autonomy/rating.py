"""What an agent has shown of what level 4 asks for: the log of every act, before and after, and a scope of its own.

What a vendor says of its agent is a claim (X-22); an agent that cannot show the log stays below level 4 (R-320). What must
never happen here: a criterion met because somebody says so; acts that nobody could see counted as seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pilothouse.vocabulary.actors import AgentRef

LOG = (
    "timestamp", "agent identity", "action type", "resource", "input state", "output state", "authorising user",
)  # fmt: skip
"""R-237: the seven fields of the level 4 log."""
TOP = 4
BELOW = TOP - 1
"""What an agent is held to that cannot show the log."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the ledger holds of an agent's acts.

    `acts` are the newest that were performed through the gateway, `lacking` counts those without a field of the log, by
    field, `changes` and `bare` the changes they made and those without a value before or after. `outside` counts values
    that sources say the agent wrote and that never went through the gateway, `around` those of them dated after it was
    registered. `ungranted` are acts beyond its own grants, `contract` is the one in force for it, empty for none.
    """

    acts: int = 0
    lacking: Mapping[str, int] | None = None
    changes: int = 0
    bare: int = 0
    outside: int = 0
    around: int = 0
    ungranted: int = 0
    contract: str = ""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that is asked. `met` is None while there is nothing to judge it by."""

    code: str
    title: str
    met: bool | None
    figures: str


@dataclass(frozen=True, slots=True)
class Rating:
    """How far the evidence carries an agent. `level` is what it is held to, `claimed` what its manifest says.

    `shown` is true when everything is met. `reason` says why it is held below its claim; empty when it is not.
    """

    ref: AgentRef
    claimed: int
    level: int
    shown: bool
    criteria: tuple[Criterion, ...]
    reason: str


def rate(ref: AgentRef, claimed: int, shown: Shown) -> Rating:
    """Return the rating of an agent. Where nothing is known of it yet, its level stands as a claim, and shows nothing."""
    criteria = tuple(_criteria(shown))
    against = [each for each in criteria if each.met is False]
    level = min(claimed, BELOW) if against else claimed
    told = "; ".join(f"{each.title}: {each.figures}" for each in against)
    reason = f"It cannot show what level {TOP} asks for. {told}." if level < claimed else ""
    return Rating(ref, claimed, level, all(each.met for each in criteria), criteria, reason)


def _criteria(shown: Shown) -> Iterator[Criterion]:
    lacking = {name: count for name, count in (shown.lacking or {}).items() if count}
    told = ", ".join(f"{count} without {name}" for name, count in lacking.items()) or "every one with all seven fields"
    seen = f"{shown.acts} act(s) through the gateway, {told}" if shown.acts else "no act went through the gateway"
    outside = f"; {shown.outside} value(s) that only sources say it wrote" if shown.outside else ""
    only_told = not shown.acts and shown.outside > 0
    log = False if lacking or only_told else (True if shown.acts else None)
    yield Criterion("log", f"The log of each act: {', '.join(LOG)}", log, seen + outside)
    values = f"{shown.changes} change(s), {shown.bare} without the value before or after"
    states = False if shown.bare or only_told else (True if shown.changes else None)
    yield Criterion("before_after", "The value before and after each change", states, values)
    scope = f"contract {shown.contract or 'none in force'}, {shown.ungranted} act(s) beyond its own grants"
    scoped = bool(shown.contract) and not shown.ungranted
    yield Criterion("scope", "A scope of its own: contract and grants", scoped, scope)
    around = f"{shown.around} value(s) that it wrote past the gateway since it was registered"
    yield Criterion("around", "Nothing written past the gateway", shown.around == 0, around)
