"""Identity resolution at the shipped default, against Splink alone on the same records; prints one JSON line for each set.

"Splink alone" is Splink's prediction with *our* comparisons, and groups of whatever a chain of pairs above a match
probability of .95 connects, which is how Splink clusters; the groups are made here by SciPy, which is quicker. `ratio` is
our whole time (features, prediction, guarded groups) over that of features, prediction and those groups. The sizes
are arguments: `resolve.py 100000 1000000`; without any, 20,000 and 100,000.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from pilothouse.data.identity.comparing import Compared, compare
from pilothouse.data.identity.features import ACCOUNT
from pilothouse.testing.companies import companies

SIZES = (20_000, 100_000)
SPLINKS_DEFAULT = float(np.log2(0.95 / 0.05))


def quality(labels: Sequence[Hashable], truth: Sequence[Hashable]) -> tuple[float, float]:
    """Return precision and recall over pairs of records."""

    def pairs(counted: Counter[Any]) -> int:
        return sum(n * (n - 1) // 2 for n in counted.values())

    both = pairs(Counter(zip(labels, truth, strict=True)))
    return both / max(1, pairs(Counter(labels))), both / max(1, pairs(Counter(truth)))


def chained(compared: Compared) -> list[int]:
    """Return the groups that a threshold alone makes: whatever a chain of likely pairs connects."""
    likely = compared.pairs.weight >= SPLINKS_DEFAULT
    starts, ends = compared.pairs.left[likely], compared.pairs.right[likely]
    size = len(compared.refs)
    return connected_components(coo_matrix((np.ones(len(starts)), (starts, ends)), shape=(size, size)))[1].tolist()


def measure(size: int) -> dict[str, Any]:
    told = companies(size)
    rows = [tuple(getattr(each, name, "") for name in ACCOUNT) for each in told]
    truth = [each.truth for each in told]
    start = time.perf_counter()
    compared = compare("account", [str(number) for number in range(size)], rows, ())
    whole = time.perf_counter() - start
    start = time.perf_counter()
    alone = chained(compared)
    clustering = time.perf_counter() - start
    ours, theirs = quality(compared.labels.tolist(), truth), quality(alone, truth)
    splink = whole - compared.grouping_seconds + clustering
    return {
        "benchmark": "resolve",
        "records": size,
        "precision": round(ours[0], 4),
        "recall": round(ours[1], 4),
        "splink_alone_precision": round(theirs[0], 4),
        "splink_alone_recall": round(theirs[1], 4),
        "seconds": round(whole, 1),
        "ratio": round(whole / splink, 2),
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
    }


def main() -> None:
    for size in [int(each) for each in sys.argv[1:]] or SIZES:
        print(json.dumps(measure(size)), flush=True)


if __name__ == "__main__":
    main()
