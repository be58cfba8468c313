"""How often an agent is right when it says how sure it is, and the published line that corrects it.

The verdicts are people's: an approval as proposed is right, a correction or a rejection wrong, and only what is evidence
counts (`looking.py`); spot checks count too, so that acts nobody reviewed are not left out. What must never happen here: a
line fitted to few verdicts; a score told for the very data that the line was fitted to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Float, Integer, Table, Text, delete, insert, select

from pilothouse.decision.calibrating import Knots
from pilothouse.directory.people import read_person
from pilothouse.directory.roles import permissions_of
from pilothouse.handoff.fitting import Fitted, fit
from pilothouse.handoff.overrides import APPROVED, decision_of
from pilothouse.handoff.reliability import Reliability, Verdict, reliability
from pilothouse.handoff.reviews import Reviews
from pilothouse.handoff.spot_checks import SpotChecks
from pilothouse.ledger.actions import action_get
from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Draft, Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.ledger.statements import Statement, given
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.clock import stamp, unstamp
from pilothouse.vocabulary.errors import Conflict, Forbidden
from pilothouse.vocabulary.values import Json, JsonObject, canonical, parse_json

ENOUGH = 50
"""Verdicts below which nothing is fitted; at 50 the standard error of a share of .85 is .05."""
calibrations = Table(
    "calibrations",
    metadata,
    Column("agent", Text, primary_key=True),
    Column("action_type", Text, primary_key=True),
    Column("knots", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("n", Integer, nullable=False),
    Column("brier", Float, nullable=False),
    Column("position", Integer, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Calibration:
    """A published line: its points, how it was fitted, to how many verdicts, its cross-validated Brier score."""

    agent: str
    action_type: str
    knots: Knots
    method: str
    n: int
    brier: float
    position: int
    by: str
    at: datetime


class CalibrationProjector:
    """Follows what was published; the latest counts."""

    name = "calibrations"
    kinds = frozenset({"calibration.fitted"})
    tables = (calibrations,)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Bring the table up to date."""
        for entry in entries:
            body = entry.body
            mine = (calibrations.c.agent == body["agent"], calibrations.c.action_type == body["action_type"])
            connection.execute(delete(calibrations).where(*mine))
            same = {key: body[key] for key in ("agent", "action_type", "method", "n", "brier", "by")}
            row = {**same, "knots": canonical(body["knots"]), "position": entry.position, "at": stamp(entry.at)}
            connection.execute(insert(calibrations), row)


_CALIBRATION = Statement(
    select(calibrations).where(
        calibrations.c.agent == given("agent"), calibrations.c.action_type == given("action_type")
    )
)


def read_calibration(connection: Connection, agent: str, action_type: str) -> Calibration | None:
    """Return the published line of an agent's action type, None when there is none."""
    row = _CALIBRATION.first(connection, agent=agent, action_type=action_type)
    return None if row is None else _calibration(row)


class Calibrating:
    """Gathers verdicts, reports on them, fits and publishes."""

    def __init__(self, ledger: Ledger, reviews: Reviews, checks: SpotChecks) -> None:
        self._ledger, self._reviews, self._checks = ledger, reviews, checks

    def report(self, agent: str | None = None) -> list[tuple[Reliability, Calibration | None]]:
        """Return how reliable each agent's confidence is by action type, and what was published for it."""
        every = self.verdicts(agent)
        published = {(each.agent, each.action_type): each for each in self.published()}
        return [(reliability(*key, every[key]), published.get(key)) for key in sorted(every)]

    def publish(self, agent: str, action_type: str, by: str) -> tuple[Calibration, Fitted]:
        """Fit the line to the verdicts there are, and publish it; decisions use it from then on.

        Raises `Conflict` when there are fewer than 50, `Forbidden` unless `by` may calibrate.
        """
        verdicts = self.verdicts(agent).get((agent, action_type), [])
        if len(verdicts) < ENOUGH:
            raise Conflict(
                f"{agent} has {len(verdicts)} verdicts on {action_type}; {ENOUGH} are needed.",
                hint="Until then it is uncalibrated, and runs nothing by itself that two people did not allow.",
                code="too_few_verdicts",
            )
        fitted = fit(verdicts)
        knots: list[Json] = [[x, y] for x, y in fitted.knots]
        body: JsonObject = {
            "agent": agent, "action_type": action_type, "knots": knots, "method": fitted.method, "n": fitted.n,
            "right": fitted.right, "brier": fitted.brier, "brier_stated": fitted.brier_stated,
            "considered": dict(fitted.considered), "up_to": self._ledger.size(), "by": by,
        }  # fmt: skip

        def may(connection: Connection) -> None:
            person = read_person(connection, by)
            if not person.active or "calibrate" not in permissions_of(person.role).may:
                raise Forbidden(f"{by} may not publish a calibration.", hint="Ask RevOps or an admin.")

        self._ledger.append([Draft("calibration.fitted", Actor(by), body, subject=f"agent/{agent}")], guard=may)
        with self._ledger.engine.connect() as connection:
            done = read_calibration(connection, agent, action_type)
        assert done is not None
        return done, fitted

    def published(self) -> list[Calibration]:
        """Return every line in effect."""
        with self._ledger.engine.connect() as connection:
            query = select(calibrations).order_by(calibrations.c.agent, calibrations.c.action_type)
            return [_calibration(row) for row in connection.execute(query)]

    def verdicts(self, agent: str | None = None) -> dict[tuple[str, str], list[Verdict]]:
        """Return stated confidence and whether people found it right, by agent and action type, oldest first."""
        found: defaultdict[tuple[str, str], list[Verdict]] = defaultdict(list)
        evident = self._reviews.evidence(agent)
        for each in evident:
            right = decision_of(each) == APPROVED
            found[(str(each.actor.agent or ""), each.action_type)].append(Verdict(each.confidence, right))
        judged = {each.action_id for each in evident}
        with self._ledger.engine.connect() as connection:
            for check in self._checks.list(waiting=False):
                if check.passed is None or check.action in judged or (agent and agent != check.agent):
                    continue
                row = action_get(connection, check.action)
                if row is not None and row.confidence is not None:
                    found[(check.agent, check.action_type)].append(Verdict(row.confidence, check.passed))
        return dict(found)


def _calibration(row: Any) -> Calibration:
    points: Any = parse_json(row.knots)
    knots = tuple((float(x), float(y)) for x, y in points)
    return Calibration(
        row.agent, row.action_type, knots, row.method, row.n, row.brier, row.position, row.by, unstamp(row.at)
    )
