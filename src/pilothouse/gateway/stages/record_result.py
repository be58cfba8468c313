"""The result becomes durable. A crash before this leaves an intent without result, which `reconcile` settles."""

from __future__ import annotations

from pilothouse.gateway.door import Door
from pilothouse.gateway.entries import action_draft
from pilothouse.gateway.passage import GO_ON, Answer, Passage
from pilothouse.vocabulary.outcomes import ActionStatus


def record_result(passage: Passage, door: Door) -> Answer:
    """Write the result entry, linked to the intent by the action's identifier."""
    door.ledger.append([action_draft(passage, ActionStatus.EXECUTED, *passage.note)])
    return GO_ON
