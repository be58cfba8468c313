"""Counting log-in attempts by address, so that passwords cannot be guessed.

An attempt is counted before its password is looked at, and addresses nobody has are counted like all others: neither
many guesses at once nor the lock itself tell a guesser anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, Integer, Table, Text, delete, select, text, update

from pilothouse.directory.secret_text import hashed
from pilothouse.ledger.database import metadata
from pilothouse.vocabulary.clock import stamp, unstamp

FREE_TRIES = 4
FIRST_LOCK, LONGEST_LOCK = timedelta(seconds=10), timedelta(hours=1)
FORGOTTEN_AFTER = timedelta(hours=24)

login_attempts = Table(
    "login_attempts",
    metadata,
    Column("account", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("locked_until", Text),
    Column("last_at", Text, nullable=False, index=True),
)
FIRST = text(
    "INSERT INTO login_attempts (account, failures, last_at) VALUES (:account, 0, :now) ON CONFLICT (account) DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt: refused outright while locked; otherwise counted, with the lock that holds if it fails."""

    refused: bool
    failures: int
    locked_until: datetime | None


def account_of(email: str) -> str:
    """Return the key of an address; the address itself is not kept."""
    return hashed("account " + email.strip().casefold())


def count_attempt(connection: Connection, account: str, now: datetime) -> Attempt:
    """Count an attempt in a write transaction; of many at once each sees the ones before it."""
    connection.execute(delete(login_attempts).where(login_attempts.c.last_at < stamp(now - FORGOTTEN_AFTER)))
    connection.execute(FIRST, {"account": account, "now": stamp(now)})
    mine = login_attempts.c.account == account
    row = connection.execute(select(login_attempts).where(mine).with_for_update()).one()
    if row.locked_until and unstamp(row.locked_until) > now:
        return Attempt(True, row.failures, unstamp(row.locked_until))
    failures = row.failures + 1
    until = lock_until(failures, now)
    values = {"failures": failures, "locked_until": stamp(until) if until else None, "last_at": stamp(now)}
    connection.execute(update(login_attempts).where(mine).values(**values))
    return Attempt(False, failures, until)


def lock_until(failures: int, now: datetime) -> datetime | None:
    """Return the end of the lock after so many failures: none for the first four, then 10 s, 20 s, 40 s … one hour."""
    over = failures - FREE_TRIES
    if over <= 0:
        return None
    return now + min(FIRST_LOCK * 2 ** min(over - 1, 20), LONGEST_LOCK)


def forget_attempts(connection: Connection, account: str) -> None:
    """Start counting anew after a success."""
    connection.execute(delete(login_attempts).where(login_attempts.c.account == account))
