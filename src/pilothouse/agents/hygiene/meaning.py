"""When two values say the same in other words: `USA` and `United States`, `+49 30 1234567` and `030 1234567`."""

from __future__ import annotations

import re

from pilothouse.data.enrichment.due import domain_of
from pilothouse.data.identity.countries import COUNTRIES
from pilothouse.vocabulary.values import Json, canonical

ESTIMATED = frozenset({"employee_count", "annual_revenue"})
NEAR = 1.25
"""How many times the smaller the greater of two estimates may be, for them to tell the same."""
LOCAL = 8
"""Digits at the end of a telephone number that tell it from others, however its country and area are written."""


def meaning(field: str, value: Json) -> str:
    """Return a text that is equal for values that say the same."""
    if not isinstance(value, str):
        return canonical(value)
    words = " ".join(value.split()).casefold()
    match field:
        case "country":
            return COUNTRIES.get(words.replace(".", ""), words)
        case "phone":
            return re.sub(r"\D", "", value)[-LOCAL:] or words
        case "website":
            return domain_of(value) or words
        case _:
            return words


def same(field: str, one: Json, other: Json) -> bool:
    """True when two values say the same; estimates do within a quarter."""
    if field in ESTIMATED and isinstance(one, int | float) and isinstance(other, int | float):
        smaller, greater = sorted((one, other))
        return smaller == greater or (smaller > 0 and greater <= NEAR * smaller)
    return meaning(field, one) == meaning(field, other)
