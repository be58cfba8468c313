"""Values that an enrichment source contradicts: another value, told later than ours or where ours is past its age.

A newer value of ours, or one that says the same in other words, is left alone. Who wrote ours decides who has to agree;
that is the gateway's to say, the proposal only shows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pilothouse.agents.hygiene.meaning import same
from pilothouse.agents.hygiene.proposing import seen, update
from pilothouse.agents.hygiene.told import FIELDS, Told, told_of
from pilothouse.data.store import Record
from pilothouse.data.view import DataView, Match
from pilothouse.vocabulary.findings import Finding
from pilothouse.vocabulary.records import FieldValue, WriterKind, is_empty


def values_that_differ(view: DataView, as_of: datetime) -> Iterator[Finding]:
    """Propose the other value for each one that enrichment contradicts."""
    for object_name, fields in FIELDS.items():
        enriched = any(_by_enrichment(other) for other in view.everywhere(object_name))
        for record in view.records(object_name) if enriched else ():
            matches = view.counterparts(record)
            if not any(_enriched(match, name) for match in matches for name in fields):
                continue
            for name in fields:
                ours, told = record.fields.get(name), told_of(name, matches, as_of)
                if ours is None or is_empty(ours.value) or told is None or same(name, ours.value, told.value):
                    continue
                if _speaks(view, record, name, ours, told, as_of):
                    yield _differs(record, name, ours, told)


def _by_enrichment(record: Record) -> bool:
    return any(value.writer_kind is WriterKind.ENRICHMENT for value in record.fields.values())


def _enriched(match: Match, name: str) -> bool:
    value = match.record.fields.get(name)
    return value is not None and value.writer_kind is WriterKind.ENRICHMENT and not is_empty(value.value)


def _speaks(view: DataView, record: Record, name: str, ours: FieldValue, told: Told, as_of: datetime) -> bool:
    """True when an enrichment source tells it, freshly, and later than ours or where ours is stale."""
    fresh = view.definitions.schedule.freshness
    dates = [match.record.fields[name].at for match in told.by if _enriched(match, name)]
    dates = [at for at in dates if not fresh(record.ref.object, name, at, as_of).stale]
    return bool(dates) and (max(dates) > ours.at or fresh(record.ref.object, name, ours.at, as_of).stale)


def _differs(record: Record, name: str, ours: FieldValue, told: Told) -> Finding:
    sentence = f"{name} is {ours.value!r} here; {told.systems} {told.value!r} ({told.by[0].because})."
    if told.instead:
        sentence += f" Other sources say {', '.join(told.instead)}."
    evidence = [seen(record, name, f"what stands in {record.ref.system}")]
    evidence += [seen(match.record, name, f"{match.record.ref.system}: {match.because}") for match in told.by]
    proposal = update(record, name, told.value, intent=sentence, confidence=told.confidence, evidence=evidence)
    return Finding("differs", record.ref, sentence, name, proposal)
