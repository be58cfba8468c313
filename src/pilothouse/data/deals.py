"""What deals tell about themselves: when they began, whether they are over, how long they take here, when they went quiet.

The derived facts of `defining/facts.py` come from here; when a deal is stale or a phantom is for a definition to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from pilothouse.data.definitions import Definitions
from pilothouse.data.store import Record

SMALLEST_SAMPLE, FALLBACK_DAYS = 20, 14


def day(record: Record, field: str) -> date | None:
    """Return a date field as a date, None when it is empty or no date."""
    try:
        return date.fromisoformat(record.text(field)[:10])
    except ValueError:
        return None


def amount_of(deal: Record) -> float | None:
    """Return a deal's amount, None when it has none."""
    value = deal.value("amount")
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def is_closed(deal: Record, definitions: Definitions) -> bool:
    """True when the deal says it is closed, or its stage is a closed one."""
    stage = definitions.stage(deal.text("stage"))
    return deal.value("is_closed") is True or (stage is not None and stage.closed)


def begun(deal: Record) -> date | None:
    """Return when work on a deal began: when it was engaged, else when it was created."""
    return day(deal, "engaged_date") or day(deal, "created_date")


@dataclass(frozen=True)
class Habits:
    """How deals go here: the longest cycle that ever closed and the pause that won deals rarely exceed, in days.

    The pause is that of nine in ten won deals, at least 14 days, and 14 days where fewer than 20 won deals have activity
    (requirements X-21). None means that nothing can be said. `last` is each deal's latest activity, by its id.
    """

    longest: int | None
    pause: int | None
    last: dict[str, date]


def habits(deals: Sequence[Record], activities: Iterable[Record], definitions: Definitions) -> Habits:
    """Learn from one system's deals and activities how deals go here."""
    last = _last_activity(deals, activities)
    return Habits(_longest_cycle(deals, definitions), _usual_pause(deals, last, definitions), last)


def _longest_cycle(deals: Sequence[Record], definitions: Definitions) -> int | None:
    cycles: list[int] = []
    for deal in deals:
        start, end = begun(deal), day(deal, "close_date")
        if start and end and end >= start and is_closed(deal, definitions):
            cycles.append((end - start).days)
    return max(cycles, default=None)


def _last_activity(deals: Iterable[Record], activities: Iterable[Record]) -> dict[str, date]:
    last: dict[str, date] = {}
    told = [(each.text("opportunity"), day(each, "at")) for each in activities]
    told += [(deal.ref.id, day(deal, "last_activity_date")) for deal in deals]
    for deal_id, when in told:
        if deal_id and when and when > last.get(deal_id, date.min):
            last[deal_id] = when
    return last


def _usual_pause(deals: Sequence[Record], last: dict[str, date], definitions: Definitions) -> int | None:
    if not last:
        return None
    pauses: list[int] = []
    for deal in deals:
        ended, active = day(deal, "close_date"), last.get(deal.ref.id)
        if ended and active and is_closed(deal, definitions) and deal.value("is_won") is not False:
            pauses.append(max(0, (ended - active).days))
    if len(pauses) < SMALLEST_SAMPLE:
        return FALLBACK_DAYS
    return max(FALLBACK_DAYS, sorted(pauses)[int(0.9 * (len(pauses) - 1))])
