"""Sources that send webhooks: their secrets, and the signatures made with them (Standard Webhooks 1.0).

A signature is `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, with the secret's bytes as key. Secrets lie in
the state folder, readable by its owner only, never in the database nor under git. While a secret is rotated, both the
old and the new one are good.

What must never happen here: a signature taken that is older than the tolerance, or compared in telling time.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.errors import Conflict, InvalidInput, NotFound, Unauthenticated

TOLERANCE = timedelta(minutes=5)
PREFIX, BYTES = "whsec_", 32
MOST_SECRETS = 2
NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


class Sources:
    """Knows the sources and their secrets. `secrets` are kept newest first."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self._folder, self._ledger = folder, ledger

    def add(self, name: str, by: str) -> str:
        """Add a source and return its secret; raises `InvalidInput` for a bad name, `Conflict` for a known one."""
        if not NAME.fullmatch(name):
            raise InvalidInput(
                f"{name!r} is no name for a source.", hint="Use lower-case letters, digits and -, at most 40."
            )
        if self._path(name).exists():
            raise Conflict(
                f"there is a source {name!r} already.", hint="`pilothouse sources rotate` makes a new secret."
            )
        return self._renew(name, [], "source.added", by)

    def rotate(self, name: str, by: str) -> str:
        """Make a new secret and return it; the one before stays good until `retire`, an older one goes."""
        return self._renew(name, self.secrets(name)[: MOST_SECRETS - 1], "source.rotated", by)

    def retire(self, name: str, by: str) -> int:
        """Let only the newest secret be good; returns how many went."""
        kept = self.secrets(name)
        self._write(name, kept[:1])
        self._ledger.append([Draft("source.retired", Actor(by), {"source": name}, subject=f"source/{name}")])
        return len(kept) - 1

    def names(self) -> list[str]:
        """Return the names of all sources."""
        return sorted(path.stem for path in self._folder.glob("*.json"))

    def secrets(self, name: str) -> list[str]:
        """Return a source's secrets, newest first; raises `NotFound`."""
        path = self._path(name)
        if not NAME.fullmatch(name) or not path.exists():
            raise NotFound(f"there is no source {name!r}.", hint="`pilothouse sources add` makes one.")
        return [str(each) for each in orjson.loads(path.read_bytes())["secrets"]]

    def verify(self, name: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
        """Return the webhook's id; raises `Unauthenticated` unless one of the source's secrets signed it just now."""
        ident, at, given = (headers.get(f"webhook-{each}", "") for each in ("id", "timestamp", "signature"))
        try:
            known = self.secrets(name)
        except NotFound:
            known = []  # A stranger is told no more than somebody with a wrong secret.
        if not ident or len(ident) > 200 or not at.isascii() or not at.isdigit() or len(at) > 12:
            raise Unauthenticated("webhook-id, webhook-timestamp or webhook-signature is missing or malformed.")
        if abs(now - datetime.fromtimestamp(int(at), UTC)) > TOLERANCE:
            raise Unauthenticated(
                f"webhook-timestamp is more than {TOLERANCE} from now.", hint="Send it again, signed anew."
            )
        wanted = [sign(secret, ident, at, body) for secret in known]
        offered = [each.encode() for each in given.split(" ")[:10]]
        if not any(hmac.compare_digest(one.encode(), other) for one in wanted for other in offered):
            raise Unauthenticated("no signature fits.", hint="Sign id.timestamp.body with the source's present secret.")
        return ident

    def _renew(self, name: str, kept: list[str], kind: str, by: str) -> str:
        secret = PREFIX + base64.b64encode(secrets.token_bytes(BYTES)).decode()
        self._write(name, [secret, *kept])
        self._ledger.append([Draft(kind, Actor(by), {"source": name}, subject=f"source/{name}")])
        return secret

    def _write(self, name: str, kept: list[str]) -> None:
        self._folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        path, made = self._path(name), stamp(self._ledger.clock.now())
        draft = path.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps({"secrets": kept, "changed_at": made}))
        draft.replace(path)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def sign(secret: str, ident: str, at: str, body: bytes) -> str:
    """Return the signature `v1,…`; raises `InvalidInput` for text that is no secret."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise InvalidInput("this is no webhook secret.", hint=f"It begins with {PREFIX}.") from None
    content = f"{ident}.{at}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
