"""Suspending and resuming: stopping takes one person and a reason, going on again takes more.

What must never happen here: a resumption while an incident about the same agents is unsettled, or after one by the
person whose agent it was about.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from pilothouse.directory.suspensions import RESUMED, SUSPENDED, Reach, Suspension, every_suspension
from pilothouse.handoff.incident_table import IncidentStatus, about
from pilothouse.handoff.sla import deadline
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput, NotFound

UNSETTLED = (IncidentStatus.OPEN, IncidentStatus.CONTAINED)


def suspend(ledger: Ledger, reach: Reach, by: str, reason: str) -> int:
    """Suspend what a reach names; returns the entry's position. From then on none of it gets an intent."""
    body = {"agent": reach.agent, "action_type": reach.action_type, "reason": _given(reason)}
    return ledger.append([Draft(SUSPENDED, Actor(by), body, subject=f"agent/{reach.agent}")])[0].position


def resume(ledger: Ledger, reach: Reach, by: str, reason: str, owned: Collection[Reach]) -> int:
    """End the suspension of exactly this reach; returns the entry's position.

    `owned` are the agents of this person. Reviews that it held back are due a business day from now. Raises `NotFound`
    when exactly this is not suspended, `Conflict` while an incident about any of it is unsettled, and `Forbidden` when
    there was one since the suspension began and this person owns an agent it is about.
    """
    due = deadline(ledger.clock.now())
    body = {"agent": reach.agent, "action_type": reach.action_type, "reason": _given(reason), "reviews_due": stamp(due)}

    def last_word(connection: Connection) -> None:
        _may_end(connection, _in_force(connection, reach), by, owned)

    draft = Draft(RESUMED, Actor(by), body, subject=f"agent/{reach.agent}")
    return ledger.append([draft], guard=last_word)[0].position


def _given(reason: str) -> str:
    if not reason.strip():
        raise InvalidInput("a reason is needed.", hint="Say in a sentence why.")
    return reason


def _in_force(connection: Connection, reach: Reach) -> Suspension:
    every = every_suspension(connection)
    found = next((each for each in every if each.reach == reach), None)
    if found is None:
        named = "; ".join(str(each.reach) for each in every) or "nothing"
        raise NotFound(f"{reach} is not suspended.", hint=f"Suspended now: {named}.")
    return found


def _may_end(connection: Connection, suspension: Suspension, by: str, owned: Collection[Reach]) -> None:
    related = [
        each for each in about(connection, suspension.reach) if not each.closed_at or each.closed_at >= suspension.at
    ]
    unsettled = [each.id for each in related if each.status in UNSETTLED]
    if unsettled:
        raise Conflict(
            f"incident {unsettled[0]} about {suspension.reach} is unsettled.",
            hint=f"`pilothouse incidents resolve {unsettled[0]}` first.",
            code="incident_unsettled",
        )
    own = [each.id for each in related if any(it.touches(each.reach) and it.touches(suspension.reach) for it in owned)]
    if own:
        raise Forbidden(
            f"{by} owns an agent that incident {own[0]} is about, and does not let it act again.",
            hint="Ask somebody who does not own the agent.",
            code="owner_cannot_resume",
        )
