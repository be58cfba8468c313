"""What is appended (a draft) and what then stands in the ledger (an entry), and the text that is hashed."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import orjson

from pilothouse.vocabulary.actors import Actor, AgentRef
from pilothouse.vocabulary.clock import new_id, stamp, unstamp
from pilothouse.vocabulary.values import Json, JsonObject, canonical


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
    """A draft with everything fixed but its position, ready to be written."""

    draft: Draft
    id: str
    at: datetime
    salt: str = ""
    payload: str = ""
    private_digest: str = ""

    def line(self, position: int) -> str:
        """Return the canonical JSON line of the whole entry: this text, verbatim, is what the tree covers."""
        draft = self.draft
        return canonical(
            {
                "position": position,
                "id": self.id,
                "kind": draft.kind,
                "at": stamp(self.at),
                "agent": str(draft.actor.agent or ""),
                "person": draft.actor.person,
                "action": draft.action,
                "subject": draft.subject,
                "body": cast(Json, draft.body),
                "private_digest": self.private_digest,
            }
        )


@dataclass(slots=True)
class Row:
    """One row of the ledger's table, and of the private table where there is a payload."""

    entry: Entry
    columns: dict[str, Any]
    private: dict[str, Any] | None = field(default=None)


def seal(draft: Draft, at: datetime) -> Sealed:
    """Fix identifier, time, salt and payload of a draft; raises `TypeError` for what JSON cannot hold."""
    if draft.private is None:
        return Sealed(draft, new_id("ent"), at)
    salt, payload = secrets.token_hex(16), canonical(draft.private)
    return Sealed(draft, new_id("ent"), at, salt, payload, salted(salt, payload))


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
    # Read back from the text, so that a projector sees at once exactly what a rebuild will see.
    return Row(entry_of(line, sealed.payload or None), columns, private)


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
