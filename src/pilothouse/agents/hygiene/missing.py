"""Records without a value that they need. Nobody can say which value is right, so the record is flagged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pilothouse.agents.hygiene.proposing import flag, seen
from pilothouse.data.schema import OBJECTS
from pilothouse.data.store import Record
from pilothouse.data.view import DataView
from pilothouse.vocabulary.findings import Finding
from pilothouse.vocabulary.records import is_empty

CHECKED = ("account", "contact", "opportunity")


def missing_required(view: DataView, as_of: datetime) -> Iterator[Finding]:
    """Flag every record that lacks a required field; one flag a record, one finding a field."""
    for object_name in CHECKED:
        required = [name for name, spec in OBJECTS[object_name].fields.items() if spec.required]
        used = [name for name in required if any(not is_empty(each.value(name)) for each in view.records(object_name))]
        for record in view.records(object_name):
            yield from _record(record, [name for name in used if is_empty(record.value(name))])


def _record(record: Record, missing: list[str]) -> Iterator[Finding]:
    if not missing:
        return
    note = f"{', '.join(missing)} missing"
    evidence = [seen(record, name, f"{name} is empty") for name in missing]
    proposal = flag(record, "missing_required", note, confidence=0.98, evidence=evidence)
    for number, name in enumerate(missing):
        sentence = f"{record.ref.object} without {name}."
        yield Finding(f"missing_{name}", record.ref, sentence, name, proposal if number == 0 else None)
