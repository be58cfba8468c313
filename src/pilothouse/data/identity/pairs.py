"""Candidate pairs: which records are worth comparing, and what each comparison says of them.

A pair is kept with the level of each comparison and how common its values are (powers of two), not with its weight: what
the levels weigh may change without comparing anything again. The pair's first record is the one whose name comes first in
order, so that nothing depends on who came first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from pilothouse.data.identity.model import ELSE, Comparison, Model
from pilothouse.data.identity.weights import Weights, weight_sql

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LOWEST_WEIGHT = -2.0
"""Bits below which a pair is of no interest."""


@dataclass(frozen=True)
class Pairs:
    """Weighed pairs: `unique_id` of both records, weight in bits with the prior, and whether they contradict."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    weight: NDArray[np.float64]
    apart: NDArray[np.bool_]


def common_columns(model: Model) -> list[str]:
    """Return the columns whose values are weighed by how common they are."""
    return [level.frequency_of for each in model.comparisons for level in each.levels if level.frequency_of]


def columns_of(model: Model) -> str:
    """Return the columns of the table of pairs, for its making."""
    levels = [f"gamma_{each.name} TINYINT" for each in model.comparisons]
    often = [f"often_{name} REAL" for name in common_columns(model)]
    return ", ".join(["l BIGINT", "r BIGINT", *levels, *often])


def compare_touched(connection: DuckDBPyConnection, model: Model, *, every: bool) -> None:
    """Compare the records in `touched` with all others anew; `every` says that this is all there are."""
    if every:
        connection.execute("DELETE FROM pairs")
    else:
        connection.execute(
            "DELETE FROM pairs WHERE l IN (SELECT unique_id FROM touched) OR r IN (SELECT unique_id FROM touched)"
        )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE candidates AS {' UNION '.join(_candidates(model, every=every))}")
    levels = ", ".join(_level(each) for each in model.comparisons)
    columns = [str(row[0]) for row in connection.execute("SELECT column_name FROM (DESCRIBE features)").fetchall()]
    sides = ", ".join(f"{side}.{name} AS {name}_{end}" for side, end in (("a", "l"), ("b", "r")) for name in columns)
    common = common_columns(model)
    often = "".join(f", coalesce(o_{name}.k, 0) AS often_{name}" for name in common)
    lookups = " ".join(
        f"LEFT JOIN often o_{name} ON o_{name}.field='{name}' AND o_{name}.value=a.{name}" for name in common
    )
    kept = "".join(f", often_{name}" for name in common)
    connection.execute(f"""
        INSERT INTO pairs SELECT unique_id_l, unique_id_r, {levels}{kept} FROM (
            SELECT {sides}{often} FROM candidates
            JOIN features a ON a.unique_id=candidates.l JOIN features b ON b.unique_id=candidates.r {lookups})
    """)  # noqa: S608
    connection.execute("DROP TABLE candidates")


def _candidates(model: Model, *, every: bool) -> Iterator[str]:
    for columns in model.blocking:
        same = " AND ".join(f"a.{name}=b.{name}" for name in columns)
        if every:
            yield f"SELECT a.unique_id AS l, b.unique_id AS r FROM own a JOIN own b ON {same} AND a.ref<b.ref"  # noqa: S608
        else:
            ends = "CASE WHEN a.ref<b.ref THEN {}.unique_id ELSE {}.unique_id END"
            touched = "(FROM own SEMI JOIN touched USING (unique_id)) a"
            named = f"{ends.format('a', 'b')} AS l, {ends.format('b', 'a')} AS r"
            yield f"SELECT {named} FROM {touched} JOIN own b ON {same} AND a.ref<>b.ref"  # noqa: S608


def _level(comparison: Comparison) -> str:
    missing = f"{comparison.column}_l IS NULL OR {comparison.column}_r IS NULL"
    cases = " ".join(
        f"WHEN {level.when} THEN {number}" for number, level in enumerate(comparison.levels) if level.when != ELSE
    )
    return f"(CASE WHEN {missing} THEN -1 {cases} ELSE {len(comparison.levels) - 1} END)::TINYINT"


def weighed(
    connection: DuckDBPyConnection, model: Model, weights: Weights, where: str = "", lowest: float = LOWEST_WEIGHT
) -> Pairs:
    """Return the pairs that are of interest, weighed; `where` may narrow them down.

    A pair that contradicts itself is always of interest: it keeps groups apart, however little it weighs.
    """
    conflict = model.conflict
    apart = f"gamma_{conflict[0]}={conflict[1]}" if conflict else "false"
    query = f"""
        SELECT l, r, weight, apart FROM (SELECT l, r, {weight_sql(model, weights)} AS weight, {apart} AS apart FROM pairs {where})
        WHERE weight>={lowest} OR apart
    """  # noqa: S608
    rows = cast("dict[str, NDArray[Any]]", cast(Any, connection.execute(query)).fetchnumpy())
    return Pairs(rows["l"], rows["r"], rows["weight"], rows["apart"])


def weigh(
    connection: DuckDBPyConnection, model: Model, weights: Weights, said: Mapping[tuple[str, str], bool]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return levels, bits over the line and answer of each pair of names that is a candidate; in an order without meaning."""
    columns = ", ".join(f"gamma_{each.name}" for each in model.comparisons)
    connection.execute("CREATE OR REPLACE TEMP TABLE said (one VARCHAR, other VARCHAR, same BOOLEAN)")
    if said:
        ones, others = zip(*(sorted(pair) for pair in said), strict=True)
        connection.execute(
            "INSERT INTO said SELECT unnest(?), unnest(?), unnest(?)", [ones, others, list(said.values())]
        )
    rows = connection.execute(f"""
        SELECT same, {weight_sql(model, weights)}, {columns} FROM said
        JOIN own a ON a.ref=said.one JOIN own b ON b.ref=said.other
        JOIN pairs ON l=a.unique_id AND r=b.unique_id ORDER BY md5(said.one||' '||said.other)
    """).fetchall()  # noqa: S608
    levels = np.array([row[2:] for row in rows], dtype=np.int64).reshape(len(rows), len(model.comparisons))
    bits = np.array([row[1] - weights.needed for row in rows], dtype=np.float64)
    return levels, bits, np.array([row[0] for row in rows], dtype=np.bool_)
