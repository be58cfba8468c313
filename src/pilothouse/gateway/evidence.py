"""How old is what a proposal rests on? By the ledger's dates, never by the proposer's.

What must never happen here: evidence that names a value which is not there, or another than it says, taken for fresh.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pilothouse.data.freshness import Schedule, freshness, said_at
from pilothouse.data.golden.agreement import agree
from pilothouse.data.store import DataStore
from pilothouse.vocabulary.actions import Evidence
from pilothouse.vocabulary.records import FieldValue, RecordRef, is_empty


@dataclass(frozen=True, slots=True)
class EvidenceAge:
    """The evidence of one proposal in terms of age.

    `age_days` is the age of the oldest fact that names a value of ours, None when none does; facts that say the same
    are as young as the youngest of them. `stale` is true when a fact is older than its field's values may be, or names a
    value that the ledger does not hold. `undated` counts the facts that name no record and field at all.
    """

    age_days: int | None = None
    stale: bool = False
    undated: int = 0


@dataclass(frozen=True, slots=True)
class _Dated:
    object: str
    field: str
    value: FieldValue


def age_of(
    evidence: Sequence[Evidence], target: RecordRef, data: DataStore, schedule: Schedule, now: datetime
) -> EvidenceAge:
    """Return how old the evidence for an act on `target` is."""
    named = [fact for fact in evidence if fact.record and fact.field]
    found = [_dated(fact, target, data) for fact in named]
    dated = [each for each in found if isinstance(each, _Dated)]
    fresh = [freshness(each.object, each.field, _confirmed(each, dated, schedule), now, schedule) for each in dated]
    return EvidenceAge(
        age_days=max((each.age_days for each in fresh), default=None),
        stale=any(each is _MISSING for each in found) or any(each.stale for each in fresh),
        undated=len(evidence) - len(named),
    )


_MISSING, _ABSENCE = object(), object()


def _dated(fact: Evidence, target: RecordRef, data: DataStore) -> _Dated | object:
    """Return the value a fact names; `_ABSENCE` when it says, and it is so, that there is none; else `_MISSING`."""
    try:
        ref = RecordRef.parse(fact.record)
    except ValueError:
        return _MISSING
    value = data.field(ref, fact.field)
    if value is not None and fact.position not in (None, value.position):
        value = next((each for each in data.history(ref, fact.field) if each.position == fact.position), value)
        if is_empty(fact.value) and is_empty(value.value):
            return _ABSENCE
        if value.position != fact.position:
            return _MISSING
    if value is None or is_empty(value.value):
        known = ref == target or data.record(ref) is not None
        return _ABSENCE if known and is_empty(fact.value) else _MISSING
    if not is_empty(fact.value) and not agree(ref.object, fact.field, value.value, fact.value):
        return _MISSING
    return _Dated(ref.object, fact.field, value)


def _confirmed(fact: _Dated, every: Sequence[_Dated], schedule: Schedule) -> datetime:
    """Return the newest date of a fact and of those that say the same."""
    return max(
        said_at(each.object, each.field, each.value, schedule)
        for each in every
        if (each.object, each.field) == (fact.object, fact.field)
        and agree(fact.object, fact.field, fact.value.value, each.value.value)
    )
