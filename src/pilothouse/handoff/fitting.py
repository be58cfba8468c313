"""Fits the line from stated confidence to share right: isotonic or Platt's, whichever does better on data it did not see.

What must never happen here: a line that falls anywhere; one that claims certainty (targets are Platt's, which keep n
verdicts from saying more than n verdicts can).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pilothouse.decision.calibrating import Knots, calibrated
from pilothouse.handoff.reliability import Verdict, brier_of

FOLDS = 5
GRID = 20
"""Straight pieces that stand for Platt's curve."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A line with its cross-validated Brier score, and beside it that of the stated confidence and of each method."""

    knots: Knots
    method: str
    n: int
    right: int
    brier: float
    brier_stated: float
    considered: Mapping[str, float]


Method = Callable[[Sequence[Verdict]], Knots]


def fit(verdicts: Sequence[Verdict]) -> Fitted:
    """Return the line of the method with the better cross-validated Brier score. Needs at least five verdicts."""
    considered = {name: _cross_validated(method, verdicts) for name, method in METHODS.items()}
    name = min(considered, key=lambda each: (considered[each], each))
    right = sum(each.right for each in verdicts)
    knots = METHODS[name](verdicts)
    return Fitted(knots, name, len(verdicts), right, considered[name], brier_of(verdicts), considered)


def isotonic(verdicts: Sequence[Verdict]) -> Knots:
    """Return the rising steps that fit best (pool adjacent violators), as points."""
    from sklearn.isotonic import IsotonicRegression  # pyright: ignore[reportMissingTypeStubs]  # loaded when something is fitted, which is seldom

    low, high = _targets(verdicts)
    model: Any = IsotonicRegression(y_min=low, y_max=high, out_of_bounds="clip")
    model.fit([each.confidence for each in verdicts], [high if each.right else low for each in verdicts])
    points = zip(model.X_thresholds_, model.y_thresholds_, strict=True)
    return _rising([(float(x), float(y)) for x, y in points])


def platt(verdicts: Sequence[Verdict]) -> Knots:
    """Return Platt's logistic curve (Platt 1999) as points; the plain share right where it would fall."""
    from sklearn.linear_model import LogisticRegression  # pyright: ignore[reportMissingTypeStubs]  # as above

    low, high = _targets(verdicts)
    share = sum(high if each.right else low for each in verdicts) / len(verdicts)
    if all(each.right for each in verdicts) or not any(each.right for each in verdicts):
        return ((0.0, share), (1.0, share))
    # Targets between 0 and 1 are given as both outcomes, weighted.
    rows = [[each.confidence] for each in verdicts] * 2
    outcomes = [1] * len(verdicts) + [0] * len(verdicts)
    weights = [high if each.right else low for each in verdicts]
    model: Any = LogisticRegression(C=1e6)
    model.fit(rows, outcomes, sample_weight=[*weights, *(1 - each for each in weights)])
    if model.coef_[0][0] <= 0:
        return ((0.0, share), (1.0, share))
    grid = [step / GRID for step in range(GRID + 1)]
    told = model.predict_proba([[x] for x in grid])[:, 1]
    return _rising([(x, float(y)) for x, y in zip(grid, told, strict=True)])


METHODS: Mapping[str, Method] = {"isotonic": isotonic, "platt": platt}


def _targets(verdicts: Sequence[Verdict]) -> tuple[float, float]:
    right = sum(each.right for each in verdicts)
    return 1 / (len(verdicts) - right + 2), (right + 1) / (right + 2)


def _cross_validated(method: Method, verdicts: Sequence[Verdict]) -> float:
    """Return the Brier score over verdicts each judged by a line that was fitted without it."""
    total = 0.0
    for fold in range(FOLDS):
        held = verdicts[fold::FOLDS]
        rest = [each for number, each in enumerate(verdicts) if number % FOLDS != fold]
        knots = method(rest)
        total += sum((calibrated(each.confidence, knots) - each.right) ** 2 for each in held)
    return total / len(verdicts)


def _rising(points: Sequence[tuple[float, float]]) -> Knots:
    """Return the points with one for each place, rounded so that they read and hash the same everywhere."""
    kept: dict[float, float] = {}
    for x, y in points:
        kept[round(x, 6)] = max(round(y, 6), *kept.values(), 0.0) if kept else round(y, 6)
    return tuple(kept.items())
