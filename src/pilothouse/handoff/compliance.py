"""Who may not be written to, and whether somebody answerable signed off that anything goes out at all (R-229, R-309).

An address that asked to be left alone is kept as a hash: the person can be erased, and stays suppressed.

What must never happen here: a suppression that ends by itself; a sign-off by the one whose agent uses it, or one that
still holds after the day it was given until.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Table, Text, delete, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from pilothouse.directory.people import Directory
from pilothouse.directory.roles import permissions_of
from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Draft, Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.ledger.statements import Statement, given
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
from pilothouse.vocabulary.capabilities import Capability, ChangeKind
from pilothouse.vocabulary.clock import Clock, stamp, unstamp
from pilothouse.vocabulary.errors import Forbidden, InvalidInput, NotFound
from pilothouse.vocabulary.records import RecordRef

suppressions = Table(
    "suppressions",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
)
sign_offs = Table(
    "sign_offs",
    metadata,
    Column("capability", Text, primary_key=True),
    Column("by", Text, nullable=False),
    Column("statement", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("until", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class SignOff:
    """Somebody answerable said that a capability may reach people outside. `until` is a day of the calendar, in UTC."""

    capability: str
    by: str
    statement: str
    at: datetime
    until: datetime


def leaves_the_house(capability: Capability) -> bool:
    """True for what reaches people outside, at once or by enrolling them for it."""
    return capability.external or capability.change in (ChangeKind.MESSAGE, ChangeKind.ENROLMENT)


def may_be_an_address(text: str) -> bool:
    """True for what can be written to, or suppressed: an address, or a domain written `@example.com`."""
    return "@" in text and " " not in text and len(text) <= 254


def hash_of(address: str) -> str:
    """Return the name under which an address, or a domain written `@example.com`, is suppressed."""
    return hashlib.sha256(address.strip().casefold().encode()).hexdigest()


def hashes_of(address: str) -> tuple[str, ...]:
    """Return what would suppress an address: itself, or its whole domain."""
    _, at, domain = address.rpartition("@")
    return (hash_of(address), hash_of(f"@{domain}")) if at else (hash_of(address),)


def _upsert(table: Table, key: str, entry: Entry, **values: Any) -> Callable[[Connection], None]:
    def write(connection: Connection) -> None:
        insert = sqlite_insert if connection.dialect.name == "sqlite" else postgres_insert
        row = {**values, "at": stamp(entry.at), "by": entry.actor.person}
        connection.execute(insert(table).values(row).on_conflict_do_update(index_elements=[key], set_=row))

    return write


class ComplianceProjector:
    """Follows suppressions and sign-offs."""

    name = "compliance"
    kinds = frozenset({"suppression.added", "suppression.removed", "legal.signed_off", "legal.withdrawn"})
    tables = (suppressions, sign_offs)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Bring both tables up to date, entry by entry."""
        for entry in entries:
            body = entry.body
            match entry.kind:
                case "suppression.added":
                    same = {name: body[name] for name in ("hash", "kind", "reason")}
                    _upsert(suppressions, "hash", entry, **same)(connection)
                case "suppression.removed":
                    connection.execute(delete(suppressions).where(suppressions.c.hash == body["hash"]))
                case "legal.signed_off":
                    same = {name: body[name] for name in ("capability", "statement", "until")}
                    _upsert(sign_offs, "capability", entry, **same)(connection)
                case _:
                    connection.execute(delete(sign_offs).where(sign_offs.c.capability == body["capability"]))


_SIGNED = Statement(select(sign_offs).where(sign_offs.c.capability == given("capability")))
_SUPPRESSED = Statement(select(suppressions.c.hash).where(suppressions.c.hash == given("wanted")))


def suppressed(connection: Connection, address: str) -> bool:
    """True when an address or its domain asked to be left alone."""
    return any(_SUPPRESSED.first(connection, wanted=each) is not None for each in hashes_of(address) if address)


def signed_off(connection: Connection, capability: str, now: datetime) -> SignOff | None:
    """Return the sign-off that holds for a capability, None when there is none or its day is over."""
    row = _SIGNED.first(connection, capability=capability)
    found = None if row is None else _sign_off(row)
    return found if found is not None and found.until > now else None


