"""Logging in: passwords, one-time links, sessions.

Nothing secret is ever stored as it is: passwords by argon2, links and session identifiers by their hash. There is no
default password; the first log-in is by a one-time link. Entries in the ledger say who logged in, never with what.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import Column, Connection, Engine, Integer, Row, Table, Text, delete, insert, select, update

from pilothouse.directory.people import Directory, Person
from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
from pilothouse.vocabulary.clock import Clock, stamp, unstamp
from pilothouse.vocabulary.errors import InvalidInput, NotFound, Unauthenticated

LINK_LIFE = timedelta(hours=24)
IDLE, LONGEST = timedelta(hours=2), timedelta(hours=12)
SHORTEST_PASSWORD = 12
FREE_TRIES = 4

passwords = Table(
    "passwords",
    metadata,
    Column("person", Text, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("locked_until", Text),
)
links = Table(
    "login_links",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
)
sessions = Table(
    "sessions",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("person", Text, nullable=False, index=True),
    Column("csrf", Text, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("seen_at", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Session:
    """A log-in. `cookie` is empty once the session is read back, for it is not kept."""

    person: Person
    csrf: str
    cookie: str = ""

    def __repr__(self) -> str:
        return f"Session({self.person.id})"

    def csrf_matches(self, given: str) -> bool:
        """Compare a form's token with the session's, in constant time."""
        return hmac.compare_digest(self.csrf, given)


class Credentials:
    """Passwords, links and sessions. These tables are no projections: the ledger must not know what is in them."""

    def __init__(self, engine: Engine, ledger: Ledger, directory: Directory, clock: Clock) -> None:
        self._engine = engine
        self._writer = engine.execution_options(pilothouse_write=True)
        self._ledger, self._directory, self._clock = ledger, directory, clock
        self._hasher = PasswordHasher()
        # Unknown people are checked against this, so that they cannot be told apart by the time it takes.
        self._decoy = self._hasher.hash(secrets.token_urlsafe(16))

    def issue_link(self, person_id: str, by: str) -> str:
        """Return a one-time token with which a person sets their password; good for 24 hours."""
        person = self._directory.person(person_id)
        token = secrets.token_urlsafe(32)
        row = {"hash": _hash(token), "person": person.id, "expires_at": stamp(self._clock.now() + LINK_LIFE)}
        with self._writer.begin() as connection:
            connection.execute(insert(links), row)
        self._note("login.link_issued", by, person.id)
        return token

    def redeem_link(self, token: str, password: str) -> Session:
        """Set a password with a one-time token and log in; raises `Unauthenticated` for a used or expired one."""
        if len(password) < SHORTEST_PASSWORD:
            raise InvalidInput(
                f"the password is shorter than {SHORTEST_PASSWORD} characters.", hint="Use a longer one."
            )
        with self._writer.begin() as connection:
            row = connection.execute(select(links).where(links.c.hash == _hash(token))).first()
            if row is None or unstamp(row.expires_at) <= self._clock.now():
                raise Unauthenticated("this link was used or has expired.", hint="Ask an admin for a new one.")
            connection.execute(delete(links).where(links.c.hash == _hash(token)))
            connection.execute(delete(passwords).where(passwords.c.person == row.person))
            fresh = {"person": row.person, "hash": self._hasher.hash(password), "failures": 0, "locked_until": None}
            connection.execute(insert(passwords), fresh)
            connection.execute(delete(sessions).where(sessions.c.person == row.person))
        self._note("login.password_set", row.person, row.person)
        return self._start(self._directory.person(row.person))

    def enter_by_link(self, token: str) -> Session:
        """Log in once with a one-time token, without setting a password (the demo's door)."""
        with self._writer.begin() as connection:
            row = connection.execute(select(links).where(links.c.hash == _hash(token))).first()
            if row is None or unstamp(row.expires_at) <= self._clock.now():
                raise Unauthenticated("this link was used or has expired.", hint="Ask an admin for a new one.")
            connection.execute(delete(links).where(links.c.hash == _hash(token)))
        self._note("login.succeeded", row.person, row.person)
        return self._start(self._directory.person(row.person))

    def log_in(self, email: str, password: str) -> Session:
        """Log in; raises `Unauthenticated` with the same words whatever was wrong."""
        wrong = Unauthenticated("that address and password do not belong together.", hint="Try again.")
        person = self._directory.by_email(email)
        with self._engine.connect() as connection:
            row = self._password(connection, person)
        if row is not None and row.locked_until and unstamp(row.locked_until) > self._clock.now():
            raise Unauthenticated("too many wrong passwords.", hint=f"Try again after {row.locked_until[11:16]} UTC.")
        try:
            self._hasher.verify(row.hash if row is not None else self._decoy, password)
        except (VerifyMismatchError, InvalidHashError):
            if person is not None and row is not None:
                self._failed(person.id, row.failures + 1)
            raise wrong from None
        if person is None or row is None or not person.active:
            raise wrong
        with self._writer.begin() as connection:
            mine = passwords.c.person == person.id
            connection.execute(update(passwords).where(mine).values(failures=0, locked_until=None))
        self._note("login.succeeded", person.id, person.id)
        return self._start(person)

    def _password(self, connection: Connection, person: Person | None) -> Row[Any] | None:
        if person is None:
            return None
        return connection.execute(select(passwords).where(passwords.c.person == person.id)).first()

    def _failed(self, person: str, failures: int) -> None:
        until: datetime | None = None
        if failures > FREE_TRIES:
            until = self._clock.now() + timedelta(seconds=min(2 ** (failures - FREE_TRIES) * 5, 3600))
        values = {"failures": failures, "locked_until": stamp(until) if until else None}
        with self._writer.begin() as connection:
            connection.execute(update(passwords).where(passwords.c.person == person).values(**values))
        self._note("login.failed", SYSTEM_PERSON, person)

    def _start(self, person: Person) -> Session:
        cookie, csrf, now = secrets.token_urlsafe(32), secrets.token_urlsafe(24), stamp(self._clock.now())
        row = {"hash": _hash(cookie), "person": person.id, "csrf": csrf, "started_at": now, "seen_at": now}
        with self._writer.begin() as connection:
            connection.execute(insert(sessions), row)
        return Session(person, csrf, cookie)

    def session(self, cookie: str) -> Session | None:
        """Return the session of a cookie, None when it is unknown, idle too long, or its person is gone."""
        now = self._clock.now()
        mine = sessions.c.hash == _hash(cookie)
        with self._engine.connect() as connection:
            row = connection.execute(select(sessions).where(mine)).first()
        if row is None or unstamp(row.seen_at) + IDLE <= now or unstamp(row.started_at) + LONGEST <= now:
            return None
        try:
            person = self._directory.person(row.person)
        except NotFound:
            return None
        if not person.active:
            return None
        if unstamp(row.seen_at) + timedelta(minutes=1) <= now:
            with self._writer.begin() as connection:
                connection.execute(update(sessions).where(mine).values(seen_at=stamp(now)))
        return Session(person, row.csrf)

    def log_out(self, cookie: str) -> None:
        """End a session."""
        with self._writer.begin() as connection:
            connection.execute(delete(sessions).where(sessions.c.hash == _hash(cookie)))

    def _note(self, kind: str, by: str, person: str) -> None:
        self._ledger.append([Draft(kind, Actor(by), {"person": person}, subject=f"person/{person}")])


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
