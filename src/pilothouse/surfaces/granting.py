"""Revoking a token, for REST and console alike."""

from __future__ import annotations

from pilothouse.assembly import App
from pilothouse.directory.people import Person
from pilothouse.surfaces.auth import require
from pilothouse.vocabulary.actors import Actor


def revoke_token(pilothouse: App, token: str, person: Person, reason: str) -> int:
    """Revoke a token that acts for this person, or any for who may suspend agents; returns the entry's position."""
    if pilothouse.gateway.door.tokens.get(token).person != person.id:
        require(person, "suspend")
    return pilothouse.gateway.door.tokens.revoke(token, Actor(person.id), reason)
