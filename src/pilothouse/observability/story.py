"""The full story of one action, from its entries, and the audit line in its fixed form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pilothouse.ledger.entries import Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.errors import NotFound


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of the story."""

    position: int
    at: datetime
    kind: str
    by: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Story:
    """Everything about one action: who, for whom, why, what, under which policy, with what outcome."""

    action: str
    agent: str
    authorised_by: str
    intent: str
    capability: str
    target: str
    status: str
    confidence: float | None
    mode: str
    tier: str
    rule: str
    policy_version: str
    reasons: Sequence[dict[str, Any]]
    reviewer: str
    review: str
    changes: Sequence[dict[str, Any]]
    before: dict[str, Any]
    after: dict[str, Any]
    evidence: Sequence[dict[str, Any]]
    verified: bool | None
    erased: bool
    steps: Sequence[Step]


def story_of(ledger: Ledger, action: str) -> Story:
    """Return an action's story; raises `NotFound`."""
    entries = list(ledger.entries(action=action))
    told = [entry for entry in entries if entry.kind.startswith("action.") and "capability" in entry.body]
    if not told:
        raise NotFound(f"there is no action {action!r}.", hint="`pilothouse actions list` shows them.")
    last = told[-1]
    body = last.body
    verdict: dict[str, Any] = body.get("verdict") or {}
    decided = next((e for e in entries if e.kind in ("review.approved", "review.edited", "review.rejected")), None)
    return Story(
        action=action,
        agent=str(last.actor.agent or ""),
        authorised_by=last.actor.person,
        intent=body["intent"],
        capability=body["capability"],
        target=body["target"],
        status=entries[-1].kind.partition(".")[2] if entries[-1].kind == "action.undone" else body["status"],
        confidence=body["confidence"],
        mode=body["mode"],
        tier=verdict.get("tier", ""),
        rule=verdict.get("rule", ""),
        policy_version=verdict.get("policy_version", ""),
        reasons=verdict.get("reasons", []),
        reviewer=decided.body["by"] if decided else "",
        review=body["review"],
        changes=last.value("changes") or [],
        before=last.value("before") or {},
        after=last.value("after") or {},
        evidence=last.value("evidence") or [],
        verified=body.get("verified"),
        erased=last.erased,
        steps=[_step(entry) for entry in entries],
    )


def _step(entry: Entry) -> Step:
    by = str(entry.actor)
    return Step(entry.position, entry.at, entry.kind, by, _sentence(entry))


def _sentence(entry: Entry) -> str:
    body = entry.body
    match entry.kind:
        case "review.opened":
            return f"Asked {body['owner']}: {body['sentence']}"
        case "review.approved" | "review.edited" | "review.rejected" as kind:
            note = entry.value("note", "")
            return f"{kind.partition('.')[2].capitalize()} by {body['by']}" + (f": {note}" if note else ".")
        case "review.reminded":
            return f"Reminded {body['owner']} that it is due soon."
        case "review.expired":
            return "Nobody decided in time; that counts as a rejection."
        case "review.used":
            return "The approval was used; it cannot be used again."
        case "action.undone":
            return f"{', '.join(body['fields'])} restored by {body['by_action']}."
        case _:
            return str(body.get("sentence", ""))


def audit_line(story: Story) -> str:
    """Return the line `Agent | Authorised by | Intent | Action` (requirements R-130)."""
    who = story.reviewer or story.authorised_by
    return (
        f"{story.agent or 'no agent'} | {who} | {story.intent} | {story.capability} on {story.target}: {story.status}"
    )
