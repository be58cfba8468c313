"""One-time links: how somebody gets in before they have a password, or when they lost it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, Table, Text, delete, insert, select

from pilothouse.directory.people import Person, read_person
from pilothouse.directory.secret_text import hashed, new_secret
from pilothouse.ledger.database import metadata
from pilothouse.vocabulary.clock import stamp, unstamp
from pilothouse.vocabulary.errors import Unauthenticated

FIRST_LIFE, LIFE = timedelta(hours=24), timedelta(minutes=15)
"""A first link may travel by mail; one that replaces a password is used at once."""

login_links = Table(
    "login_links",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("person", Text, nullable=False, index=True),
    Column("expires_at", Text, nullable=False),
)


def make_link(connection: Connection, person: str, now: datetime, *, first: bool) -> str:
    """Return a new token; earlier ones of this person, and whatever has expired, stop working."""
    token = new_secret()
    gone = (login_links.c.person == person) | (login_links.c.expires_at <= stamp(now))
    connection.execute(delete(login_links).where(gone))
    until = now + (FIRST_LIFE if first else LIFE)
    row = {"hash": hashed(token), "person": person, "expires_at": stamp(until)}
    connection.execute(insert(login_links), row)
    return token


def person_of_link(connection: Connection, token: str, now: datetime) -> Person:
    """Return whose link this is, without using it; raises `Unauthenticated` for one that is of no use."""
    row = connection.execute(select(login_links).where(login_links.c.hash == hashed(token))).first()
    if row is None or unstamp(row.expires_at) <= now:
        raise _useless()
    person = read_person(connection, row.person)
    if not person.active:
        raise _useless()
    return person


def use_link(connection: Connection, token: str, now: datetime) -> Person:
    """Use a link up and return whose it was. Of two who come at once, one finds it gone."""
    person = person_of_link(connection, token, now)
    if connection.execute(delete(login_links).where(login_links.c.hash == hashed(token))).rowcount != 1:
        raise _useless()
    return person


def _useless() -> Unauthenticated:
    return Unauthenticated("this link was used or has expired.", hint="Ask an admin for a new one.")
