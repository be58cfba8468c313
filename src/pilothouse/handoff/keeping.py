"""What happens to open reviews by the clock: a reminder, somebody else asked, and in the end a rejection by time.

What must never happen here: time taken for an approval; a review handed to somebody who stands behind it (I10); a
reminder or a handover written twice by two processes at once (the projector refuses the second).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from pilothouse.data.store import DataStore
from pilothouse.decision.handing import Handing
from pilothouse.directory.roles import permissions_of
from pilothouse.handoff.opening import read_review, suspension_of
from pilothouse.handoff.queue import Review, review_of
from pilothouse.handoff.routing import Choice, Question, Roster, can_be_asked, read_roster, route, stand_in
from pilothouse.handoff.sla import deadline
from pilothouse.handoff.tables import reviews
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
from pilothouse.vocabulary.clock import Clock, stamp
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput, NotFound
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.values import Json, JsonObject


@dataclass
class Kept:
    """The reviews about which somebody was reminded, and those that were handed to somebody else."""

    reminded: list[str] = field(default_factory=list[str])
    reassigned: list[str] = field(default_factory=list[str])


class Keeper:
    """Keeps open reviews moving."""

    def __init__(self, ledger: Ledger, store: DataStore, clock: Clock, handing: Callable[[], Handing]) -> None:
        self._ledger, self._store, self._clock, self._handing = ledger, store, clock, handing

    def tend(self) -> Kept:
        """Remind and hand over what is due; safe to repeat at any time."""
        now, kept = self._clock.now(), Kept()
        waiting = [each for each in self._open() if each.deadline > now]
        if not waiting:
            return kept
        with self._ledger.engine.connect() as connection:
            # What is suspended waits: nobody could decide it, whoever is asked.
            waiting = [each for each in waiting if suspension_of(connection, each) is None]
            roster = read_roster(connection, now, self._handing())
        for each in waiting:
            if self._hand_on(each, roster, now):
                kept.reassigned.append(each.id)
            elif self._remind(each, now):
                kept.reminded.append(each.id)
        return kept

    def reassign(self, review_id: str, to: str, by: str, reason: str) -> Review:
        """Give an open review to somebody else by hand; the owner may, and whoever may review.

        Raises `InvalidInput` without a reason, `Forbidden` when one may not give it or the other may not decide it,
        `Conflict` when it is not open.
        """
        if not reason.strip():
            raise InvalidInput("handing a review on needs a reason.", hint="One sentence is enough.")
        now = self._clock.now()
        with self._ledger.engine.connect() as connection:
            review = read_review(connection, review_id)
        record = self._record(review)

        def check(connection: Connection) -> None:
            roster = read_roster(connection, now, self._handing())
            giver = roster.people.get(by)
            if giver is None or not giver.active:
                raise Forbidden(f"{by!r} is nobody who may hand a review on.", hint="Name a person who is active.")
            current = read_review(connection, review_id)
            if by != current.owner and "review" not in permissions_of(giver.role).may:
                raise Forbidden(f"{giver.name} may not hand this review on.", hint="Its owner or a reviewer may.")
            why_not = can_be_asked(to, Question(record, current.tier, current.barred), roster)
            if why_not:
                raise Forbidden(why_not, hint="Name somebody who may decide it.", code="cannot_be_asked")

        because = f"{by} handed it on: {reason.strip()}"
        self._ledger.append([self._handover(review, Choice(to, because), Actor(by), now)], guard=check)
        with self._ledger.engine.connect() as connection:
            return read_review(connection, review_id)

    def _open(self) -> list[Review]:
        query = select(reviews).where(reviews.c.status == ReviewStatus.OPEN.value).order_by(reviews.c.id)
        with self._ledger.engine.connect() as connection:
            return [review_of(row) for row in connection.execute(query)]

    def _hand_on(self, review: Review, roster: Roster, now: datetime) -> bool:
        why = _why_another(review, roster, now)
        if not why:
            return False
        question = Question(
            self._record(review),
            review.tier,
            review.barred,
            self._handing().asks.get(review.rule),
            without=frozenset({review.owner}),
        )
        try:
            chosen = stand_in(review.owner, question, roster) or route(question, roster)
        except (InvalidInput, NotFound):
            return False  # nobody else may decide it; whoever was asked stays asked, until it expires
        if chosen.person in roster.away:
            return False
        choice = Choice(chosen.person, f"{why}; {chosen.because}")
        return self._written(self._handover(review, choice, Actor(SYSTEM_PERSON), now))

    def _handover(self, review: Review, choice: Choice, by: Actor, now: datetime) -> Draft:
        answer_by = deadline(now, self._handing().reviews.sla_business_days)
        body: JsonObject = {
            "review": review.id,
            "from": review.owner,
            "to": choice.person,
            "because": choice.because,
            "by": by.person,
            "answer_by": stamp(answer_by) if answer_by < review.deadline else "",
            "late": _late(review, now),
            **_told(review),
        }
        return Draft("review.reassigned", by, body, action=review.action_id, subject=review.subject)

    def _remind(self, review: Review, now: datetime) -> bool:
        due = review.answer_by or review.deadline
        if review.reminded_at is not None or now < due - timedelta(hours=self._handing().reviews.remind_hours):
            return False
        body: JsonObject = {
            "review": review.id,
            "owner": review.owner,
            "due": stamp(due),
            "deadline": stamp(review.deadline),
            **_told(review),
        }
        draft = Draft("review.reminded", Actor(SYSTEM_PERSON), body, action=review.action_id, subject=review.subject)
        return self._written(draft, once=review.id)

    def _written(self, draft: Draft, once: str = "") -> bool:
        def check(connection: Connection) -> None:
            if once and read_review(connection, once).reminded_at is not None:
                raise Conflict(f"{once} was reminded about already.")

        try:
            self._ledger.append([draft], guard=check)
        except Conflict:
            return False  # decided, handed on or reminded about a moment ago
        return True

    def _record(self, review: Review) -> Mapping[str, Json]:
        ref = RecordRef.parse(review.subject)
        record = self._store.record(ref) if ref.id else None
        return {name: each.value for name, each in record.fields.items()} if record else {}


def _told(review: Review) -> JsonObject:
    """What whoever is asked is told of a review, so that a message can be bound to what it shows."""
    return {"capability": review.capability, "sentence": review.sentence, "payload_hash": review.payload_hash}


def _late(review: Review, now: datetime) -> bool:
    """True when whoever was asked did not answer in time."""
    return review.answer_by is not None and review.answer_by <= now


def _why_another(review: Review, roster: Roster, now: datetime) -> str:
    """Return why somebody else is to be asked; empty while whoever was asked has time, and is here."""
    owner = roster.people.get(review.owner)
    if owner is None or not owner.active:
        return f"{review.owner} is no longer active"
    if review.owner in roster.away:
        return f"{review.owner} is away until {roster.away[review.owner].ends:%Y-%m-%d}"
    if review.answer_by is not None and _late(review, now):
        return f"{review.owner} did not answer by {review.answer_by:%Y-%m-%d %H:%M} UTC"
    return ""
