"""Empty fields that other sources of the company know.

    confidence = match strength × agreement × freshness

Match strength is the matcher's (.97 same address, .96 same domain, .88 same normalised name). Agreement is the share of
sources that tell the same value, squared when they contradict each other. Freshness falls from 1 by .05 for each year
of the value's age, to .8 at the least.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from pilothouse.agents.hygiene.proposing import seen, update
from pilothouse.data.store import Record
from pilothouse.data.view import DataView, Match
from pilothouse.vocabulary.findings import Finding
from pilothouse.vocabulary.records import is_empty
from pilothouse.vocabulary.values import canonical, parse_json

FILLED = {
    "account": ("industry", "employee_count", "annual_revenue", "country", "city", "phone", "website", "founded_year"),
    "contact": ("phone", "title", "country"),
}
DAYS_IN_YEAR = 365.25


def fill_from_other_sources(view: DataView, as_of: datetime) -> Iterator[Finding]:
    """Propose a value for each empty field that a counterpart fills."""
    for object_name, fields in FILLED.items():
        for record in view.records(object_name):
            empty = [name for name in fields if is_empty(record.value(name))]
            matches = view.counterparts(record) if empty else []
            for name in empty:
                finding = _fill(record, name, matches, as_of)
                if finding is not None:
                    yield finding


def _fill(record: Record, name: str, matches: list[Match], as_of: datetime) -> Finding | None:
    told: dict[str, list[Match]] = defaultdict(list)
    for match in matches:
        value = match.record.value(name)
        if not is_empty(value):
            told[canonical(value).casefold()].append(match)
    if not told:
        return None
    sources = sum(map(len, told.values()))
    best = max(told.values(), key=lambda group: (len(group), max(match.strength for match in group)))
    share = len(best) / sources
    agreement = 1.0 if len(told) == 1 else share**2
    value = best[0].record.value(name)
    confidence = best[0].strength * agreement * _freshness(best[0].record, name, as_of)
    systems = sorted({match.record.ref.system for match in best})
    verb = "say" if len(systems) > 1 else "says"
    sentence = f"{name} is empty; {' and '.join(systems)} {verb} {value!r} ({best[0].because})."
    if len(told) > 1:
        others = sorted(str(parse_json(key)) for key in told if key != canonical(value).casefold())
        sentence += f" Other sources say {', '.join(others)}."
    evidence = [seen(record, name, f"{name} is empty in {record.ref.system}")]
    evidence += [seen(match.record, name, f"{match.record.ref.system}: {match.because}") for match in best]
    proposal = update(record, name, value, intent=sentence, confidence=confidence, evidence=evidence)
    return Finding("fill_empty", record.ref, sentence, name, proposal)


def _freshness(record: Record, name: str, as_of: datetime) -> float:
    years = max(0.0, (as_of - record.fields[name].at).days / DAYS_IN_YEAR)
    return max(0.8, 1 - 0.05 * years)
