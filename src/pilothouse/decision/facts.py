"""Everything a decision may look at, and the same as typed variables for the conditions of policy files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pilothouse.data.contracts import PRECEDENCE, FieldRule
from pilothouse.data.schema import OBJECTS, field_spec
from pilothouse.data.typed import KNOWN, TYPE_NAMES, Value, typed
from pilothouse.directory.registered import WHOLE
from pilothouse.vocabulary.actors import AgentRef, Role
from pilothouse.vocabulary.capabilities import Capability
from pilothouse.vocabulary.records import FieldChange, WriterKind
from pilothouse.vocabulary.values import Json
from pilothouse.vocabulary.verdicts import Mode


@dataclass(frozen=True, slots=True)
class Facts:
    """One action as the decision sees it. `write_set_*` count the rolling window, this action included.

    `human_initiated` is true only when a person began this very act. `new_prospects` counts recipients who were never
    written to; `contract_related` tells that a message concerns a contract even where its words do not. Whoever gathers
    the facts must fill the former in for what goes to people (X-02).

    `evidence_age_days` is the age of the oldest value that an agent's proposal rests on (None: it names no value of
    ours), `evidence_stale` tells that one is older than it may be or is not there, `evidence_undated` counts the facts
    that name none, `evidence_systems` are those that the values it names come from.

    `share` is the percentage of a live action type's acts that may run by themselves, `drawn` where this act's record falls
    among them (0 to 99, from a hash). `held_back` is why the mode is stricter than the one the action type was promoted
    to; empty when it is not.

    `stage_forward` is true only of a move of one deal to the very next open stage, where every exit criterion of the stage
    it leaves is known to hold (X-03). `bootstrap` tells that two people let the action type run without a track record.

    `account` is the account that the record belongs to, or is, as the ledger knows it. `executives` counts the people
    changed or addressed who head their company, `countries` says where the people addressed are. `ambiguity` is what the
    proposer could not tell, `rejected` how a person rejected the like before; both are empty when there is nothing.
    """

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
    share: int = WHOLE
    drawn: int = 0
    held_back: str = ""
    stage_forward: bool = False
    bootstrap: bool = False
    human_initiated: bool = False
    new_prospects: int = 0
    contract_related: bool = False
    evidence_age_days: int | None = None
    evidence_stale: bool = False
    evidence_undated: int = 0
    evidence_systems: tuple[str, ...] = ()
    undone: str = ""
    rejected: str = ""
    ambiguity: str = ""
    account_id: str = ""
    account: Mapping[str, Json] = field(default_factory=dict[str, Json])
    executives: int = 0
    countries: tuple[str, ...] = ()
    contract_rules: Mapping[str, FieldRule] = field(default_factory=dict[str, FieldRule])
    precedence: tuple[WriterKind, ...] = PRECEDENCE
    calibrated: float | None = None
    """How often the agent is right when it is this sure, by the published calibration; None when there is none."""
    uncalibrated: bool = False
    """True when nobody knows what the agent's confidence is worth, and no two people allowed it to run regardless."""

    @property
    def sure(self) -> float:
        """What bands are applied to: the stated confidence, or what calibration makes of it where that is less (X-07)."""
        return self.confidence if self.calibrated is None else min(self.confidence, self.calibrated)

    @property
    def fills_empty(self) -> bool:
        """True when there are changes and every one fills an empty field."""
        return bool(self.changes) and all(change.fills_empty for change in self.changes)

    @property
    def overwrites_person(self) -> bool:
        """True when a value that a person wrote last would be replaced."""
        return any(not change.fills_empty and change.last_writer_kind is WriterKind.PERSON for change in self.changes)


