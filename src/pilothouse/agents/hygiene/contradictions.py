"""Records that contradict themselves: closed without a date, won in a lost stage, closed before it was created."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pilothouse.agents.hygiene.proposing import flag, seen
from pilothouse.data.deals import day, is_closed
from pilothouse.data.store import Record
from pilothouse.data.view import DataView
from pilothouse.vocabulary.findings import Finding


def contradictions(view: DataView, as_of: datetime) -> Iterator[Finding]:
    """Flag each deal that contradicts itself, with what does."""
    for deal in view.records("opportunity"):
        for field, note in _problems(deal, view, as_of):
            evidence = [seen(deal, field, note), seen(deal, "stage", "its stage")]
            proposal = flag(deal, "contradiction", note, confidence=0.95, evidence=evidence)
            yield Finding("contradiction", deal.ref, note, "flags", proposal)
            break


def _problems(deal: Record, view: DataView, as_of: datetime) -> Iterator[tuple[str, str]]:
    stage = view.definitions.stage(deal.text("stage"))
    closed = is_closed(deal, view.definitions)
    begun, ended = day(deal, "engaged_date") or day(deal, "created_date"), day(deal, "close_date")
    if stage is not None and deal.value("is_closed") in (True, False) and stage.closed != deal.value("is_closed"):
        yield "is_closed", f"Stage {stage.name} is {'closed' if stage.closed else 'open'}, but the deal says otherwise."
    if (
        stage is not None
        and stage.closed
        and deal.value("is_won") in (True, False)
        and stage.won != deal.value("is_won")
    ):
        yield "is_won", f"Stage {stage.name} and won = {str(deal.value('is_won')).lower()} contradict each other."
    if closed and ended is None:
        yield "close_date", "The deal is closed, but has no close date."
    if begun and ended and ended < begun:
        yield "close_date", f"It closed on {ended}, before it began on {begun}."
    if closed and ended and ended > as_of.date():
        yield "close_date", f"It is closed, but its close date {ended} has not come yet."