class Compliance:
    """Suppressions, opt-outs and sign-offs. `withdrawn` names the record of any system in which a contact opted out."""

    def __init__(
        self,
        ledger: Ledger,
        directory: Directory,
        clock: Clock,
        capabilities: Mapping[str, Capability],
        withdrawn: Callable[[RecordRef], str],
    ) -> None:
        self._ledger, self._directory, self._clock = ledger, directory, clock
        self._capabilities, self.withdrawn = capabilities, withdrawn

    def suppress(self, address: str, reason: str, by: str = SYSTEM_PERSON) -> bool:
        """Never write to an address, or to any of a domain (`@example.com`), again; False when that stands already.

        Anybody may ask for it, also from outside (`by` is then the system): it only ever makes stricter.
        """
        wanted = address.strip()
        if not may_be_an_address(wanted):
            raise InvalidInput(
                f"{address[:60]!r} is no address.", hint="Write name@example.com, or @example.com for a whole domain."
            )
        with self._ledger.reading() as connection:
            if _SUPPRESSED.first(connection, wanted=hash_of(wanted)) is not None:
                return False
        kind = "domain" if wanted.startswith("@") else "address"
        body = {"hash": hash_of(wanted), "kind": kind, "reason": reason}
        self._ledger.append([Draft("suppression.added", Actor(by), body, {"address": wanted})])
        return True

    def lift(self, address: str, reason: str, by: str) -> None:
        """Let an address be written to again; raises `NotFound`, and `InvalidInput` without a reason."""
        self._need(by, "suppress")
        if not reason.strip():
            raise InvalidInput("to lift a suppression takes a reason.", hint="Say who asked for it, and when.")
        with self._ledger.reading() as connection:
            if _SUPPRESSED.first(connection, wanted=hash_of(address)) is None:
                raise NotFound(f"{address} is not suppressed.", hint="A suppressed domain is lifted as @example.com.")
        body = {"hash": hash_of(address), "reason": reason}
        self._ledger.append([Draft("suppression.removed", Actor(by), body, {"address": address.strip()})])

    def suppressions(self) -> list[Any]:
        """Return the suppressions, newest first; addresses stand there as hashes only."""
        with self._ledger.engine.connect() as connection:
            return list(
                connection.execute(select(suppressions).order_by(suppressions.c.at.desc(), suppressions.c.hash))
            )

    def sign_off(self, capability: str, statement: str, until: datetime, by: str) -> None:
        """Record that somebody answerable reviewed a capability that reaches people outside."""
        self._need(by, "sign_off")
        known = self._capabilities.get(capability)
        if known is None or not leaves_the_house(known):
            names = sorted(name for name, each in self._capabilities.items() if leaves_the_house(each))
            raise InvalidInput(
                f"{capability!r} reaches nobody outside, so there is nothing to sign off.",
                hint=f"What does: {', '.join(names)}.",
            )
        if len(statement.split()) < 3:
            raise InvalidInput("a sign-off says what was reviewed.", hint="One sentence with the rules and the texts.")
        if until <= self._clock.now():
            raise InvalidInput(f"{until:%Y-%m-%d} is over.", hint="Name the day until which the sign-off holds.")
        body = {"capability": capability, "statement": statement, "until": stamp(until)}
        self._ledger.append([Draft("legal.signed_off", Actor(by), body, subject=f"capability/{capability}")])

    def withdraw(self, capability: str, reason: str, by: str) -> None:
        """Take a sign-off back; nothing goes out by this capability from then on. Raises `NotFound`."""
        self._need(by, "sign_off")
        if self.signed(capability) is None:
            raise NotFound(f"nobody signed off {capability}.", hint="`pilothouse compliance status` shows what stands.")
        body = {"capability": capability, "reason": reason}
        self._ledger.append([Draft("legal.withdrawn", Actor(by), body, subject=f"capability/{capability}")])

    def signed(self, capability: str) -> SignOff | None:
        """Return the sign-off that holds for a capability now, None when there is none or its day is over."""
        with self._ledger.reading() as connection:
            return signed_off(connection, capability, self._clock.now())

    def sign_offs(self) -> list[SignOff]:
        """Return every sign-off that was not withdrawn, by capability; one may be over."""
        return read_sign_offs(self._ledger)

    def outward(self) -> list[str]:
        """Return the capabilities that need a sign-off."""
        return sorted(name for name, each in self._capabilities.items() if leaves_the_house(each))

    def is_suppressed(self, address: str) -> bool:
        """True when an address or its domain asked to be left alone."""
        with self._ledger.reading() as connection:
            return suppressed(connection, address)

    def _need(self, person: str, verb: str) -> None:
        found = self._directory.person(person)
        if not found.active or verb not in permissions_of(found.role).may:
            raise Forbidden(f"{found.name} ({found.role}) may not do this.", hint="Ask legal or an admin.")


def read_sign_offs(ledger: Ledger) -> list[SignOff]:
    """Return every sign-off that was not withdrawn, by capability; one may be over."""
    with ledger.engine.connect() as connection:
        return [_sign_off(row) for row in connection.execute(select(sign_offs).order_by(sign_offs.c.capability))]


def _sign_off(row: Any) -> SignOff:
    return SignOff(row.capability, row.by, row.statement, unstamp(row.at), unstamp(row.until))
