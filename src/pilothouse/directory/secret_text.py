"""How secrets are compared and kept: random, hashed at rest, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import secrets


def new_secret() -> str:
    """Return 256 random bits as text for a cookie or a link."""
    return secrets.token_urlsafe(32)


def hashed(secret: str) -> str:
    """Return what is stored of a random secret. A plain hash is enough: nobody can guess 256 bits."""
    return hashlib.sha256(as_bytes(secret)).hexdigest()


def derived(secret: str, purpose: str) -> str:
    """Return another secret that follows from one, so that it need not be stored."""
    return hmac.new(as_bytes(secret), purpose.encode(), hashlib.sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """Compare in constant time, whatever characters somebody sent."""
    return hmac.compare_digest(as_bytes(one), as_bytes(other))


def as_bytes(text: str) -> bytes:
    """Return bytes for any text, also for half a character, which UTF-8 alone would refuse with an exception."""
    return text.encode("utf-8", "surrogatepass")
