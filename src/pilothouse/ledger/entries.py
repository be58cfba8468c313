"""What is appended (a draft) and what then stands in the ledger (an entry), and the text that is hashed."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from pilothouse.vocabulary.actors import Actor, AgentRef
from pilothouse.vocabulary.clock import new_id, stamp, unstamp
from pilothouse.vocabulary.values import JsonObject, canonical


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry to be. `private` is the personal payload, erasable by `data_subject`; `action` and `subject` index it."""

    kind: str
    actor: Actor
    body: JsonObject
    private: JsonObject | None = None
    data_subject: str = ""
    action: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it stands. `private` is None when there is none, and also after erasure; `private_digest` remains."""

    position: int
    id: str
    kind: str
    at: datetime
    actor: Actor
    action: str
    subject: str
    body: dict[str, Any]
    private: dict[str, Any] | None = None
    private_digest: str = ""

    def value(self, key: str, default: Any = None) -> Any:
        """Look a key up in the private payload, then in the body."""
        if self.private is not None and key in self.private:
            return self.private[key]
        return self.body.get(key, default)

    @property
    def erased(self) -> bool:
        """True when the entry had a personal payload that is gone."""
        return bool(self.private_digest) and self.private is None


@dataclass(frozen=True, slots=True)
class Sealed:
    """A draft with everything fixed but its position: the canonical text on both sides of it, ready to be written."""

    draft: Draft
    id: str
    at: datetime
    body: str
    head: str
    tail: str
    salt: str = ""
    payload: str = ""
    private_digest: str = ""

    def line(self, position: int) -> str:
        """Return the canonical JSON line of the whole entry: this text, verbatim, is what the tree covers."""
        return f"{self.head}{position}{self.tail}"


@dataclass(slots=True)
class Row:
    """One row of the ledger's table, and of the private table where there is a payload."""

    entry: Entry
    columns: dict[str, Any]
    private: dict[str, Any] | None = field(default=None)


def seal(draft: Draft, at: datetime) -> Sealed:
    """Fix identifier, time, salt and payload of a draft; raises `TypeError` for what JSON cannot hold."""
    ident, salt, payload, private_digest = new_id("ent"), "", "", ""
    if draft.private is not None:
        salt, payload = secrets.token_hex(16), canonical(draft.private)
        private_digest = salted(salt, payload)
    body, (agent, kind, person) = canonical(draft.body), _quoted(draft.actor, draft.kind)
    action = canonical(draft.action) if draft.action else '""'
    # Keys in order, as `canonical` would write the whole, so that under the write lock only the position is filled in.
    head = f'{{"action":{action},"agent":{agent},"at":"{stamp(at)}","body":{body},"id":"{ident}","kind":{kind},"person":{person},"position":'
    tail = f',"private_digest":"{private_digest}","subject":{canonical(draft.subject)}}}'
    return Sealed(draft, ident, at, body, head, tail, salt, payload, private_digest)


@lru_cache(maxsize=1000)
def _quoted(actor: Actor, kind: str) -> tuple[str, str, str]:
    return canonical(str(actor.agent or "")), canonical(kind), canonical(actor.person)


def salted(salt: str, payload: str) -> str:
    """Return the digest that joins a private payload to its entry; without the salt nothing can be guessed from it."""
    return hashlib.sha256(f"{salt}\n{payload}".encode()).hexdigest()


def leaf_hash(line: str) -> bytes:
    """Return the Merkle leaf hash of an entry's line (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x00" + line.encode()).digest()


def row_of(sealed: Sealed, position: int) -> Row:
    """Return what is written for a sealed draft at its position, with the entry that it then is."""
    line, draft = sealed.line(position), sealed.draft
    columns: dict[str, Any] = {
        "position": position,
        "line": line,
        "leaf": leaf_hash(line),
        "kind": draft.kind,
        "at": stamp(sealed.at),
        "agent": str(draft.actor.agent or ""),
        "person": draft.actor.person,
        "action": draft.action,
        "subject": draft.subject,
    }
    private = None
    if sealed.payload:
        subject = draft.data_subject or draft.subject
        private = {"position": position, "data_subject": subject, "salt": sealed.salt, "payload": sealed.payload}
    return Row(_entry(sealed, position), columns, private)


def _entry(sealed: Sealed, position: int) -> Entry:
    """Return what `entry_of` returns for the line: a projector sees at once exactly what a rebuild will see."""
    draft, agent = sealed.draft, sealed.draft.actor.agent
    return Entry(
        position=position,
        id=sealed.id,
        kind=draft.kind,
        at=sealed.at.astimezone(UTC),
        actor=Actor(draft.actor.person, AgentRef.parse(str(agent))) if agent else draft.actor,
        action=draft.action,
        subject=draft.subject,
        body=orjson.loads(sealed.body),
        private=orjson.loads(sealed.payload) if sealed.payload else None,
        private_digest=sealed.private_digest,
    )


def entry_of(line: str, payload: str | None) -> Entry:
    """Read an entry back from its line and, where it still exists, its private payload."""
    raw: dict[str, Any] = orjson.loads(line)
    agent = AgentRef.parse(raw["agent"]) if raw["agent"] else None
    return Entry(
        position=raw["position"],
        id=raw["id"],
        kind=raw["kind"],
        at=unstamp(raw["at"]),
        actor=Actor(raw["person"], agent),
        action=raw["action"],
        subject=raw["subject"],
        body=raw["body"],
        private=orjson.loads(payload) if payload is not None else None,
        private_digest=raw["private_digest"],
    )
