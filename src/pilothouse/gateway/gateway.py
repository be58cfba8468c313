"""The only door. Agents and people hand actions in here; approved reviews come back in here; nothing goes round it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pilothouse.gateway.door import Door
from pilothouse.gateway.passage import Approval, Passage, Result, Stop
from pilothouse.gateway.pipeline import AFTER_APPROVAL, BEFORE_DECISION, STAGES, run
from pilothouse.gateway.reconcile import Settled, reconcile
from pilothouse.gateway.scoped_read import scoped_read
from pilothouse.handoff.canaries import Canaries
from pilothouse.handoff.deciding import sound_values
from pilothouse.handoff.keeping import Keeper
from pilothouse.handoff.opening import stricter
from pilothouse.handoff.reviews import Review, Reviews
from pilothouse.ledger.actions import ActionRow, action_get
from pilothouse.vocabulary.actions import Action
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import Conflict, InvalidInput, NotFound
from pilothouse.vocabulary.outcomes import ActionStatus, ReviewStatus
from pilothouse.vocabulary.records import RecordRef, Snapshot
from pilothouse.vocabulary.values import Json


@dataclass
class Gateway:
    """Submits actions, takes up approved ones, settles what is unknown."""

    door: Door
    reviews: Reviews
    keeper: Keeper
    canaries: Canaries

    def submit(self, action: Action, token: str) -> Result:
        """Take an agent's action through the pipeline. Always answers; every answer is in the ledger.

        Raises `LedgerUnavailable` when the ledger cannot be written; then nothing was performed. Raises
        `Unauthenticated` for a token that was never ours: no entry says who that was, so strangers cannot fill the ledger.
        """
        self.door.tokens.recognise(token)
        return self._settled(run(Passage(action, credential=token), self.door, STAGES))

    def submit_as_person(self, action: Action, person: str) -> Result:
        """Take the action of a person who is logged in, acting without an agent."""
        return self._settled(run(Passage(action, actor=Actor(person)), self.door, STAGES))

    def resume(self, review_id: str) -> Result:
        """Take up an action whose review was approved, from `authorize` on.

        Raises `Conflict` when the review is not approved or its approval was used.
        """
        review = self.reviews.get(review_id)
        if review.status in (ReviewStatus.CAUGHT, ReviewStatus.MISSED):
            raise Conflict(f"review {review_id} was a canary; there is nothing to carry out.", code="canary")
        if review.status is not ReviewStatus.APPROVED:
            raise Conflict(
                f"review {review_id} is {review.status}, not approved.", hint="Only an approved review can be taken up."
            )
        action = review.approved_action()
        self.row(action.id)  # what was never proposed through this door has no entry, and nothing comes of it
        passage = Passage(
            action,
            actor=review.actor,
            approval=Approval(review_id, action.payload_hash, review.decided_by, review.was_edited),
        )
        return self._settled(run(passage, self.door, AFTER_APPROVAL))

    def edit(self, review_id: str, by: str, payload_hash: str, arguments: Mapping[str, Json], note: str = "") -> Review:
        """Approve a review with other values, once it is known that they could go through.

        Raises `InvalidInput` for values that the gateway would refuse, and leaves the review open; else as
        `Reviews.edit`.
        """
        review = self.reviews.get(review_id)
        passage = Passage(review.approved_action().with_arguments(sound_values(arguments)), actor=review.actor)
        for stage in BEFORE_DECISION if review.status is ReviewStatus.OPEN else ():
            answer = stage(passage, self.door)
            if isinstance(answer, Stop):
                raise InvalidInput(answer.sentence, hint="The review is still open.", code=answer.code)
        if passage.verdict is not None and stricter(passage.verdict.tier, review.tier):
            raise InvalidInput(
                f"with these values it is an act of tier {passage.verdict.tier}, and this review is of {review.tier}.",
                hint="Reject it, and have the act proposed by itself.",
                code="approval_for_lower_tier",
            )
        return self.reviews.edit(review_id, by, payload_hash, arguments, note)

    def _settled(self, result: Result) -> Result:
        if result.status is not ActionStatus.UNKNOWN or result.replayed:
            return result
        settled = self.reconcile(result.action.id)
        return Result(result.action, settled.status, settled.code, settled.sentence, result.verdict, result.review)

    def reconcile(self, action_id: str) -> Settled:
        """Find out what became of an action without result, by reading the system of record."""
        return reconcile(self.door, self.row(action_id))

    def row(self, action_id: str) -> ActionRow:
        """Return the projection of one action; raises `NotFound`."""
        with self.door.ledger.reading() as connection:
            row = action_get(connection, action_id)
        if row is None:
            raise NotFound(f"there is no action {action_id!r}.", hint="`pilothouse actions list` shows them.")
        return row

    def read(self, ref: RecordRef, token: str) -> Snapshot:
        """Read a record for an agent, reduced to what its contract lets it read; the read is an entry.

        Raises `Unauthenticated`, `Forbidden` or `NotFound`.
        """
        return scoped_read(self.door, ref, token)
