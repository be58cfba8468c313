"""Agent identity: short-lived Ed25519 tokens that name the agent and the person it acts for.

The person is the subject (`sub`), the agent the actor (`act`, RFC 8693 section 4.1). What must never happen here: a
token without a person; a token accepted after it expired or was revoked; another algorithm than Ed25519 accepted.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from sqlalchemy import Column, Connection, Table, Text, select, update

from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Draft, Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.ledger.statements import Statement, given
from pilothouse.vocabulary.actors import Actor, AgentRef
from pilothouse.vocabulary.clock import Clock, new_id, stamp, unstamp
from pilothouse.vocabulary.errors import InvalidInput, NotFound, Unauthenticated

ALGORITHM = "Ed25519"
ISSUER = "pilothouse"
LONGEST_LIFE = timedelta(hours=12)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("agent", Text, nullable=False, index=True),
    Column("person", Text, nullable=False),
    Column("issued_at", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
    Column("revoked_at", Text),
)


_REVOKED = Statement(select(tokens.c.revoked_at).where(tokens.c.id == given("token")))


class TokenProjector:
    """Keeps the table of issued tokens, without the tokens themselves."""

    name = "tokens"
    kinds = frozenset({"token.issued", "token.revoked"})
    tables = (tokens,)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Follow issue and revocation."""
        for entry in entries:
            body = entry.body
            if entry.kind == "token.issued":
                row = {key: body[key] for key in ("id", "agent", "person", "issued_at", "expires_at")}
                connection.execute(tokens.insert().values(**row, revoked_at=None))
            else:
                connection.execute(update(tokens).where(tokens.c.id == body["id"]).values(revoked_at=stamp(entry.at)))


@dataclass(frozen=True, slots=True)
class Grant:
    """What a verified token says: which agent acts for which person, until when."""

    id: str
    actor: Actor
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Issued:
    """A token as the table knows it, without the token itself."""

    id: str
    agent: str
    person: str
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


def _issued(row: Any) -> Issued:
    gone = unstamp(row.revoked_at) if row.revoked_at else None
    return Issued(row.id, row.agent, row.person, unstamp(row.issued_at), unstamp(row.expires_at), gone)


def load_or_make_key(path: Path) -> OKPKey:
    """Read the token-signing key, or make one readable by its owner only."""
    if path.exists():
        return OKPKey.import_key(path.read_bytes())
    key = OKPKey.generate_key("Ed25519")
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.as_pem(private=True))
    return key


def secret_of(key: OKPKey) -> str:
    """Return the private part of the key, from which keys for other purposes are derived."""
    return str(key.as_dict(private=True)["d"])


class Tokens:
    """Issues, verifies and revokes agent tokens."""

    def __init__(self, ledger: Ledger, clock: Clock, key: OKPKey) -> None:
        self._ledger, self._clock, self._key = ledger, clock, key
        self._verified: dict[str, Grant] = {}

    def issue(self, agent: AgentRef, person: str, by: Actor, life: timedelta = timedelta(hours=1)) -> tuple[str, Grant]:
        """Return a new token and what it grants; raises `InvalidInput` without a person or for too long a life."""
        if not person:
            raise InvalidInput("a token needs a person.", hint="Name the person the agent acts for.")
        if not timedelta(0) < life <= LONGEST_LIFE:
            raise InvalidInput(f"a token may live at most {LONGEST_LIFE}.", hint="Ask for a shorter life.")
        now = self._clock.now()
        grant = Grant(new_id("tok"), Actor(person, agent), now + life)
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "sub": person,
            "act": {"sub": str(agent)},
            "jti": grant.id,
            "iat": int(now.timestamp()),
            "exp": int(grant.expires_at.timestamp()),
        }
        token = jwt.encode({"alg": ALGORITHM}, claims, self._key, algorithms=[ALGORITHM])
        body = {
            "id": grant.id,
            "agent": str(agent),
            "person": person,
            "issued_at": stamp(now),
            "expires_at": stamp(grant.expires_at),
        }
        self._ledger.append([Draft("token.issued", by, body, subject=f"agent/{agent}")])
        return token, grant

    def verify(self, token: str) -> Grant:
        """Return what a token grants; raises `Unauthenticated` when it is forged, expired, revoked or has no person."""
        grant = self._verified.get(token) or self._decode(token)
        if grant.expires_at <= self._clock.now():
            raise Unauthenticated("the token has expired.", hint="Ask for a new one: `pilothouse token issue`.")
        with self._ledger.reading() as connection:
            need_unrevoked(connection, grant.id)
        if len(self._verified) > 10_000:
            self._verified.clear()
        self._verified[token] = grant
        return grant

    def recognise(self, token: str) -> None:
        """Raise `Unauthenticated` for a token that was never ours; one that has expired or was revoked was."""
        if token not in self._verified:
            self._decode(token)

    def _decode(self, token: str) -> Grant:
        claims: dict[str, Any]
        try:
            claims = jwt.decode(token, self._key, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError) as error:
            raise Unauthenticated(f"the token cannot be verified ({error}).", hint="Ask for a new one.") from None
        person, agent = claims.get("sub"), claims.get("act", {}).get("sub", "")
        if claims.get("iss") != ISSUER or not person or not agent:
            raise Unauthenticated("the token names no person or no agent.", hint="Ask for a new one.")
        expires = datetime.fromtimestamp(int(claims.get("exp", 0)), UTC)
        return Grant(str(claims["jti"]), Actor(str(person), AgentRef.parse(str(agent))), expires)

    def get(self, token_id: str) -> Issued:
        """Return a token that was issued here, by its id; raises `NotFound`."""
        with self._ledger.engine.connect() as connection:
            row = connection.execute(select(tokens).where(tokens.c.id == token_id)).first()
        if row is None:
            raise NotFound(
                f"no token {token_id!r} was issued here.", hint="The agent's page lists those that are good."
            )
        return _issued(row)

    def good(self, agent: AgentRef) -> list[Issued]:
        """Return an agent's tokens that are neither revoked nor expired, the newest first."""
        query = select(tokens).where(
            tokens.c.agent == str(agent), tokens.c.revoked_at.is_(None), tokens.c.expires_at > stamp(self._clock.now())
        )
        with self._ledger.engine.connect() as connection:
            return [_issued(row) for row in connection.execute(query.order_by(tokens.c.issued_at.desc()))]

    def revoke(self, token_id: str, by: Actor, reason: str) -> int:
        """Make a token useless at once; returns the entry's position, raises `NotFound`."""
        self.get(token_id)
        return self._ledger.append([Draft("token.revoked", by, {"id": token_id, "reason": reason})])[0].position


def need_unrevoked(connection: Connection, token_id: str) -> None:
    """Return when a token stands, as this transaction sees it; raises `Unauthenticated` otherwise."""
    row = _REVOKED.first(connection, token=token_id)
    if row is None or row.revoked_at is not None:
        raise Unauthenticated("the token is revoked or was not issued here.", hint="Ask for a new one.")
