"""To which level the evidence holds each agent: worked out above, recorded as an entry, read here.

What must never happen here: a rating that raises an agent above what its manifest says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, Integer, Table, Text, delete, insert, select

from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Entry
from pilothouse.ledger.statements import Statement, given
from pilothouse.vocabulary.actors import AgentRef
from pilothouse.vocabulary.clock import stamp, unstamp

RATED = "agent.rated"
agent_ratings = Table(
    "agent_ratings",
    metadata,
    Column("agent", Text, primary_key=True),
    Column("level", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Rated:
    """The last rating of an agent; `reason` says why it is held below what it claims, empty when it is not."""

    level: int
    reason: str
    at: datetime


class RatingProjector:
    """Follows the ratings, the last one of each agent."""

    name = "agent_ratings"
    kinds = frozenset({RATED})
    tables = (agent_ratings,)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Keep the last one."""
        for entry in entries:
            named = entry.body["agent"]
            connection.execute(delete(agent_ratings).where(agent_ratings.c.agent == named))
            row = {"agent": named, "level": entry.body["level"], "reason": entry.body["reason"], "at": stamp(entry.at)}
            connection.execute(insert(agent_ratings), row)


_READ = Statement(select(agent_ratings).where(agent_ratings.c.agent == given("ref")))


def read_rating(connection: Connection, ref: AgentRef) -> Rated | None:
    """Return the last rating of an agent, None when nobody rated it."""
    row = _READ.first(connection, ref=str(ref))
    return None if row is None else Rated(row.level, row.reason, unstamp(row.at))
