"""The facts of a decision as they stand in the ledger, so that it can be made again exactly (X-20, policy replay).

What must never happen here: a fact left out that a verdict may hang on. A test asks every field of `Facts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pilothouse.data.contracts import FieldRule
from pilothouse.decision.facts import Facts
from pilothouse.vocabulary.actors import AgentRef, Role
from pilothouse.vocabulary.capabilities import Capability
from pilothouse.vocabulary.clock import stamp, unstamp
from pilothouse.vocabulary.outcomes import ActionStatus
from pilothouse.vocabulary.records import FieldChange, WriterKind, change_to_json
from pilothouse.vocabulary.values import Json, canonical, digest, parse_json
from pilothouse.vocabulary.verdicts import Mode

DECISIONS = frozenset({ActionStatus.REFUSED, ActionStatus.SHADOWED, ActionStatus.HELD, ActionStatus.INTENDED})
"""How an act may stand right after a verdict; the entries that say so hold the facts."""
PLAIN = (
    "person", "confidence", "object", "recipients", "records", "write_set_records", "write_set_recipients",
    "bulk_allowance", "share", "drawn", "held_back", "stage_forward", "bootstrap", "human_initiated", "new_prospects", "contract_related", "evidence_age_days", "evidence_stale",
    "evidence_undated", "undone", "rejected", "ambiguity", "account_id", "executives",
    "calibrated", "uncalibrated",
)  # fmt: skip
"""Facts that stand in the record as they are."""


class OtherCapability(Exception):
    """The capability is not classified as it was when the decision was made. The message is a sentence."""


def facts_to_json(facts: Facts) -> dict[str, Json]:
    """Return everything of the facts, so that `facts_from_json` can give it back. It may hold personal values."""
    return {
        **{name: getattr(facts, name) for name in PLAIN},
        "capability": facts.capability.name,
        "classified": classified(facts.capability),
        "agent": str(facts.agent or ""),
        "role": facts.role.value,
        "mode": facts.mode.value,
        "record": dict(facts.record),
        "changes": [change_to_json(each) for each in facts.changes],
        "now": stamp(facts.now),
        "arguments": dict(facts.arguments),
        "account": dict(facts.account),
        "countries": list(facts.countries),
        "evidence_systems": list(facts.evidence_systems),
        "contract_rules": {name: _rule_to_json(rule) for name, rule in facts.contract_rules.items()},
        "precedence": [each.value for each in facts.precedence],
    }


def facts_from_json(raw: Mapping[str, Any], capabilities: Mapping[str, Capability]) -> Facts:
    """Return the facts that `facts_to_json` wrote; raises `OtherCapability` when what they are about has changed."""
    capability = capabilities.get(raw["capability"])
    if capability is None:
        raise OtherCapability(f"No system offers {raw['capability']} any longer.")
    if classified(capability) != raw["classified"]:
        raise OtherCapability(f"{capability.name} is classified otherwise than it was then.")
    return Facts(
        **{name: raw[name] for name in PLAIN},
        capability=capability,
        agent=AgentRef.parse(raw["agent"]) if raw["agent"] else None,
        role=Role(raw["role"]),
        mode=Mode(raw["mode"]),
        record=raw["record"],
        changes=tuple(_change(each) for each in raw["changes"]),
        now=unstamp(raw["now"]),
        arguments=raw["arguments"],
        account=raw["account"],
        countries=tuple(raw["countries"]),
        evidence_systems=tuple(raw["evidence_systems"]),
        contract_rules={name: _rule(canonical(rule)) for name, rule in raw["contract_rules"].items()},
        precedence=tuple(WriterKind(each) for each in raw["precedence"]),
    )


def classified(capability: Capability) -> str:
    """Return a short name for everything about a capability that a verdict hangs on."""
    return _classified(
        capability.object,
        capability.effect.value,
        capability.change.value,
        capability.reversibility.value,
        capability.blast.value,
        capability.external,
        capability.if_wrong,
        capability.recipients_argument,
    )


@lru_cache(maxsize=1024)
def _classified(*parts: str | bool) -> str:
    return digest(list(parts))[:12]


def _rule_to_json(rule: FieldRule) -> Json:
    return rule.model_dump(mode="json", exclude_defaults=True)


@lru_cache(maxsize=4096)
def _rule(text: str) -> FieldRule:
    return FieldRule.model_validate(parse_json(text))


def _change(raw: Mapping[str, Any]) -> FieldChange:
    kind = WriterKind(raw["last_writer_kind"]) if raw["last_writer_kind"] else None
    at = unstamp(raw["last_written_at"]) if raw["last_written_at"] else None
    return FieldChange(raw["field"], raw["before"], raw["after"], kind, raw["last_writer"], at)
