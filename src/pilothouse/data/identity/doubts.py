"""Which pairs are worth a person's look: near the line, and not all of one kind. Kept in a file that may be deleted.

The nearest to the line tell most, but a hundred pairs that look alike tell what three of them do; so of each pattern of
evidence a few come first, and both sides of the line take turns: answers that are all alike teach little.
Records that contradict each other (another country) are not asked about. The file names records and says what speaks for and against; it holds nothing about people.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from pilothouse.data.identity.entities import Doubt
from pilothouse.data.identity.index import Index
from pilothouse.data.identity.model import Model
from pilothouse.data.identity.pairs import common_columns
from pilothouse.data.identity.weights import Weights, weight_sql
from pilothouse.vocabulary.records import RecordRef

UNSURE = 25.0
"""Bits on either side of what is needed within which a pair may be asked about, after all that are nearer."""
OF_A_KIND = 3
"""Pairs with the same pattern of evidence that are asked about before others have their turn."""
KEPT = 500


def find_doubts(index: Index, weights: Weights, only: str = "", count: int = KEPT) -> list[Doubt]:
    """Return up to `count` pairs within reach of the line, the nearest first; `only` may narrow the pairs down (SQL)."""
    model = index.model
    levels = [f"gamma_{each.name}" for each in model.comparisons]
    often = [f"often_{name}" for name in common_columns(model)]
    apart = f"gamma_{model.conflict[0]}={model.conflict[1]}" if model.conflict else "false"
    over = f"(weight-{weights.needed!r})"
    query = f"""
        WITH near AS (SELECT *, {weight_sql(model, weights)} AS weight FROM pairs {only}),
        kinds AS (SELECT *, row_number() OVER (PARTITION BY {", ".join(levels)} ORDER BY abs{over}, l, r) AS nth
            FROM near WHERE abs{over}<={UNSURE} AND NOT coalesce({apart}, false)),
        named AS (SELECT kinds.*, a.ref AS one, b.ref AS other FROM kinds JOIN own a ON a.unique_id=l JOIN own b ON b.unique_id=r
            WHERE nth<={count}),
        sides AS (SELECT *, row_number() OVER (PARTITION BY {over}>=0 ORDER BY (nth-1)//{OF_A_KIND}, abs{over}, one, other) AS turn
            FROM named)
        SELECT one, other, weight, {", ".join([*levels, *often])} FROM sides ORDER BY turn, abs{over}, one, other LIMIT {count}
    """  # noqa: S608
    rows = index.connection.execute(query).fetchall()
    return [_doubt(model, weights, row) for row in rows]


def _doubt(model: Model, weights: Weights, row: Sequence[Any]) -> Doubt:
    one, other, bits, *levels = row
    reasons = tuple(_reasons(model, weights, float(bits), levels))
    return Doubt(RecordRef.parse(one), RecordRef.parse(other), float(bits), weights.needed, False, reasons)


def _reasons(model: Model, weights: Weights, bits: float, levels: Sequence[int]) -> Iterator[tuple[str, float]]:
    """Yield what speaks for and against a pair, in words with its bits, the heaviest first."""
    told: list[tuple[str, float]] = []
    for comparison, level in zip(model.comparisons, levels, strict=False):
        if level >= 0:
            told.append((comparison.levels[level].says, round(weights.bits[comparison.name][level], 1)))
    rest = bits - sum(each for _, each in told)
    told.append(("how rare matches are, and how common these values", round(rest, 1)))
    yield from sorted(told, key=lambda each: -abs(each[1]))


def keep(path: Path, found: Iterable[Doubt], gone: Collection[str] | None = None) -> None:
    """Keep doubts for people to look at, with those kept before; these without any that names a record in `gone`.

    `gone` None means all of those kept before.
    """
    stay = [] if gone is None else [e for e in read(path) if str(e.one) not in gone and str(e.other) not in gone]
    made = {(str(each.one), str(each.other)): each for each in chain(found, stay)}
    ordered = list(made.values())[:KEPT]
    rows = [{**asdict(each), "one": str(each.one), "other": str(each.other)} for each in ordered]
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_bytes(orjson.dumps(rows))
    fresh.replace(path)


def read(path: Path) -> list[Doubt]:
    """Return the doubts that were kept, none when there is no file."""
    try:
        rows: list[dict[str, Any]] = orjson.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return []
    return [
        Doubt(
            RecordRef.parse(row["one"]),
            RecordRef.parse(row["other"]),
            row["bits"],
            row["needed"],
            row["together"],
            tuple((says, bits) for says, bits in row["reasons"]),
        )
        for row in rows
    ]
