"""Finding the same company or person in another source, by what is certain: address, domain, normalised name.

Shared free-mail domains identify nobody, and two different countries speak against a match by name.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import tldextract

from pilothouse.data.store import Record

LEGAL_FORMS = frozenset(
    [
        "ab",
        "ag",
        "as",
        "asa",
        "bv",
        "co",
        "company",
        "corp",
        "corporation",
        "gmbh",
        "holding",
        "inc",
        "incorporated",
        "kg",
        "kk",
        "limited",
        "llc",
        "llp",
        "lp",
        "ltd",
        "mbh",
        "nv",
        "oy",
        "oyj",
        "plc",
        "pte",
        "pty",
        "pvt",
        "sa",
        "sarl",
        "sas",
        "se",
        "spa",
        "srl",
        "ug",
    ]
)
FREE_MAIL = frozenset(
    [
        "aol.com",
        "gmail.com",
        "gmx.de",
        "gmx.net",
        "googlemail.com",
        "hotmail.com",
        "icloud.com",
        "live.com",
        "mail.com",
        "outlook.com",
        "proton.me",
        "protonmail.com",
        "qq.com",
        "web.de",
        "yahoo.com",
        "yandex.ru",
    ]
)
_suffixes = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)


@dataclass(frozen=True, slots=True)
class Match:
    """Another record for the same thing: what showed it, and how strongly (0 to 1)."""

    record: Record
    because: str
    strength: float


def company_key(name: str) -> str:
    """Return a company name without case, accents, punctuation and legal form: "Acme Corp. Inc." → "acme"."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode() or name
    words = re.sub(r"[^\w\s]", " ", plain.casefold().replace(".", "")).split()
    kept = [word for word in words if word not in LEGAL_FORMS]
    return " ".join(kept or words)


def domain_key(text: str) -> str:
    """Return the registrable domain of a URL, host or address; empty when there is none or it is a free mailer."""
    bare = text.strip().casefold().rpartition("@")[2]
    host = re.split(r"[/?#:]", bare.partition("://")[2] or bare)[0].strip(".")
    domain = _suffixes(host).top_domain_under_public_suffix or ".".join(host.split(".")[-2:])
    return "" if "." not in domain or domain in FREE_MAIL else domain


class Matcher:
    """An index over records of one object, built once."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._by: dict[tuple[str, str], list[Record]] = defaultdict(list)
        for record in records:
            for kind, key, _strength in _keys(record):
                self._by[(kind, key)].append(record)

    def counterparts(self, record: Record) -> list[Match]:
        """Return records of other systems for the same thing, the strongest first, each once."""
        found: dict[str, Match] = {}
        for kind, key, strength in _keys(record):
            others = [each for each in self._by.get((kind, key), ()) if each.ref.system != record.ref.system]
            for other in others:
                known = found.get(str(other.ref))
                if (known is None or known.strength < strength) and not _speaks_against(kind, record, other):
                    found[str(other.ref)] = Match(other, f"same {kind} ({key})", strength)
        return sorted(found.values(), key=lambda match: (-match.strength, str(match.record.ref)))


def _keys(record: Record) -> Sequence[tuple[str, str, float]]:
    if record.ref.object == "contact":
        email = record.text("email").casefold()
        return [("e-mail address", email, 0.97)] if "@" in email else []
    domain = domain_key(record.text("domain") or record.text("website"))
    name = company_key(record.text("name"))
    keys = [("domain", domain, 0.96)] if domain else []
    return [*keys, ("normalised name", name, 0.88)] if name else keys


def _speaks_against(kind: str, left: Record, right: Record) -> bool:
    if kind != "normalised name":
        return False
    for field in ("country", "domain"):
        one, other = left.text(field).casefold(), right.text(field).casefold()
        if one and other and one != other:
            return True
    return False
