"""What a reviewer is told once a canary is decided, on every surface alike. Before that, nothing is."""

from __future__ import annotations

from pilothouse.assembly import App
from pilothouse.handoff.queue import Review
from pilothouse.vocabulary.outcomes import ReviewStatus


def canary_said(pilothouse: App, done: Review) -> str:
    """Return the sentence about a decided canary; empty for a real proposal."""
    if done.status not in (ReviewStatus.CAUGHT, ReviewStatus.MISSED):
        return ""
    fault = pilothouse.canaries.fault(done.id)
    if done.status is ReviewStatus.CAUGHT:
        return f"Well caught. This was a canary, planted to be wrong: {fault} Nothing was at stake."
    return f"This was a canary, planted to be wrong, and it was approved: {fault} Nothing was carried out."
