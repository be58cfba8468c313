"""Deals that are open on paper only: phantoms, older than any that ever closed here, and stale ones, long without activity.

What counts as either is worked out in `data/deals.py`, the same for every report. Confidence is .9 for a phantom (history
could be broken tomorrow) and .75 for a stale deal.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from pilothouse.agents.hygiene.proposing import flag, seen
from pilothouse.data.deals import begun, habits, is_closed
from pilothouse.data.store import Record
from pilothouse.data.view import DataView
from pilothouse.vocabulary.findings import Finding


def dormant_deals(view: DataView, as_of: datetime) -> Iterator[Finding]:
    """Flag phantom deals, else stale ones."""
    deals = view.records("opportunity")
    here = habits(deals, view.records("activity"), view.definitions)
    today = as_of.date()
    for deal in deals:
        if is_closed(deal, view.definitions):
            continue
        age, start = here.phantom(deal, today), begun(deal)
        quiet = here.stale(deal, today)
        if age is not None and start is not None:
            yield _phantom(deal, start, age, here.longest or 0)
        elif quiet is not None:
            yield _stale(deal, quiet, here.pause or 0)


def _phantom(deal: Record, start: date, age: int, longest: int) -> Finding:
    note = f"Open since {start}, {age} days; no deal here ever took more than {longest} days to close."
    field = "engaged_date" if "engaged_date" in deal.fields else "created_date"
    evidence = [seen(deal, field, f"began {start}"), seen(deal, "stage", "still open")]
    proposal = flag(deal, "phantom", note, confidence=0.9, evidence=evidence)
    return Finding("phantom", deal.ref, note, "flags", proposal)


def _stale(deal: Record, days: int, pause: int) -> Finding:
    note = f"No activity for {days} days; deals here that were won paused {pause} days at most, nine times in ten."
    evidence = [seen(deal, "last_activity_date", f"{days} days without activity"), seen(deal, "stage", "still open")]
    proposal = flag(deal, "stale", note, confidence=0.75, evidence=evidence)
    return Finding("stale", deal.ref, note, "flags", proposal)
