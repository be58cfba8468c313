"""The objects and fields that every source is mapped to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class FieldType(StrEnum):
    """What a value must be. A reference holds a record's id, or the raw text when no record answers to it."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field: its type, whether a record is incomplete without it, whether it tells about a person.

    `to` names the object a reference points at. `categorical` marks a text field with few distinct values, in which a
    rare spelling next to a frequent one is probably a mistake.
    """

    type: FieldType = FieldType.TEXT
    required: bool = False
    personal: bool = False
    to: str = ""
    categorical: bool = False


@dataclass(frozen=True, slots=True)
class ObjectSpec:
    """One object and its fields by name."""

    name: str
    fields: Mapping[str, FieldSpec]


T = FieldType
TEXT, NUMBER, INTEGER, FLAG = FieldSpec(), FieldSpec(T.NUMBER), FieldSpec(T.INTEGER), FieldSpec(T.BOOLEAN)
DATE, MOMENT = FieldSpec(T.DATE), FieldSpec(T.DATETIME)
PERSONAL, WORD = FieldSpec(personal=True), FieldSpec(categorical=True)


def _to(name: str, *, required: bool = False) -> FieldSpec:
    return FieldSpec(T.REFERENCE, required=required, to=name)


OBJECTS: Mapping[str, ObjectSpec] = {
    spec.name: spec
    for spec in (
        ObjectSpec(
            "account",
            {
                "name": FieldSpec(required=True),
                "domain": TEXT,
                "website": TEXT,
                "industry": FieldSpec(required=True, categorical=True),
                "employee_count": INTEGER,
                "annual_revenue": NUMBER,
                "country": FieldSpec(required=True, categorical=True),
                "city": TEXT,
                "phone": TEXT,
                "address": TEXT,
                "owner": _to("user"),
                "parent": _to("account"),
                "founded_year": INTEGER,
                "is_customer": FLAG,
                "flags": TEXT,
            },
        ),
        ObjectSpec(
            "contact",
            {
                "first_name": PERSONAL,
                "last_name": PERSONAL,
                "name": PERSONAL,
                "email": FieldSpec(required=True, personal=True),
                "phone": PERSONAL,
                "title": PERSONAL,
                "account": _to("account", required=True),
                "owner": _to("user"),
                "country": WORD,
                "opted_out": FLAG,
                "consent": FLAG,
                "flags": TEXT,
            },
        ),
        ObjectSpec(
            "opportunity",
            {
                "name": TEXT,
                "account": _to("account", required=True),
                "contact": _to("contact"),
                "product": _to("product"),
                "stage": FieldSpec(required=True, categorical=True),
                "amount": NUMBER,
                "close_date": DATE,
                "created_date": DATE,
                "engaged_date": FieldSpec(T.DATE, required=True),
                "owner": _to("user", required=True),
                "probability": NUMBER,
                "is_closed": FLAG,
                "is_won": FLAG,
                "next_step": TEXT,
                "last_activity_date": DATE,
                "flags": TEXT,
            },
        ),
        ObjectSpec(
            "activity",
            {
                "kind": WORD,
                "subject": TEXT,
                "at": MOMENT,
                "account": _to("account"),
                "contact": _to("contact"),
                "opportunity": _to("opportunity"),
                "owner": _to("user"),
            },
        ),
        ObjectSpec(
            "signal",
            {
                "type": WORD,
                "at": MOMENT,
                "account": _to("account"),
                "contact": _to("contact"),
                "email": PERSONAL,
                "domain": TEXT,
                "attributes": TEXT,
            },
        ),
        ObjectSpec("user", {"name": TEXT, "email": TEXT, "manager": TEXT, "region": TEXT, "is_active": FLAG}),
        ObjectSpec("product", {"name": FieldSpec(required=True), "series": WORD, "price": NUMBER}),
        ObjectSpec(
            "message",
            {"recipients": PERSONAL, "subject": TEXT, "body": PERSONAL, "unsubscribe": PERSONAL, "status": WORD},
        ),
        ObjectSpec("quote", {"opportunity": _to("opportunity"), "amount": NUMBER, "discount": NUMBER, "status": WORD}),
    )
}


def field_spec(object_name: str, field: str) -> FieldSpec | None:
    """Return a field's specification, or None for one that is not part of the schema."""
    spec = OBJECTS.get(object_name)
    return spec.fields.get(field) if spec else None


def is_personal(object_name: str) -> bool:
    """True when an object tells about a person, or nobody has said what it holds."""
    spec = OBJECTS.get(object_name)
    return spec is None or any(each.personal for each in spec.fields.values())
