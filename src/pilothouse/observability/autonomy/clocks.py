"""The two clocks (X-15): the day of the programme, and the day an action type is live; and the share done alone by then.

What must never happen here: the target of month three measured on the programme's clock.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select

from pilothouse.decision.autonomy.wilson import Rate
from pilothouse.directory.registered import Registered
from pilothouse.ledger.actions import actions
from pilothouse.ledger.ledger import Ledger
from pilothouse.observability.autonomy.track import RAN, Tracks
from pilothouse.vocabulary.actors import AgentRef
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.values import JsonObject

TARGET = (0.70, 0.80)
"""R-282: the share of the intended workload that runs by itself by month three."""
MONTH_THREE = (61, 90)
"""The days since the first live write on which it is measured."""
WORKLOAD = ("held", "rejected", "expired", "intended", "executed", "undone", "unknown", "failed")


def programme_day(ledger: Ledger, now: datetime) -> int | None:
    """Return the day of the programme, 1 being the day of the ledger's first entry; None while it is empty."""
    first = next(ledger.entries(limit=1), None)
    return None if first is None else (now - first.at).days + 1


def clocks(ledger: Ledger, tracks: Tracks, agent: Registered, now: datetime) -> JsonObject:
    """Return the programme's day, and for each action type since when it is live and which day that makes (null: never)."""
    live: JsonObject = {}
    for each in tracks.types_of(agent.ref):
        began = tracks.first(agent.ref, each, live=True)
        live[each] = {"live_since": stamp(began), "live_day": (now - began).days + 1} if began else None
    return {"programme_day": programme_day(ledger, now), "agent_live": live}


def autonomous_share(ledger: Ledger, tracks: Tracks, agent: Registered, now: datetime) -> JsonObject:
    """Return, for each action type that is live, which share ran by itself on its days 61 to 90, or in its last 30 days
    while it is younger; `measured` is false as long as month three is not over."""
    found: JsonObject = {"low": TARGET[0], "high": TARGET[1], "days": list(MONTH_THREE)}
    types: JsonObject = {}
    for each in tracks.types_of(agent.ref):
        began = tracks.first(agent.ref, each, live=True)
        if began is None:
            continue
        day = (now - began).days + 1
        start, end = (began + timedelta(days=MONTH_THREE[0] - 1), began + timedelta(days=MONTH_THREE[1]))
        if day < MONTH_THREE[0]:
            start, end = max(began, now - timedelta(days=30)), now
        share = ran_alone(ledger, agent.ref, each, start, min(end, now))
        types[each] = {
            "live_day": day, "ran_alone": share.hits, "n": share.n, "share": share.value,
            "measured": day > MONTH_THREE[1],
            "met": share.value is not None and share.value >= TARGET[0] if day >= MONTH_THREE[0] else None,
        }  # fmt: skip
    return found | {"types": types}


def ran_alone(ledger: Ledger, ref: AgentRef, action_type: str, since: datetime, until: datetime) -> Rate:
    """Return which share of an action type's workload ran by itself in a time. What was refused was nobody's work."""
    query = (
        select(actions.c.status, actions.c.decided_by, actions.c.review, func.count().label("n"))
        .where(
            actions.c.agent == str(ref),
            actions.c.action_type == action_type,
            actions.c.status.in_(WORKLOAD),
            actions.c.proposed_at >= stamp(since),
            actions.c.proposed_at <= stamp(until),
        )
        .group_by(actions.c.status, actions.c.decided_by, actions.c.review)
    )
    with ledger.engine.connect() as connection:
        rows = connection.execute(query).all()
    alone = sum(row.n for row in rows if row.status in RAN and not row.decided_by and not row.review)
    return Rate(alone, sum(row.n for row in rows))
