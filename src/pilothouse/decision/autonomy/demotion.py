"""What takes trust away, by itself: error budget, override spike, rollbacks, a reversal of severity 1, changed input.

What must never happen here: a demotion that makes anything freer; one without the figures it was made on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pilothouse.decision.autonomy.drift import Shift
from pilothouse.decision.autonomy.limits import AutonomyLimits
from pilothouse.decision.autonomy.wilson import Rate
from pilothouse.ledger.entries import Draft
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor, AgentRef
from pilothouse.vocabulary.values import Json
from pilothouse.vocabulary.verdicts import Mode

SPIKE_SAMPLE = 10
"""Fewer decisions than this within a week are no spike, only bad luck."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What an action type did lately, each rate with its n.

    `spot_checks` counts what people overrode of the reviewed remainder of a staged share within 30 days, and what they
    found wrong of the acts that were looked at again; `week` what they overrode of all that was decided within 7 days, `usual` within the 30 days before; `rolled_back` what was undone
    of what ran by itself within 30 days. `severe` are reversals of severity 1 since the standing began.
    """

    spot_checks: Rate
    week: Rate
    usual: Rate
    rolled_back: Rate
    severe: tuple[str, ...] = ()
    shifts: Sequence[Shift] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """A reason to lower an action type: a stable cause, the mode to go to, a sentence with the figures."""

    cause: str
    to: Mode
    sentence: str


def findings(seen: Behaviour, limits: AutonomyLimits) -> Iterator[Finding]:
    """Yield every reason to lower an action type, the gravest first."""
    if seen.severe:
        yield Finding("severity_1", Mode.SHADOW, f"A reversal of severity 1: {', '.join(seen.severe)}.")
    checks = seen.spot_checks
    if checks.n >= limits.sample and checks.hits > limits.budget * checks.n:
        yield Finding("error_budget", Mode.ASSISTED,
                      f"The error budget is spent: {checks} of the spot checks of 30 days were found wrong; "
                      f"{limits.budget:.0%} is the budget.")  # fmt: skip
    floor = max(seen.usual.value or 0.0, limits.budget)
    if seen.week.n >= SPIKE_SAMPLE and seen.week.low > floor:
        yield Finding("override_spike", Mode.ASSISTED,
                      f"Overrides rose: {seen.week} within 7 days, {seen.usual} in the 30 days before.")  # fmt: skip
    back = seen.rolled_back
    if back.n >= limits.sample and back.hits > limits.rollback_rate * back.n:
        yield Finding("rollback_rate", Mode.ASSISTED, f"Of what ran by itself within 30 days, {back} was undone.")
    for shift in seen.shifts:
        yield Finding("drift", Mode.ASSISTED, shift.sentence)


def demotion(ref: AgentRef, action_type: str, to: Mode, reason: str, *, cause: str) -> dict[str, Json]:
    """Return the body of a demotion."""
    return {"agent": str(ref), "action_type": action_type, "to": to.value, "reason": reason, "cause": cause}


def system_demotion(ref: AgentRef, action_type: str, to: Mode, reason: str, *, cause: str) -> Draft:
    """Return the entry of a demotion that nobody asked for."""
    body = demotion(ref, action_type, to, reason, cause=cause)
    return Draft("agent.demoted", Actor(SYSTEM_PERSON), body, subject=f"agent/{ref}")
