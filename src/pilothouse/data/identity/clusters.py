"""From pairs to entities, guarded against chaining: A like B and B like C does not make A and C one company.

Groups are merged while the average weight over *all* their pairs is enough; a pair that nothing proposed counts against
it (average linkage; Sokal and Michener 1958). Judgements come first: what a person called the same starts as one group,
and a pair that a person, or a contradiction such as another country, keeps apart is never in one, whatever the average.

Most groups need none of this: where every pair speaks for itself, they are taken as they are.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix  # pyright: ignore[reportMissingTypeStubs]
from scipy.sparse.csgraph import connected_components  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

UNSEEN = -4.0
"""Bits of a pair that was no candidate: it shares nothing worth comparing."""
MOST = 25.0
"""Bits of one pair that count at most, so that one strong pair does not carry many weak ones."""
Pair = tuple[int, int]


def clusters(
    count: int,
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    weight: NDArray[np.float64],
    apart: NDArray[np.bool_],
    need: float,
    same: Collection[Pair] = (),
    different: Collection[Pair] = (),
) -> NDArray[np.int64]:
    """Return a label for each of `count` records; records with one label are one entity.

    `apart` marks pairs that contradict each other; `same` and `different` are people's judgements, and `different` must
    not contradict what follows from `same`.
    """
    bits = np.clip(weight, -MOST, MOST)
    joined = (bits >= need) & ~apart
    told = np.array(sorted(same), dtype=np.int64).reshape(-1, 2)
    starts, ends = np.concatenate([left[joined], told[:, 0]]), np.concatenate([right[joined], told[:, 1]])
    parts, label = connected(count, starts, ends)
    sizes = np.bincount(label, minlength=parts)
    pairs = np.bincount(label[left[joined]], minlength=parts)
    judged = {int(label[each]) for pair in (*same, *different) for each in pair}
    loose = (pairs != sizes * (sizes - 1) // 2) & (sizes > 1)
    loose[list(judged)] = True
    inside = (label[left] == label[right]) & loose[label[left]]
    by_part: dict[int, list[int]] = defaultdict(list)
    for index in np.flatnonzero(inside):
        by_part[int(label[left[index]])].append(int(index))
    members = _members(label, loose)
    following = parts
    for part, records in members.items():
        evidence = _Evidence(records)
        for index in by_part.get(part, ()):
            evidence.pair(int(left[index]), int(right[index]), float(bits[index]), apart=bool(apart[index]))
        evidence.judge(same, different)
        for group in evidence.groups(need):
            label[group] = following
            following += 1
    return label


def connected(count: int, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> tuple[int, NDArray[np.int64]]:
    """Return how many connected parts there are, and the part of each of `count` records."""
    graph: Any = coo_matrix((np.ones(len(starts)), (starts, ends)), shape=(count, count))
    parts, label = cast("tuple[int, NDArray[np.int32]]", connected_components(graph, directed=False))
    return int(parts), label.astype(np.int64)


def _members(label: NDArray[np.int64], loose: NDArray[np.bool_]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for record in np.flatnonzero(loose[label]):
        found[int(label[record])].append(int(record))
    return found


@dataclass
class _Evidence:
    """The records of one part, the sum and number of weights between its groups, and which groups are kept apart."""

    records: Sequence[int]
    between: dict[int, dict[int, tuple[float, int]]] = field(default_factory=dict[int, dict[int, tuple[float, int]]])
    apart: dict[int, set[int]] = field(default_factory=lambda: defaultdict[int, set[int]](set))

    def __post_init__(self) -> None:
        self.group: dict[int, list[int]] = {record: [record] for record in self.records}
        self.between = {record: {} for record in self.records}

    def pair(self, one: int, other: int, bits: float, *, apart: bool) -> None:
        self.between[one][other] = self.between[other][one] = (bits, 1)
        if apart:
            self._keep_apart(one, other)

    def judge(self, same: Iterable[Pair], different: Iterable[Pair]) -> None:
        for one, other in different:
            if one in self.group and other in self.group:
                self._keep_apart(one, other)
        home = {record: record for record in self.records}
        for one, other in same:
            if one in home and other in home and home[one] != home[other]:
                kept, gone = home[one], home[other]
                self.apart[kept].discard(gone)  # people outvote a contradiction of the data
                self.apart[gone].discard(kept)
                for record in self._merge(kept, gone):
                    home[record] = kept

    def _keep_apart(self, one: int, other: int) -> None:
        self.apart[one].add(other)
        self.apart[other].add(one)

    def groups(self, need: float) -> Iterator[list[int]]:
        """Merge the best two groups until no two have enough between them; equal ones in the order of records."""
        queue = [(-self._average(a, b), a, b) for a in self.between for b in self.between[a] if a < b]
        heapq.heapify(queue)
        while queue:
            wanted, one, other = heapq.heappop(queue)
            if one not in self.group or other not in self.group or self._average(one, other) != -wanted:
                continue
            if -wanted < need:
                break
            if other in self.apart[one]:
                continue
            self._merge(one, other)
            for third in self.between[one]:
                heapq.heappush(queue, (-self._average(one, third), min(one, third), max(one, third)))
        yield from self.group.values()

    def _average(self, one: int, other: int) -> float:
        total, seen = self.between[one].get(other, (0.0, 0))
        pairs = len(self.group[one]) * len(self.group[other])
        return (total + (pairs - seen) * UNSEEN) / pairs

    def _merge(self, kept: int, gone: int) -> list[int]:
        moved = self.group.pop(gone)
        self.group[kept] += moved
        self.between[kept].pop(gone, None)
        for third, (total, seen) in self.between.pop(gone).items():
            if third == kept:
                continue
            before, count = self.between[kept].get(third, (0.0, 0))
            self.between[kept][third] = self.between[third][kept] = (before + total, count + seen)
            self.between[third].pop(gone, None)
        for third in self.apart.pop(gone, set[int]()):
            self.apart[third].discard(gone)
            self._keep_apart(kept, third)
        return moved
