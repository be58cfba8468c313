"""For how long deals that were won went silent, by the stage they were in: what a silent deal is held against (X-21).

A deal's silence on a day is the time since its last activity. For each won deal and each open stage it went through, the
longest silence while it stood there is what it tells of that stage. The usual pause of a stage is the nearest-rank 90th
percentile of those (Hyndman & Fan 1996, definition 1): nine in ten of them were not silent for longer. From 20 deals on:
then two lie above it, so that no single deal sets it. Below that it is 14 days.

What must never happen here: a lost deal taught from; a stage judged by what happened in another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from pilothouse.data.definitions import Definitions, Stage
from pilothouse.data.store import Record
from pilothouse.vocabulary.records import FieldValue

SMALLEST_SAMPLE, FALLBACK_DAYS = 20, 14


@dataclass(frozen=True, slots=True)
class Pause:
    """The usual pause in a stage, in days, and how many won deals tell of it."""

    stage: str
    days: int
    deals: int

    @property
    def learned(self) -> bool:
        """True when it comes from won deals, false when it is the fallback."""
        return self.deals >= SMALLEST_SAMPLE

    @property
    def basis(self) -> str:
        """What it rests on, in words."""
        if self.learned:
            return f"of {self.deals:,} won deals nine in ten were silent in {self.stage} for no longer"
        return f"the fallback: {self.deals} won deals tell of {self.stage}, and it takes {SMALLEST_SAMPLE}"


def pause_of(stage: str, silences: Sequence[int]) -> Pause:
    """Return the usual pause of a stage, given for each won deal its longest silence there, in days."""
    if len(silences) < SMALLEST_SAMPLE:
        return Pause(stage, FALLBACK_DAYS, len(silences))
    return Pause(stage, sorted(silences)[-(-9 * len(silences) // 10) - 1], len(silences))


def usual_pauses(
    won: Iterable[tuple[Record, date | None]],
    active: Mapping[str, Iterable[date]],
    told: Mapping[str, Sequence[FieldValue]],
    definitions: Definitions,
) -> dict[str, Pause]:
    """Return the usual pause of every open stage, by its name.

    `won` are the won deals and the days they closed, `active` the days of each deal's activities and `told` every stage it
    was told to be in, oldest first, by the deal's id.
    """
    silences: dict[str, list[int]] = {each.name: [] for each in definitions.stages if not each.closed}
    for deal, closed in won:
        longest: dict[str, int] = {}
        days = sorted(active.get(deal.ref.id, ()))
        for stage, start, end in _stays(told.get(deal.ref.id, ()), closed, definitions):
            silence = longest_silence(days, start, end)
            if silence is not None:
                longest[stage.name] = max(silence, longest.get(stage.name, 0))
        for name, silence in longest.items():
            silences[name].append(silence)
    return {name: pause_of(name, found) for name, found in silences.items()}


def _stays(
    told: Sequence[FieldValue], closed: date | None, definitions: Definitions
) -> Iterator[tuple[Stage, date, date]]:
    """Yield the open stages that a deal was in, from when until when; the last one ends when the deal closed."""
    moments = [(definitions.stage(str(each.value or "")), each.at.date()) for each in told]
    left: list[tuple[Stage | None, date]] = [*moments, (None, closed)] if closed else moments
    for (stage, start), (after, end) in pairwise(left):
        if stage is None or stage.closed:
            continue
        # That a deal is closed is often told later than it closed.
        over = min(end, closed) if closed and (after is None or after.closed) else end
        if over >= start:
            yield stage, start, over


def longest_silence(days: Sequence[date], start: date, end: date) -> int | None:
    """Return the longest that a deal was silent while in a stage, in days; None when nothing was heard of it by its end.

    `days` are those of its activities, in order. A silence that began before the stage counts from where it began, as the
    silence of an open deal does.
    """
    heard = [each for each in days if each <= end]
    if not heard:
        return None
    ended = [(after - before).days for before, after in pairwise(heard) if after > start]
    return max([*ended, (end - heard[-1]).days])
