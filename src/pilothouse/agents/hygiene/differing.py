"""Values that an enrichment source contradicts: another value, told later than ours or where ours is past its age.

A newer value of ours, or one that says the same in other words, is left alone. Who wrote ours decides who has to agree;
that is the gateway's to say, the proposal only shows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from pilothouse.agents.hygiene.fill import FILLED, sureness
from pilothouse.agents.hygiene.proposing import seen, update
from pilothouse.data.freshness import freshness, said_at
from pilothouse.data.golden.record import GoldenValue, Told, same
from pilothouse.data.store import Record
from pilothouse.data.view import DataView, Match
from pilothouse.vocabulary.findings import Finding
from pilothouse.vocabulary.records import RecordRef, WriterKind, is_empty

ESTIMATED = frozenset({"employee_count", "annual_revenue"})
NEAR = 1.25
"""How many times the smaller the greater of two estimates may be, and still nobody is asked to choose."""


def values_that_differ(view: DataView, as_of: datetime) -> Iterator[Finding]:
    """Propose the other value for each one that enrichment contradicts."""
    for object_name, fields in FILLED.items():
        enriched = any(_by_enrichment(other) for other in view.everywhere(object_name))
        for record in view.records(object_name) if enriched else ():
            matches = {match.record.ref: match for match in view.counterparts(record)}
            known = view.golden(record.ref) if matches else None
            for name in fields if known is not None else ():
                value = known.fields.get(name) if known is not None else None
                if value is not None and not is_empty(record.value(name)):
                    yield from _differing(view, record, value, matches)


def _by_enrichment(record: Record) -> bool:
    return any(value.writer_kind is WriterKind.ENRICHMENT for value in record.fields.values())


def _differing(
    view: DataView, record: Record, value: GoldenValue, matches: Mapping[RecordRef, Match]
) -> Iterator[Finding]:
    ours = Told(record.ref, value.field, record.fields[value.field])
    # The strongest first, as the golden record ranks them.
    others = [each for each in (value.source, *value.agreeing, *value.losing) if each.ref in matches]
    speaking = next((each for each in others if _speaks(view, ours, each)), None)
    if speaking is not None:
        yield _finding(view, record, ours, speaking, others, matches)


def _speaks(view: DataView, ours: Told, other: Told) -> bool:
    """True when an enrichment source tells it, freshly, and later than ours or where ours is stale."""
    if other.value.writer_kind is not WriterKind.ENRICHMENT or same(ours, other) or _near(ours, other):
        return False
    schedule, field = view.definitions.survivorship.schedule, ours.field
    theirs, mine = (said_at(ours.ref.object, field, each.value, schedule) for each in (other, ours))
    if freshness(ours.ref.object, field, theirs, view.as_of, schedule).stale:
        return False
    # A copy that was repeated is no later word than another's; only its age begins anew.
    return other.value.at > ours.value.at or freshness(ours.ref.object, field, mine, view.as_of, schedule).stale


def _near(one: Told, other: Told) -> bool:
    values = one.value.value, other.value.value
    if one.field not in ESTIMATED or not all(isinstance(each, int | float) for each in values):
        return False
    smaller, greater = sorted(float(str(each)) for each in values)
    return smaller > 0 and greater <= NEAR * smaller


def _finding(
    view: DataView,
    record: Record,
    ours: Told,
    speaking: Told,
    others: Sequence[Told],
    matches: Mapping[RecordRef, Match],
) -> Finding:
    with_it = [each for each in others if same(speaking, each)]
    instead = sorted({str(each.value.value) for each in others if not same(speaking, each) and not same(ours, each)})
    name, match = ours.field, matches[speaking.ref]
    confidence = sureness(match, len(with_it), len(others), speaking.value.at, view.as_of)
    systems = sorted({each.ref.system for each in with_it})
    verb = "say" if len(systems) > 1 else "says"
    sentence = f"{name} is {ours.value.value!r} here; {' and '.join(systems)} {verb} {speaking.value.value!r} ({match.because})."
    if instead:
        sentence += f" Other sources say {', '.join(instead)}."
    evidence = [seen(record, name, f"what stands in {record.ref.system}")]
    evidence += [
        seen(matches[each.ref].record, name, f"{each.ref.system}: {matches[each.ref].because}") for each in with_it
    ]
    proposal = update(record, name, speaking.value.value, intent=sentence, confidence=confidence, evidence=evidence)
    return Finding("differs", record.ref, sentence, name, proposal)
