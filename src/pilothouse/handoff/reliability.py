"""How reliable stated confidence is: shares right by confidence, the Brier score, the expected calibration error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BINS = 10


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an agent said, between 0 and 1, and whether people found it right."""

    confidence: float
    right: bool


@dataclass(frozen=True, slots=True)
class Bin:
    """The verdicts whose confidence lies between `low` and `high`: how many, their mean confidence, the share right."""

    low: float
    high: float
    n: int
    stated: float
    right: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """Over n verdicts: the bins with anything in them, Brier score and expected calibration error (None for no n)."""

    agent: str
    action_type: str
    n: int
    right: int
    bins: tuple[Bin, ...]
    brier: float | None
    ece: float | None


def reliability(agent: str, action_type: str, verdicts: Sequence[Verdict]) -> Reliability:
    """Return how reliable the stated confidence of an agent's action type is."""
    bins, n = bins_of(verdicts), len(verdicts)
    ece = sum(each.n * abs(each.right - each.stated) for each in bins) / n if n else None
    right = sum(each.right for each in verdicts)
    return Reliability(agent, action_type, n, right, bins, brier_of(verdicts) if n else None, ece)


def brier_of(verdicts: Sequence[Verdict]) -> float:
    """Return the mean squared difference between confidence and outcome (Brier 1950); 0 is best, .25 says nothing."""
    return sum((each.confidence - each.right) ** 2 for each in verdicts) / len(verdicts)


def bins_of(verdicts: Sequence[Verdict]) -> tuple[Bin, ...]:
    """Return ten bins of equal width, those with nothing in them left out (as in Guo et al. 2017, arXiv 1706.04599)."""
    found: list[Bin] = []
    for number in range(BINS):
        mine = [each for each in verdicts if min(int(each.confidence * BINS), BINS - 1) == number]
        if mine:
            stated = sum(each.confidence for each in mine) / len(mine)
            right = sum(each.right for each in mine) / len(mine)
            found.append(Bin(number / BINS, (number + 1) / BINS, len(mine), stated, right))
    return tuple(found)
