"""The four axes brought together: stage caps level, level caps what policy and standing allow (X-06).

What must never happen here: an axis that lifts what another one holds down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pilothouse.decision.autonomy.ramp import drawn, stricter
from pilothouse.directory.registered import WHOLE, Registered, Standing
from pilothouse.vocabulary.verdicts import Mode


@dataclass(frozen=True, slots=True)
class Rung:
    """A level or a stage: its name, what it asks for, and the freest mode that it allows."""

    name: str
    asks: str
    mode: Mode


LEVELS: Mapping[int, Rung] = {
    1: Rung("Reactive", "Answers and drafts when it is asked; nothing is written.", Mode.SHADOW),
    2: Rung("Triggered", "Proposes when something happened; a person approves every write.", Mode.ASSISTED),
    3: Rung("Proactive", "Monitors, surfaces, alerts and proposes; it does not act by itself.", Mode.ASSISTED),
    4: Rung("Autonomous", "Acts by itself within the bounds of contract, policy and ramp.", Mode.LIVE),
}
"""R-293, R-294. What an agent may read and draft (T0) is not touched by these."""
STAGES: Mapping[int, Rung] = {
    0: Rung("Human-Operated", "People do the work.", Mode.SHADOW),
    1: Rung("Automation-Ready", "Clean data and a programmable surface; rules, no agents that write.", Mode.SHADOW),
    2: Rung("Agent-Assisted", "Agents draft, people approve.", Mode.ASSISTED),
    3: Rung("Agent-Operated", "Routine work runs by itself within bounds; people audit exceptions.", Mode.LIVE),
    4: Rung("Agent-Native", "People set strategy and look at anomalies.", Mode.LIVE),
}
"""R-296 to R-299, R-322 to R-325."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the standing of an action type comes to for one act: the mode, why it is stricter than what was promoted
    (empty when it is not), the share, and where the act's record falls in the draw."""

    mode: Mode = Mode.SHADOW
    held_back: str = ""
    share: int = 0
    drawn: int = 0


def bound(
    agent: Registered, standing: Standing, now: datetime, *, action_type: str, record: str, fields: Iterable[str]
) -> Bounds:
    """Return the minimum of standing, level and stage for one act on `record`, changing `fields` ("account.industry").

    A bootstrap promotion stands above the ceiling of readiness for its one action type, because two named people said
    so; it does not stand above the level that the agent was built for, nor above the one that evidence holds it to.
    """
    mode, why = standing.mode, ""
    added = sorted(set(fields) - standing.scope)
    if mode is not Mode.SHADOW and added:
        mode = Mode.SHADOW
        why = f"{', '.join(added)} was opened after this action type was promoted; what was added starts in shadow."
    for cap, sentence in _caps(agent, standing, now):
        if stricter(mode, cap) is not mode:
            mode, why = cap, sentence
    place = drawn(standing.salt, action_type, record)
    return Bounds(mode, why, standing.share if mode is Mode.LIVE else 0, place)


def _caps(agent: Registered, standing: Standing, now: datetime) -> Iterable[tuple[Mode, str]]:
    meant = agent.manifest.level
    yield LEVELS[meant].mode, f"{agent.ref} is built for level {meant} ({LEVELS[meant].name}): {LEVELS[meant].asks}"
    rated = agent.rated
    if rated is not None and rated.level < meant:
        yield (
            LEVELS[rated.level].mode,
            f"Evidence holds it to level {rated.level} ({LEVELS[rated.level].name}). {rated.reason}",
        )
    if standing.bootstrap:
        return
    ceiling = agent.ceiling.holding(now)
    level, stage = LEVELS[ceiling.level], STAGES[ceiling.stage]
    yield level.mode, f"Readiness allows level {ceiling.level} ({level.name}): {level.asks}"
    yield stage.mode, f"The organisation is at stage {ceiling.stage} ({stage.name}): {stage.asks}"


def freest(level: int, stage: int) -> Mode:
    """Return the freest mode that a level and a stage allow together."""
    return stricter(LEVELS[level].mode, STAGES[stage].mode)


def runs_alone(share: int, place: int) -> bool:
    """True when a live act whose record falls at `place` is among the share that runs by itself."""
    return share >= WHOLE or place < share
