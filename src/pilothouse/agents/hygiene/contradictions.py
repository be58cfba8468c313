"""Deals that contradict what their stage asks, or themselves, as the company's definitions say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pilothouse.agents.hygiene.proposing import flag, seen
from pilothouse.data.store import Record
from pilothouse.data.view import DataView
from pilothouse.vocabulary.findings import Finding

IMPOSSIBLE = "impossible_dates"


def contradictions(view: DataView, as_of: datetime) -> Iterator[Finding]:
    """Flag each deal that contradicts its stage or has impossible dates, with what it contradicts."""
    asked = view.definitions.has(IMPOSSIBLE)
    for deal in view.records("opportunity"):
        found = [*_against_stage(deal, view)]
        if asked and view.holds(IMPOSSIBLE, deal):
            impossible = view.defined(IMPOSSIBLE, deal)
            found.append((f"{impossible.reason}.", f"{IMPOSSIBLE} by definition {impossible.version}"))
        if found:
            note = " ".join(sentence for sentence, _ in found)
            evidence = [seen(deal, "stage", "its stage"), *(seen(deal, "close_date", by) for _, by in found[:1])]
            proposal = flag(deal, "contradiction", note, confidence=0.95, evidence=evidence)
            yield Finding("contradiction", deal.ref, note, "flags", proposal)


def _against_stage(deal: Record, view: DataView) -> Iterator[tuple[str, str]]:
    check = view.stage_check(deal)
    if check.stage is None:
        return  # A stage that nobody defined is a gap in the definitions, or a value to be mended.
    for sentence in check.sentences:
        yield f"{sentence}.", f"stage criteria {check.version}"
