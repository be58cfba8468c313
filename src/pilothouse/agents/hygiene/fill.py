"""Empty fields that other sources of the company know."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pilothouse.agents.hygiene.proposing import seen, update
from pilothouse.agents.hygiene.told import FIELDS, Told, told_of
from pilothouse.data.store import Record
from pilothouse.data.view import DataView
from pilothouse.vocabulary.findings import Finding
from pilothouse.vocabulary.records import is_empty


def fill_from_other_sources(view: DataView, as_of: datetime) -> Iterator[Finding]:
    """Propose a value for each empty field that a counterpart fills."""
    for object_name, fields in FIELDS.items():
        for record in view.records(object_name):
            empty = [name for name in fields if is_empty(record.value(name))]
            matches = view.counterparts(record) if empty else []
            for name in empty:
                told = told_of(name, matches, as_of)
                if told is not None:
                    yield _fill(record, name, told)


def _fill(record: Record, name: str, told: Told) -> Finding:
    sentence = f"{name} is empty; {told.systems} {told.value!r} ({told.by[0].because})."
    if told.instead:
        sentence += f" Other sources say {', '.join(told.instead)}."
    evidence = [seen(record, name, f"{name} is empty in {record.ref.system}")]
    evidence += [seen(match.record, name, f"{match.record.ref.system}: {match.because}") for match in told.by]
    proposal = update(record, name, told.value, intent=sentence, confidence=told.confidence, evidence=evidence)
    return Finding("fill_empty", record.ref, sentence, name, proposal)
