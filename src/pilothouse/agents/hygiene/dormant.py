"""Deals that are open on paper only.

A phantom is an open deal older than the longest cycle in which this company ever closed one. A stale deal had no
activity for longer than nine in ten won deals ever paused before closing; where fewer than 20 won deals have activity,
14 days count (requirements X-21). Confidence is .9 for a phantom (history could be broken tomorrow) and .75 for stale.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from pilothouse.agents.hygiene.proposing import flag, seen
from pilothouse.data.definitions import Definitions
from pilothouse.data.store import Record
from pilothouse.data.view import DataView
from pilothouse.vocabulary.findings import Finding

SMALLEST_SAMPLE, FALLBACK_DAYS = 20, 14


def dormant_deals(view: DataView, as_of: datetime) -> Iterator[Finding]:
    """Flag phantom deals, else stale ones."""
    deals = view.records("opportunity")
    longest = _longest_cycle(deals, view.definitions)
    last = _last_activity(view)
    pause = _usual_pause(deals, last, view.definitions)
    today = as_of.date()
    for deal in deals:
        if is_closed(deal, view.definitions):
            continue
        begun = day(deal, "engaged_date") or day(deal, "created_date")
        if longest is not None and begun is not None and (today - begun).days > longest:
            yield _phantom(deal, begun, (today - begun).days, longest)
        elif last.get(deal.ref.id) is not None and pause is not None and (today - last[deal.ref.id]).days > pause:
            yield _stale(deal, (today - last[deal.ref.id]).days, pause)


def day(record: Record, field: str) -> date | None:
    """Return a date field as a date, None when it is empty or no date."""
    try:
        return date.fromisoformat(record.text(field)[:10])
    except ValueError:
        return None


def is_closed(deal: Record, definitions: Definitions) -> bool:
    """True when the deal says it is closed, or its stage is a closed one."""
    stage = definitions.stage(deal.text("stage"))
    return deal.value("is_closed") is True or (stage is not None and stage.closed)


def _longest_cycle(deals: Sequence[Record], definitions: Definitions) -> int | None:
    cycles: list[int] = []
    for deal in deals:
        begun = day(deal, "engaged_date") or day(deal, "created_date")
        ended = day(deal, "close_date")
        if begun and ended and ended >= begun and is_closed(deal, definitions):
            cycles.append((ended - begun).days)
    return max(cycles, default=None)


def _last_activity(view: DataView) -> dict[str, date]:
    last: dict[str, date] = {}
    for activity in view.records("activity"):
        deal, when = activity.text("opportunity"), day(activity, "at")
        if deal and when and when > last.get(deal, date.min):
            last[deal] = when
    for deal in view.records("opportunity"):
        when = day(deal, "last_activity_date")
        if when and when > last.get(deal.ref.id, date.min):
            last[deal.ref.id] = when
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


def _phantom(deal: Record, begun: date, age: int, longest: int) -> Finding:
    note = f"Open since {begun}, {age} days; no deal here ever took more than {longest} days to close."
    field = "engaged_date" if "engaged_date" in deal.fields else "created_date"
    evidence = [seen(deal, field, f"began {begun}"), seen(deal, "stage", "still open")]
    already = deal.text("flags").startswith("phantom")
    proposal = None if already else flag(deal, "phantom", note, confidence=0.9, evidence=evidence)
    return Finding("phantom", deal.ref, note, "flags", proposal)


def _stale(deal: Record, days: int, pause: int) -> Finding:
    note = f"No activity for {days} days; deals here that were won paused {pause} days at most, nine times in ten."
    evidence = [seen(deal, "last_activity_date", f"{days} days without activity"), seen(deal, "stage", "still open")]
    already = deal.text("flags").startswith("stale")
    proposal = None if already else flag(deal, "stale", note, confidence=0.75, evidence=evidence)
    return Finding("stale", deal.ref, note, "flags", proposal)