FORWARD_MOVE = "change.stage_forward"
"""The one fact under which a rule may let a stage move run by itself (X-03)."""
Getter = Callable[[Facts], Value | None]
ALWAYS: Mapping[str, tuple[str, Getter]] = {
    "action": ("STRING", lambda facts: facts.capability.name),
    "agent": ("STRING", lambda facts: str(facts.agent or "")),
    "agent.name": ("STRING", lambda facts: facts.agent.name if facts.agent else ""),
    "person.id": ("STRING", lambda facts: facts.person),
    "person.role": ("STRING", lambda facts: facts.role.value),
    "confidence": ("DOUBLE", lambda facts: float(facts.sure)),
    "object": ("STRING", lambda facts: facts.object),
    "change.fields": ("LIST_STRING", lambda facts: [change.field for change in facts.changes]),
    "change.fills_empty": ("BOOL", lambda facts: facts.fills_empty),
    "change.overwrites_person": ("BOOL", lambda facts: facts.overwrites_person),
    FORWARD_MOVE: ("BOOL", lambda facts: facts.stage_forward),
    "write_set.records": ("INT", lambda facts: facts.write_set_records),
    "write_set.recipients": ("INT", lambda facts: facts.write_set_recipients),
    "records": ("INT", lambda facts: facts.records),
    "recipients": ("INT", lambda facts: facts.recipients),
    "external": ("BOOL", lambda facts: facts.capability.external),
    "reversible": ("BOOL", lambda facts: facts.capability.reversible),
    "initiated_by_person": ("BOOL", lambda facts: facts.human_initiated),
    "evidence.age_days": ("INT", lambda facts: facts.evidence_age_days),
    "known.evidence.age_days": ("BOOL", lambda facts: facts.evidence_age_days is not None),
    "evidence.stale": ("BOOL", lambda facts: facts.evidence_stale),
    "evidence.undated": ("INT", lambda facts: facts.evidence_undated),
    "evidence.systems": ("LIST_STRING", lambda facts: list(facts.evidence_systems)),
    "ambiguous": ("BOOL", lambda facts: bool(facts.ambiguity)),
    "account.id": ("STRING", lambda facts: facts.account_id or None),
    "known.account.id": ("BOOL", lambda facts: bool(facts.account_id)),
    "executives": ("INT", lambda facts: facts.executives),
    "recipients.countries": ("LIST_STRING", lambda facts: list(facts.countries)),
    "now": ("TIMESTAMP", lambda facts: facts.now),
}


def declared(object_names: frozenset[str]) -> dict[str, str]:
    """Return the variables, with type names, that a rule about these objects may mention.

    `record.<field>` is the value before; it is missing when empty, and a condition that mentions a missing value is
    an error, so `known.record.<field>` tells whether it is there. `new.<field>` is the value after. `account.<field>` is
    the value of the account that the record belongs to.
    """
    variables = {name: kind for name, (kind, _) in ALWAYS.items()}
    for field_name, spec in OBJECTS["account"].fields.items():
        variables[f"account.{field_name}"] = TYPE_NAMES[spec.type]
        variables[f"known.account.{field_name}"] = "BOOL"
    for name in sorted(object_names):
        for field_name, spec in OBJECTS[name].fields.items():
            kind = TYPE_NAMES[spec.type]
            variables[f"record.{field_name}"] = variables[f"new.{field_name}"] = kind
            variables[f"known.record.{field_name}"] = variables[f"known.new.{field_name}"] = "BOOL"
    return variables


def variables_of(facts: Facts, wanted: Iterable[str]) -> dict[str, Value]:
    """Return the values of the wanted variables; what is missing or of a wrong type is left out."""
    values: dict[str, Value] = {}
    for name in wanted:
        always = ALWAYS.get(name)
        value = always[1](facts) if always else _of_field(facts, name)
        if value is not None:
            values[name] = value
    return values


def _of_field(facts: Facts, name: str) -> Value | None:
    asks = name.startswith(KNOWN)
    side, _, field_name = name.removeprefix(KNOWN).partition(".")
    spec = field_spec("account" if side == "account" else facts.object, field_name)
    if spec is None:
        return None
    value = typed(_given(facts, side, field_name), spec.type)
    return value is not None if asks else value


def _given(facts: Facts, side: str, field_name: str) -> Json:
    if side == "account":
        return facts.account.get(field_name)
    if side == "record":
        return facts.record.get(field_name)
    return next((change.after for change in facts.changes if change.field == field_name), None)
