"""Deciding reviews. Every decision is asked again under the ledger's write lock, so that of two people deciding at once
exactly one decides."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from pilothouse.directory.people import Directory, read_person
from pilothouse.directory.suspensions import Suspension, stopped
from pilothouse.handoff.deciding import Overdue, check, need_a_person, sound_values
from pilothouse.handoff.opening import Guard, consume_guard, opening, read_review, used
from pilothouse.handoff.overrides import Override, Tally, overrides_of, tallies_of
from pilothouse.handoff.queue import Review, review_of, reviews
from pilothouse.handoff.sla import REMIND_BEFORE
from pilothouse.handoff.view import ReviewView, view_of
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
from pilothouse.vocabulary.clock import Clock, stamp
from pilothouse.vocabulary.errors import Conflict, InvalidInput
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.values import Json, JsonObject


class Reviews:
    """The queue, as people use it."""

    def __init__(self, ledger: Ledger, directory: Directory, clock: Clock) -> None:
        self._ledger, self._directory, self._clock = ledger, directory, clock

    def get(self, review_id: str) -> Review:
        """Return one review; raises `NotFound`."""
        with self._ledger.reading() as connection:
            return read_review(connection, review_id)

    def view(self, review_id: str, viewer: str = "") -> ReviewView:
        """Return everything one screen needs, and why the viewer may not approve, if so; raises `NotFound`."""
        found = self.get(review_id)
        return view_of(found, self._directory, self._clock.now(), viewer, self.suspension(found))

    def list(self, *, owner: str | None = None, status: ReviewStatus | None = ReviewStatus.OPEN) -> list[Review]:
        """Return reviews, those due first on top; `status=None` means every status."""
        query = select(reviews).order_by(reviews.c.deadline, reviews.c.id)
        if owner is not None:
            query = query.where(reviews.c.owner == owner)
        if status is not None:
            query = query.where(reviews.c.status == status.value)
        return self._read(query)

    def _read(self, query: Select[Any]) -> list[Review]:
        with self._ledger.engine.connect() as connection:
            return [review_of(row) for row in connection.execute(query)]

    def approve(self, review_id: str, by: str, payload_hash: str, note: str = "") -> Review:
        """Approve exactly the payload with this hash.

        Raises `Conflict` when the review is decided, overdue (it is then expired) or shows another payload;
        `Forbidden` when this person may not decide it.
        """
        body = {"review": review_id, "by": by, "payload_hash": payload_hash}
        return self._decide("review.approved", review_id, by, payload_hash, body, {"note": note})

    def edit(self, review_id: str, by: str, payload_hash: str, arguments: Mapping[str, Json], note: str = "") -> Review:
        """Approve with other values. Both sets of values are kept, and the approval is bound to the new ones.

        Raises as `approve`, and `InvalidInput` for values that JSON cannot hold. The same values are an approval.
        """
        original = self.get(review_id).approved_action()
        edited = original.with_arguments(sound_values(arguments))
        if edited.payload_hash == original.payload_hash:
            return self.approve(review_id, by, payload_hash, note)
        body = {"review": review_id, "by": by, "payload_hash": payload_hash, "new_hash": edited.payload_hash}
        private = {"arguments": dict(edited.arguments), "proposed": dict(original.arguments), "note": note}
        return self._decide("review.edited", review_id, by, payload_hash, body, private)

    def reject(self, review_id: str, by: str, reason: str) -> Review:
        """Reject, with a reason that the agent's owner can learn from."""
        if not reason.strip():
            raise InvalidInput("a rejection needs a reason.", hint="One sentence is enough.")
        review = self.get(review_id)
        body = {"review": review_id, "by": by, "payload_hash": review.payload_hash}
        return self._decide("review.rejected", review_id, by, review.payload_hash, body, {"note": reason})

    def _decide(
        self, kind: str, review_id: str, by: str, payload_hash: str, body: JsonObject, private: JsonObject
    ) -> Review:
        need_a_person(by)
        self._directory.person(by)
        review = self.get(review_id)

        def last_word(connection: Connection) -> None:
            now, person, found = self._clock.now(), read_person(connection, by), read_review(connection, review_id)
            approving, suspension = kind != "review.rejected", suspension_of(connection, found)
            check(found, person, payload_hash, now, approving=approving, suspension=suspension)

        draft = Draft(kind, Actor(by), body, private, review.subject, review.action_id, review.subject)
        try:
            self._ledger.append([draft], guard=last_word)
        except Overdue:
            self._expire(review)
            raise
        return self.get(review_id)

    def expire(self) -> list[str]:
        """Close what is overdue as rejected by time; returns the reviews. Expiry never approves.

        What is suspended waits: nobody could have decided it.
        """
        now = self._clock.now()
        return [each.id for each in self._overdue(now) if self.suspension(each) is None and self._expire(each)]

    def suspension(self, review: Review) -> Suspension | None:
        """Return the suspension that keeps a review from being approved now, None when there is none."""
        with self._ledger.reading() as connection:
            return suspension_of(connection, review)

    def remind(self) -> list[str]:
        """Write down, once for each, which open reviews are due soon, so that their owners are told; returns them."""
        now = self._clock.now()
        waiting = (reviews.c.status == ReviewStatus.OPEN.value, reviews.c.reminded_at.is_(None))
        soon = (reviews.c.deadline > stamp(now), reviews.c.deadline <= stamp(now + REMIND_BEFORE))
        due = self._read(select(reviews).where(*waiting, *soon).order_by(reviews.c.deadline, reviews.c.id))
        return [each.id for each in due if self._by_time("review.reminded", each)]

    def _overdue(self, now: datetime) -> list[Review]:
        still_open = reviews.c.status == ReviewStatus.OPEN.value
        due = select(reviews).where(still_open, reviews.c.deadline <= stamp(now))
        return self._read(due.order_by(reviews.c.deadline, reviews.c.id))

    def _expire(self, review: Review) -> bool:
        """Return False when it was decided a moment ago, which the projector refuses, or suspended."""

        def last_word(connection: Connection) -> None:
            suspension = suspension_of(connection, review)
            if suspension is not None:
                raise Conflict(f"{suspension}.", code="agent_suspended")

        return self._by_time("review.expired", review, last_word)

    def _by_time(self, kind: str, review: Review, guard: Guard | None = None) -> bool:
        """Return False when somebody decided it a moment ago: the projector then refuses the entry."""
        body: JsonObject = {
            "review": review.id,
            "by": SYSTEM_PERSON,
            "owner": review.owner,
            "capability": review.capability,
            "sentence": review.sentence,
            "payload_hash": review.payload_hash,
            "deadline": stamp(review.deadline),
        }
        draft = Draft(kind, Actor(SYSTEM_PERSON), body, action=review.action_id, subject=review.subject)
        try:
            self._ledger.append([draft], guard=guard)
        except Conflict:
            return False
        return True

    def overrides(self, agent: str | None = None) -> list[Override]:
        """Return what people changed or refused, with the agent's values and theirs, newest first."""
        return overrides_of(self._of(agent))

    def tallies(self, agent: str | None = None, since: datetime | None = None) -> list[Tally]:
        """Count how proposals opened since a moment were decided, by agent and action type; each with its n."""
        return tallies_of(self._of(agent, since))

    def _of(self, agent: str | None, since: datetime | None = None) -> list[Review]:
        """`agent` is a name, meaning every version of it, or name@version."""
        query = select(reviews).order_by(reviews.c.opened_at)
        if agent is not None:
            named = reviews.c.agent.startswith(f"{agent}@", autoescape=True)
            query = query.where((reviews.c.agent == agent) | named)
        if since is not None:
            query = query.where(reviews.c.opened_at >= stamp(since))
        return self._read(query)


def suspension_of(connection: Connection, review: Review) -> Suspension | None:
    """Return the suspension that a review's act falls under now, None when there is none."""
    return stopped(connection, review.actor.agent, review.capability, review.action_type)


__all__ = ["Review", "Reviews", "consume_guard", "opening", "read_review", "used"]
