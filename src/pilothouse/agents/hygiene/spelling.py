"""Values that are probably another value misspelt, or the same value in another spelling.

A value is compared with words in common use and with the frequent values of the same field. What differs only in case
or white space is the same value (.95). Otherwise, with s the similarity (rapidfuzz, 0 to 1; below .84 nothing is
proposed), confidence is s − .05 against a word in common use, and s − .10 against a value that merely stands here ten
times as often.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from rapidfuzz import fuzz, process

from pilothouse.agents.hygiene.proposing import seen, update
from pilothouse.agents.hygiene.words import KNOWN
from pilothouse.data.schema import OBJECTS
from pilothouse.data.view import DataView
from pilothouse.vocabulary.actions import Evidence
from pilothouse.vocabulary.findings import Finding

ALIKE = 84
OFTENER = 10
SHORTEST = 4
CHECKED = ("account", "contact", "opportunity")
LEFT_ALONE = frozenset({"stage"})  # Stages have an action type and definitions of their own.


def misspelt_values(view: DataView, as_of: datetime) -> Iterator[Finding]:
    """Propose the likely value for each suspicious one."""
    for object_name in CHECKED:
        for field, spec in OBJECTS[object_name].fields.items():
            if spec.categorical and field not in LEFT_ALONE:
                yield from _field(view, object_name, field)


def _field(view: DataView, object_name: str, field: str) -> Iterator[Finding]:
    counts = view.frequencies(object_name, field)
    meant = {value: found for value in counts if (found := likely_meant(value, field, counts)) is not None}
    if not meant:
        return
    for record in view.records(object_name):
        value = record.text(field)
        if value not in meant:
            continue
        better, confidence, because = meant[value]
        sentence = f"{field} {value!r} is probably {better!r}: {because}."
        evidence = [
            seen(record, field, f"{value!r} stands here"),
            Evidence(because, field=field, value=better),
        ]
        proposal = update(record, field, better, intent=sentence, confidence=confidence, evidence=evidence)
        yield Finding("misspelt", record.ref, sentence, field, proposal)


def likely_meant(value: str, field: str, counts: Counter[str]) -> tuple[str, float, str] | None:
    """Return the value that was probably meant, the confidence and the reason; None when it looks right."""
    words = KNOWN.get(field, frozenset[str]())
    if value in words or len(value) < SHORTEST:
        return None
    plain = " ".join(value.split()).casefold()
    for other in sorted(counts, key=lambda each: (-counts[each], each)):
        if other != value and " ".join(other.split()).casefold() == plain and counts[other] > counts[value]:
            return other, 0.95, f"the same word stands {counts[other]} times in this spelling"
    lower = {word.casefold(): word for word in words}
    if plain in lower:
        return None if counts[value] > 1 else (lower[plain], 0.95, "it differs from the common spelling in case only")
    near = process.extractOne(plain, lower.keys(), scorer=fuzz.ratio, score_cutoff=ALIKE)
    if near is not None:
        return (
            lower[near[0]],
            near[1] / 100 - 0.05,
            f"{lower[near[0]]!r} is a word in common use, {near[1]:.0f} % alike",
        )
    often = [each for each in counts if counts[each] >= OFTENER * counts[value]]
    near = process.extractOne(value, often, scorer=fuzz.ratio, score_cutoff=ALIKE)
    if near is not None:
        return near[0], near[1] / 100 - 0.10, f"{near[0]!r} stands {counts[near[0]]} times, {near[1]:.0f} % alike"
    return None
