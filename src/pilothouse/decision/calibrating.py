"""From the confidence an agent states to how often it is right: a line through a few points, the same for ever.

Pure arithmetic over the published points, so that a decision made on it replays exactly.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

Knots = Sequence[tuple[float, float]]
"""Points (stated confidence, share right) in order of the first; neither ever falls."""


def calibrated(confidence: float, knots: Knots) -> float:
    """Return the share right at a stated confidence: on the straight line between neighbouring points, flat beyond."""
    if confidence <= knots[0][0]:
        return knots[0][1]
    if confidence >= knots[-1][0]:
        return knots[-1][1]
    place = bisect_right([x for x, _ in knots], confidence)
    (left, low), (right, high) = knots[place - 1], knots[place]
    return low + (high - low) * (confidence - left) / (right - left)
