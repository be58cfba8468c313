"""Opening, deciding and using reviews. Every decision is asked again under the ledger's write lock, so that of two
people deciding at once exactly one decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from pilothouse.directory.people import Directory, Person
from pilothouse.handoff.owners import may_decide
from pilothouse.handoff.queue import Review, review_of, reviews
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actions import Action, action_to_json
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
from pilothouse.vocabulary.clock import Clock, new_id, stamp
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput, NotFound
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.records import FieldChange, change_to_json
from pilothouse.vocabulary.values import Json, JsonObject
from pilothouse.vocabulary.verdicts import Verdict

Guard = Callable[[Connection], None]


def opening(
    action: Action,
    verdict: Verdict,
    *,
    actor: Actor,
    owner: str,
    agent_owner: str,
    deadline: datetime,
    changes: Sequence[FieldChange],
) -> tuple[Draft, str]:
    """Return the entry that opens a review, and the review's identifier. Values stand beside the tree."""
    review = new_id("rev")
    decisive = verdict.decisive
    body: JsonObject = {
        "review": review,
        "owner": owner,
        "barred": sorted({actor.person, agent_owner} - {""}),
        "capability": action.capability,
        "tier": verdict.tier.value,
        "code": decisive.code,
        "sentence": decisive.sentence,
        "rule": verdict.rule,
        "policy_version": verdict.policy_version,
        "confidence": action.confidence,
        "payload_hash": action.payload_hash,
        "deadline": stamp(deadline),
    }
    private: JsonObject = {"payload": action_to_json(action), "changes": [change_to_json(each) for each in changes]}
    subject = str(action.target)
    return Draft("review.opened", actor, body, private, subject, action.id, subject), review


def used(review: str, action: Action, actor: Actor) -> Draft:
    """Return the entry that spends an approval."""
    return Draft("review.used", actor, {"review": review}, action=action.id, subject=str(action.target))


def consume_guard(review_id: str, payload_hash: str) -> Guard:
    """Return the check, to run under the write lock, that an approval exists, is unspent and is for this payload."""

    def check(connection: Connection) -> None:
        review = read_review(connection, review_id)
        if review.status is not ReviewStatus.APPROVED or not review.decided_by or review.decided_by == SYSTEM_PERSON:
            raise Conflict(f"review {review_id} is {review.status}, not approved.", code="not_approved")
        if review.payload_hash != payload_hash:
            raise Conflict(f"review {review_id} approved another payload.", code="approval_for_other_payload")

    return check


def read_review(connection: Connection, review_id: str) -> Review:
    """Return one review; raises `NotFound`."""
    row = connection.execute(select(reviews).where(reviews.c.id == review_id)).first()
    if row is None:
        raise NotFound(f"there is no review {review_id!r}.", hint="`pilothouse reviews list` shows them.")
    return review_of(row)


