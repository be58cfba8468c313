"""Everything that can be done to the twin, classified one by one. Copy this table first when you add a connector."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from pilothouse.vocabulary.capabilities import Blast, Capability, ChangeKind, Effect, Reversibility
from pilothouse.vocabulary.values import Json

K = ChangeKind
TEXT: Json = {"type": ["string", "null"], "maxLength": 4000}
NUMBER: Json = {"type": ["number", "null"]}
WHOLE: Json = {"type": ["integer", "null"]}
FLAG: Json = {"type": ["boolean", "null"]}
DATE: Json = {"type": ["string", "null"], "pattern": r"^\d{4}-\d{2}-\d{2}$"}
NAMED: Json = {"type": "string", "minLength": 1, "maxLength": 400}

UNMERGE = "crm.record.unmerge"

Setter = Callable[[Mapping[str, Json]], Mapping[str, Json]]
SETS: dict[str, Setter] = {}
CAPABILITIES: list[Capability] = []


def _schema(properties: Mapping[str, Json], *required: str) -> Mapping[str, Json]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "minProperties": 1,
        "additionalProperties": False,
    }


def _offer(name: str, summary: str, sets: Setter, arguments: Mapping[str, Json], **classified: Any) -> None:
    object_name = classified.pop("object", name.split(".")[1])
    effect = classified.pop("effect", Effect.WRITE)
    CAPABILITIES.append(Capability(name, summary, "crm", object_name, effect, arguments, **classified))
    SETS[name] = sets


def _as_given(arguments: Mapping[str, Json]) -> Mapping[str, Json]:
    return arguments


UNDOABLE: dict[str, Any] = {
    "reversibility": Reversibility.REVERSIBLE,
    "blast": Blast.LOW,
    "if_wrong": "Set the fields back to their recorded values.",
    "compensation": "crm.record.restore",
}
UPDATES: Mapping[str, Mapping[str, Json]] = {
    "account": {
        "name": TEXT, "domain": TEXT, "website": TEXT, "industry": TEXT, "employee_count": WHOLE,
        "annual_revenue": NUMBER, "country": TEXT, "city": TEXT, "phone": TEXT, "address": TEXT, "parent": TEXT,
        "founded_year": WHOLE,
    },
    "contact": {
        "first_name": TEXT, "last_name": TEXT, "name": TEXT, "email": TEXT, "phone": TEXT, "title": TEXT,
        "account": TEXT, "country": TEXT,
    },
    "opportunity": {
        "name": TEXT, "account": TEXT, "contact": TEXT, "product": TEXT, "close_date": DATE, "created_date": DATE,
        "engaged_date": DATE, "next_step": TEXT, "last_activity_date": DATE,
    },
}  # fmt: skip
for _object, _fields in UPDATES.items():
    _offer(
        f"crm.{_object}.update",
        f"Set fields of one {_object}.",
        _as_given,
        _schema(_fields),
        change=K.FIELD_UPDATE,
        **UNDOABLE,
    )

_offer(
    "crm.record.flag",
    "Mark a record with a data-quality flag that people see.",
    lambda given: {"flags": f"{given['code']}: {given['note']}"},
    _schema({"code": NAMED, "note": {"type": "string", "maxLength": 1000}}, "code", "note"),
    object="*",
    change=K.FLAG,
    writes_fields=("flags",),
    **UNDOABLE,
)
_offer(
    "crm.record.restore",
    "Set fields back to values they had before.",
    lambda given: cast("Mapping[str, Json]", given["fields"]),
    _schema({"fields": {"type": "object", "minProperties": 1}}, "fields"),
    object="*",
    change=K.RESTORE,
    **UNDOABLE,
)
_offer(
    "crm.opportunity.stage",
    "Move a deal from one stage to another.",
    _as_given,
    _schema({"stage": NAMED}, "stage"),
    change=K.STAGE_MOVE,
    **UNDOABLE,
)
_offer(
    "crm.opportunity.close",
    "Close a deal as won or lost.",
    _as_given,
    _schema({"stage": NAMED, "is_closed": FLAG, "is_won": FLAG, "close_date": DATE}, "stage", "is_won"),
    change=K.CLOSE,
    blast=Blast.LOW,
    if_wrong="The stage can be set back, but quotas, commissions and customers may already have heard of it.",
)
_offer(
    "crm.opportunity.amount",
    "Change the value of a deal.",
    _as_given,
    _schema({"amount": NUMBER}, "amount"),
    change=K.FIELD_UPDATE,
    **{**UNDOABLE, "blast": Blast.HIGH},
)
_offer(
    "crm.account.assign",
    "Give an account without owner its first owner.",
    _as_given,
    _schema({"owner": NAMED}, "owner"),
    change=K.OWNER_FIRST,
    **UNDOABLE,
)
_offer(
    "crm.contact.reassign",
    "Give one lead or contact another owner.",
    _as_given,
    _schema({"owner": NAMED}, "owner"),
    change=K.OWNER_CHANGE,
    **UNDOABLE,
)
_offer(
    "crm.account.reassign",
    "Give an account another owner.",
    _as_given,
    _schema({"owner": NAMED}, "owner"),
    change=K.OWNER_CHANGE_BULK,
    **{**UNDOABLE, "blast": Blast.HIGH},
)
_offer(
    "crm.activity.log",
    "Log a call, mail or meeting.",
    _as_given,
    _schema(
        {"kind": NAMED, "subject": TEXT, "at": TEXT, "account": TEXT, "contact": TEXT, "opportunity": TEXT}, "kind"
    ),
    change=K.ACTIVITY,
    **{**UNDOABLE, "if_wrong": "Void the logged activity.", "compensation": "crm.record.void"},
)
for _object in ("account", "contact"):
    _offer(
        f"crm.{_object}.merge",
        f"Merge one {_object} into another: what refers to it leads to the other, which gets what it lacks.",
        _as_given,
        _schema({"into": NAMED}, "into"),
        change=K.MERGE,
        blast=Blast.LOW,
        writes_fields=("flags",),
        partner_argument="into",
        reversibility=Reversibility.REVERSIBLE,
        if_wrong="Take the merge apart: what it changed, and nobody changed since, is as it was before.",
        compensation=UNMERGE,
    )
_offer(
    UNMERGE,
    "Take a merge apart again, named by the action that merged.",
    _as_given,
    _schema({"merge": NAMED}, "merge"),
    object="*",
    change=K.RESTORE,
    reversibility=Reversibility.REVERSIBLE,
    blast=Blast.LOW,
    if_wrong="Merge the two records again.",
    writes_fields=("flags",),
)
_offer(
    "crm.record.void",
    "Mark a record as void, without deleting it.",
    lambda given: {"flags": f"void: {given['note']}"},
    _schema({"note": NAMED}, "note"),
    object="*",
    change=K.VOID_OWN,
    writes_fields=("flags",),
    **UNDOABLE,
)
_offer(
    "crm.record.delete",
    "Delete a record for good.",
    lambda _given: {"flags": "deleted"},
    _schema({"confirm": FLAG}, "confirm"),
    object="*",
    change=K.DELETE,
    writes_fields=(),
)
_offer(
    "crm.quote.draft",
    "Draft a quote; nobody outside sees it.",
    lambda given: {**given, "status": "draft"},
    _schema({"opportunity": NAMED, "amount": NUMBER, "discount": NUMBER}, "opportunity", "amount"),
    effect=Effect.DRAFT,
    change=K.DRAFT,
    **{**UNDOABLE, "if_wrong": "Void the draft.", "compensation": "crm.record.void"},
)
_offer(
    "crm.quote.price",
    "Change price, discount or terms of a quote.",
    _as_given,
    _schema({"amount": NUMBER, "discount": NUMBER}),
    change=K.PRICE,
)
_offer(
    "crm.message.draft",
    "Draft a message; it is not sent.",
    lambda given: {**given, "status": "draft"},
    _schema(
        {"recipients": {"type": "array", "items": NAMED, "minItems": 1}, "subject": NAMED, "body": TEXT},
        "recipients", "subject",
    ),
    effect=Effect.DRAFT,
    change=K.DRAFT,
    **{**UNDOABLE, "if_wrong": "Void the draft.", "compensation": "crm.record.void"},
)  # fmt: skip
_offer(
    "crm.message.send",
    "Send a message to people outside.",
    lambda given: {**given, "status": "sent"},
    _schema(
        {"recipients": {"type": "array", "items": NAMED, "minItems": 1}, "subject": NAMED, "body": TEXT, "unsubscribe": TEXT},
        "recipients", "subject", "body",
    ),
    change=K.MESSAGE,
    external=True,
    recipients_argument="recipients",
)  # fmt: skip
_offer(
    "crm.contact.enrol",
    "Enrol a contact in a sequence.",
    lambda given: {"sequence": given["sequence"]},
    _schema({"sequence": NAMED}, "sequence"),
    change=K.ENROLMENT,
    writes_fields=("sequence",),
    **{**UNDOABLE, "blast": Blast.HIGH, "if_wrong": "Take the contact out before the first step goes out."},
)
