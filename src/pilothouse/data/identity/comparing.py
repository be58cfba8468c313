"""Comparing all records of one object at once, from nothing and keeping nothing: for tests and measurements."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pilothouse.data.identity.entities import Judgement
from pilothouse.data.identity.grouping import Grouped, Named, group
from pilothouse.data.identity.index import Index
from pilothouse.data.identity.measuring import measure
from pilothouse.data.identity.weights import Correction, corrected


@dataclass(frozen=True)
class Compared(Grouped):
    """All records of an object, grouped; with the seconds that grouping alone took."""

    grouping_seconds: float = 0.0


def compare(
    object_name: str,
    refs: Sequence[str],
    rows: Iterable[Sequence[str]],
    judged: Iterable[Judgement],
    correction: Correction | None = None,
) -> Compared:
    """Group records, given as rows of the object's `FIELDS` in text; nothing is read or written elsewhere."""
    index = Index(object_name)
    try:
        index.begin()
        index.take(zip(refs, rows, strict=True))
        base = measure(index)
        index.fix(base.common)
        start = time.perf_counter()
        same, different = words_of(judged)
        found = group(index, corrected(base, correction), same, different)
    finally:
        index.close()
    seconds = time.perf_counter() - start
    # In the order in which they were given, not by name.
    given = {ref: number for number, ref in enumerate(refs)}
    place = np.array([given[ref] for ref in found.refs], dtype=np.int64)
    labels = np.empty_like(found.labels)
    labels[place] = found.labels
    pairs = replace(found.pairs, left=place[found.pairs.left], right=place[found.pairs.right])
    return Compared(refs, pairs, labels, found.needed, seconds)


def words_of(judged: Iterable[Judgement]) -> tuple[set[Named], set[Named]]:
    """Return the pairs that people called the same, and those they called different."""
    same, different = set[Named](), set[Named]()
    for each in judged:
        (same if each.same else different).add((str(each.one), str(each.other)))
    return same, different
