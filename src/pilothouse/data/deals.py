"""What deals tell about themselves: when they began, whether they are over, how long they take here, when they went quiet.

The derived facts of `defining/facts.py` come from here; when a deal is stale or a phantom is for a definition to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pilothouse.data.definitions import Definitions
from pilothouse.data.pauses import Pause, usual_pauses
from pilothouse.data.store import Record
from pilothouse.vocabulary.records import FieldValue


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


def is_won(deal: Record, definitions: Definitions) -> bool:
    """True when a deal is closed and says it is won, or its stage is a won one and it does not say otherwise."""
    stage = definitions.stage(deal.text("stage"))
    told = deal.value("is_won")
    return is_closed(deal, definitions) and (told is True or (told is None and stage is not None and stage.won))


@dataclass(frozen=True)
class Habits:
    """How deals go here: the longest cycle that ever closed, in days, and the usual pause in each open stage.

    None means that nothing can be said: of pauses, where nothing tells of any activity. `last` is each deal's latest
    activity, by its id.
    """

    longest: int | None
    pauses: Mapping[str, Pause] | None
    last: Mapping[str, date]


def habits(
    deals: Sequence[Record],
    activities: Iterable[Record],
    stages: Mapping[str, Sequence[FieldValue]],
    definitions: Definitions,
) -> Habits:
    """Learn from one system's deals and activities how deals go here. `stages` is what each was told to be in, by its id."""
    active = _active(deals, activities)
    won = ((deal, day(deal, "close_date")) for deal in deals if is_won(deal, definitions))
    pauses = usual_pauses(won, active, stages, definitions) if active else None
    return Habits(_longest_cycle(deals, definitions), pauses, {ident: max(days) for ident, days in active.items()})


def _longest_cycle(deals: Sequence[Record], definitions: Definitions) -> int | None:
    cycles: list[int] = []
    for deal in deals:
        start, end = begun(deal), day(deal, "close_date")
        if start and end and end >= start and is_closed(deal, definitions):
            cycles.append((end - start).days)
    return max(cycles, default=None)


def _active(deals: Iterable[Record], activities: Iterable[Record]) -> dict[str, set[date]]:
    active: dict[str, set[date]] = {}
    told = [(each.text("opportunity"), day(each, "at")) for each in activities]
    told += [(deal.ref.id, day(deal, "last_activity_date")) for deal in deals]
    for deal_id, when in told:
        if deal_id and when:
            active.setdefault(deal_id, set()).add(when)
    return active
