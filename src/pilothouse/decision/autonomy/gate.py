"""May this action type take the next step of its ramp? Every condition with its figures; all must be met.

What must never happen here: a condition met for want of evidence; a proposal that a person overrode helping to reach a
number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from pilothouse.decision.autonomy.ceiling import LEVELS, STAGES, freest
from pilothouse.decision.autonomy.limits import AutonomyLimits
from pilothouse.decision.autonomy.ramp import SHARES, Step, stricter
from pilothouse.decision.autonomy.rating import Rating
from pilothouse.decision.autonomy.wilson import Rate
from pilothouse.directory.ceiling import Ceiling
from pilothouse.directory.registered import Standing
from pilothouse.vocabulary.actors import AgentRef
from pilothouse.vocabulary.verdicts import Mode

DRILL = "pilothouse incidents drill"
"""The command that brings about an entry `incident.drilled`."""


@dataclass(frozen=True, slots=True)
class Record:
    """How proposals of one agent and action type were decided in a time.

    `undone` ran by themselves and were undone by a person; `refuted` were carried out, found wrong in a spot check, and
    not undone. `against` are the overrides of those it comes from, in the
    same time: a bad record is inherited, a good one is not. `uncounted` decisions are no evidence (a canary, a decision
    made too fast).
    """

    approved: int = 0
    edited: int = 0
    rejected: int = 0
    undone: int = 0
    against: int = 0
    uncounted: int = 0
    refuted: int = 0

    @property
    def overrides(self) -> int:
        """How many were changed, refused, undone or found wrong by a person, with what was inherited."""
        return self.edited + self.rejected + self.undone + self.refuted + self.against

    @property
    def unmodified(self) -> Rate:
        """The share approved as proposed, of all that count."""
        return Rate(self.approved, self.approved + self.overrides)


@dataclass(frozen=True, slots=True)
class Relative:
    """Another registered agent that this one comes from, or probably does, and why it is taken for one."""

    ref: AgentRef
    why: str
    overrides: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the ledger says at one length. Positions and identifiers name where to look.

    `severe` are reversals of severity 1 in the cycle. `drill` is the last passed drill (position, moment).
    """

    ref: AgentRef
    action_type: str
    standing: Standing
    step: Step | None
    contract: str
    suspended: str
    shadow_since: datetime | None
    shadowed: int
    counted_since: datetime
    record: Record
    severe: tuple[str, ...]
    drill: tuple[int, datetime] | None
    ceiling: Ceiling
    level: int
    relatives: tuple[Relative, ...]
    rating: Rating
    size: int
    now: datetime


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: whether it is met, the figures, where the evidence is, and what would bring it about."""

    code: str
    title: str
    met: bool
    figures: str
    evidence: tuple[str, ...] = ()
    next: str = ""


@dataclass(frozen=True, slots=True)
class Gate:
    """The gate of the next step, as it was with the ledger `evidence.size` entries long. Two people are asked besides."""

    evidence: Evidence
    conditions: tuple[Condition, ...]

    @property
    def passed(self) -> bool:
        """True when there is a step to take and every condition is met."""
        return self.evidence.step is not None and all(each.met for each in self.conditions)

    @property
    def unearned(self) -> str:
        """What is said of an action type that a bootstrap put at the end of its ramp; empty for every other."""
        standing = self.evidence.standing
        if self.evidence.step is not None or not standing.bootstrap:
            return ""
        return f"It stands at {standing.step} by bootstrap, with no step above. What an earned standing would need:"

    @property
    def missing(self) -> tuple[Condition, ...]:
        """The conditions that are not met."""
        return tuple(each for each in self.conditions if not each.met)


def judge(evidence: Evidence, limits: AutonomyLimits) -> Gate:
    """Return the gate with every condition of the next step; of none but the first when the ramp has ended.

    Where a bootstrap led to its end, the conditions are those of the first live step, which nobody has shown.
    """
    return Gate(evidence, tuple(_conditions(evidence, limits)))


def _conditions(evidence: Evidence, limits: AutonomyLimits) -> Iterator[Condition]:
    step = evidence.step
    title = f"A step to take from {evidence.standing.step}"
    bootstrap = evidence.standing.bootstrap
    end = "none: a bootstrap put it at the end of its ramp" if bootstrap else "It is at the end of its ramp."
    yield Condition("step", title, step is not None, str(step) if step else end)
    if step is None and bootstrap:
        step = Step(Mode.LIVE, SHARES[0])
    if step is None:
        return
    present = f"{evidence.contract}, agent active" if not evidence.suspended else f"suspended: {evidence.suspended}"
    bound = bool(evidence.contract) and not evidence.suspended
    yield Condition("contract", "Data contract in force, agent not suspended", bound, present or "no contract",
                    next="pilothouse contracts check")  # fmt: skip
    yield _shadow(evidence, limits)
    yield _ceiling(evidence, step)
    severe = evidence.severe
    told = "none" if not severe else f"{len(severe)}, in its lineage or in all agents' name"
    yield Condition(
        "severity_1", f"No reversal of severity 1 within {limits.cycle_days} days", not severe, told, severe
    )
    if step.mode is not Mode.LIVE:
        return
    yield _log(evidence)
    yield from _track(evidence, limits)
    yield _drill(evidence, limits)
    if evidence.relatives:
        inherited = "; ".join(f"{each.ref} ({each.why}): {each.overrides} override(s)" for each in evidence.relatives)
        # Told, not asked: what they bring stands in the rate above.
        yield Condition(
            "lineage", "What it inherits", True, inherited, tuple(f"agent/{r.ref}" for r in evidence.relatives)
        )


def _shadow(evidence: Evidence, limits: AutonomyLimits) -> Condition:
    since, now = evidence.shadow_since, evidence.now
    days = (now - since) / timedelta(days=1) if since else 0.0
    figures = (
        f"first proposal in shadow {since:%Y-%m-%d}, {days:.1f} days ago" if since else "nothing proposed in shadow"
    )
    return Condition(
        "shadow",
        f"At least {limits.shadow_days} days since its first proposal in shadow",
        since is not None and days >= limits.shadow_days,
        f"{figures} (n = {evidence.shadowed:,} shadowed)",
        (f"pilothouse actions list --agent {evidence.ref} --type {evidence.action_type} --status shadowed",),
        f"pilothouse run {evidence.ref.name}",
    )


def _ceiling(evidence: Evidence, step: Step) -> Condition:
    ceiling, level = evidence.ceiling, min(evidence.ceiling.level, evidence.level)
    allowed = freest(level, ceiling.stage)
    figures = (
        f"level {level} ({LEVELS[level].name}; built for {evidence.level}, readiness allows {ceiling.level}), "
        f"stage {ceiling.stage} ({STAGES[ceiling.stage].name}): at most {allowed.value}"
    )
    met = stricter(step.mode, allowed) is step.mode
    return Condition(
        "ceiling", f"Readiness allows {step.mode.value}", met, figures, ("readiness",), "pilothouse readiness"
    )


def _log(evidence: Evidence) -> Condition:
    """R-320: what cannot show the level 4 log does not go live."""
    told = "; ".join(f"{each.title}: {each.figures}" for each in evidence.rating.criteria if not each.met)
    listed = f"pilothouse actions list --agent {evidence.ref} --status executed"
    return Condition(
        "log",
        "It has shown the level 4 log of its acts",
        evidence.rating.shown,
        told or "every act looked at has all seven fields, its values before and after, and lies within its scope",
        (listed,),
        "pilothouse reviews list",
    )


def _track(evidence: Evidence, limits: AutonomyLimits) -> Iterator[Condition]:
    record = evidence.record
    listed = (f"pilothouse actions list --agent {evidence.ref} --type {evidence.action_type}",)
    since = f"since {evidence.counted_since:%Y-%m-%d}"
    # Counted in approvals: with a rate of 0.90 and 50 decisions it comes to the same, and an override can never help
    # to reach the number.
    decided = record.approved + record.overrides
    figures = f"{decided} decided {since}, {record.approved} of them as proposed, {record.overrides} overridden"
    figures += f"; {record.uncounted} decision(s) count as no evidence" if record.uncounted else ""
    yield Condition("decided", f"At least {limits.decided} proposals approved as proposed in the cycle",
                    record.approved >= limits.decided, figures, listed, "pilothouse reviews list")  # fmt: skip
    rate = record.unmodified
    title = f"Approved as proposed: Wilson 95 % lower bound at least {limits.rate:.0%}"
    yield Condition("rate", title, rate.n > 0 and rate.low >= limits.rate, str(rate), listed, "pilothouse reviews list")


def _drill(evidence: Evidence, limits: AutonomyLimits) -> Condition:
    title = f"A rollback drill passed within {limits.drill_days} days"
    if evidence.drill is None:
        return Condition("drill", title, False, "no passed drill is on record", next=DRILL)
    position, at = evidence.drill
    met = evidence.now - at <= timedelta(days=limits.drill_days)
    return Condition("drill", title, met, f"passed {at:%Y-%m-%d}", (f"ledger entry {position}",), DRILL)
