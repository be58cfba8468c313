"""How much already? Same act twice, attempts per minute, and the rolling write-set (I7).

The write-set is what one agent did with one capability inside the window, whatever number of calls it took: many small
writes count as the one bulk write they amount to.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, func, select

from pilothouse.gateway.door import Door
from pilothouse.gateway.passage import GO_ON, Answer, Passage, refuse
from pilothouse.ledger.actions import actions as actions_table
from pilothouse.ledger.actions import write_set
from pilothouse.vocabulary.capabilities import Effect
from pilothouse.vocabulary.clock import stamp


def limit(passage: Passage, door: Door) -> Answer:
    """Refuse a runaway agent; measure the write-set for the decision."""
    if passage.agent is None:
        return GO_ON
    with door.ledger.engine.connect() as connection:
        tried = _tried(connection, passage, door)
        if tried >= door.limits.per_minute:
            return refuse(
                "rate_limited", f"{passage.agent.ref} tried {tried} actions within a minute; the limit stops it here."
            )
        passage.write_set = measure(connection, passage, door)
    return GO_ON


def measure(connection: Connection, passage: Passage, door: Door) -> tuple[int, int]:
    """Return records and recipients of the write-set, this action included."""
    assert passage.agent is not None and passage.capability is not None
    if passage.capability.effect is not Effect.WRITE:
        return (0, 0)
    since = door.clock.now() - door.limits.window
    records, recipients = write_set(
        connection, passage.agent.ref.name, passage.action.capability, since, besides=str(passage.action.target)
    )
    return (records + 1, recipients + passage.recipients)


def _tried(connection: Connection, passage: Passage, door: Door) -> int:
    assert passage.agent is not None
    since = stamp(door.clock.now() - timedelta(minutes=1))
    query = select(func.count()).where(
        actions_table.c.agent_name == passage.agent.ref.name, actions_table.c.proposed_at >= since
    )
    return connection.execute(query).scalar_one()
