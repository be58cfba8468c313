"""From compared records to groups: of all of them, or only where something that is new could change them.

The groups of a part (records connected by pairs that pass the line) depend on nothing outside it. So where records are
new or changed, it is enough to group the parts again that they were in, and those that they are in now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilothouse.data.identity.attaching import Named
from pilothouse.data.identity.clusters import clusters, connected
from pilothouse.data.identity.index import Index
from pilothouse.data.identity.pairs import Pairs, weighed
from pilothouse.data.identity.weights import Weights

COMPARED = "l NOT IN (FROM left_out) AND r NOT IN (FROM left_out)"
"""True of a pair neither of whose records was left out when its index was last grouped."""


@dataclass(frozen=True)
class Grouped:
    """Records by name with their pairs (as places in `refs`) and the groups they fall into."""

    refs: Sequence[str]
    pairs: Pairs
    labels: NDArray[np.int64]
    needed: float

    def groups(self) -> list[list[str]]:
        """Return the records of each group."""
        found: dict[int, list[str]] = defaultdict(list)
        for ref, label in zip(self.refs, self.labels.tolist(), strict=True):
            found[label].append(ref)
        return list(found.values())

    def confidences(self) -> dict[str, float]:
        """Return, by record, how sure its group is: the probability of the weakest of its members' best links."""
        best = np.full(len(self.refs), -np.inf)
        inside = self.labels[self.pairs.left] == self.labels[self.pairs.right]
        for side in (self.pairs.left, self.pairs.right):
            np.maximum.at(best, side[inside], self.pairs.weight[inside])
        sizes = np.bincount(self.labels, minlength=int(self.labels.max(initial=-1)) + 1)
        weakest = np.full(len(sizes), np.inf)
        np.minimum.at(weakest, self.labels, best)
        # Who is alone is surely so; who is in a group by nothing but a person's word is too.
        sure = np.where((sizes < 2) | np.isneginf(weakest), 30.0, np.minimum(weakest, 30.0))
        probability = 1 / (1 + 2.0**-sure)
        return dict(zip(self.refs, probability[self.labels].tolist(), strict=True))


def group(
    index: Index,
    weights: Weights,
    same: Collection[Named],
    different: Collection[Named],
    moved: NDArray[np.int64] | None = None,
    without: Collection[str] = (),
) -> Grouped:
    """Group the records of an index: all of them, or the parts that the records `moved` touch.

    `same` and `different` are people's judgements that stand; both records of one that is new must be among `moved`.
    Records named in `without` are left out.
    """
    run = index.connection.execute
    _leave_out(index, without)
    run("CREATE OR REPLACE TEMP TABLE word (one VARCHAR, other VARCHAR)")
    if same:
        run("INSERT INTO word SELECT unnest(?), unnest(?)", [[a for a, _ in same], [b for _, b in same]])
    run("""
        CREATE OR REPLACE TEMP TABLE told_same AS SELECT a.unique_id AS l, b.unique_id AS r
        FROM word JOIN own a ON a.ref=word.one JOIN own b ON b.ref=word.other
        WHERE a.unique_id NOT IN (FROM left_out) AND b.unique_id NOT IN (FROM left_out)
    """)
    if moved is None:
        run("CREATE OR REPLACE TEMP TABLE affected AS SELECT unique_id FROM own EXCEPT FROM left_out")
    else:
        run("CREATE OR REPLACE TEMP TABLE affected (unique_id BIGINT)")
        _add(index, moved)
        _reach(index, weights)
    inside = "WHERE l IN (FROM affected) AND r IN (FROM affected)" if moved is not None or without else ""
    return _grouped(index, weights, weighed(index.connection, index.model, weights, inside), same, different)


def _leave_out(index: Index, names: Collection[str]) -> None:
    run = index.connection.execute
    run("CREATE OR REPLACE TEMP TABLE left_out (unique_id BIGINT)")
    if names:
        run("INSERT INTO left_out SELECT unique_id FROM own WHERE ref IN (SELECT unnest(?))", [sorted(names)])


def _add(index: Index, ids: NDArray[np.int64]) -> int:
    import pyarrow  # pyright: ignore[reportMissingTypeStubs]

    pa: Any = pyarrow
    index.connection.register("more", pa.table({"unique_id": ids}))
    run = index.connection.execute
    run("""
        INSERT INTO affected
        WITH wanted AS (SELECT unique_id FROM more UNION
            SELECT b.unique_id FROM more JOIN parts a USING (unique_id) JOIN parts b ON a.part=b.part)
        FROM wanted SEMI JOIN own USING (unique_id) EXCEPT FROM affected EXCEPT FROM left_out
    """)
    index.connection.unregister("more")
    return int(run("SELECT count(*) FROM affected").fetchall()[0][0])


def _reach(index: Index, weights: Weights) -> None:
    """Add to `affected` whatever is connected to it by pairs that pass the line, or by a person's word."""
    while True:
        edge = f"WHERE (l IN (FROM affected)) <> (r IN (FROM affected)) AND {COMPARED}"
        pairs = weighed(index.connection, index.model, weights, edge)
        joined = (pairs.weight >= weights.needed) & ~pairs.apart
        told = index.arrays(f"SELECT l, r FROM told_same {edge}")  # noqa: S608
        ends = np.concatenate([pairs.left[joined], pairs.right[joined], told["l"], told["r"]])
        if not len(ends):
            return
        _add(index, np.unique(ends))


def _grouped(
    index: Index, weights: Weights, pairs: Pairs, same: Collection[Named], different: Collection[Named]
) -> Grouped:
    rows = index.arrays("SELECT unique_id, ref FROM own SEMI JOIN affected USING (unique_id) ORDER BY ref")
    ids, refs = rows["unique_id"], rows["ref"].tolist()
    place = np.zeros(int(ids.max(initial=-1)) + 1, dtype=np.int64)
    place[ids] = np.arange(len(ids))
    left, right = place[pairs.left], place[pairs.right]
    order = np.lexsort((right, left))
    here = Pairs(left[order], right[order], pairs.weight[order], pairs.apart[order])
    named = {ref: number for number, ref in enumerate(refs)} if same or different else {}
    joined = _places(same, named)
    labels = clusters(
        len(refs), here.left, here.right, here.weight, here.apart, weights.needed, joined, _places(different, named)
    )
    _keep_parts(index, ids, here, weights, joined)
    return Grouped(refs, here, labels, weights.needed)


def _places(pairs: Collection[Named], named: dict[str, int]) -> set[tuple[int, int]]:
    found = ((named.get(one), named.get(other)) for one, other in pairs)
    return {(min(a, b), max(a, b)) for a, b in found if a is not None and b is not None}


def _keep_parts(
    index: Index, ids: NDArray[np.int64], pairs: Pairs, weights: Weights, same: Collection[tuple[int, int]]
) -> None:
    """Keep which records are connected, under the `unique_id` of one of them."""
    import pyarrow  # pyright: ignore[reportMissingTypeStubs]

    pa: Any = pyarrow
    joined = (pairs.weight >= weights.needed) & ~pairs.apart
    told = np.array(sorted(same), dtype=np.int64).reshape(-1, 2)
    starts, ends = np.concatenate([pairs.left[joined], told[:, 0]]), np.concatenate([pairs.right[joined], told[:, 1]])
    count, part = connected(len(ids), starts, ends)
    name = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(name, part, ids)
    run = index.connection.execute
    run("DELETE FROM parts WHERE unique_id IN (FROM affected)")
    index.connection.register("made", pa.table({"unique_id": ids, "part": name[part]}))
    run("INSERT INTO parts SELECT * FROM made")
    index.connection.unregister("made")
