"""Every request to a provider and what became of it, and the credits spent, drawn from the ledger.

A request is an entry before it is sent and takes its cost from the budget at once; the answer is another entry and gives
back what was not charged. What was never answered stays spent: it may have been charged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, Float, Index, Integer, Table, Text, insert, select, update

from pilothouse.data.enrichment.answers import Outcome
from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Entry
from pilothouse.vocabulary.clock import stamp

REQUESTED, ANSWERED = "enrichment.requested", "enrichment.answered"

requests = Table(
    "enrichment_requests",
    metadata,
    Column("id", Text, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("asked", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("credits", Integer, nullable=False),
    Column("at", Text, nullable=False),
    Column("answered_at", Text, nullable=False),
    Column("wait", Float, nullable=False),
    Column("position", Integer, nullable=False),
    Index("requests_by_key", "provider", "key", "position"),
    Index("requests_by_order", "provider", "position"),
)
spending = Table(
    "enrichment_spending",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("credits", Integer, nullable=False),
)


class EnrichmentProjector:
    """Follows requests and answers."""

    name = "enrichment"
    kinds = frozenset({REQUESTED, ANSWERED})
    tables = (requests, spending)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Bring the tables up to date."""
        for entry in entries:
            if entry.kind == REQUESTED:
                self._requested(connection, entry)
            else:
                self._answered(connection, entry)

    def _requested(self, connection: Connection, entry: Entry) -> None:
        body = entry.body
        told = {name: body[name] for name in ("id", "provider", "key", "asked", "period", "credits")}
        unknown: dict[str, Any] = {"outcome": Outcome.OPEN.value, "sentence": "", "answered_at": "", "wait": 0.0}
        row = {**told, **unknown, "at": stamp(entry.at), "position": entry.position}
        connection.execute(insert(requests), row)
        _spend(connection, body["provider"], body["period"], body["credits"])

    def _answered(self, connection: Connection, entry: Entry) -> None:
        body = entry.body
        mine = requests.c.id == body["id"]
        row = connection.execute(select(requests).where(mine)).one()
        told = {name: body[name] for name in ("outcome", "sentence", "credits", "wait")}
        connection.execute(update(requests).where(mine).values(**told, answered_at=stamp(entry.at)))
        _spend(connection, row.provider, row.period, body["credits"] - row.credits)


def _spend(connection: Connection, provider: str, period: str, credits: int) -> None:
    mine = (spending.c.provider == provider, spending.c.period == period)
    done = connection.execute(update(spending).where(*mine).values(credits=spending.c.credits + credits))
    if not done.rowcount:
        connection.execute(insert(spending), {"provider": provider, "period": period, "credits": credits})


def spent(connection: Connection, provider: str, period: str) -> int:
    """Return the credits spent in a period, those of requests that are still open included."""
    query = select(spending.c.credits).where(spending.c.provider == provider, spending.c.period == period)
    return connection.execute(query).scalar_one_or_none() or 0


def latest_by_key(connection: Connection, provider: str) -> dict[str, Any]:
    """Return the last request of each key."""
    query = select(requests).where(requests.c.provider == provider).order_by(requests.c.position)
    return {row.key: row for row in connection.execute(query)}


def latest_of(connection: Connection, provider: str, key: str) -> Any:
    """Return the last request of one key, None when it was never asked."""
    mine = (requests.c.provider == provider, requests.c.key == key)
    query = select(requests).where(*mine).order_by(requests.c.position.desc()).limit(1)
    return connection.execute(query).first()


def last(connection: Connection, provider: str, count: int) -> Sequence[Any]:
    """Return the last requests that were answered, or not, the newest first."""
    mine = (requests.c.provider == provider, requests.c.outcome != Outcome.OPEN.value)
    query = select(requests).where(*mine).order_by(requests.c.position.desc()).limit(count)
    return connection.execute(query).all()
