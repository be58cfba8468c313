"""An action: what an agent or a person asks the gateway to do, with everything needed to judge it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pilothouse.vocabulary.clock import new_id, stamp, unstamp
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.values import Json, digest


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact a proposal rests on. `position` names the ledger entry it was read from, so that a wrong fact can be
    traced to everything it caused."""

    note: str
    record: str = ""
    field: str = ""
    value: Json = None
    position: int | None = None
    observed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """A proposal to use one capability on one record.

    `arguments` fit the capability's schema; for an update they are the fields to set and their new values.
    `confidence` is between 0 and 1. `based_on` is the version of the record that was read (None: nothing was read,
    as for a create); `expects` holds the values of the touched fields as the proposer saw them. A write whose version
    or expected values are no longer the present ones is a stale read, and does not go through.
    `idempotency_key` names the act itself: the same key never executes twice.
    """

    capability: str
    target: RecordRef
    arguments: Mapping[str, Json]
    intent: str
    confidence: float = 1.0
    evidence: tuple[Evidence, ...] = ()
    based_on: int | None = None
    expects: Mapping[str, Json] | None = None
    idempotency_key: str = ""
    run: str = ""
    ambiguity: str = ""
    """What the proposer could not tell for sure, in a sentence; empty when nothing. Whoever says so gets a person."""
    causes: tuple[str, ...] = ()
    """Identifiers of the actions this one answers, such as the action a rollback undoes."""
    id: str = field(default_factory=lambda: new_id("act"))

    def __post_init__(self) -> None:
        if not self.idempotency_key:
            object.__setattr__(self, "idempotency_key", self.id)

    @property
    def payload_hash(self) -> str:
        """The hash an approval is bound to: capability, target and exact arguments."""
        return digest({"capability": self.capability, "target": str(self.target), "arguments": dict(self.arguments)})

    def with_arguments(self, arguments: Mapping[str, Json]) -> Action:
        """Return the same proposal with other arguments (an edit by a reviewer)."""
        return replace(self, arguments=dict(arguments))


def action_to_json(action: Action) -> dict[str, Json]:
    """Return everything of an action, so that `action_from_json` can give it back."""
    return {
        "id": action.id,
        "capability": action.capability,
        "target": str(action.target),
        "arguments": dict(action.arguments),
        "intent": action.intent,
        "confidence": action.confidence,
        "based_on": action.based_on,
        "expects": dict(action.expects) if action.expects is not None else None,
        "idempotency_key": action.idempotency_key,
        "run": action.run,
        "causes": list(action.causes),
        "ambiguity": action.ambiguity,
        "evidence": [evidence_to_json(fact) for fact in action.evidence],
    }


def evidence_systems(evidence: Sequence[Evidence]) -> list[str]:
    """Return the systems that the records named as evidence stand in, in order."""
    return sorted({fact.record.partition("/")[0] for fact in evidence if fact.record})


def evidence_to_json(fact: Evidence) -> dict[str, Json]:
    """Return one fact as JSON."""
    return {
        "note": fact.note,
        "record": fact.record,
        "field": fact.field,
        "value": fact.value,
        "position": fact.position,
        "observed_at": stamp(fact.observed_at) if fact.observed_at else None,
    }


def action_from_json(raw: Mapping[str, Any]) -> Action:
    """Return the action that `action_to_json` wrote."""
    facts = [_evidence(fact) for fact in raw["evidence"]]
    return Action(
        capability=raw["capability"],
        target=RecordRef.parse(raw["target"]),
        arguments=raw["arguments"],
        intent=raw["intent"],
        confidence=raw["confidence"],
        evidence=tuple(facts),
        based_on=raw["based_on"],
        expects=raw["expects"],
        idempotency_key=raw["idempotency_key"],
        run=raw["run"],
        causes=tuple(raw["causes"]),
        ambiguity=raw.get("ambiguity", ""),
        id=raw["id"],
    )


def _evidence(raw: Mapping[str, Any]) -> Evidence:
    seen = unstamp(raw["observed_at"]) if raw["observed_at"] else None
    return Evidence(raw["note"], raw["record"], raw["field"], raw["value"], raw["position"], seen)
