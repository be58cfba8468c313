"""Was this act handed in before? The same idempotency key tells how the act stands, and does nothing again.

An act that was only judged in shadow is judged anew once the agent, its standing or the policy is another.

It is asked only of somebody who was let in, about their own acts: a key is no way to read what others did.
"""

from __future__ import annotations

from sqlalchemy import Connection

from pilothouse.gateway.door import Door
from pilothouse.gateway.passage import GO_ON, Answer, Known, Passage, Result, refuse
from pilothouse.ledger.actions import ActionRow, standing_of_key, undone_before
from pilothouse.vocabulary.errors import NotFound
from pilothouse.vocabulary.outcomes import ActionStatus
from pilothouse.vocabulary.verdicts import Mode


def recall(passage: Passage, door: Door) -> Answer:
    """Answer with the act that stands under this key; refuse the key when it named another act."""
    with door.ledger.reading() as connection:
        passage.seen = door.ledger.size_in(connection)
        row = standing_of_key(connection, passage.action.idempotency_key)
        passage.undone = _undone(connection, passage)
    if row is None:
        return GO_ON
    same = row.payload_hash == passage.action.payload_hash
    if same and row.status == ActionStatus.SHADOWED and not _same_judge(row, passage, door):
        return GO_ON
    if not _same_asker(row, passage) or not same:
        return refuse(
            "key_reused",
            f"The idempotency key {passage.action.idempotency_key!r} names another act; use a new key for a new act.",
        )
    sentence = f"This act was handed in before as {row.id}: {row.sentence}"
    status = ActionStatus(row.status)
    return Known(Result(passage.action, status, row.code, sentence, None, row.review or "", replayed=True))


def _same_judge(row: ActionRow, passage: Passage, door: Door) -> bool:
    """True when a shadowed act would be shadowed again: the same agent, promoted no further, under the same policy."""
    agent = passage.actor.agent if passage.actor else None
    if agent is None or row.agent != str(agent) or row.policy_version != door.policy.version:
        return False
    try:
        standing = door.agents.get(agent).standing(row.action_type, row.capability)
    except NotFound:
        return False
    return standing.mode is Mode.SHADOW


def _undone(connection: Connection, passage: Passage) -> str:
    """How the same act of this agent, done before, was undone. A new key does not make it another act."""
    agent, action = passage.actor.agent if passage.actor else None, passage.action
    row = undone_before(connection, agent.name, str(action.target), action.payload_hash) if agent else None
    return row.sentence if row is not None else ""


def _same_asker(row: ActionRow, passage: Passage) -> bool:
    """A new version of an agent asks about the same act; another agent, or another person alone, does not."""
    assert passage.actor is not None
    agent = passage.actor.agent
    return row.agent_name == agent.name if agent else (row.agent_name, row.person) == ("", passage.actor.person)
