"""Deciding like reviews together: one look, and still one decision for each, bound to its own payload.

What must never happen here: one row's trouble taken for the others'; each is told by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pilothouse.gateway.gateway import Gateway
from pilothouse.handoff.queue import Review
from pilothouse.vocabulary.clock import new_id
from pilothouse.vocabulary.errors import LedgerUnavailable, PilothouseError
from pilothouse.vocabulary.outcomes import ReviewStatus


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one row: the review as it stands (None when it could not be decided), a status and a sentence."""

    id: str
    review: Review | None
    status: str
    sentence: str


def decide_together(gateway: Gateway, rows: Mapping[str, str], by: str, *, approve: bool, note: str) -> list[Row]:
    """Approve or reject reviews, given with the payload hashes that were shown, and carry out what was approved."""
    batch = (new_id("batch"), len(rows))
    return [_decide(gateway, review, shown, by, approve, note, batch) for review, shown in rows.items()]


def _decide(
    gateway: Gateway, review: str, shown: str, by: str, approve: bool, note: str, batch: tuple[str, int]
) -> Row:
    try:
        if not approve:
            done = gateway.reviews.reject(review, by, note, batch)
            return Row(review, done, done.status.value, "Rejected.")
        done = gateway.reviews.approve(review, by, shown, note, batch)
        if done.status is not ReviewStatus.APPROVED:
            return Row(review, done, done.status.value, "")
        result = gateway.resume(review)
        return Row(review, done, result.status.value, result.sentence)
    except LedgerUnavailable:
        raise
    except PilothouseError as error:
        return Row(review, None, error.code, str(error))
