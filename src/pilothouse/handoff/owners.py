"""Who may decide a review: by role, by being the one asked, and never somebody who stands behind a tier 3 proposal."""

from __future__ import annotations

from pilothouse.directory.people import Person
from pilothouse.directory.roles import permissions_of
from pilothouse.vocabulary.actors import Role
from pilothouse.vocabulary.verdicts import Tier

STRICT = (Tier.T3, Tier.TX)
BY_PREFERENCE = (Role.REVIEWER, Role.REVOPS, Role.ADMIN)


def may_decide(person: Person, *, owner: str, tier: Tier, barred: frozenset[str]) -> str:
    """Return the empty string when a person may decide a review, else the sentence that says why not."""
    if not person.active:
        return f"{person.name} is no longer active."
    if tier in STRICT and person.id in barred:
        return f"{person.name} stands behind this proposal and cannot approve it; somebody else must."
    may = permissions_of(person.role).may
    if "review" in may or ("review_own" in may and owner == person.id and tier not in STRICT):
        return ""
    return f"{person.name} ({person.role}) may not decide this review."
