"""How much already? Same act twice, attempts per minute, and the rolling write-set (I7).

The write-set is what one agent did with one capability inside the window, whatever number of calls it took: many small
writes count as the one bulk write they amount to.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from pilothouse.gateway.door import Door
from pilothouse.gateway.passage import GO_ON, Answer, Passage, refuse
from pilothouse.ledger.actions import tried, write_set
from pilothouse.vocabulary.capabilities import Effect


def limit(passage: Passage, door: Door) -> Answer:
    """Refuse a runaway agent; measure the write-set for the decision."""
    if passage.agent is None:
        return GO_ON
    with door.ledger.reading() as connection:
        count = tried(connection, passage.agent.ref.name, door.clock.now() - timedelta(minutes=1))
        if count >= door.limits.per_minute:
            return refuse(
                "rate_limited", f"{passage.agent.ref} tried {count} actions within a minute; the limit stops it here."
            )
        passage.write_set = measure(connection, passage, door)
    return GO_ON


def measure(connection: Connection, passage: Passage, door: Door) -> tuple[int, int]:
    """Return records and recipients of the write-set, this action included."""
    assert passage.agent is not None and passage.capability is not None and passage.rules is not None
    if passage.capability.effect is not Effect.WRITE:
        return (0, 0)
    since = door.clock.now() - timedelta(minutes=passage.rules.policy.limits.write_set_minutes)
    records, recipients = write_set(
        connection, passage.agent.ref.name, passage.action.capability, since, besides=str(passage.action.target)
    )
    return (records + 1, recipients + passage.recipients)
