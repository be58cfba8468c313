"""The people Pilothouse knows, as entries and as a table drawn from them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Integer, Table, Text, insert, select, update
from sqlalchemy.exc import IntegrityError

from pilothouse.directory.roles import permissions_of
from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Draft, Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.ledger.statements import Statement, given
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor, Role
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput, NotFound

PERSON_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""No "@" in it, so that nobody can be taken for an agent (name@version)."""
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
people = Table(
    "people",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("territory", Text, nullable=False),
    Column("active", Integer, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Person:
    """A person who may log in, own records and agents, and stand behind what acts for them."""

    id: str
    name: str
    email: str
    role: Role
    territory: str = ""
    active: bool = True


class PeopleProjector:
    """Follows people being added, changed and deactivated."""

    name = "people"
    kinds = frozenset({"person.added", "person.role_changed", "person.deactivated"})
    tables = (people,)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Bring the table up to date."""
        for entry in entries:
            person = people.c.id == entry.body["id"]
            if entry.kind == "person.added":
                self._added(connection, entry)
            elif entry.kind == "person.role_changed":
                connection.execute(update(people).where(person).values(role=entry.body["role"]))
            else:
                connection.execute(update(people).where(person).values(active=0))

    def _added(self, connection: Connection, entry: Entry) -> None:
        row = {key: entry.body[key] for key in ("id", "role", "territory")}
        gone = f"erased-{entry.body['id']}"
        row |= {"name": entry.value("name", gone), "email": entry.value("email", gone), "active": 1}
        try:
            connection.execute(insert(people), row)
        except IntegrityError:
            raise Conflict(f"{row['id']} or {row['email']} is already known.", hint="Choose another id.") from None


class Directory:
    """Reads and changes the people."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def person(self, person_id: str) -> Person:
        """Return a person; raises `NotFound`."""
        with self._ledger.reading() as connection:
            return read_person(connection, person_id)

    def by_email(self, email: str) -> Person | None:
        """Return the person with this address, or None."""
        address = email.strip().casefold()
        if not address.isprintable():  # nobody has it, and a database would not even take it as a question
            return None
        with self._ledger.engine.connect() as connection:
            row = connection.execute(select(people).where(people.c.email == address)).first()
        return _person(row) if row is not None else None

    def people(self) -> list[Person]:
        """Return everybody, by id."""
        with self._ledger.engine.connect() as connection:
            return read_people(connection)

    def add(self, person: Person, by: str) -> None:
        """Add a person. The first one may be added by the system (on the machine itself); later ones by an admin.

        Raises `InvalidInput`, `Forbidden`, or `Conflict` when the id or the address is taken.
        """
        if person.id == SYSTEM_PERSON or not PERSON_ID.fullmatch(person.id):
            raise InvalidInput(
                f"{person.id!r} cannot be somebody's id.", hint="Use letters, digits, dots, dashes; not 'system'."
            )
        if not person.name.strip():
            raise InvalidInput(f"{person.id} needs a name.", hint="Give one with --name.")
        if not ADDRESS.fullmatch(person.email.strip()):
            raise InvalidInput(f"{person.email!r} is no e-mail address.", hint="Write it as in name@example.com.")
        body = {"id": person.id, "role": person.role.value, "territory": person.territory}
        private = {"name": person.name.strip(), "email": person.email.strip().casefold()}
        subject = f"person/{person.id}"
        draft = Draft("person.added", Actor(by), body, private, subject, subject=subject)
        self._ledger.append([draft], guard=lambda connection: need_manager(connection, by))

    def change_role(self, person_id: str, role: Role, by: str) -> None:
        """Give a person another role; nobody changes their own, and the last admin stays one."""
        self._change("person.role_changed", person_id, by, {"role": role.value})

    def deactivate(self, person_id: str, by: str) -> None:
        """Take every permission from a person; what acts for them stops with them. The last admin stays."""
        self._change("person.deactivated", person_id, by, {})

    def _change(self, kind: str, person_id: str, by: str, more: dict[str, str]) -> None:
        draft = Draft(kind, Actor(by), {"id": person_id, **more}, subject=f"person/{person_id}")
        self._ledger.append([draft], guard=_change_allowed(person_id, by, more.get("role", "")))


def _change_allowed(person_id: str, by: str, new_role: str) -> Callable[[Connection], None]:
    """Return the check of a change, to run under the write lock: two admins demoting each other must not both win."""

    def check(connection: Connection) -> None:
        person = read_person(connection, person_id)
        need_manager(connection, by)
        if by == person_id:
            raise Forbidden("nobody changes their own standing.", hint="Ask another admin.")
        if person.role is Role.ADMIN and new_role != Role.ADMIN and not _other_admin(connection, person_id):
            raise Conflict(f"{person_id} is the last admin.", hint="Make somebody else an admin first.")

    return check


def need_manager(connection: Connection, by: str) -> None:
    """Raise `Forbidden` unless this is somebody active who may manage people, or the system on the machine itself."""
    if by == SYSTEM_PERSON:
        return
    manager = read_person(connection, by)
    if not manager.active or "manage_people" not in permissions_of(manager.role).may:
        raise Forbidden(f"{by} may not manage people.", hint="Ask an admin.")


def _other_admin(connection: Connection, besides: str) -> bool:
    query = select(people.c.id).where(people.c.role == Role.ADMIN.value, people.c.active == 1, people.c.id != besides)
    return connection.execute(query).first() is not None


_PERSON = Statement(select(people).where(people.c.id == given("person")))


def read_person(connection: Connection, person_id: str) -> Person:
    """Read one person as they stand in this transaction; raises `NotFound`."""
    row = _PERSON.first(connection, person=person_id)
    if row is None:
        raise NotFound(f"there is no person {person_id!r}.", hint="`pilothouse people list` shows who is known.")
    return _person(row)


def read_people(connection: Connection) -> list[Person]:
    """Return everybody as they stand in this transaction, by id."""
    return [_person(row) for row in connection.execute(select(people).order_by(people.c.id))]


def _person(row: Any) -> Person:
    return Person(row.id, row.name, row.email, Role(row.role), row.territory, bool(row.active))
