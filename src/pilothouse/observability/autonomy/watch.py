"""Watches every promoted action type and lowers it by itself when its record turns bad. Only ever stricter.

What must never happen here: a promotion; a demotion without the figures it was made on; one written twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from pilothouse.decision.autonomy.demotion import Behaviour, findings, system_demotion
from pilothouse.decision.autonomy.drift import Shift, shifts
from pilothouse.decision.autonomy.limits import AutonomyLimits
from pilothouse.decision.autonomy.ramp import stricter
from pilothouse.decision.autonomy.wilson import Rate
from pilothouse.directory.registered import Registered, Standing, read_agent, read_agents
from pilothouse.ledger.entries import Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.observability.autonomy.lineage import relatives
from pilothouse.observability.autonomy.severe import severe
from pilothouse.observability.autonomy.track import STAGED, Solo, Tracks
from pilothouse.vocabulary.clock import Clock
from pilothouse.vocabulary.errors import Conflict
from pilothouse.vocabulary.verdicts import Mode

WEEK, MONTH = timedelta(days=7), timedelta(days=30)
DRIFT_WINDOW = timedelta(days=14)
EVERY = timedelta(minutes=1)
"""A rollback of severity 1 does not wait for this: it lowers what it concerns in its own append."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One round: how many standings were looked at, and the demotions that followed."""

    standings: int
    demoted: tuple[Entry, ...]


class Watch:
    """Looks at what was promoted, and lowers what no longer deserves it."""

    def __init__(self, ledger: Ledger, clock: Clock, limits: AutonomyLimits, tracks: Tracks) -> None:
        self._ledger, self._clock, self._limits, self._tracks = ledger, clock, limits, tracks
        self._size, self._looked = -1, datetime.min.replace(tzinfo=UTC)

    def look(self, *, thorough: bool = False) -> Watched | None:
        """Judge every promoted action type and append what follows; None when it looked a moment ago, or nothing was
        written since.

        With `thorough` it looks in any case, and at the inputs too: that reads every proposal of six weeks.
        """
        size, now = self._ledger.size(), self._clock.now()
        if not thorough and (size == self._size or now - self._looked < EVERY):
            return None
        self._looked = now
        with self._ledger.engine.connect() as connection:
            every = read_agents(connection)
        promoted = [
            (each, *item) for each in every for item in each.standings.items() if item[1].mode is not Mode.SHADOW
        ]
        demoted = [entry for each in promoted if (entry := self._judge(every, *each, thorough)) is not None]
        self._size = size if not demoted else -1
        return Watched(len(promoted), tuple(demoted))

    def behaviour(
        self, every: list[Registered], agent: Registered, action_type: str, standing: Standing, thorough: bool
    ) -> Behaviour:
        """Return what an action type did lately, since it stands where it stands."""
        now = self._clock.now()
        since = standing.at or now
        refs, month = {agent.ref}, max(since, now - MONTH)
        decided = self._tracks.decided(refs, action_type, now - WEEK - MONTH, now)
        # Of a step that is over its reviews say nothing about this one, so only those since the standing count.
        week = [each for each in decided if _decided_at(each.decided_at) >= max(since, now - WEEK)]
        usual = [each for each in decided if _decided_at(each.decided_at) < now - WEEK]
        checks = [each for each in decided if each.code == STAGED and _decided_at(each.decided_at) >= month]
        family = {agent.ref, *(ref for ref in relatives(agent.manifest, every) if ref.name == agent.ref.name)}
        return Behaviour(
            spot_checks=self._tracks.override_rate(checks) + self._tracks.found_wrong(refs, action_type, month, now),
            week=self._tracks.override_rate(week),
            usual=self._tracks.override_rate(usual),
            rolled_back=_undone(self._tracks.solo(refs, action_type, month, now)),
            severe=severe(self._ledger, family, action_type, since, now),
            shifts=self._shifts(agent, action_type, standing, now) if thorough else (),
        )

    def _shifts(self, agent: Registered, action_type: str, standing: Standing, now: datetime) -> list[Shift]:
        if standing.mode is not Mode.LIVE or standing.at is None:
            return []
        baseline = self._tracks.inputs(agent.ref, action_type, standing.at - MONTH, standing.at)
        recent = self._tracks.inputs(agent.ref, action_type, max(standing.at, now - DRIFT_WINDOW), now)
        return shifts(baseline, recent, self._limits.drift)

    def _judge(
        self, every: list[Registered], agent: Registered, action_type: str, standing: Standing, thorough: bool
    ) -> Entry | None:
        seen = self.behaviour(every, agent, action_type, standing, thorough)
        found = [each for each in findings(seen, self._limits) if _lowers(standing.mode, each.to)]
        if not found:
            return None
        first = found[0]
        sentence = " ".join(each.sentence for each in found if each.to is first.to)
        draft = system_demotion(agent.ref, action_type, first.to, sentence, cause=first.cause)

        def unchanged(connection: Connection) -> None:
            if read_agent(connection, agent.ref).standings.get(action_type) != standing:
                raise Conflict("the standing changed while it was judged.", code="world_moved")

        try:
            return self._ledger.append([draft], guard=unchanged)[0]
        except Conflict:
            return None  # somebody else changed it; the next round looks again


def _lowers(mode: Mode, to: Mode) -> bool:
    return mode is not to and stricter(mode, to) is to


def _undone(found: list[Solo]) -> Rate:
    return Rate(sum(bool(each.undone_by) for each in found), len(found))


def _decided_at(moment: datetime | None) -> datetime:
    assert moment is not None  # only decided reviews are asked for
    return moment
