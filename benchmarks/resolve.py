"""Identity resolution at the shipped default, against Splink alone on the same records; prints JSON lines for each size.

"Splink alone" is Splink with *our* features and comparisons: it learns, predicts, and groups are whatever a chain of pairs
above a match probability of .95 connects, which is how Splink clusters (made here by SciPy, which is quicker). `ratio` is
our whole time over Splink's. The second line is for 10,000 new records into the rest, compared with a full run that
measures its weights again. What the ledger and its database take is not in it. Each measurement is a process of its own, so
that `peak_gb` is its own. Sizes are arguments: `resolve.py 100000 1000000`; without any, 20,000 and 100,000.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from splink import DuckDBAPI, Linker

from pilothouse.data.identity import measuring
from pilothouse.data.identity.comparing import compare
from pilothouse.data.identity.features import ACCOUNT
from pilothouse.data.identity.grouping import group
from pilothouse.data.identity.index import Index
from pilothouse.data.identity.lineage import changes
from pilothouse.data.identity.model import ACCOUNT_MODEL
from pilothouse.testing.companies import companies

SIZES = (20_000, 100_000)
NEW = 10_000
SPLINKS_DEFAULT = float(np.log2(0.95 / 0.05))


def quality(labels: Sequence[Hashable], truth: Sequence[Hashable]) -> tuple[float, float]:
    """Return precision and recall over pairs of records."""

    def pairs(counted: Counter[Any]) -> int:
        return sum(n * (n - 1) // 2 for n in counted.values())

    both = pairs(Counter(zip(labels, truth, strict=True)))
    return both / max(1, pairs(Counter(labels))), both / max(1, pairs(Counter(truth)))


def made(size: int) -> tuple[list[tuple[str, tuple[str, ...]]], list[int]]:
    told = companies(size)
    rows = [tuple(getattr(each, name, "") for name in ACCOUNT) for each in told]
    return [(f"{number:08}", row) for number, row in enumerate(rows)], [each.truth for each in told]


def peak() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2)


def splink_alone(size: int) -> dict[str, Any]:
    rows, truth = made(size)
    start = time.perf_counter()
    index = Index("account")
    index.begin()
    index.take_features(rows)
    index.commit()
    features: Any = index.connection.sql("SELECT * FROM features").to_arrow_table()
    index.close()
    with duckdb.connect() as connection:
        connection.execute("SET memory_limit='3GB'")
        connection.register("told", features)
        connection.execute("CREATE TABLE compared AS SELECT * FROM told")
        connection.execute("SET enable_progress_bar=false")
        connection.unregister("told")
        del features
        api: Any = DuckDBAPI(connection=connection)
        linker = Linker(api.register("compared"), measuring.settings(ACCOUNT_MODEL, size), log_level=None)
        measuring.learn(linker, connection, ACCOUNT_MODEL, "compared")
        likely = linker.inference.predict(threshold_match_weight=SPLINKS_DEFAULT)
        ends: Any = connection.execute(f"SELECT unique_id_l l, unique_id_r r FROM {likely.physical_name}").fetchnumpy()
        graph = coo_matrix((np.ones(len(ends["l"])), (ends["l"], ends["r"])), shape=(size, size))
        labels = connected_components(graph, directed=False)[1].tolist()
    seconds = time.perf_counter() - start
    precision, recall = quality(labels, truth)
    return {"seconds": seconds, "precision": precision, "recall": recall}


def whole(size: int) -> dict[str, Any]:
    rows, truth = made(size)
    refs = [ref for ref, _ in rows]
    start = time.perf_counter()
    found = compare("account", refs, (row for _, row in rows), ())
    seconds = time.perf_counter() - start
    precision, recall = quality(found.labels.tolist(), truth)
    return {"seconds": seconds, "precision": precision, "recall": recall, "peak": peak()}


def incremental(size: int) -> dict[str, Any]:
    rows, truth = made(size)
    order = np.random.default_rng(1).permutation(size)
    old, new = [rows[n] for n in order[:-NEW]], [rows[n] for n in order[-NEW:]]
    numbers = count()
    with tempfile.TemporaryDirectory() as folder:
        index = Index("account", Path(folder) / "account.duckdb")
        index.begin()
        index.take(old)
        weights = measuring.measure(index)
        index.fix(weights.common)
        groups = group(index, weights, (), ()).groups()
        index.commit()
        index.begin()
        current = {f"acc_{next(numbers):08}": members for members in groups}
        home = {ref: entity for entity, members in current.items() for ref in members}
        start = time.perf_counter()
        found = group(index, weights, (), (), index.take(new))
        holding = {home[ref] for ref in found.refs if ref in home}
        before = {entity: current[entity] for entity in sorted(holding)}
        changed, ids = changes(found.groups(), before, {}, lambda: f"acc_{next(numbers):08}")
        index.commit()
        seconds = time.perf_counter() - start
        index.close()
    after = home | {ref: entity for entity, members in zip(ids, found.groups(), strict=True) for ref in members}
    label = [after[ref] for ref, _ in rows]
    anew = compare("account", [ref for ref, _ in rows], (row for _, row in rows), ()).labels.tolist()
    return {
        "benchmark": "resolve_new",
        "records": size,
        "new": NEW,
        "seconds": round(seconds, 1),
        "grouped_anew": len(found.refs),
        "entities_changed": len(changed),
        "unaffected_unchanged": round(_unchanged(home, after, {ref for ref, _ in new}), 5),
        **{
            f"{name}_against_full": round(value, 4)
            for name, value in zip(("precision", "recall"), quality(label, anew), strict=True)
        },
        **{name: round(value, 4) for name, value in zip(("precision", "recall"), quality(label, truth), strict=True)},
        "peak_gb": peak(),
    }


def _unchanged(home: Mapping[str, str], after: Mapping[str, str], new: set[str]) -> float:
    """Return the share of records that kept their identifier, of those whose entity no new record came to."""
    reached = {after[ref] for ref in new}
    unaffected = [ref for ref in home if after[ref] not in reached]
    return sum(home[ref] == after[ref] for ref in unaffected) / max(1, len(unaffected))


def alone(measure: Callable[[int], dict[str, Any]], size: int) -> dict[str, Any]:
    """Measure in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(measure, size).result()


def measure(size: int) -> dict[str, Any]:
    ours, theirs = alone(whole, size), alone(splink_alone, size)
    return {
        "benchmark": "resolve",
        "records": size,
        "precision": round(ours["precision"], 4),
        "recall": round(ours["recall"], 4),
        "splink_alone_precision": round(theirs["precision"], 4),
        "splink_alone_recall": round(theirs["recall"], 4),
        "seconds": round(ours["seconds"], 1),
        "ratio": round(ours["seconds"] / theirs["seconds"], 2),
        "peak_gb": ours["peak"],
    }


def main() -> None:
    for size in [int(each) for each in sys.argv[1:]] or SIZES:
        print(json.dumps(measure(size)), flush=True)
        if size > 2 * NEW:
            print(json.dumps(alone(incremental, size)), flush=True)


if __name__ == "__main__":
    main()
