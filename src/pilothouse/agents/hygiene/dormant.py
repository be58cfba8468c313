"""Deals that are open on paper only: phantoms, else stale ones, as the company's definitions say.

Confidence is .9 for a phantom (history could be broken tomorrow) and .75 for a stale deal.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pilothouse.agents.hygiene.proposing import flag, seen
from pilothouse.data.defining.answers import Evaluation
from pilothouse.data.store import Record
from pilothouse.data.view import DataView
from pilothouse.vocabulary.findings import Finding

TERMS = {"phantom": (0.9, ("engaged_date", "created_date")), "stale": (0.75, ("last_activity_date",))}
"""By term: how sure it is, and the fields that show it, the first that is there."""


def dormant_deals(view: DataView, as_of: datetime) -> Iterator[Finding]:
    """Flag phantom deals, else stale ones."""
    terms = [name for name in TERMS if view.definitions.has(name)]
    for deal in view.records("opportunity"):
        term = next((name for name in terms if view.holds(name, deal)), None)
        if term is not None:
            yield _finding(deal, view.defined(term, deal), view.definitions.term(term).meaning)


def _finding(deal: Record, found: Evaluation, meaning: str) -> Finding:
    confidence, shown_by = TERMS[found.term]
    field = next((name for name in shown_by if name in deal.fields), shown_by[-1])
    note = f"{meaning} Here: {found.reason}."
    by = f"{found.term} by definition {found.version}"
    evidence = [seen(deal, field, by), seen(deal, "stage", "still open")]
    proposal = flag(deal, found.term, note, confidence=confidence, evidence=evidence)
    return Finding(found.term, deal.ref, note, "flags", proposal)
