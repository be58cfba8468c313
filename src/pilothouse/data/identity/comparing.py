"""Comparing records of one object with one another: candidates, weights, groups, and what is worth a person's look.

The tables it works on live in memory and are thrown away. Kept apart from `resolver`, because what it needs takes most of
a second to load, which commands that resolve nothing should not wait for.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from pilothouse.data.identity.clusters import clusters
from pilothouse.data.identity.entities import Doubt, Judgement
from pilothouse.data.identity.features import FIELDS, account_features, contact_features, prepare
from pilothouse.data.identity.model import MODELS, Pairs, need, score
from pilothouse.vocabulary.records import RecordRef

FEATURES = {"account": account_features, "contact": contact_features}
MEMORY = "3GB"
UNSURE = 4.0
"""Bits on either side of what is needed within which a pair is worth a person's look."""


@dataclass(frozen=True)
class Compared:
    """Records with their candidate pairs and the groups they fall into."""

    refs: Sequence[str]
    pairs: Pairs
    labels: NDArray[np.int64]
    needed: float
    grouping_seconds: float = 0.0


def compare(
    object_name: str, refs: Sequence[str], rows: Iterable[Sequence[str]], judged: Iterable[Judgement]
) -> Compared:
    """Group records, given as rows of the object's `FIELDS` in text; nothing is read or written elsewhere."""
    connection = duckdb.connect()
    try:
        connection.execute(f"SET memory_limit='{MEMORY}'")
        connection.execute("SET preserve_insertion_order=false")
        prepare(connection)
        _load(connection, FIELDS[object_name], rows)
        FEATURES[object_name](connection, "told", "compared")
        pairs = score(connection, MODELS[object_name], "compared")
    finally:
        connection.close()
    index = {ref: number for number, ref in enumerate(refs)}
    same, different = _judged(judged, index)
    needed = need(len(refs))
    apart = np.zeros(len(pairs.left), dtype=np.bool_)
    conflict = MODELS[object_name].conflict
    if conflict is not None:
        apart = pairs.levels[conflict[0]] == conflict[1]
    start = time.perf_counter()
    labels = clusters(len(refs), pairs.left, pairs.right, pairs.weight, apart, needed, same, different)
    return Compared(refs, pairs, labels, needed, time.perf_counter() - start)


def _load(connection: duckdb.DuckDBPyConnection, fields: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    import pyarrow  # pyright: ignore[reportMissingTypeStubs]

    pa: Any = pyarrow

    names = ("unique_id", *fields)
    columns = ", ".join(f'"{name}" {"BIGINT" if name == "unique_id" else "VARCHAR"}' for name in names)
    connection.execute(f"CREATE TABLE told ({columns})")
    numbered = ((number, *row) for number, row in enumerate(rows))
    while part := list(islice(numbered, 50_000)):
        table = pa.table({name: list(column) for name, column in zip(names, zip(*part, strict=True), strict=True)})
        connection.register("part", table)
        connection.execute("INSERT INTO told SELECT * FROM part")
        connection.unregister("part")


def _judged(judged: Iterable[Judgement], index: Mapping[str, int]) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    same, different = set[tuple[int, int]](), set[tuple[int, int]]()
    for each in judged:
        one, other = index.get(str(each.one)), index.get(str(each.other))
        if one is not None and other is not None:
            (same if each.same else different).add((min(one, other), max(one, other)))
    return same, different


def groups_of(compared: Compared) -> list[list[str]]:
    """Return the records of each group."""
    found: dict[int, list[str]] = defaultdict(list)
    for ref, label in zip(compared.refs, compared.labels.tolist(), strict=True):
        found[label].append(ref)
    return list(found.values())


def confidences(compared: Compared, groups: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return, by record, how sure its group is: the probability of the weakest of its members' best links."""
    index = {ref: number for number, ref in enumerate(compared.refs)}
    best = np.full(len(compared.refs), -np.inf)
    inside = compared.labels[compared.pairs.left] == compared.labels[compared.pairs.right]
    for side in (compared.pairs.left, compared.pairs.right):
        np.maximum.at(best, side[inside], compared.pairs.weight[inside])
    found: dict[str, float] = {}
    for group in groups:
        bits = min((best[index[ref]] for ref in group), default=0.0) if len(group) > 1 else 30.0
        probability = 1.0 if np.isneginf(bits) else float(1 / (1 + 2.0 ** -min(bits, 30.0)))
        found |= dict.fromkeys(group, probability)
    return found


def doubts_of(compared: Compared, object_name: str, judged: Iterable[Judgement]) -> Iterator[Doubt]:
    """Yield the pairs that are nearest to the line and were not judged, the closest first."""
    pairs, known = compared.pairs, {frozenset((str(each.one), str(each.other))) for each in judged}
    distance = np.abs(pairs.weight - compared.needed)
    for index in np.argsort(distance, kind="stable"):
        if distance[index] > UNSURE:
            return
        one, other = compared.refs[int(pairs.left[index])], compared.refs[int(pairs.right[index])]
        if frozenset((one, other)) not in known:
            together = bool(compared.labels[pairs.left[index]] == compared.labels[pairs.right[index]])
            reasons = reasons_of(compared, object_name, int(index))
            bits = float(pairs.weight[index])
            yield Doubt(RecordRef.parse(one), RecordRef.parse(other), bits, compared.needed, together, reasons)


def reasons_of(compared: Compared, object_name: str, index: int) -> tuple[tuple[str, float], ...]:
    """Return what speaks for and against a pair, in words with its bits, the heaviest first."""
    told: list[tuple[str, float]] = []
    for comparison in MODELS[object_name].comparisons:
        level = int(compared.pairs.levels[comparison.name][index])
        if level >= 0:
            told.append((comparison.levels[level].says, round(compared.pairs.bits[comparison.name][level], 1)))
    rest = float(compared.pairs.weight[index]) - sum(bits for _, bits in told)
    told.append(("how rare matches are, and how common these values", round(rest, 1)))
    return tuple(sorted(told, key=lambda each: -abs(each[1])))
