"""Learning from what people said: how much more, or less, each level of each comparison weighs than was thought.

A logistic regression on the levels, with the weights so far as offset and a ridge penalty, so that few answers change
little (Hoerl and Kennard 1970; le Cessie and van Houwelingen 1992), fitted by Newton's method with step halving. Whether it
helps is measured by cross-validation on the same answers; what does not help is refused.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pilothouse.data.identity.model import Model
from pilothouse.data.identity.weights import Correction

FEWEST, FEWEST_OF_EACH = 20, 5
"""Answers below which nothing is learned: of all, and of either kind."""
RIDGE, RIDGE_SHIFT = 1.0, 0.1
FOLDS = 5
STEPS = 60
MOST = 40.0
Floats = NDArray[np.float64]


def fit(model: Model, levels: NDArray[np.int64], weight: Floats, same: NDArray[np.bool_]) -> Correction:
    """Return the correction that answers call for.

    `levels` has a row for each answer and a column for each comparison (−1: says nothing), `weight` is the pair's bits over
    the line so far, `same` the answer.
    """
    sizes = [len(each.levels) for each in model.comparisons]
    design, offset = _design(levels, sizes), np.clip(weight, -MOST, MOST) * np.log(2)
    after = np.empty(len(same))
    for fold in range(FOLDS):
        held = np.arange(len(same)) % FOLDS == fold
        solved = _solve(design[~held], offset[~held], same[~held])
        after[held] = _surprise(offset[held] + design[held] @ solved, same[held])
    before = _surprise(offset, same)
    found = _solve(design, offset, same) / np.log(2)
    ends = np.cumsum([1, *sizes])
    bits = {
        each.name: tuple(found[start:end].tolist())
        for each, start, end in zip(model.comparisons, ends[:-1], ends[1:], strict=True)
    }
    error = float(np.std(before - after) / np.sqrt(len(same)))
    return Correction(bits, float(found[0]), len(same), float(before.mean()), float(after.mean()), error)


def _design(levels: NDArray[np.int64], sizes: Sequence[int]) -> Floats:
    """Return a column of ones, and one for each level of each comparison."""
    columns = [np.ones((len(levels), 1))]
    columns += [(levels[:, [number]] == np.arange(size)).astype(float) for number, size in enumerate(sizes)]
    return np.hstack(columns)


def _solve(design: Floats, offset: Floats, same: NDArray[np.bool_]) -> Floats:
    penalty = np.full(design.shape[1], RIDGE)
    penalty[0] = RIDGE_SHIFT
    at = np.zeros(design.shape[1])

    def cost(point: Floats) -> float:
        logits = offset + design @ point
        return float(np.sum(np.logaddexp(0, np.where(same, -logits, logits))) + 0.5 * np.sum(penalty * point**2))

    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(offset + design @ at, -500, 500)))
        slope = design.T @ (chance - same) + penalty * at
        bend = (design.T * (chance * (1 - chance))) @ design + np.diag(penalty)
        step = np.linalg.solve(bend, slope)
        size, here = 1.0, cost(at)
        while cost(at - size * step) > here and size > 1e-6:
            size /= 2
        at = at - size * step
        if float(np.abs(size * step).max()) < 1e-8:
            break
    return at


def _surprise(logits: Floats, same: NDArray[np.bool_]) -> Floats:
    """Return the log loss of each answer, in bits."""
    return np.logaddexp(0, np.where(same, -logits, logits)) / np.log(2)
