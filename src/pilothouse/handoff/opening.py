"""The entries that open a review and spend an approval, and the check that an approval is there to be spent.

What must never happen here: an approval spent twice, for another payload, or for an act of a stricter tier than the one
that was approved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from pilothouse.directory.suspensions import Suspension, stopped
from pilothouse.handoff.queue import Review, review_of
from pilothouse.handoff.tables import reviews
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.statements import Statement, given
from pilothouse.vocabulary.actions import Action, action_to_json
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
from pilothouse.vocabulary.clock import new_id, stamp
from pilothouse.vocabulary.errors import Conflict, NotFound
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.records import FieldChange, change_to_json
from pilothouse.vocabulary.values import JsonObject
from pilothouse.vocabulary.verdicts import Tier, Verdict

Guard = Callable[[Connection], None]
STRICTNESS = {Tier.T3: 1, Tier.TX: 2}
"""Up to tier 2 the same people may decide, so that an edit may move an act between those tiers."""


def stricter(tier: Tier, than: Tier) -> bool:
    """True when fewer people may decide about the one tier than about the other."""
    return STRICTNESS.get(tier, 0) > STRICTNESS.get(than, 0)


def opening(
    action: Action,
    verdict: Verdict,
    *,
    actor: Actor,
    owner: str,
    agent_owner: str,
    deadline: datetime,
    changes: Sequence[FieldChange],
    action_type: str = "",
    asked_because: str = "",
    answer_by: datetime | None = None,
) -> tuple[Draft, str]:
    """Return the entry that opens a review, and the review's identifier. Values stand beside the tree.

    When nobody answered by `answer_by`, somebody else is asked; None asks nobody else.
    `action_type` is what trust is counted by, such as `crm.account.update:fill-empty`; left out, it is the capability.
    """
    review = new_id("rev")
    body: JsonObject = {
        "review": review,
        "owner": owner,
        "barred": sorted({actor.person, agent_owner} - {""}),
        "capability": action.capability,
        "action_type": action_type or action.capability,
        "tier": verdict.tier.value,
        "code": verdict.code,
        "sentence": verdict.sentence,
        "rule": verdict.rule,
        "policy_version": verdict.policy_version,
        "confidence": action.confidence,
        "payload_hash": action.payload_hash,
        "deadline": stamp(deadline),
        "asked_because": asked_because,
        "answer_by": stamp(answer_by) if answer_by else "",
    }
    private: JsonObject = {"payload": action_to_json(action), "changes": [change_to_json(each) for each in changes]}
    subject = str(action.target)
    return Draft("review.opened", actor, body, private, subject, action.id, subject), review


def used(review: str, action: Action, actor: Actor) -> Draft:
    """Return the entry that spends an approval."""
    return Draft("review.used", actor, {"review": review}, action=action.id, subject=str(action.target))


def consume_guard(review_id: str, payload_hash: str, tier: Tier | None = None) -> Guard:
    """Return the check, to run under the write lock, that an approval exists, is unspent and is for this payload.

    Give the `tier` the act has now: an approval of tier 2 does not cover what an edit or the world has made tier 3.
    """

    def check(connection: Connection) -> None:
        need_approval(read_review(connection, review_id), payload_hash, tier)

    return check


def need_approval(review: Review, payload_hash: str, tier: Tier | None = None) -> None:
    """Raise `Conflict` unless a person approved this payload, for this tier or a stricter one, and nobody used it yet."""
    if review.status is not ReviewStatus.APPROVED or review.decided_by in ("", SYSTEM_PERSON):
        raise Conflict(f"review {review.id} is {review.status}, not approved.", code="not_approved")
    if review.payload_hash != payload_hash or review.approved_action().payload_hash != payload_hash:
        raise Conflict(f"review {review.id} approved another payload.", code="approval_for_other_payload")
    if tier is not None and stricter(tier, review.tier):
        raise Conflict(
            f"review {review.id} approved an act of tier {review.tier}; as things are now it is {tier}.",
            hint="Propose it anew; somebody who may decide it will be asked.",
            code="approval_for_lower_tier",
        )


_REVIEW = Statement(select(reviews).where(reviews.c.id == given("review")))


def read_review(connection: Connection, review_id: str) -> Review:
    """Return one review; raises `NotFound`."""
    row = _REVIEW.first(connection, review=review_id)
    if row is None:
        raise NotFound(f"there is no review {review_id!r}.", hint="`pilothouse reviews list` shows them.")
    return review_of(row)


def suspension_of(connection: Connection, review: Review) -> Suspension | None:
    """Return the suspension that a review's act falls under now, None when there is none."""
    return stopped(connection, review.actor.agent, review.capability, review.action_type)
