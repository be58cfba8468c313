"""How the detectors phrase proposals, so that the same finding is the same act at every run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pilothouse.data.store import Record
from pilothouse.vocabulary.actions import Action, Evidence
from pilothouse.vocabulary.records import FieldValue
from pilothouse.vocabulary.values import Json, digest

VERSION = "hygiene@1"


def update(
    record: Record, field: str, value: Json, *, intent: str, confidence: float, evidence: Sequence[Evidence]
) -> Action:
    """Propose a new value for one field."""
    return _action(
        f"{record.ref.system}.{record.ref.object}.update", record, {field: value}, intent, confidence, evidence
    )


def flag(record: Record, code: str, note: str, *, confidence: float, evidence: Sequence[Evidence]) -> Action:
    """Propose a flag on a record that only people can mend."""
    return _action(f"{record.ref.system}.record.flag", record, {"code": code, "note": note}, note, confidence, evidence)


def merge(
    gone: Record, stays: Record, *, intent: str, confidence: float, evidence: Sequence[Evidence], since: str = ""
) -> Action:
    """Propose that one record goes into another; either way round it is the same act.

    `since` is when a person called them the same, if one did: after that word it is another act than before.
    """
    capability = f"{gone.ref.system}.{gone.ref.object}.merge"
    action = _action(capability, gone, {"into": stays.ref.id}, intent, confidence, evidence)
    key = digest([VERSION, capability, sorted([str(gone.ref), str(stays.ref)]), *([since] if since else [])])
    return replace(action, idempotency_key=f"{VERSION}:{key[:40]}")


def _action(
    capability: str,
    record: Record,
    arguments: dict[str, Json],
    intent: str,
    confidence: float,
    evidence: Sequence[Evidence],
) -> Action:
    key = digest([VERSION, capability, str(record.ref), arguments, [fact.note for fact in evidence]])
    return Action(
        capability=capability,
        target=record.ref,
        arguments=arguments,
        intent=intent,
        confidence=round(confidence, 4),
        evidence=tuple(evidence),
        idempotency_key=f"{VERSION}:{key[:40]}",
    )


def seen(record: Record, field: str, note: str) -> Evidence:
    """Return a field's value, or its absence, as evidence."""
    value: FieldValue | None = record.fields.get(field)
    if value is None:
        anchor = max((each.position or 0 for each in record.fields.values()), default=None)
        return Evidence(note, str(record.ref), field, None, anchor)
    return Evidence(note, str(record.ref), field, value.value, value.position, value.at)
