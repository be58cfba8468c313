"""The result becomes durable. A crash before this leaves an intent without result, which `reconcile` settles."""

from __future__ import annotations

from pilothouse.gateway.door import Door
from pilothouse.gateway.entries import action_draft
from pilothouse.gateway.passage import GO_ON, Answer, Passage
from pilothouse.handoff.spot_checks import opened
from pilothouse.ledger.actions import action_get
from pilothouse.vocabulary.errors import Conflict
from pilothouse.vocabulary.outcomes import ActionStatus


def record_result(passage: Passage, door: Door) -> Answer:
    """Write the result entry, linked to the intent by the action's identifier, and open the spot check chance asks for."""
    assert passage.actor is not None and passage.rules is not None
    checked = opened(
        passage.action.id,
        passage.actor,
        action_type=passage.action_type,
        subject=str(passage.action.target),
        approved_by=passage.approval.by if passage.approval else "",
        agent_owner=passage.agent.manifest.owner if passage.agent else "",
        now=door.clock.now(),
        shares=passage.rules.policy.handing.spot_checks,
    )
    try:
        door.ledger.append([action_draft(passage, ActionStatus.EXECUTED, *passage.note), *checked])
    except Conflict:
        # It took so long that another process settled it: the same result stands already.
        with door.ledger.reading() as connection:
            row = action_get(connection, passage.action.id)
        if row is None or row.status != ActionStatus.EXECUTED:
            raise
    return GO_ON
