"""Empty fields that other sources of the company know.

confidence = match strength × agreement × freshness

Which value is proposed is the golden record's choice. Match strength is the resolution's, or how sure a provider was that
was asked about the record. Agreement is the share of sources that tell the same value, spelling aside, squared when they
contradict each other. Freshness falls from 1 by .05 for each year of the value's age, to .8 at the least.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from pilothouse.agents.hygiene.proposing import seen, update
from pilothouse.data.golden.record import GoldenValue
from pilothouse.data.store import Record
from pilothouse.data.view import DataView, Match
from pilothouse.vocabulary.findings import Finding
from pilothouse.vocabulary.records import RecordRef, is_empty

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
            matches = {match.record.ref: match for match in view.counterparts(record)} if empty else {}
            known = view.golden(record.ref) if matches else None
            for name in empty if known is not None else ():
                chosen = known.fields.get(name) if known is not None else None
                match = _by(chosen, matches) if chosen is not None else None
                if chosen is not None and match is not None:
                    yield _fill(record, chosen, match, view)


def _by(chosen: GoldenValue, matches: Mapping[RecordRef, Match]) -> Match | None:
    """Return the match that the value rests on: its source's, or that of one that says the same."""
    telling = (chosen.source, *chosen.agreeing)
    return next((matches[each.ref] for each in telling if each.ref in matches), None)


def _fill(record: Record, chosen: GoldenValue, match: Match, view: DataView) -> Finding:
    name, value = chosen.field, chosen.value
    told = [found for each in (chosen.source, *chosen.agreeing) if (found := view.record(each.ref)) is not None]
    confidence = sureness(match, len(told), len(told) + len(chosen.losing), chosen.source.value.at, view.as_of)
    systems = sorted({each.ref.system for each in told})
    verb = "say" if len(systems) > 1 else "says"
    sentence = f"{name} is empty; {' and '.join(systems)} {verb} {value!r} ({match.because})."
    if chosen.losing:
        others = sorted({str(each.value.value) for each in chosen.losing})
        sentence += f" Other sources say {', '.join(others)}."
    evidence = [seen(record, name, f"{name} is empty in {record.ref.system}")]
    evidence += [seen(each, name, f"{each.ref.system}: {match.because}") for each in told]
    proposal = update(record, name, value, intent=sentence, confidence=confidence, evidence=evidence)
    return Finding("fill_empty", record.ref, sentence, name, proposal)


def sureness(match: Match, telling: int, of: int, at: datetime, as_of: datetime) -> float:
    """Return how sure a value is that `telling` of so many sources tell, the one that counts at `at`."""
    agreement = 1.0 if telling == of else (telling / of) ** 2
    years = max(0.0, (as_of - at).days / DAYS_IN_YEAR)
    return match.strength * agreement * max(0.8, 1 - 0.05 * years)
