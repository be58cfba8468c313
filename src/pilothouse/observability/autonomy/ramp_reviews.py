"""The reviews of a ramp after 14 days and after every 30: worked out when they are due, and recorded once.

They say what to refine and what could go further (R-281, R-283). What must never happen here: a step taken; a review
rewritten once it stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, Integer, Table, Text, insert, select

from pilothouse.decision.autonomy.ramp import STRICTEST_FIRST
from pilothouse.decision.autonomy.wilson import Rate
from pilothouse.directory.registered import Registered, read_agents
from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Draft, Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.observability.autonomy.clocks import autonomous_share, clocks
from pilothouse.observability.autonomy.gates import Gates
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
from pilothouse.vocabulary.clock import Clock, stamp
from pilothouse.vocabulary.errors import Conflict
from pilothouse.vocabulary.values import Json
from pilothouse.vocabulary.verdicts import Mode

FIRST, CYCLE = 14, 30
REFINE_ABOVE = 0.10
"""An override rate above this, also at the lower end of its interval, asks for better criteria."""
KIND = "ramp.reviewed"
ramp_reviews = Table(
    "ramp_reviews",
    metadata,
    Column("agent", Text, primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("at", Text, nullable=False),
)


class RampReviewProjector:
    """Keeps which reviews stand, so that none is written twice."""

    name = "ramp_reviews"
    kinds = frozenset({KIND})
    tables = (ramp_reviews,)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Add a row; the same review a second time is refused by the table's key."""
        for entry in entries:
            row = {"agent": entry.body["agent"], "day": entry.body["day"], "at": stamp(entry.at)}
            connection.execute(insert(ramp_reviews), row)


@dataclass(frozen=True, slots=True)
class TypeReview:
    """One action type in a review. `verdict` is refine, candidate, graduate or go_on."""

    action_type: str
    step: str
    overrides: Rate
    verdict: str
    sentence: str


class RampReviews:
    """Writes the reviews that are due."""

    def __init__(self, ledger: Ledger, clock: Clock, gates: Gates) -> None:
        self._ledger, self._clock, self._gates = ledger, clock, gates

    def write_due(self) -> list[Entry]:
        """Append every review that is due and does not stand yet; returns them."""
        with self._ledger.engine.connect() as connection:
            every = read_agents(connection)
            rows = connection.execute(select(ramp_reviews).order_by(ramp_reviews.c.day)).all()
        last = {row.agent: row.day for row in rows}
        written: list[Entry] = []
        for agent in every:
            begun = self._gates.tracks.first(agent.ref)
            if begun is None:
                continue
            due = [day for day in _days(begun, self._clock.now()) if day > last.get(str(agent.ref), 0)]
            # Of several that are due at once (nobody looked for long) the last one tells it all.
            written += self._write(agent, begun, due[-1]) if due else []
        return written

    def _write(self, agent: Registered, begun: datetime, day: int) -> list[Entry]:
        body = self.review(agent, begun, day)
        try:
            return self._ledger.append([Draft(KIND, Actor(SYSTEM_PERSON), body, subject=f"agent/{agent.ref}")])
        except Conflict:
            return []  # another worker wrote it a moment ago

    def review(self, agent: Registered, begun: datetime, day: int) -> dict[str, Json]:
        """Return one review: of the time since the one before it, up to the day it is due."""
        until = begun + timedelta(days=day)
        since = begun if day <= CYCLE else until - timedelta(days=CYCLE)
        types = [
            self._type(agent, each, since, self._clock.now(), day) for each in self._gates.tracks.types_of(agent.ref)
        ]
        return {
            "agent": str(agent.ref),
            "day": day,
            "since": stamp(since),
            "types": [_json(each) for each in types],
            "refine": [each.action_type for each in types if each.verdict == "refine"],
            "candidates": [each.action_type for each in types if each.verdict == "candidate"],
            "graduates": [each.action_type for each in types if each.verdict == "graduate"],
            "clocks": clocks(self._ledger, self._gates.tracks, agent, self._clock.now()),
            "target": autonomous_share(self._ledger, self._gates.tracks, agent, self._clock.now()),
        }

    def _type(self, agent: Registered, action_type: str, since: datetime, until: datetime, day: int) -> TypeReview:
        tracks = self._gates.tracks
        found = tracks.override_rate(tracks.decided({agent.ref}, action_type, since, until))
        standing = agent.standing(action_type)
        verdict, sentence = "go_on", f"Overridden: {found}."
        if found.low > REFINE_ABOVE:
            verdict, sentence = "refine", f"Overridden: {found}. Refine the criteria before anything else."
        elif day >= CYCLE and standing.mode is Mode.ASSISTED and self._gates.judge(agent.ref, action_type).passed:
            sentence = (
                f"Overridden: {found}. Its gate is met: two people may let it go on with "
                f"`pilothouse agents promote {agent.ref} {action_type}`, which another confirms."
            )
            verdict = "graduate"
        elif found.n and not found.hits and standing.mode in STRICTEST_FIRST[:2]:
            verdict, sentence = "candidate", f"Nobody overrode any of {found.n:,}; a candidate for the next step."
        return TypeReview(action_type, standing.step, found, verdict, sentence)


def _days(begun: datetime, now: datetime) -> Iterator[int]:
    passed = (now - begun).days
    yield from (day for day in (FIRST, *range(CYCLE, passed + 1, CYCLE)) if day <= passed)


def _json(each: TypeReview) -> Json:
    return {
        "action_type": each.action_type,
        "step": each.step,
        "overridden": each.overrides.hits,
        "n": each.overrides.n,
        "low": round(each.overrides.low, 4),
        "high": round(each.overrides.high, 4),
        "verdict": each.verdict,
        "sentence": each.sentence,
    }
