"""Who is away and who stands in, and who answers to whom: what routing needs to know about people besides their role.

What must never happen here: an absence that somebody else wrote down without the right to; a person as their own deputy
or manager.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Table, Text, delete, insert, select

from pilothouse.directory.people import need_manager, read_person
from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Draft, Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.clock import new_id, stamp, unstamp
from pilothouse.vocabulary.errors import Forbidden, InvalidInput, NotFound

absences = Table(
    "absences",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person", Text, nullable=False, index=True),
    Column("begins", Text, nullable=False),
    Column("ends", Text, nullable=False),
    Column("deputy", Text, nullable=False),
)
managers = Table(
    "managers", metadata, Column("person", Text, primary_key=True), Column("manager", Text, nullable=False)
)


@dataclass(frozen=True, slots=True)
class Absence:
    """Somebody is away from `begins` until just before `ends`; `deputy` is empty when nobody stands in."""

    id: str
    person: str
    begins: datetime
    ends: datetime
    deputy: str


class AvailabilityProjector:
    """Follows absences and who answers to whom."""

    name = "availability"
    kinds = frozenset({"person.absent", "person.returned", "person.manager_set"})
    tables = (absences, managers)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Bring both tables up to date."""
        for entry in entries:
            body = entry.body
            if entry.kind == "person.absent":
                values = {key: body[key] for key in ("person", "begins", "ends", "deputy")}
                connection.execute(insert(absences).values(id=body["absence"], **values))
            elif entry.kind == "person.returned":
                connection.execute(delete(absences).where(absences.c.id == body["absence"]))
            else:
                connection.execute(delete(managers).where(managers.c.person == body["person"]))
                if body["manager"]:
                    connection.execute(insert(managers).values(person=body["person"], manager=body["manager"]))


class Availability:
    """Writes absences and reporting lines down, and reads them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def away(self, person: str, begins: datetime, ends: datetime, deputy: str, by: str) -> Absence:
        """Write an absence down; a person's own, or anybody's by who may manage people.

        Raises `InvalidInput`, `NotFound` for an unknown person or deputy, `Forbidden`.
        """
        if ends <= begins:
            raise InvalidInput("the absence ends before it begins.", hint="Give --until a later day than --from.")
        if deputy == person:
            raise InvalidInput(f"{person} cannot stand in for themselves.", hint="Name somebody else, or nobody.")
        absence = Absence(new_id("away"), person, begins, ends, deputy)
        body = {
            "absence": absence.id, "person": person, "begins": stamp(begins), "ends": stamp(ends), "deputy": deputy,
        }  # fmt: skip

        def check(connection: Connection) -> None:
            _own_or_manager(connection, person, by)
            if deputy and not read_person(connection, deputy).active:
                raise InvalidInput(f"{deputy} is no longer active.", hint="Name another deputy.")

        self._ledger.append([Draft("person.absent", Actor(by), body, subject=f"person/{person}")], guard=check)
        return absence

    def returned(self, absence_id: str, by: str) -> None:
        """End or strike an absence; raises `NotFound`, `Forbidden`."""
        absence = next((each for each in self.list() if each.id == absence_id), None)
        if absence is None:
            raise NotFound(f"there is no absence {absence_id!r}.", hint="`pilothouse people absences` shows them.")
        body = {"absence": absence_id, "person": absence.person}
        draft = Draft("person.returned", Actor(by), body, subject=f"person/{absence.person}")
        self._ledger.append([draft], guard=lambda connection: _own_or_manager(connection, absence.person, by))

    def set_manager(self, person: str, manager: str, by: str) -> None:
        """Say whom somebody answers to; empty for nobody. Raises `InvalidInput`, `NotFound`, `Forbidden`."""
        if person == manager:
            raise InvalidInput(f"{person} cannot be their own manager.", hint="Name somebody else.")

        def check(connection: Connection) -> None:
            need_manager(connection, by)
            for each in (person, manager) if manager else (person,):
                read_person(connection, each)

        body = {"person": person, "manager": manager}
        self._ledger.append([Draft("person.manager_set", Actor(by), body, subject=f"person/{person}")], guard=check)

    def list(self, now: datetime | None = None) -> list[Absence]:
        """Return absences, those that begin first on top; with a moment, only those not over by then."""
        with self._ledger.engine.connect() as connection:
            query = select(absences).order_by(absences.c.begins, absences.c.id)
            if now is not None:
                query = query.where(absences.c.ends > stamp(now))
            return [_absence(row) for row in connection.execute(query)]


def read_away(connection: Connection, now: datetime) -> dict[str, Absence]:
    """Return who is away now, by person; of several absences the one that ends last."""
    query = select(absences).where(absences.c.begins <= stamp(now), absences.c.ends > stamp(now))
    return {row.person: _absence(row) for row in connection.execute(query.order_by(absences.c.ends, absences.c.id))}


def read_managers(connection: Connection) -> dict[str, str]:
    """Return who answers to whom."""
    return {row.person: row.manager for row in connection.execute(select(managers))}


def _own_or_manager(connection: Connection, person: str, by: str) -> None:
    read_person(connection, person)
    if by == person:
        if not read_person(connection, by).active:
            raise Forbidden(f"{by} is no longer active.")
        return
    need_manager(connection, by)


def _absence(row: Any) -> Absence:
    return Absence(row.id, row.person, unstamp(row.begins), unstamp(row.ends), row.deputy)
