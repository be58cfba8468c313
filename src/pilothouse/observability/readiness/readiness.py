"""Readiness as a whole: assessed, recorded as an entry, and read by the gateway as a ceiling.

What must never happen here: a ceiling raised without an entry that says on what; an assessment not renewed passing for one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pilothouse.decision.autonomy.ceiling import LEVELS, STAGES
from pilothouse.decision.autonomy.limits import AutonomyLimits
from pilothouse.decision.autonomy.rating import Rating
from pilothouse.decision.publishing.rules import Rules
from pilothouse.directory.ceiling import VALID_FOR
from pilothouse.directory.registered import read_agents
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.ledger.verify import Report
from pilothouse.observability.autonomy.ratings import Ratings
from pilothouse.observability.autonomy.track import Tracks
from pilothouse.observability.readiness.items import Audits, Item, Sources, checklist, level_of
from pilothouse.observability.readiness.plan import Plan, plan_of
from pilothouse.observability.readiness.stages import stages
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
from pilothouse.vocabulary.capabilities import Capability
from pilothouse.vocabulary.clock import Clock
from pilothouse.vocabulary.values import Json, JsonObject

KIND = "readiness.assessed"
RENEW_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Assessment:
    """How ready the organisation is. `position` is the entry that says so; None when it was only worked out."""

    at: datetime
    level: int
    stage: int
    items: tuple[Item, ...]
    prerequisites: Mapping[int, tuple[Item, ...]]
    plan: Plan
    ratings: tuple[Rating, ...] = ()
    position: int | None = None

    @property
    def level_name(self) -> str:
        """The level in words."""
        return LEVELS[self.level].name

    @property
    def stage_name(self) -> str:
        """The stage in words."""
        return STAGES[self.stage].name

    @property
    def missing(self) -> tuple[Item, ...]:
        """The items that are not met."""
        return tuple(each for each in self.items if not each.met)

    @property
    def met(self) -> int:
        """How many of the ten items are met."""
        return len(self.items) - len(self.missing)


@dataclass
class Readiness:
    """Assesses."""

    ledger: Ledger
    clock: Clock
    rules: Callable[[], Rules]
    capabilities: Mapping[str, Capability]
    quality: Audits
    system: str
    tracks: Tracks
    limits: AutonomyLimits
    verify: Callable[[], Report]
    ratings: Ratings

    def assess(self) -> Assessment:
        """Work out where the organisation stands, and write nothing."""
        given = self.sources()
        items = checklist(given)
        level = level_of(items)
        stage, asked = stages(given, level)
        prerequisites = {number: tuple(found) for number, found in asked.items()}
        return Assessment(
            given.now, level, stage, tuple(items), prerequisites, plan_of(given), tuple(self.ratings.all())
        )

    def sources(self) -> Sources:
        """Return everything that an assessment looks at, as of now."""
        with self.ledger.engine.connect() as connection:
            every = read_agents(connection)
        rules = self.rules()
        return Sources(
            ledger=self.ledger,
            agents=every,
            contracts=rules.contracts,
            capabilities=self.capabilities,
            policy=rules.policy,
            quality=self.quality,
            system=self.system,
            tracks=self.tracks,
            limits=self.limits,
            verified=self.verify(),
            now=self.clock.now(),
        )

    def record(self, by: Actor = Actor(SYSTEM_PERSON)) -> Assessment:
        """Work it out, and write it down where it differs from the last assessment or that one is to be renewed."""
        self.ratings.record()
        found = self.assess()
        body = _body(found)
        last = None
        for entry in self.ledger.entries(kinds={KIND}):
            last = entry
        same = last is not None and all(last.body[name] == body[name] for name in ("level", "stage", "met"))
        if last is not None and same and found.at - last.at < RENEW_AFTER:
            position = last.position
        else:
            position = self.ledger.append([Draft(KIND, by, body, subject="readiness")])[0].position
        return replace(found, position=position)


def _body(found: Assessment) -> JsonObject:
    items: list[Json] = [
        {"code": each.code, "met": each.met, "figures": each.figures, "evidence": list(each.evidence)}
        for each in found.items
    ]
    return {
        "level": found.level,
        "stage": found.stage,
        "met": [each.code for each in found.items if each.met],
        "items": items,
        "valid_days": VALID_FOR.days,
    }
