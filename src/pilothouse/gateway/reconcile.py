"""Settling actions that have an intent and no result: the system of record is read before anything is said.

What must never happen here: a retry (what was not done is said to be not done; doing it is a new act, I4); an act that
is still under way settled as if a crash had left it, which would give its fields and its key to somebody else (I6); two
results of one act.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from pilothouse.gateway.door import Door
from pilothouse.gateway.ports import CallRefused, CallUnknown, Receipt
from pilothouse.gateway.registry import touched_fields
from pilothouse.ledger.actions import ActionRow, action_get, actions_list
from pilothouse.ledger.entries import Draft, Entry
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.clock import unstamp
from pilothouse.vocabulary.errors import Conflict
from pilothouse.vocabulary.outcomes import ActionStatus
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.values import Json, JsonObject

OPEN = (ActionStatus.INTENDED, ActionStatus.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of an action."""

    action: str
    status: ActionStatus
    code: str
    sentence: str


def reconcile(door: Door, row: ActionRow) -> Settled:
    """Ask the system of record whether the action's request was committed, and record what it says.

    Where somebody else settled it meanwhile, what they recorded is returned. Raises `Conflict` for an action that has
    a result, or is under way.
    """
    if ActionStatus(row.status) not in OPEN:
        raise Conflict(f"{row.id} is {row.status}; there is nothing to reconcile.", hint="Only unanswered acts are.")
    if _under_way(door, row):
        raise Conflict(f"{row.id} is under way.", hint="Ask again when it has a result.", code="under_way")
    connector = door.registry.connector(row.system)
    try:
        receipt = connector.lookup(row.id)
    except (CallRefused, CallUnknown) as error:
        sentence = f"{row.system} still does not answer ({error}); the outcome stays unknown."
        return Settled(row.id, ActionStatus.UNKNOWN, "no_answer", sentence)
    if receipt is None:
        sentence = f"{row.system} has no trace of it: it was not done. It may be proposed again."
        return _record(door, row, ActionStatus.FAILED, "not_performed", sentence, {}, None)
    capability = door.registry.get(row.capability)
    intent = _intent(door, row)
    arguments: dict[str, Json] = intent.value("arguments", {})
    fields = touched_fields(capability, arguments)
    after = {name: receipt.after.get(name) for name in fields}
    sentence = "The call was not answered, but the system of record shows that it was done."
    return _record(door, row, ActionStatus.EXECUTED, "reconciled", sentence, after, receipt)


def reconcile_all(door: Door) -> list[Settled]:
    """Settle every action that has no result and is not under way, as after a crash."""
    with door.ledger.engine.connect() as connection:
        rows = [row for status in OPEN for row in actions_list(connection, status=status.value)]
    return [reconcile(door, row) for row in rows if not _under_way(door, row)]


def _under_way(door: Door, row: ActionRow) -> bool:
    """True when somebody may be performing it now: for certain in this process, by its age in another."""
    if row.status != ActionStatus.INTENDED:
        return False
    return (
        row.id in list(door.under_way.values()) or door.clock.now() - unstamp(row.updated_at) < door.limits.longest_call
    )


def _intent(door: Door, row: ActionRow) -> Entry:
    return door.ledger.entry(row.intent_position)


def _record(
    door: Door,
    row: ActionRow,
    status: ActionStatus,
    code: str,
    sentence: str,
    after: dict[str, Json],
    receipt: Receipt | None,
) -> Settled:
    intent = _intent(door, row)
    added: dict[str, Json] = {"status": status.value, "code": code, "sentence": sentence}
    if receipt is not None:
        created = str(receipt.ref) if not RecordRef.parse(intent.subject).id else ""
        added |= {"version": receipt.version, "request_id": receipt.request_id, "verified": True, "created": created}
    body: JsonObject = {**intent.body, **added}
    private = intent.private
    if private is None:
        body = {**body, "after": after}
    else:
        private = {**private, "after": after}
    draft = Draft(
        kind=f"action.{status.value}",
        actor=Actor(intent.actor.person, intent.actor.agent),
        body=body,
        private=private,
        data_subject=intent.subject if private is not None else "",
        action=row.id,
        subject=intent.subject,
    )
    try:
        door.ledger.append([draft], guard=lambda connection: _still_open(connection, row.id))
    except _SettledAlready as error:
        return error.settled
    return Settled(row.id, status, code, sentence)


class _SettledAlready(Exception):
    """Somebody else was first; this is what they found."""

    def __init__(self, settled: Settled) -> None:
        super().__init__(settled.sentence)
        self.settled = settled


def _still_open(connection: Connection, action: str) -> None:
    now = action_get(connection, action)
    assert now is not None
    if ActionStatus(now.status) not in OPEN:
        raise _SettledAlready(Settled(action, ActionStatus(now.status), now.code, now.sentence))
