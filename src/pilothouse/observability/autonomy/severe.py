"""What went seriously wrong: rollbacks marked severity 1, and incidents of severity 1.

What must never happen here: an incident that names nobody held to concern nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any, cast

from pilothouse.ledger.actions import action_get
from pilothouse.ledger.entries import Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import AgentRef

INCIDENTS = frozenset({"incident.opened", "incident.declared"})
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
    grave = {each.body["rollback"] for each in started if _is_first(each.body.get("severity"))}
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
    names = {str(ref) for ref in refs} | {ref.name for ref in refs}
    for entry in ledger.entries(kinds=INCIDENTS, since=since, until=until):
        if not _is_first(entry.body.get("severity")):
            continue
        agents, types = _named(entry, "agent", "agents"), _named(entry, "action_type", "action_types")
        if (not agents or agents & names) and (not types or action_type in types):
            yield str(entry.body.get("incident") or entry.id)


def _is_first(severity: Any) -> bool:
    return str(severity).casefold() in ("1", "sev1", "severity_1")


def _named(entry: Entry, one: str, several: str) -> set[str]:
    listed = cast("list[Any]", entry.body.get(several) or [])
    return {str(each) for each in (entry.body.get(one), *listed) if each}
