"""Where an action has come to."""

from __future__ import annotations

from enum import StrEnum


class ActionStatus(StrEnum):
    """The state of an action, as its entries in the ledger tell it.

    `UNKNOWN` is a call that was sent and not answered: it is reconciled by reading the system of record before
    anything is retried. `INTENDED` is between the intent entry and the result entry.
    """

    REFUSED = "refused"
    SHADOWED = "shadowed"
    HELD = "held"
    REJECTED = "rejected"
    EXPIRED = "expired"
    INTENDED = "intended"
    EXECUTED = "executed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    UNDONE = "undone"


class ReviewStatus(StrEnum):
    """The state of a review. Only a person's act leads to `APPROVED`; time leads to `EXPIRED`."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    USED = "used"
