"""One signal, as it was told: who it is about, what happened, when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from pilothouse.data.identity.features import FREE_MAIL
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
    def handles(self) -> list[str]:
        """What it is found by, beside an address. Records and entities that were named count alone; else its domain does."""
        account, contact, entity, email, domain = self
        named = [each for each in (account, contact) if each]
        if entity:
            named.append(f"{ENTITY}{entity}")
        if not named:
            host = domain or email.rpartition("@")[2]
            return [f"{DOMAIN}{host}"] if host and host not in _FREE else []
        return named


class Signal(NamedTuple):
    """One signal. `source` and `id` together are its identity; `stamp` is `occurred_at` as text, `extensions` what the
    event carried beside."""

    source: str
    id: str
    type: str
    occurred_at: datetime
    stamp: str
    about: About
    attributes: Mapping[str, Json]
    extensions: Mapping[str, Json]

    @property
    def digest(self) -> str:
        """Two signals with one identity are the same exactly when this is."""
        return digest([self.type, self.stamp, *self.about, self.attributes, self.extensions])
