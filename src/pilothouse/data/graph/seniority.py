"""How senior a person is, from their title."""

from __future__ import annotations

import re
from enum import IntEnum


class Seniority(IntEnum):
    """From nobody knows to the top."""

    UNKNOWN = 0
    STAFF = 1
    MANAGER = 2
    DIRECTOR = 3
    VICE_PRESIDENT = 4
    EXECUTIVE = 5

    @property
    def words(self) -> str:
        """The level as people say it."""
        return self.name.replace("_", " ").casefold()


LEVELS = (
    (Seniority.VICE_PRESIDENT, r"\b([se]?vp|vice[ -]president)\b"),
    (Seniority.EXECUTIVE, r"\b(c[a-z]{1,2}o|chief|president|founder|co-founder|owner|partner|managing director)\b"),
    (Seniority.DIRECTOR, r"\b(director|head)\b"),
    (Seniority.MANAGER, r"\b(manager|lead|supervisor|teamlead)\b"),
)


def seniority(title: str) -> Seniority:
    """Return the level of a title: the first of the levels, vice presidents first, of which it has a word."""
    if not title.strip():
        return Seniority.UNKNOWN
    found = (level for level, words in LEVELS if re.search(words, title, re.IGNORECASE))
    return next(found, Seniority.STAFF)
