"""What each role may do. One plain table; absence means no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from pilothouse.vocabulary.actors import Role
from pilothouse.vocabulary.values import Json

if TYPE_CHECKING:
    from pilothouse.directory.people import Person

Fields: TypeAlias = frozenset[str] | Literal["*"]


@dataclass(frozen=True, slots=True)
class Permissions:
    """Readable and writable fields by object ("*" stands for every object or field), and the acts a role may do."""

    read: Mapping[str, Fields] = field(default_factory=dict[str, Fields])
    write: Mapping[str, Fields] = field(default_factory=dict[str, Fields])
    own_records_only: bool = False
    may: frozenset[str] = frozenset()


ALL: Mapping[str, Fields] = {"*": "*"}
STAFF = frozenset(
    {
        "review",
        "promote",
        "suspend",
        "rollback",
        "read_ledger",
        "issue_token",
        "enrich",
        "send_signals",
        "propose_policy",
        "calibrate",
        "register",
    }
)
FOR_REVOPS, FOR_ENGINEERING = "promote_for_revops", "promote_for_engineering"
"""A promotion takes one person of each (X-18)."""
PERMISSIONS: Mapping[Role, Permissions] = {
    # An admin runs the installation, its connectors and keys, and so counts as engineering.
    Role.ADMIN: Permissions(
        ALL, ALL, may=STAFF | {"manage_people", "erase", "sign_off", "suppress", "manage_sources", FOR_ENGINEERING}
    ),
    Role.REVOPS: Permissions(ALL, ALL, may=STAFF | {"suppress", "approve_policy", FOR_REVOPS}),
    Role.ENGINEERING: Permissions(
        ALL, {}, may=frozenset({"read_ledger", "promote", "register", "suspend", "manage_sources", FOR_ENGINEERING})
    ),
    Role.REVIEWER: Permissions(ALL, ALL, may=frozenset({"review", "read_ledger"})),
    Role.REP: Permissions(
        ALL,
        {"account": "*", "contact": "*", "opportunity": "*", "activity": "*", "message": "*", "quote": "*"},
        own_records_only=True,
        may=frozenset({"review_own"}),
    ),
    Role.AUDITOR: Permissions(ALL, {}, may=frozenset({"read_ledger"})),
    Role.LEGAL: Permissions(ALL, {}, may=frozenset({"read_ledger", "sign_off", "suppress"})),
}


def permissions_of(role: Role) -> Permissions:
    """Return what a role may do."""
    return PERMISSIONS[role]


def may_see(person: Person, fields: Mapping[str, Json]) -> bool:
    """True when a record is within a person's reach: any record, or for own-records roles those they own.

    A record is somebody's own when its owner is their id, address or name, or when nobody owns it and it lies in their
    territory. A record with neither belongs to no rep.
    """
    if not permissions_of(person.role).own_records_only:
        return True
    owner = _text(fields.get("owner"))
    if owner:
        return owner in {_text(person.id), _text(person.email), _text(person.name)}
    territory = _text(person.territory)
    return bool(territory) and _text(fields.get("territory")) == territory


def _text(value: Json) -> str:
    return "" if value is None else str(value).strip().casefold()
