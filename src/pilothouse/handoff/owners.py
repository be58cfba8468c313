"""Who decides: every review has a named owner who is able to decide it."""

from __future__ import annotations

from collections.abc import Mapping

from pilothouse.directory.people import Directory, Person
from pilothouse.directory.roles import may_see, permissions_of
from pilothouse.vocabulary.actors import Role
from pilothouse.vocabulary.errors import NotFound
from pilothouse.vocabulary.values import Json
from pilothouse.vocabulary.verdicts import Tier

STRICT = (Tier.T3, Tier.TX)
BY_PREFERENCE = (Role.REVIEWER, Role.REVOPS, Role.ADMIN)


def review_owner(
    directory: Directory, *, record: Mapping[str, Json], agent_owner: str, proposer: str, tier: Tier
) -> str:
    """Return the person who is asked: the record's owner for ordinary changes, else a reviewer, RevOps, an admin.

    Somebody who stands behind a tier 3 proposal is never asked about it (I10). Raises `NotFound` when nobody is left.
    """
    barred = {proposer, agent_owner} if tier in STRICT else set[str]()
    able = [each for each in directory.people() if each.active and each.id not in barred]
    owners = [each for each in able if each.role is Role.REP and may_see(each, record)]
    if owners and tier not in STRICT:
        return owners[0].id
    staff = sorted(
        (each for each in able if "review" in permissions_of(each.role).may),
        key=lambda each: (BY_PREFERENCE.index(each.role), each.id),
    )
    if not staff:
        raise NotFound(
            "nobody is left who may decide this review.", hint="Add a reviewer who does not stand behind the agent."
        )
    return staff[0].id


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
