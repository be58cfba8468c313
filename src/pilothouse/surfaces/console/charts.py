"""Small charts drawn as SVG by hand: a few dozen rectangles need no library, no script and no build step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pilothouse.data.graph.happenings import Seen
from pilothouse.data.signals.catalogue import SignalKind

WEEKS, WIDTH, HEIGHT, FOOT = 26, 1100, 150, 22


@dataclass(frozen=True, slots=True)
class Bar:
    """One rectangle of the chart, with what it says when pointed at."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    says: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Stacked weekly counts by kind: bars, labels of the axis (position and text), and the tallest week's count."""

    bars: tuple[Bar, ...]
    labels: tuple[tuple[float, str], ...]
    most: int
    kinds: Mapping[str, int]
    width: int = WIDTH
    height: int = HEIGHT
    foot: int = FOOT


def weekly(seen: Sequence[Seen], moment: datetime) -> Chart:
    """Return the chart of the 26 weeks before a moment."""
    counts: list[dict[str, int]] = [{} for _ in range(WEEKS)]
    for each in seen:
        ago = (moment - each.at) // timedelta(days=7)
        if 0 <= ago < WEEKS:
            week = counts[WEEKS - 1 - ago]
            week[each.kind] = week.get(each.kind, 0) + 1
    most = max((sum(week.values()) for week in counts), default=0)
    step, room = WIDTH / WEEKS, HEIGHT - FOOT
    bars: list[Bar] = []
    labels: list[tuple[float, str]] = []
    for number, week in enumerate(counts):
        begin, top = moment - timedelta(days=7 * (WEEKS - number)), float(room)
        for kind in SignalKind:
            count = week.get(kind.value, 0)
            if count:
                tall = room * count / most
                top -= tall
                says = f"{count} {kind.value.replace('_', ' ')} in the week from {begin:%d %b %Y}"
                bars.append(
                    Bar(
                        round(number * step + 2, 1), round(top, 1), round(step - 4, 1), round(tall, 1), kind.value, says
                    )
                )
        if number % 4 == 0:
            labels.append((round(number * step + 2, 1), f"{begin:%d %b}"))
    told = {kind.value: sum(week.get(kind.value, 0) for week in counts) for kind in SignalKind}
    return Chart(tuple(bars), tuple(labels), most, {kind: count for kind, count in told.items() if count})
