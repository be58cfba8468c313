"""Logging in: passwords, one-time links, sessions.

Nothing secret is stored as it is: passwords by argon2, links and cookies by their hash. There is no default password;
the first log-in is by a one-time link. Entries in the ledger say who logged in, never with what. A person who is not
known, is inactive or has no password is answered like a wrong password, in the same words and after the same work.
"""

from __future__ import annotations

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Column, Connection, Engine, Table, Text, delete, insert, select

from pilothouse.directory.attempts import Attempt, account_of, count_attempt, forget_attempts
from pilothouse.directory.links import make_link, person_of_link, use_link
from pilothouse.directory.people import Directory, Person, need_manager, read_person
from pilothouse.directory.secret_text import as_bytes
from pilothouse.directory.sessions import (
    Session,
    end_session,
    end_sessions_of,
    find_session,
    note_use,
    start_session,
)
from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Guard, Ledger
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
from pilothouse.vocabulary.clock import Clock, stamp
from pilothouse.vocabulary.errors import Forbidden, InvalidInput, Unauthenticated
from pilothouse.vocabulary.values import JsonObject

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256

passwords = Table(
    "login_passwords",
    metadata,
    Column("person", Text, primary_key=True),
    Column("hash", Text, nullable=False),
)
HASHER = PasswordHasher()


class Credentials:
    """Passwords, links and sessions. These tables are no projections: the ledger must not know what is in them."""

    def __init__(self, engine: Engine, ledger: Ledger, directory: Directory, clock: Clock) -> None:
        self._engine = engine
        self._writer = engine.execution_options(pilothouse_write=True)
        self._ledger, self._directory, self._clock = ledger, directory, clock

    def issue_link(self, person_id: str, by: str) -> str:
        """Return a one-time token with which a person sets their password; earlier ones stop working.

        Good for 24 hours until there is a password, for 15 minutes afterwards. Only who manages people may issue one,
        or the system, on the machine itself. Raises `Forbidden` or `NotFound`.
        """

        def allowed(connection: Connection) -> None:
            need_manager(connection, by)
            if not read_person(connection, person_id).active:
                raise Forbidden(f"{person_id} is no longer active.", hint="Add them under another id.")

        self._note("login.link_issued", by, person_id, guard=allowed)
        with self._writer.begin() as connection:
            first = _password_hash(connection, person_id) is None
            return make_link(connection, person_id, self._clock.now(), first=first)

    def redeem_link(self, token: str, password: str) -> Session:
        """Set a password with a one-time token and log in; whoever was logged in as this person no longer is.

        Raises `Unauthenticated` for a used or expired link, `InvalidInput` for a password too short or too long.
        """
        _long_enough(password)
        with self._engine.connect() as connection:
            person_of_link(connection, token, self._clock.now())
        # Hashing takes its time on purpose, so not while the write lock is held.
        kept = HASHER.hash(as_bytes(password))
        with self._writer.begin() as connection:
            person = use_link(connection, token, self._clock.now())
            _keep_password(connection, person.id, kept)
            end_sessions_of(connection, person.id)
            forget_attempts(connection, account_of(person.email))
        self._note("login.password_set", person.id, person.id)
        return self._start(person)

    def enter_by_link(self, token: str) -> Session:
        """Log in once with a one-time token, without setting a password (the demo's door)."""
        with self._writer.begin() as connection:
            person = use_link(connection, token, self._clock.now())
        self._note("login.succeeded", person.id, person.id)
        return self._start(person)

    def log_in(self, email: str, password: str) -> Session:
        """Log in; raises `Unauthenticated`, in words that do not tell whether anybody has this address."""
        account = account_of(email)
        with self._writer.begin() as connection:
            attempt = count_attempt(connection, account, self._clock.now())
        if attempt.refused:
            raise Unauthenticated(
                "too many wrong passwords.", hint=f"Try again after {attempt.locked_until:%H:%M:%S} UTC."
            )
        person = self._directory.by_email(email)
        with self._engine.connect() as connection:
            kept = _password_hash(connection, person.id) if person is not None else None
        decoy = _decoy()  # Made for everybody, so that the first to need it is not told apart by the time it takes.
        fits = _verifies(kept or decoy, password)
        if person is None or kept is None or not fits or not person.active:
            self._failed(person, attempt)
            raise Unauthenticated("that address and password do not belong together.", hint="Try again.")
        with self._writer.begin() as connection:
            forget_attempts(connection, account)
        if HASHER.check_needs_rehash(kept):
            self._rehash(person.id, password)
        self._note("login.succeeded", person.id, person.id)
        return self._start(person)

    def session(self, cookie: str) -> Session | None:
        """Return the session of a cookie; None when it is unknown, idle too long, too old, or its person is gone."""
        now = self._clock.now()
        with self._engine.connect() as connection:
            found = find_session(connection, cookie, now)
        if found is None:
            return None
        if found.to_be_noted:
            with self._writer.begin() as connection:
                note_use(connection, cookie, now)
        return found.session

    def log_out(self, cookie: str) -> None:
        """End a session."""
        with self._writer.begin() as connection:
            end_session(connection, cookie)

    def _failed(self, person: Person | None, attempt: Attempt) -> None:
        known = person.id if person is not None else ""
        lock = {"locked_until": stamp(attempt.locked_until)} if attempt.locked_until else {}
        self._note("login.failed", SYSTEM_PERSON, known, {"failures": attempt.failures, **lock})

    def _rehash(self, person: str, password: str) -> None:
        kept = HASHER.hash(as_bytes(password))
        with self._writer.begin() as connection:
            _keep_password(connection, person, kept)

    def _start(self, person: Person) -> Session:
        with self._writer.begin() as connection:
            return start_session(connection, person, self._clock.now())

    def _note(
        self, kind: str, by: str, person: str, more: JsonObject | None = None, guard: Guard | None = None
    ) -> None:
        subject = f"person/{person}" if person else "login"
        self._ledger.append([Draft(kind, Actor(by), {"person": person, **(more or {})}, subject=subject)], guard=guard)


def _password_hash(connection: Connection, person: str) -> str | None:
    return connection.execute(select(passwords.c.hash).where(passwords.c.person == person)).scalar_one_or_none()


def _keep_password(connection: Connection, person: str, kept: str) -> None:
    connection.execute(delete(passwords).where(passwords.c.person == person))
    connection.execute(insert(passwords), {"person": person, "hash": kept})


def _verifies(kept: str, password: str) -> bool:
    try:
        return HASHER.verify(kept, as_bytes(password[: LONGEST_PASSWORD + 1]))
    except (VerificationError, InvalidHashError):
        return False


@cache
def _decoy() -> str:
    """A hash that nothing fits: unknown people are checked against it, so that they take as long as known ones."""
    return HASHER.hash(secrets.token_bytes(16))


def _long_enough(password: str) -> None:
    if len(password) < SHORTEST_PASSWORD:
        raise InvalidInput(f"the password is shorter than {SHORTEST_PASSWORD} characters.", hint="Use a longer one.")
    if len(password) > LONGEST_PASSWORD:
        raise InvalidInput(f"the password is longer than {LONGEST_PASSWORD} characters.", hint="Use a shorter one.")


__all__ = ["Credentials", "Session"]
