"""Which agents may tell of signals: those whose contract lets them write the object `signal`. Absence means no."""

from __future__ import annotations

from pilothouse.directory.roles import permissions_of
from pilothouse.gateway.asking import UNREAD
from pilothouse.gateway.door import Door
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import Forbidden


def teller(door: Door, token: str) -> Actor:
    """Return who tells; raises `Unauthenticated` or `Forbidden`. What an agent tells stands under its own name."""
    actor = door.tokens.verify(token).actor
    assert actor.agent is not None
    agent, person = door.agents.get(actor.agent), door.directory.person(actor.person)
    contract = door.contracts.get(agent.manifest.contract)
    if agent.suspended_why is not None or contract is None or not person.active:
        raise Forbidden(
            f"{actor} may not tell of signals: suspended, inactive, or without a data contract.", hint=UNREAD
        )
    if "signal" not in contract.write or "send_signals" not in permissions_of(person.role).may:
        raise Forbidden(
            f"{actor} may not tell of signals.",
            hint="Its contract must list `signal` under write, and its person may send them.",
        )
    return actor
