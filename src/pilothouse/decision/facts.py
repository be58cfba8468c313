"""Everything a decision may look at, and the same as typed variables for the conditions of policy files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pilothouse.data.contracts import PRECEDENCE, FieldRule
from pilothouse.data.schema import OBJECTS, FieldType
from pilothouse.vocabulary.actors import AgentRef, Role
from pilothouse.vocabulary.capabilities import Capability
from pilothouse.vocabulary.records import FieldChange, WriterKind
from pilothouse.vocabulary.values import Json
from pilothouse.vocabulary.verdicts import Mode


@dataclass(frozen=True, slots=True)
class Facts:
    """One action as the decision sees it. `write_set_*` count the rolling window, this action included."""

    capability: Capability
    agent: AgentRef | None
    person: str
    role: Role
    mode: Mode
    confidence: float
    object: str
    record: Mapping[str, Json]
    changes: tuple[FieldChange, ...]
    now: datetime
    arguments: Mapping[str, Json] = field(default_factory=dict[str, Json])
    recipients: int = 0
    records: int = 1
    write_set_records: int = 1
    write_set_recipients: int = 0
    bulk_allowance: int = 0
    human_initiated: bool = False
    contract_rules: Mapping[str, FieldRule] = field(default_factory=dict[str, FieldRule])
    precedence: tuple[WriterKind, ...] = PRECEDENCE

    @property
    def fills_empty(self) -> bool:
        """True when there are changes and every one fills an empty field."""
        return bool(self.changes) and all(change.fills_empty for change in self.changes)

    @property
    def overwrites_person(self) -> bool:
        """True when a value that a person wrote last would be replaced."""
        return any(not change.fills_empty and change.last_writer_kind is WriterKind.PERSON for change in self.changes)


TYPE_NAMES = {
    FieldType.TEXT: "STRING",
    FieldType.REFERENCE: "STRING",
    FieldType.DATE: "STRING",
    FieldType.DATETIME: "STRING",
    FieldType.NUMBER: "DOUBLE",
    FieldType.INTEGER: "INT",
    FieldType.BOOLEAN: "BOOL",
}
ALWAYS = {
    "action": "STRING",
    "agent": "STRING",
    "person.id": "STRING",
    "person.role": "STRING",
    "confidence": "DOUBLE",
    "object": "STRING",
    "change.fields": "LIST_STRING",
    "change.fills_empty": "BOOL",
    "change.overwrites_person": "BOOL",
    "write_set.records": "INT",
    "write_set.recipients": "INT",
    "recipients": "INT",
    "external": "BOOL",
    "reversible": "BOOL",
    "initiated_by_person": "BOOL",
}


def declared(object_names: frozenset[str]) -> dict[str, str]:
    """Return the variables, with type names, that a rule about these objects may mention.

    `record.<field>` is the value before; it is missing when empty, and a condition that mentions a missing value is
    an error, so `known.record.<field>` tells whether it is there. `new.<field>` is the value after.
    """
    variables = dict(ALWAYS)
    for name in sorted(object_names):
        for field_name, spec in OBJECTS[name].fields.items():
            kind = TYPE_NAMES[spec.type]
            variables[f"record.{field_name}"] = variables[f"new.{field_name}"] = kind
            variables[f"known.record.{field_name}"] = variables[f"known.new.{field_name}"] = "BOOL"
    return variables


def variables_of(facts: Facts) -> dict[str, Any]:
    """Return the values of the declared variables; what is missing or of a wrong type is left out."""
    values: dict[str, Any] = {
        "action": facts.capability.name,
        "agent": str(facts.agent or ""),
        "person.id": facts.person,
        "person.role": facts.role.value,
        "confidence": float(facts.confidence),
        "object": facts.object,
        "change.fields": [change.field for change in facts.changes],
        "change.fills_empty": facts.fills_empty,
        "change.overwrites_person": facts.overwrites_person,
        "write_set.records": facts.write_set_records,
        "write_set.recipients": facts.write_set_recipients,
        "recipients": facts.recipients,
        "external": facts.capability.external,
        "reversible": facts.capability.reversible,
        "initiated_by_person": facts.human_initiated,
    }
    spec = OBJECTS.get(facts.object)
    if spec is not None:
        after = {change.field: change.after for change in facts.changes}
        for name, field_spec in spec.fields.items():
            for prefix, source in (("record", facts.record), ("new", after)):
                value = _typed(source.get(name), field_spec.type)
                values[f"known.{prefix}.{name}"] = value is not None
                if value is not None:
                    values[f"{prefix}.{name}"] = value
    return values


def _typed(value: Json, kind: FieldType) -> Any:
    """Return a value as its declared type, None when it is empty or something else."""
    match kind:
        case FieldType.NUMBER:
            return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
        case FieldType.INTEGER:
            return value if isinstance(value, int) and not isinstance(value, bool) else None
        case FieldType.BOOLEAN:
            return value if isinstance(value, bool) else None
        case _:
            return value if isinstance(value, str) and value.strip() else None
