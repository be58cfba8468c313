"""Is what an agent sees now like what it was promoted on? If not, which input changed.

What must never happen here: an alarm for chance alone; one that does not name the input.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log

LEAST = 50
"""Fewer proposals on either side than this say nothing about a distribution."""
MOST_KINDS = 10
"""Values of an input beyond the commonest of the baseline are counted together."""
OTHER = "anything else"
CHANCE = 0.001
"""How rarely chance alone may raise an alarm for one input."""


@dataclass(frozen=True, slots=True)
class Shift:
    """An input whose distribution changed: the index, the value that moved most, and its shares before and now."""

    name: str
    index: float
    value: str
    before: float
    now: float
    n: tuple[int, int]

    @property
    def sentence(self) -> str:
        """The shift in a sentence."""
        return (
            f"The input “{self.name}” changed: “{self.value}” was {self.before:.0%} of {self.n[0]:,} proposals before the "
            f"promotion and is {self.now:.0%} of {self.n[1]:,} now (population stability index {self.index:.2f})."
        )


def shifts(baseline: Mapping[str, Sequence[str]], recent: Mapping[str, Sequence[str]], threshold: float) -> list[Shift]:
    """Return the inputs, by name, whose values are distributed otherwise now, the most changed first.

    The population stability index is the sum of (now - before) x ln(now / before) over the values (N. Siddiqi, Credit
    Risk Scorecards, 2006). Under no change, index x nm/(n+m) follows chi-square with one degree less than there are values
    (B. Yurdakul, Statistical Properties of Population Stability Index, 2018); both tests must say that it changed.
    """
    found = [_shift(name, baseline[name], recent[name]) for name in baseline.keys() & recent.keys()]
    return sorted(
        (each for each in found if each is not None and each.index > threshold),
        key=lambda each: (-each.index, each.name),
    )


def _shift(name: str, before: Sequence[str], now: Sequence[str]) -> Shift | None:
    n, m = len(before), len(now)
    if min(n, m) < LEAST:
        return None
    kinds = [value for value, _ in Counter(before).most_common(MOST_KINDS)]
    was, there = _shares(before, kinds), _shares(now, kinds)
    index = sum((there[each] - was[each]) * log(there[each] / was[each]) for each in was)
    if index * n * m / (n + m) <= _critical(len(was) - 1):
        return None
    most = max(was, key=lambda each: abs(there[each] - was[each]))
    return Shift(name, index, most, was[most], there[most], (n, m))


def _shares(values: Iterable[str], kinds: Sequence[str]) -> dict[str, float]:
    """Return shares of the kinds and of the rest; half a case is added to each, so that none is zero."""
    counts = Counter(value if value in kinds else OTHER for value in values)
    names = [*kinds, OTHER]
    total = sum(counts.values()) + len(names) / 2
    return {name: (counts[name] + 0.5) / total for name in names}


def _critical(degrees: int) -> float:
    # Half a second to load, and needed only where there is enough to compare.
    from scipy.special import chdtri  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

    return float(chdtri(degrees, CHANCE))  # pyright: ignore[reportUnknownArgumentType]
