"""How an action stands in the ledger. Personal values go beside the tree, so that a person can be erased from it."""

from __future__ import annotations

import math

from pilothouse.data.schema import OBJECTS
from pilothouse.decision.recording import DECISIONS, facts_to_json
from pilothouse.gateway.passage import Passage
from pilothouse.ledger.entries import Draft
from pilothouse.vocabulary.actions import evidence_to_json
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
from pilothouse.vocabulary.outcomes import ActionStatus
from pilothouse.vocabulary.records import change_to_json
from pilothouse.vocabulary.values import Json


def action_draft(passage: Passage, status: ActionStatus, code: str, sentence: str, review: str = "") -> Draft:
    """Return the entry that says where an action stands, and everything that led there."""
    body = _head(passage, status, code, sentence, review)
    values = _values(passage, status)
    personal = is_personal(passage)
    return Draft(
        kind=f"action.{status.value}",
        actor=passage.actor or Actor(SYSTEM_PERSON),
        body=body if personal else {**body, **values},
        private=values if personal else None,
        data_subject=str(passage.action.target) if personal else "",
        action=passage.action.id,
        subject=str(passage.action.target),
    )


def is_personal(passage: Passage) -> bool:
    """True when the action touches an object with personal fields, or addresses people."""
    spec = OBJECTS.get(passage.action.target.object)
    return passage.recipients > 0 or spec is None or any(each.personal for each in spec.fields.values())


def _head(passage: Passage, status: ActionStatus, code: str, sentence: str, review: str) -> dict[str, Json]:
    action = passage.action
    head: dict[str, Json] = {
        "status": status.value,
        "code": code,
        "sentence": sentence,
        "capability": action.capability,
        "action_type": passage.action_type or action.capability,
        "target": str(action.target),
        "system": action.target.system,
        "object": action.target.object,
        "record_id": action.target.id,
        "intent": action.intent,
        "confidence": action.confidence if math.isfinite(action.confidence) else None,
        "idempotency_key": action.idempotency_key,
        "run": action.run,
        "mode": passage.mode.value,
        "payload_hash": action.payload_hash,
        "based_on": action.based_on,
        "causes": list(action.causes),
        "records": 1,
        "recipients": passage.recipients,
        "fields": list(passage.fields),
        "verdict": passage.verdict.as_json() if passage.verdict else None,
        "review": review or (passage.approval.review if passage.approval else ""),
        "decided_by": passage.approval.by if passage.approval else "",
        "edited_by": passage.approval.by if passage.approval and passage.approval.edited else "",
    }
    if passage.restored is not None:
        head["restored"] = dict(passage.restored)
    if passage.receipt is not None:
        head |= {"version": passage.receipt.version, "request_id": passage.receipt.request_id}
        head["created"] = str(passage.receipt.ref) if not action.target.id else ""
    if passage.verified is not None:
        head["verified"] = passage.verified
    return head


def _values(passage: Passage, status: ActionStatus) -> dict[str, Json]:
    return {
        "arguments": dict(passage.action.arguments),
        "before": dict(passage.before),
        "after": dict(passage.after),
        "expects": dict(passage.action.expects) if passage.action.expects is not None else None,
        "changes": [change_to_json(change) for change in passage.changes],
        "evidence": [evidence_to_json(fact) for fact in passage.action.evidence],
        **_decided_on(passage, status),
    }


def _decided_on(passage: Passage, status: ActionStatus) -> dict[str, Json]:
    """What the verdict was made on, once, so that it can be made again (`policy replay`)."""
    if passage.facts is None or passage.verdict is None or status not in DECISIONS:
        return {}
    return {"facts": facts_to_json(passage.facts)}
