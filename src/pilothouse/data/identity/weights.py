"""The numbers that evidence is weighed with: so many bits for each level of each comparison, and the line to pass.

They come from three places: shipped with the model, for data too small to measure; measured on the data itself; and
corrected by what people said. What is in force is recorded, so that the same records give the same entities in whatever
order they came, and on whatever machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pilothouse.data.identity.model import LEARN_FROM, Model
from pilothouse.vocabulary.values import Json

LEAST_GAIN = 0.01
"""Bits of surprise at an answer that a correction must save."""
GROWN = 1.25
"""How many times as many records there may be as when the weights were measured, before they are measured again."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Bits by comparison and level; `prior` bits of any pair; `needed` bits for two groups to be one.

    `frequencies` holds, by column, the u of the level that is adjusted for how common a value is, and how many records
    told any value; `common`, by column, the values that so many tell that more of them say nothing new, with log2 of how many
    did when it was measured. `records` is how many there were, `labels` how many judgements corrected the numbers (0: none).
    """

    records: int
    prior: float
    needed: float
    bits: Mapping[str, tuple[float, ...]]
    frequencies: Mapping[str, tuple[float, int]] = field(default_factory=dict[str, tuple[float, int]])
    common: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])
    labels: int = 0

    def as_json(self) -> dict[str, Json]:
        """Return the weights as they stand in an entry."""
        return {
            "records": self.records,
            "prior": self.prior,
            "needed": self.needed,
            "bits": {name: list(each) for name, each in self.bits.items()},
            "frequencies": {name: list(each) for name, each in self.frequencies.items()},
            "common": {name: dict(each) for name, each in self.common.items()},
        }

    def fits(self, model: Model) -> bool:
        """True when these numbers are for this model's levels, and not for those of an earlier version."""
        return {each.name: len(each.levels) for each in model.comparisons} == {
            name: len(each) for name, each in self.bits.items()
        }

    def suit(self, count: int) -> bool:
        """True when these numbers, measured on so many records, still do for `count` of them."""
        return count >= LEARN_FROM and self.records / GROWN <= count <= self.records * GROWN


@dataclass(frozen=True, slots=True)
class Correction:
    """What people's judgements change: bits added to each level, and to every pair. The line is then at 0.

    `before` and `after` are the mean bits of surprise (log loss) at labels not learned from, in cross-validation; `error` is
    the standard error of their difference.
    """

    bits: Mapping[str, tuple[float, ...]]
    shift: float
    labels: int
    before: float
    after: float
    error: float

    @property
    def helps(self) -> bool:
        """True when what was learned is better than what was there, by more than chance and more than nothing."""
        return self.before - self.after > max(self.error, LEAST_GAIN)

    def as_json(self) -> dict[str, Json]:
        """Return the correction as it stands in an entry."""
        return {
            "bits": {name: list(each) for name, each in self.bits.items()},
            "shift": self.shift,
            "labels": self.labels,
            "before": self.before,
            "after": self.after,
            "error": self.error,
        }


def weights_of(body: Mapping[str, Any]) -> Weights:
    """Read weights from an entry."""
    frequencies = {name: (float(u), int(told)) for name, (u, told) in body["frequencies"].items()}
    return Weights(body["records"], body["prior"], body["needed"], _bits(body["bits"]), frequencies, body["common"])


def correction_of(body: Mapping[str, Any]) -> Correction:
    """Read a correction from an entry."""
    return Correction(_bits(body["bits"]), body["shift"], body["labels"], body["before"], body["after"], body["error"])


def _bits(given: Mapping[str, Sequence[float]]) -> dict[str, tuple[float, ...]]:
    return {name: tuple(float(bits) for bits in each) for name, each in given.items()}


def shipped(model: Model, count: int, told: Mapping[str, int]) -> Weights:
    """Return the weights that come with the model, for so many records; `told` counts values by column."""
    chance = min(0.5, 1 / max(2, count))
    bits = {each.name: tuple(float(np.log2(level.m / level.u)) for level in each.levels) for each in model.comparisons}
    shares = {level.frequency_of: level.u for each in model.comparisons for level in each.levels if level.frequency_of}
    frequencies = {name: (u, told.get(name, 0)) for name, u in shares.items()}
    return Weights(count, float(np.log2(chance / (1 - chance))), need(count), bits, frequencies)


def corrected(base: Weights, correction: Correction | None) -> Weights:
    """Return weights with what people's judgements change; the line is then at 0 bits."""
    if correction is None:
        return base
    bits = {
        name: tuple(one + more for one, more in zip(each, correction.bits[name], strict=True))
        for name, each in base.bits.items()
    }
    prior = base.prior - base.needed + correction.shift
    return replace(base, bits=bits, prior=prior, needed=0.0, labels=correction.labels)


def need(count: int) -> float:
    """Return how many bits two groups of records need between them to be one, on average over their pairs.

    The more records, the more strangers look alike: half a bit at 3,000 records and 2.2 more for each tenfold, between 0
    and 10. Chosen on sets of 3,300, 100,000 and 1,000,000 records so that precision stays near .98 (docs/decisions/0007).
    """
    return float(np.clip(0.5 + 2.2 * np.log10(max(count, 1) / 3_000), 0, 10))


def weight_sql(model: Model, weights: Weights) -> str:
    """Return the SQL of a pair's weight in bits, from its levels and how often its common values occur.

    How common a value is (`often_*`), is taken in powers of two, so that one record more seldom changes anything. Rounded to a 65,536th of a bit: sums of weights are then exact, whatever the order they are added in.
    """
    parts = [f"({weights.prior!r})"]
    for comparison in model.comparisons:
        for number, level in enumerate(comparison.levels):
            bits = f"{float(weights.bits[comparison.name][number])!r}"
            if level.frequency_of:
                u, told = weights.frequencies[level.frequency_of]
                rare = float(np.log2(max(u, 1e-9) * max(told, 1)))
                bits += f"+({rare!r})-often_{level.frequency_of}"
            parts.append(f"CASE WHEN gamma_{comparison.name}={number} THEN {bits} ELSE 0 END")
    return f"(round(({'+'.join(parts)})*65536)/65536)"
