"""Deciding reviews. Every decision is asked again under the ledger's write lock, so that of two people deciding at once
exactly one decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from pilothouse.decision.handing import Handing
from pilothouse.directory.people import Directory, read_person
from pilothouse.directory.suspensions import Suspension
from pilothouse.handoff.canary_decisions import canary_decided
from pilothouse.handoff.deciding import Overdue, check, need_a_person, sound_values
from pilothouse.handoff.looking import counts_as_evidence, why_no_evidence
from pilothouse.handoff.opening import consume_guard, opening, read_review, suspension_of, used
from pilothouse.handoff.overrides import Override, Tally, overrides_of, tallies_of
from pilothouse.handoff.queue import Review, is_canary, review_of
from pilothouse.handoff.tables import canaries, reviews, shown
from pilothouse.handoff.view import ReviewView, view_of
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
from pilothouse.vocabulary.clock import Clock, stamp, unstamp
from pilothouse.vocabulary.errors import Conflict, InvalidInput
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.values import Json, JsonObject

NAMED_AT_MOST = 500
"""So many reviews are asked about by name; for more, reading all of them is faster."""
ALONE = ("", 0)
"""The batch of a review that is decided by itself."""


class Reviews:
    """The queue, as people use it."""

    def __init__(
        self, ledger: Ledger, directory: Directory, clock: Clock, handing: Callable[[], Handing] = Handing
    ) -> None:
        self._ledger, self._directory, self._clock, self._handing = ledger, directory, clock, handing

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

    def show(self, review_ids: Sequence[str], person: str) -> None:
        """Write down that reviews were shown to somebody, the first time each; cheap to repeat."""
        query = select(shown.c.review).where(shown.c.person == person, shown.c.review.in_(review_ids))
        with self._ledger.engine.connect() as connection:
            seen = {row.review for row in connection.execute(query)}
        new = [each for each in review_ids if each not in seen]
        if new:
            self._ledger.append([Draft("review.shown", Actor(person), {"review": each}) for each in new])

    def shown_to_decider(self, found: Sequence[Review]) -> dict[str, datetime]:
        """Return when each review was first shown to who decided it; what was not shown to them is left out."""
        deciders = {each.id: each.decided_by for each in found}
        with self._ledger.engine.connect() as connection:
            query = select(shown)
            if len(deciders) <= NAMED_AT_MOST:
                query = query.where(shown.c.review.in_(deciders))
            rows = connection.execute(query).all()
        return {row.review: unstamp(row.at) for row in rows if deciders.get(row.review) == row.person}

    def approve(
        self, review_id: str, by: str, payload_hash: str, note: str = "", batch: tuple[str, int] = ALONE
    ) -> Review:
        """Approve exactly the payload with this hash; `batch` names the batch it is decided in, and its size.

        A canary is not approved: it comes back as missed, and nothing follows from it.

        Raises `Conflict` when the review is decided, overdue (it is then expired) or shows another payload;
        `Forbidden` when this person may not decide it.
        """
        body = {"review": review_id, "by": by, "payload_hash": payload_hash, **_in_batch(batch)}
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
        body |= _in_batch(ALONE)
        private = {"arguments": dict(edited.arguments), "proposed": dict(original.arguments), "note": note}
        return self._decide("review.edited", review_id, by, payload_hash, body, private)

    def reject(self, review_id: str, by: str, reason: str, batch: tuple[str, int] = ALONE) -> Review:
        """Reject, with a reason that the agent's owner can learn from; a canary comes back as caught."""
        if not reason.strip():
            raise InvalidInput("a rejection needs a reason.", hint="One sentence is enough.")
        review = self.get(review_id)
        body = {"review": review_id, "by": by, "payload_hash": review.payload_hash, **_in_batch(batch)}
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
        with self._ledger.engine.connect() as connection:
            if is_canary(connection, review_id):
                draft = canary_decided(connection, draft)
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

        with self._ledger.engine.connect() as connection:
            kind = "canary.expired" if is_canary(connection, review.id) else "review.expired"
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
            self._ledger.append([draft], guard=last_word)
        except Conflict:
            return False
        return True

    def overrides(self, agent: str | None = None) -> list[Override]:
        """Return what people changed or refused, with the agent's values and theirs, newest first."""
        return overrides_of(self._of(agent))

    def decided(self, agent: str | None = None, since: datetime | None = None) -> Iterator[Review]:
        """Yield the reviews opened since a moment that were decided, or expired, in the order they were asked."""
        closed = reviews.c.status != ReviewStatus.OPEN.value
        with self._ledger.engine.connect() as connection:
            for row in connection.execution_options(yield_per=1000).execute(self._selected(agent, since).where(closed)):
                yield review_of(row)

    def tallies(self, agent: str | None = None, since: datetime | None = None) -> list[Tally]:
        """Count how proposals opened since a moment were decided, by agent and action type; each with its n.

        Only decisions that are evidence count (`looking.counts_as_evidence`); the others are told beside them.
        """
        found, settings = self._of(agent, since), self._handing().reviews
        looked = self.shown_to_decider(found)
        return tallies_of(found, lambda each: counts_as_evidence(each, looked.get(each.id), settings))

    def counts_as_evidence(self, review: Review) -> bool:
        """True when a decision says something about the agent; see `looking.counts_as_evidence`."""
        looked = self.shown_to_decider([review])
        return counts_as_evidence(review, looked.get(review.id), self._handing().reviews)

    def why_no_evidence(self, review: Review) -> str:
        """Return why an approval says nothing about the agent, for who gave it; see `looking.why_no_evidence`."""
        looked = self.shown_to_decider([review])
        return why_no_evidence(review, looked.get(review.id), self._handing().reviews)

    def evidence(self, agent: str | None = None, since: datetime | None = None) -> list[Review]:
        """Return the decided reviews that are evidence, of an agent and since a moment where given, oldest first."""
        found, settings = self._of(agent, since), self._handing().reviews
        looked = self.shown_to_decider(found)
        return [each for each in found if counts_as_evidence(each, looked.get(each.id), settings)]

    def _of(self, agent: str | None, since: datetime | None = None) -> list[Review]:
        return self._read(self._selected(agent, since))

    def _selected(self, agent: str | None, since: datetime | None) -> Select[Any]:
        """`agent` is a name, meaning every version of it, or name@version."""
        # Once decided or over, a canary says nothing about the agent; while it is open nobody must be able to tell.
        ended = reviews.c.id.in_(select(canaries.c.review)) & (reviews.c.status != ReviewStatus.OPEN.value)
        query = select(reviews).where(~ended).order_by(reviews.c.opened_at)
        if agent is not None:
            named = reviews.c.agent.startswith(f"{agent}@", autoescape=True)
            query = query.where((reviews.c.agent == agent) | named)
        if since is not None:
            query = query.where(reviews.c.opened_at >= stamp(since))
        return query


def _in_batch(batch: tuple[str, int]) -> dict[str, Json]:
    return {"batch": batch[0], "batch_size": batch[1]} if batch[0] else {}


__all__ = ["Review", "Reviews", "consume_guard", "opening", "read_review", "used"]
