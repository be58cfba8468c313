"""References that lead nowhere: a deal for a product, account or person that is not there.

Where an existing record has the same name but for spaces, case and punctuation, it is proposed at .93; where a name is
at least 88 % alike and no other comes close, at the similarity − .15. Otherwise the record is flagged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from rapidfuzz import fuzz, process

from pilothouse.agents.hygiene.proposing import flag, seen, update
from pilothouse.data.schema import OBJECTS, FieldType
from pilothouse.data.store import Record
from pilothouse.data.view import DataView
from pilothouse.vocabulary.actions import Evidence
from pilothouse.vocabulary.findings import Finding

CHECKED = ("opportunity", "contact", "account")
ALIKE, APART = 88, 5


def orphan_references(view: DataView, as_of: datetime) -> Iterator[Finding]:
    """Propose the right record for each orphan reference, or flag it."""
    for object_name in CHECKED:
        for field, spec in OBJECTS[object_name].fields.items():
            if spec.type is FieldType.REFERENCE:
                yield from _field(view, object_name, field, spec.to)


def _field(view: DataView, object_name: str, field: str, to: str) -> Iterator[Finding]:
    targets = view.records(to)
    if not targets:
        return  # Nobody told us what exists, so nothing can be said to be missing.
    known = {record.ref.id for record in targets}
    by_name = {_plain(record.text("name")): record for record in targets if record.text("name")}
    answers: dict[str, tuple[Record, float, str] | None] = {}
    for record in view.records(object_name):
        value = record.text(field)
        if not value or value in known:
            continue
        if value not in answers:
            answers[value] = _answer(value, by_name)
        yield _finding(record, field, to, value, answers[value])


def _answer(value: str, by_name: dict[str, Record]) -> tuple[Record, float, str] | None:
    plain = _plain(value)
    if plain in by_name:
        found = by_name[plain]
        return found, 0.93, f"the {found.ref.object} {found.text('name')!r} has the same name but for its spelling"
    near = process.extract(plain, by_name.keys(), scorer=fuzz.ratio, score_cutoff=ALIKE, limit=2)
    if not near or (len(near) == 2 and near[0][1] - near[1][1] < APART):
        return None
    found = by_name[near[0][0]]
    return (
        found,
        near[0][1] / 100 - 0.15,
        f"{found.text('name')!r} is {near[0][1]:.0f} % alike, and nothing else comes close",
    )


def _finding(record: Record, field: str, to: str, value: str, answer: tuple[Record, float, str] | None) -> Finding:
    here = seen(record, field, f"{field} {value!r} names no {to} that exists")
    if answer is None:
        note = f"{field} {value!r} leads to no {to} that exists."
        return Finding(
            "orphan", record.ref, note, field, flag(record, f"orphan_{field}", note, confidence=0.9, evidence=[here])
        )
    target, confidence, because = answer
    sentence = f"{field} {value!r} leads to no {to}; {target.ref.id!r} is probably meant: {because}."
    evidence = [here, Evidence(because, str(target.ref), "name", target.value("name"), target.fields["name"].position)]
    proposal = update(record, field, target.ref.id, intent=sentence, confidence=confidence, evidence=evidence)
    return Finding("orphan", record.ref, sentence, field, proposal)


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())
