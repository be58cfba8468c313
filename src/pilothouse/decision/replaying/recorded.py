"""A decision as it stands in the ledger: what was decided, under which policy, on which facts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from pilothouse.decision.recording import DECISIONS
from pilothouse.ledger.entries import Entry

KINDS = frozenset(f"action.{status.value}" for status in DECISIONS)
"""The kinds of entries that can hold a decision."""


class Recorded(NamedTuple):
    """One decision. `facts` is None where there are none any longer; `erased` says that a person's data went.

    `again` marks the second decision about an act, made when its approval was used: the act itself was decided before.
    """

    position: int
    at: datetime
    action: str
    subject: str
    agent: str
    action_type: str
    review: str
    again: bool
    verdict: Mapping[str, Any]
    facts: Mapping[str, Any] | None
    erased: bool


def recorded_of(entry: Entry) -> Recorded | None:
    """Return the decision that an entry holds; None when it was stopped before policy was asked."""
    body = entry.body
    verdict = body.get("verdict")
    if verdict is None:
        return None
    return Recorded(
        position=entry.position,
        at=entry.at,
        action=entry.action,
        subject=entry.subject,
        agent=str(entry.actor.agent or ""),
        action_type=body["action_type"],
        review=body["review"],
        again=bool(body["decided_by"]),
        verdict=verdict,
        facts=entry.value("facts"),
        erased=entry.erased,
    )
