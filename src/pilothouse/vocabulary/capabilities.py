"""What can be done to a system of record, classified before anybody may do it.

Absence means no: a capability that is not classified is irreversible, and an irreversible one needs a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pilothouse.vocabulary.values import Json


class Effect(StrEnum):
    """Whether using the capability changes anything outside Pilothouse."""

    READ = "read"
    DRAFT = "draft"
    WRITE = "write"


class Reversibility(StrEnum):
    """The answer to "can this be undone?"."""

    REVERSIBLE = "reversible"
    IRREVERSIBLE = "irreversible"


class Blast(StrEnum):
    """How far one call reaches: one record, or as many as its recipients or rows."""

    LOW = "low"
    HIGH = "high"


class ChangeKind(StrEnum):
    """What kind of change a capability makes; rules that no setting can relax hang on it (requirements X-02 … X-12)."""

    READ = "read"
    DRAFT = "draft"
    FIELD_UPDATE = "field_update"
    FLAG = "flag"
    ACTIVITY = "activity"
    CREATE = "create"
    STAGE_MOVE = "stage_move"
    CLOSE = "close"
    OWNER_FIRST = "owner_first"
    OWNER_CHANGE = "owner_change"
    OWNER_CHANGE_BULK = "owner_change_bulk"
    MERGE = "merge"
    MESSAGE = "message"
    ENROLMENT = "enrolment"
    CONTRACT = "contract"
    DELETE = "delete"
    PRICE = "price"
    VOID_OWN = "void_own"
    RESTORE = "restore"
    UNCLASSIFIED = "unclassified"


@dataclass(frozen=True, slots=True)
class Capability:
    """One thing that can be done through the gateway.

    `arguments` is a JSON Schema (object, `additionalProperties: false`). `writes_fields` names the record fields a
    call can change; None means "the names of the arguments are the fields" (an update).
    `if_wrong` answers "if this action is wrong, how do we fix it?" in one sentence; empty counts as "we cannot".
    `compensation` names the capability that undoes this one, with the before-state as its arguments.
    """

    name: str
    summary: str
    system: str
    object: str
    effect: Effect
    arguments: Mapping[str, Json]
    change: ChangeKind = ChangeKind.UNCLASSIFIED
    reversibility: Reversibility = Reversibility.IRREVERSIBLE
    blast: Blast = Blast.HIGH
    external: bool = False
    if_wrong: str = ""
    compensation: str = ""
    writes_fields: tuple[str, ...] | None = None
    recipients_argument: str = ""
    """The argument that lists the people a message goes to, if any; its length is the blast radius."""
    partner_argument: str = ""
    """The argument that names another record of the target's object which the call changes as well (a merge), if any."""

    @property
    def reversible(self) -> bool:
        """True only when classified as reversible *and* somebody wrote down how it is undone."""
        return self.reversibility is Reversibility.REVERSIBLE and bool(self.if_wrong)
