"""Sessions: who is logged in, by a random cookie of which only the hash is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, Table, Text, delete, insert, select, update

from pilothouse.directory.people import Person, read_person
from pilothouse.directory.secret_text import derived, hashed, new_secret, same
from pilothouse.ledger.database import metadata
from pilothouse.vocabulary.clock import stamp, unstamp
from pilothouse.vocabulary.errors import NotFound

IDLE, LONGEST = timedelta(hours=2), timedelta(hours=12)
NOTED_EVERY = timedelta(minutes=1)
CSRF = "pilothouse csrf"

login_sessions = Table(
    "login_sessions",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("person", Text, nullable=False, index=True),
    Column("started_at", Text, nullable=False, index=True),
    Column("seen_at", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Session:
    """A log-in. `cookie` is what the browser keeps; `csrf` follows from it and stands in every form."""

    person: Person
    csrf: str = field(repr=False)
    cookie: str = field(default="", repr=False)

    def csrf_matches(self, given: str) -> bool:
        """Compare a form's token with the session's, in constant time."""
        return same(self.csrf, given)


@dataclass(frozen=True, slots=True)
class Found:
    """A session read back, and whether it is time to note that it is in use."""

    session: Session
    to_be_noted: bool


def start_session(connection: Connection, person: Person, now: datetime) -> Session:
    """Begin a session under a new cookie; sessions past their longest life are swept out."""
    connection.execute(delete(login_sessions).where(login_sessions.c.started_at <= stamp(now - LONGEST)))
    cookie = new_secret()
    row = {"hash": hashed(cookie), "person": person.id, "started_at": stamp(now), "seen_at": stamp(now)}
    connection.execute(insert(login_sessions), row)
    return Session(person, derived(cookie, CSRF), cookie)


def find_session(connection: Connection, cookie: str, now: datetime) -> Found | None:
    """Return the session of a cookie; None when it is unknown, idle too long, too old, or its person is gone."""
    row = connection.execute(select(login_sessions).where(login_sessions.c.hash == hashed(cookie))).first()
    if row is None:
        return None
    seen = unstamp(row.seen_at)
    if seen + IDLE <= now or unstamp(row.started_at) + LONGEST <= now:
        return None
    try:
        person = read_person(connection, row.person)
    except NotFound:
        return None
    return Found(Session(person, derived(cookie, CSRF)), seen + NOTED_EVERY <= now) if person.active else None


def note_use(connection: Connection, cookie: str, now: datetime) -> None:
    """Keep a session that is in use from idling out."""
    mine = login_sessions.c.hash == hashed(cookie)
    connection.execute(update(login_sessions).where(mine).values(seen_at=stamp(now)))


def end_session(connection: Connection, cookie: str) -> None:
    """End one session."""
    connection.execute(delete(login_sessions).where(login_sessions.c.hash == hashed(cookie)))


def end_sessions_of(connection: Connection, person: str) -> None:
    """End every session of a person."""
    connection.execute(delete(login_sessions).where(login_sessions.c.person == person))