class Reviews:
    """The queue, as people use it."""

    def __init__(self, ledger: Ledger, directory: Directory, clock: Clock) -> None:
        self._ledger, self._directory, self._clock = ledger, directory, clock

    def get(self, review_id: str) -> Review:
        """Return one review; raises `NotFound`."""
        with self._ledger.engine.connect() as connection:
            return read_review(connection, review_id)

    def list(self, *, owner: str | None = None, status: ReviewStatus | None = ReviewStatus.OPEN) -> list[Review]:
        """Return reviews, those due first."""
        query = select(reviews).order_by(reviews.c.deadline, reviews.c.id)
        if owner is not None:
            query = query.where(reviews.c.owner == owner)
        if status is not None:
            query = query.where(reviews.c.status == status.value)
        with self._ledger.engine.connect() as connection:
            return [review_of(row) for row in connection.execute(query)]

    def approve(self, review_id: str, by: str, payload_hash: str, note: str = "") -> Review:
        """Approve exactly the payload with this hash.

        Raises `Conflict` when the review is decided, overdue or shows another payload; `Forbidden` when this person
        may not decide it.
        """
        body = {"review": review_id, "by": by, "payload_hash": payload_hash}
        return self._decide("review.approved", review_id, by, payload_hash, body, {"note": note})

    def edit(self, review_id: str, by: str, payload_hash: str, arguments: Mapping[str, Json], note: str = "") -> Review:
        """Approve with other values. Both sets of values are kept, and the approval is bound to the new ones."""
        review = self.get(review_id)
        original = review.approved_action()
        edited = original.with_arguments(arguments)
        if edited.payload_hash == original.payload_hash:
            return self.approve(review_id, by, payload_hash, note)
        body = {"review": review_id, "by": by, "payload_hash": payload_hash, "new_hash": edited.payload_hash}
        private = {"arguments": dict(arguments), "proposed": dict(original.arguments), "note": note}
        return self._decide("review.edited", review_id, by, payload_hash, body, private)

    def reject(self, review_id: str, by: str, reason: str) -> Review:
        """Reject, with a reason that the agent's owner can learn from."""
        if not reason.strip():
            raise InvalidInput("a rejection needs a reason.", hint="One sentence is enough.")
        review = self.get(review_id)
        body = {"review": review_id, "by": by, "payload_hash": review.payload_hash}
        return self._decide("review.rejected", review_id, by, review.payload_hash, body, {"note": reason})

    def expire(self) -> list[str]:
        """Close what is overdue as rejected by time; returns the reviews. Expiry never approves."""
        now = self._clock.now()
        overdue = [each for each in self.list() if each.deadline <= now]
        return [each.id for each in overdue if self._expire(each)]

    def _expire(self, review: Review) -> bool:
        def still_open(connection: Connection) -> None:
            if read_review(connection, review.id).status is not ReviewStatus.OPEN:
                raise Conflict("it was decided a moment ago.")

        actor = Actor(SYSTEM_PERSON)
        body = {"review": review.id, "by": SYSTEM_PERSON, "deadline": stamp(review.deadline)}
        subject = review.subject
        try:
            self._ledger.append(
                [Draft("review.expired", actor, body, action=review.action_id, subject=subject)], guard=still_open
            )
        except Conflict:
            return False
        return True

    def _decide(
        self, kind: str, review_id: str, by: str, payload_hash: str, body: JsonObject, private: JsonObject
    ) -> Review:
        person = self._directory.person(by)
        review = self.get(review_id)
        now = self._clock.now()

        def last_word(connection: Connection) -> None:
            _check(read_review(connection, review_id), person, payload_hash, now, kind != "review.rejected")

        draft = Draft(kind, Actor(by), body, private, review.subject, review.action_id, review.subject)
        self._ledger.append([draft], guard=last_word)
        return self.get(review_id)

    def overrides(self) -> list[Review]:
        """Return the reviews in which a person changed or refused what an agent proposed, newest first."""
        decided = self.list(status=None)
        changed = [each for each in decided if each.edited is not None or each.status is ReviewStatus.REJECTED]
        return sorted(changed, key=lambda each: each.decided_at or each.opened_at, reverse=True)


def _check(review: Review, person: Person, payload_hash: str, now: datetime, approving: bool) -> None:
    if review.status is not ReviewStatus.OPEN:
        raise Conflict(f"review {review.id} is already {review.status}.", hint="Nothing more is to be decided.")
    if review.deadline <= now:
        raise Conflict(
            f"review {review.id} was due {review.deadline:%Y-%m-%d %H:%M} UTC and counts as rejected.",
            hint="The agent may propose it anew.",
            code="review_overdue",
        )
    if review.payload_hash != payload_hash:
        raise Conflict(
            f"review {review.id} shows another payload than the one decided on.",
            hint="Open it again and look.",
            code="payload_changed",
        )
    barred = review.barred if approving else frozenset[str]()
    why_not = may_decide(person, owner=review.owner, tier=review.tier, barred=barred)
    if why_not:
        code = "proposer_cannot_approve" if person.id in barred else "not_permitted"
        raise Forbidden(why_not, code=code)


__all__ = ["Review", "Reviews", "consume_guard", "opening", "read_review", "used"]
