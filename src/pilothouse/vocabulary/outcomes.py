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
    """The state of a review. Only a person's act leads to `APPROVED`; time leads to `EXPIRED`.

    `CAUGHT` and `MISSED` are how a canary ends: a known-wrong proposal that was rejected, or approved. Neither leads on.
    """

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    USED = "used"
    CAUGHT = "caught"
    MISSED = "missed"
