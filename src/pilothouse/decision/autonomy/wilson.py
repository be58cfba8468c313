"""The interval in which a rate lies, given how few cases it was measured on."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

Z95 = 1.959963984540054
"""The two-sided 95 % quantile of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `n`, both counts. Never shown without its n."""

    hits: int
    n: int

    @property
    def value(self) -> float | None:
        """The share, between 0 and 1; None when nothing was counted."""
        return self.hits / self.n if self.n else None

    @property
    def low(self) -> float:
        """The lower end of the Wilson 95 % interval; 0 when nothing was counted."""
        return interval(self.hits, self.n)[0]

    @property
    def high(self) -> float:
        """The upper end of the Wilson 95 % interval; 1 when nothing was counted."""
        return interval(self.hits, self.n)[1]

    def __add__(self, other: Rate) -> Rate:
        return Rate(self.hits + other.hits, self.n + other.n)

    def __str__(self) -> str:
        if not self.n:
            return "– (n = 0)"
        return f"{self.hits / self.n:.1%} (n = {self.n:,}; 95 % interval {self.low:.1%} to {self.high:.1%})"


def interval(hits: int, n: int) -> tuple[float, float]:
    """Return the Wilson score interval at 95 % for a share.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the American
    Statistical Association 22 (1927), 209-212: (p + z²/2n ± z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n).
    Unlike the normal approximation it stays within 0 and 1, and is not certain of itself when all of few were right.
    """
    if n == 0:
        return 0.0, 1.0
    p, z2 = hits / n, Z95 * Z95
    middle = p + z2 / (2 * n)
    reach = Z95 * sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    below, above = (middle - reach) / (1 + z2 / n), (middle + reach) / (1 + z2 / n)
    return max(0.0, below) if hits else 0.0, min(1.0, above) if hits < n else 1.0
