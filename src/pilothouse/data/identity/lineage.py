"""Which identifier each group of records gets, so that an identifier means the same company for as long as there is one.

A group keeps the identifier that most of its records had; what is left of a group that was merged earlier gets back the
identifier it had then; only what never had one gets a new one. Ties go to the identifier that comes first in order, and
identifiers are made in order of time, so that the older one stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pilothouse.vocabulary.values import Json


@dataclass
class Change:
    """What becomes of one entity: who joined and left, and, when nobody stays, which entity took most of them over."""

    id: str
    joined: list[str] = field(default_factory=list[str])
    left: list[str] = field(default_factory=list[str])
    size: int = 0
    into: str = ""
    confidence: float = 1.0

    def as_json(self) -> dict[str, Json]:
        """Return the change as it stands in an entry."""
        return {
            "id": self.id,
            "joined": sorted(self.joined),
            "left": sorted(self.left),
            "size": self.size,
            "into": self.into,
            "confidence": round(self.confidence, 4),
        }


def changes(
    groups: Sequence[Sequence[str]],
    current: Mapping[str, Sequence[str]],
    former: Mapping[str, set[str]],
    new_id: Callable[[], str],
) -> tuple[list[Change], list[str]]:
    """Return what changes, and the identifier of each group.

    `groups` partition the records that were resolved; `current` are the members of the entities that hold any of them
    (records that are in no group leave); `former` the records that entities of the past had.
    """
    home = {record: entity for entity, records in current.items() for record in records}
    ids = _assigned(groups, home, former, new_id)
    changed: dict[str, Change] = {}
    now = dict(zip(ids, groups, strict=True))
    for entity, records in now.items():
        before, after = set(current.get(entity, ())), set(records)
        if before != after or entity not in current:
            changed[entity] = Change(entity, sorted(after - before), sorted(before - after), len(after))
    where = {record: entity for entity, records in now.items() for record in records}
    for entity, records in current.items():
        if entity not in now:
            heirs = Counter(where[record] for record in records if record in where)
            into = min(heirs, key=lambda heir: (-heirs[heir], heir)) if heirs else ""
            changed[entity] = Change(entity, [], sorted(records), 0, into)
    # Who leaves is told before who joins, so that a record is never of two entities.
    return sorted(changed.values(), key=lambda change: (bool(change.joined), change.id)), ids


def _assigned(
    groups: Sequence[Sequence[str]],
    home: Mapping[str, str],
    former: Mapping[str, set[str]],
    new_id: Callable[[], str],
) -> list[str]:
    given: dict[int, str] = {}
    taken: set[str] = set()
    for claims in (_claims(groups, home, former), _former_claims(groups, former)):
        for _, entity, _, index in sorted(claims):
            if index not in given and entity not in taken:
                given[index] = entity
                taken.add(entity)
    return [given.get(index) or new_id() for index in range(len(groups))]


def _claims(
    groups: Sequence[Sequence[str]], home: Mapping[str, str], former: Mapping[str, set[str]]
) -> list[tuple[int, str, bool, int]]:
    """Of two equal parts of what comes apart, the one that has another identifier to go back to leaves this one alone."""
    theirs: dict[str, set[str]] = {}
    for entity, records in former.items():
        for record in records:
            theirs.setdefault(record, set()).add(entity)
    claims: list[tuple[int, str, bool, int]] = []
    for index, records in enumerate(groups):
        counts = Counter(home[record] for record in records if record in home)
        others = {entity for record in records for entity in theirs.get(record, ())}
        claims += [(-count, entity, bool(others - {entity}), index) for entity, count in counts.items()]
    return claims


def _former_claims(groups: Sequence[Sequence[str]], former: Mapping[str, set[str]]) -> list[tuple[int, str, bool, int]]:
    where = {record: index for index, records in enumerate(groups) for record in records}
    claims: list[tuple[int, str, bool, int]] = []
    for entity, records in former.items():
        counts = Counter(where[record] for record in records if record in where)
        claims += [(-count, entity, False, index) for index, count in counts.items()]
    return claims
