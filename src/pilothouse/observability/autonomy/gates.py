"""The gate of a promotion, with its evidence gathered from the ledger. It fills the gateway's port `PromotionGate`.

What must never happen here: a promotion; evidence from before the present step counted for the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from pilothouse.data.contracts import Contract
from pilothouse.decision.autonomy.gate import Evidence, Gate, Relative, judge
from pilothouse.decision.autonomy.limits import AutonomyLimits
from pilothouse.decision.autonomy.ramp import next_step
from pilothouse.directory.registered import Registered, read_agent, read_agents
from pilothouse.ledger.ledger import Ledger
from pilothouse.observability.autonomy.lineage import relatives
from pilothouse.observability.autonomy.ratings import Ratings
from pilothouse.observability.autonomy.severe import last_drill, severe
from pilothouse.observability.autonomy.track import Tracks
from pilothouse.vocabulary.actors import SYSTEM_PERSON, AgentRef
from pilothouse.vocabulary.clock import Clock


class Gates:
    """Judges gates."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        contracts: Callable[[], Mapping[str, Contract]],
        limits: AutonomyLimits,
        tracks: Tracks,
        ratings: Ratings,
    ) -> None:
        self._ledger, self._clock, self._contracts = ledger, clock, contracts
        self.limits, self.tracks, self.ratings = limits, tracks, ratings

    def judge(self, ref: AgentRef, action_type: str) -> Gate:
        """Return the gate of the next step, as of now; raises `NotFound` for an agent that nobody registered."""
        return judge(self._evidence(ref, action_type), self.limits)

    def barred(self, ref: AgentRef, action_type: str) -> str:
        """Return why a bootstrap promotion is closed: the action type began to earn its steps, or the system lowered the
        agent or what it comes from in this cycle, or something of severity 1 happened."""
        now = self._clock.now()
        since = now - timedelta(days=self.limits.cycle_days)
        agent, every = self._agents(ref)
        if self.tracks.earned(ref, action_type):
            return (
                f"{action_type} of {ref} passed a gate before: it goes on by its gate, and a bootstrap promotion is only "
                "for where there is no track record."
            )
        family = {ref, *relatives(agent.manifest, every)}
        for each in sorted(family, key=str):
            for entry in self.tracks.demotions(each):
                mine = entry.actor.person == SYSTEM_PERSON and entry.body["action_type"] == action_type
                if mine and entry.at >= since:
                    return (
                        f"{action_type} of {each} was lowered on {entry.at:%Y-%m-%d} ({entry.body['reason']}): there is a "
                        "track record, and a bootstrap promotion is only for where there is none."
                    )
        grave = severe(self._ledger, family, action_type, since, now)
        return f"Within {self.limits.cycle_days} days there was a reversal of severity 1: {grave[0]}." if grave else ""

    def _agents(self, ref: AgentRef) -> tuple[Registered, list[Registered]]:
        with self._ledger.engine.connect() as connection:
            return read_agent(connection, ref), read_agents(connection)

    def _evidence(self, ref: AgentRef, action_type: str) -> Evidence:
        # The length first: what is written while the rest is read makes the gate too old to be passed, never too new.
        size, now = self._ledger.size(), self._clock.now()
        agent, every = self._agents(ref)
        standing = agent.standing(action_type)
        cycle = now - timedelta(days=self.limits.cycle_days)
        since = max(cycle, standing.at or cycle)
        found = relatives(agent.manifest, every)
        related = tuple(
            Relative(each, why, self.tracks.overrides({each}, action_type, cycle, now)) for each, why in found.items()
        )
        against = sum(each.overrides for each in related) + self._before(ref, action_type, cycle, since)
        shadowed, first = self.tracks.shadowed(ref, action_type, self._in_shadow_since(ref, action_type))
        contract = self._contracts().get(agent.manifest.contract)
        return Evidence(
            ref=ref,
            action_type=action_type,
            standing=standing,
            step=next_step(standing),
            contract=contract.label if contract else "",
            suspended=agent.suspended_why or "",
            shadow_since=first,
            shadowed=shadowed,
            counted_since=since,
            record=self.tracks.record({ref}, action_type, since, now, against),
            severe=severe(self._ledger, {ref, *found}, action_type, cycle, now),
            drill=last_drill(self._ledger),
            ceiling=agent.ceiling.holding(now),
            level=agent.manifest.level,
            relatives=related,
            rating=self.ratings.rate(agent),
            size=size,
            now=now,
        )

    def _before(self, ref: AgentRef, action_type: str, cycle: datetime, since: datetime) -> int:
        """A step down and up again must not wash off the overrides of this cycle."""
        return self.tracks.overrides({ref}, action_type, cycle, since) if since > cycle else 0

    def _in_shadow_since(self, ref: AgentRef, action_type: str) -> datetime:
        return self.tracks.last_demotion(ref, action_type) or datetime.min.replace(tzinfo=self._clock.now().tzinfo)
