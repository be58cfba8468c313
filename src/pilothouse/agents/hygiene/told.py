"""What other sources tell about a field, and how sure that is.

    confidence = match strength × agreement × freshness

Match strength says how surely it is the same company: what resolution worked out, or how sure a provider was that was
asked about it. Agreement is the share of sources that tell the same value, squared when they contradict each other.
Freshness falls from 1 by .05 for each year of the value's age, to .8 at the least.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pilothouse.agents.hygiene.meaning import meaning
from pilothouse.data.store import Record
from pilothouse.data.view import Match
from pilothouse.vocabulary.records import is_empty
from pilothouse.vocabulary.values import Json

FIELDS = {
    "account": ("industry", "employee_count", "annual_revenue", "country", "city", "phone", "website", "founded_year"),
    "contact": ("phone", "title", "country"),
}
DAYS_IN_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class Told:
    """The value that most sources tell, those that tell it, how sure it is, and what others tell instead."""

    value: Json
    by: Sequence[Match]
    confidence: float
    instead: tuple[str, ...]

    @property
    def systems(self) -> str:
        """The sources' names, for a sentence."""
        names = sorted({match.record.ref.system for match in self.by})
        return f"{' and '.join(names)} {'say' if len(names) > 1 else 'says'}"


def told_of(name: str, matches: Sequence[Match], as_of: datetime) -> Told | None:
    """Return what other records of the same company tell about a field, None when none of them does."""
    groups: dict[str, list[Match]] = defaultdict(list)
    for match in matches:
        if not is_empty(match.record.value(name)):
            groups[meaning(name, match.record.value(name))].append(match)
    if not groups:
        return None
    best = max(groups.values(), key=lambda group: (len(group), max(match.strength for match in group)))
    share = len(best) / sum(map(len, groups.values()))
    agreement = 1.0 if len(groups) == 1 else share**2
    confidence = best[0].strength * agreement * _freshness(best[0].record, name, as_of)
    instead = sorted(str(group[0].record.value(name)) for group in groups.values() if group is not best)
    return Told(best[0].record.value(name), best, confidence, tuple(instead))


def _freshness(record: Record, name: str, as_of: datetime) -> float:
    years = max(0.0, (as_of - record.fields[name].at).days / DAYS_IN_YEAR)
    return max(0.8, 1 - 0.05 * years)
