"""What went seriously wrong: rollbacks marked severity 1, and incidents of severity 1.

What must never happen here: an incident that names nobody held to concern nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from pilothouse.directory.suspensions import reach_of
from pilothouse.ledger.actions import action_get
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import AgentRef

INCIDENTS = frozenset({"incident.opened"})
WORST = 1
DRILLED = "incident.drilled"


def severe(
    ledger: Ledger, refs: Collection[AgentRef], action_type: str, since: datetime, until: datetime
) -> tuple[str, ...]:
    """Return the reversals and incidents of severity 1 in a time, by identifier, that concern these agents.

    A rollback concerns the agents and action types of the acts it undid. An incident that names an agent or an action
    type concerns only these; one that names neither concerns all.
    """
    found = [*_incidents(ledger, refs, action_type, since, until), *_reversals(ledger, refs, action_type, since, until)]
    return tuple(dict.fromkeys(found))


def last_drill(ledger: Ledger) -> tuple[int, datetime] | None:
    """Return position and moment of the last drill that was passed; a drill that failed since takes its place."""
    last = None
    for entry in ledger.entries(kinds={DRILLED}):
        last = (entry.position, entry.at) if entry.body.get("passed") is True else None
    return last


def _reversals(
    ledger: Ledger, refs: Collection[AgentRef], action_type: str, since: datetime, until: datetime
) -> Iterator[str]:
    started = ledger.entries(kinds={"rollback.started"}, since=since, until=until)
    grave = {each.body["rollback"] for each in started if each.body.get("severity") == WORST}
    if not grave:
        return
    names = {str(ref) for ref in refs}
    marks = [e for e in ledger.entries(kinds={"action.undone"}, since=since) if e.body.get("rollback") in grave]
    with ledger.engine.connect() as connection:
        for mark in marks:
            row = action_get(connection, mark.action)
            if row is not None and row.agent in names and row.action_type == action_type:
                yield str(mark.body["rollback"])


def _incidents(
    ledger: Ledger, refs: Collection[AgentRef], action_type: str, since: datetime, until: datetime
) -> Iterator[str]:
    types = (action_type, action_type.partition(":")[0])
    for entry in ledger.entries(kinds=INCIDENTS, since=since, until=until):
        if entry.body["severity"] == WORST and any(reach_of(entry).covers(ref, *types) for ref in refs):
            yield str(entry.body["incident"])
