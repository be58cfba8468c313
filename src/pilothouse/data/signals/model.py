"""One signal, as it was told: who it is about, what happened, when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from pilothouse.data.identity.features import FREE_MAIL
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.values import Json, digest

EMAIL, DOMAIN, ENTITY = "email:", "domain:", "entity/"
_FREE = frozenset(FREE_MAIL)


class About(NamedTuple):
    """Whom a signal is about: records (`system/object/id`), an entity's identifier, an address, a domain; at least one."""

    account: str = ""
    contact: str = ""
    entity: str = ""
    email: str = ""
    domain: str = ""

    @property
    def nobody(self) -> bool:
        """True when nothing is told by which somebody could be found."""
        return not (self.account or self.contact or self.entity or self.email) and self.domain in _FREE

    @property
    def handles(self) -> tuple[str, ...]:
        """What it is found by. Records and entities that were named count alone; else the address and its domain do."""
        named = [each for each in (self.account, self.contact) if each]
        named += [f"{ENTITY}{self.entity}"] if self.entity else []
        if self.email and not self.contact:
            named.append(f"{EMAIL}{self.email}")
        if not (self.account or self.contact or self.entity):
            host = self.domain or self.email.rpartition("@")[2]
            named += [f"{DOMAIN}{host}"] if host and host not in _FREE else []
        return tuple(named)


class Signal(NamedTuple):
    """One signal. `source` and `id` together are its identity; `extensions` is what the event carried beside."""

    source: str
    id: str
    type: str
    occurred_at: datetime
    about: About
    attributes: Mapping[str, Json]
    extensions: Mapping[str, Json]

    @property
    def digest(self) -> str:
        """Two signals with one identity are the same exactly when this is."""
        return digest([self.type, stamp(self.occurred_at), *self.about, self.attributes, self.extensions])
