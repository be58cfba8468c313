"""Known-wrong proposals mixed into the queues, so that it is known how many wrong ones people let through.

A canary is made from a real, decided review: the same agent, record, fields, sentence and evidence, with one value changed
so that the evidence on the screen contradicts it. It has no action behind it: no entry from which the gateway could carry
anything out, and a decision about it is never an approval (`canary_decisions.py`, `queue.py`).

What must never happen here: a canary whose value might be right; one that can be told from a real proposal while it is
open; more of them than policy allows. Known limit: the ledger holds no `action.held` for a canary, so that somebody who
reads the raw ledger instead of the queue could work out which it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from pilothouse.data.store import DataStore, Record
from pilothouse.decision.handing import Handing
from pilothouse.handoff.opening import opening
from pilothouse.handoff.queue import Review, review_of
from pilothouse.handoff.routing import Choice, Question, read_roster, route
from pilothouse.handoff.sla import deadline
from pilothouse.handoff.tables import canaries, reviews
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actions import Action
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
from pilothouse.vocabulary.clock import Clock, new_id, stamp
from pilothouse.vocabulary.errors import Conflict, InvalidInput, NotFound
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.records import FieldChange, RecordRef
from pilothouse.vocabulary.values import Json, JsonObject, canonical, digest
from pilothouse.vocabulary.verdicts import Reason, Treatment, Verdict

WINDOW = timedelta(days=30)
"""How far back real reviews count towards the rate, and serve as shapes."""
ENDED = (ReviewStatus.USED.value, ReviewStatus.REJECTED.value, ReviewStatus.EXPIRED.value)


@dataclass(frozen=True, slots=True)
class Planted:
    """A shape with its fault: the action to show, its changes, the wrong value by field, and the fault in a sentence."""

    action: Action
    changes: tuple[FieldChange, ...]
    wrong: Mapping[str, Json]
    fault: str


class Canaries:
    """Mixes canaries in, and tells of them once they are decided."""

    def __init__(self, ledger: Ledger, store: DataStore, clock: Clock, handing: Callable[[], Handing]) -> None:
        self._ledger, self._store, self._clock, self._handing = ledger, store, clock, handing

    def tend(self) -> list[str]:
        """Mix in a canary when there are fewer than policy asks for; returns the reviews. Safe to repeat."""
        rate, now = self._handing().canaries.rate, self._clock.now()
        if rate <= 0:
            return []
        with self._ledger.engine.connect() as connection:
            if not _lacking(connection, rate, now):
                return []
            shapes = _shapes(connection, now)
        for shape in _shuffled(shapes, now):
            planted = plant(shape, self._store.record(RecordRef.parse(shape.subject)), shapes)
            if planted is not None and self._seed(shape, planted, rate, now):
                return [planted.action.id]
        return []

    def fault(self, review_id: str) -> str:
        """Return what was wrong with a canary that is decided; raises `NotFound` for any other review, open ones too."""
        decided = select(canaries.c.fault).where(canaries.c.review == review_id, canaries.c.decided_at.is_not(None))
        with self._ledger.engine.connect() as connection:
            row = connection.execute(decided).first()
        if row is None:
            raise NotFound(f"{review_id!r} is no decided canary.", hint="Decide it first.")
        return row.fault

    def _seed(self, shape: Review, planted: Planted, rate: float, now: datetime) -> bool:
        chosen = self._route(shape, now)
        if chosen is None:
            return False
        settings, verdict = self._handing().reviews, _verdict(shape)
        opened, review = opening(
            planted.action,
            verdict,
            actor=shape.actor,
            owner=chosen.person,
            agent_owner=next(iter(sorted(shape.barred - {shape.actor.person})), ""),
            deadline=deadline(now, settings.expire_business_days),
            changes=planted.changes,
            action_type=shape.action_type,
            asked_because=chosen.because,
            answer_by=deadline(now, settings.sla_business_days),
        )
        body: JsonObject = {"review": review, "gate": shape.action_type}
        secret: JsonObject = {"fault": planted.fault, "wrong": canonical(planted.wrong)}
        # No subject: what a record's page tells of it must not name the canary.
        sealed = Draft("canary.seeded", Actor(SYSTEM_PERSON), body, secret, shape.subject)

        def check(connection: Connection) -> None:
            if not _lacking(connection, rate, now):
                raise Conflict("another process mixed one in a moment ago.")

        try:
            self._ledger.append([opened, sealed], guard=check)
        except Conflict:
            return False
        return True

    def _route(self, shape: Review, now: datetime) -> Choice | None:
        record = self._store.record(RecordRef.parse(shape.subject))
        fields = {name: each.value for name, each in record.fields.items()} if record else dict[str, Json]()
        question = Question(fields, shape.tier, shape.barred, self._handing().asks.get(shape.rule))
        try:
            with self._ledger.engine.connect() as connection:
                return route(question, read_roster(connection, now, self._handing()))
        except (InvalidInput, NotFound):
            return None


def plant(shape: Review, record: Record | None, others: Sequence[Review]) -> Planted | None:
    """Return a known-wrong proposal in the shape of a real one; None where none can be made that is surely wrong.

    The value planted in a field is one that was proposed for another record, and that neither the record nor any evidence
    shown holds; the evidence that names the right value stays, so that who reads it can tell.
    """
    if shape.action is None or record is None or not shape.changes:
        return None
    now = {name: value.value for name, value in record.fields.items()}
    for change in shape.changes:
        name = str(change["field"])
        right = shape.action.arguments.get(name)
        if name not in shape.action.arguments or not _evident(shape.action, name, right):
            continue
        for value in _foreign(name, shape, others):
            if not _shown(value, shape.action, now.get(name)):
                return _planted(shape.action, name, value, right, now, record)
    return None


def _planted(action: Action, name: str, value: Json, right: Json, now: Mapping[str, Json], record: Record) -> Planted:
    arguments = {**action.arguments, name: value}
    changes = tuple(_change(each, after, record) for each, after in arguments.items())
    ident = new_id("act")
    shown = replace(
        action,
        id=ident,
        idempotency_key=ident,
        arguments=arguments,
        expects={each: now.get(each) for each in arguments},
    )
    fault = f"the evidence says {name} is {right!r}; the proposal said {value!r}, which belongs to another record."
    return Planted(shown, changes, {name: value}, fault)


def _change(field: str, after: Json, record: Record) -> FieldChange:
    known = record.fields.get(field)
    if known is None:
        return FieldChange(field, None, after)
    return FieldChange(field, known.value, after, known.writer_kind, known.writer, known.at)


def _evident(action: Action, field: str, value: Json) -> bool:
    """True when the evidence shown names the right value, so that a careful reader can see the contradiction."""
    return any(fact.field == field and canonical(fact.value) == canonical(value) for fact in action.evidence)


def _foreign(field: str, shape: Review, others: Sequence[Review]) -> Iterator[Json]:
    for other in others:
        if other.subject != shape.subject and other.action is not None:
            value = other.action.arguments.get(field)
            if value not in (None, ""):
                yield value


def _shown(value: Json, action: Action, present: Json) -> bool:
    told = [present, *action.arguments.values(), *(fact.value for fact in action.evidence)]
    return any(str(each).strip().casefold() == str(value).strip().casefold() for each in told)


def _verdict(shape: Review) -> Verdict:
    reason = Reason(shape.code, shape.sentence, Treatment.REVIEW, shape.rule)
    return Verdict(Treatment.REVIEW, shape.tier, (reason,), shape.policy_version)


def _lacking(connection: Connection, rate: float, now: datetime) -> bool:
    since = stamp(now - WINDOW)
    every = connection.execute(
        select(func.count()).select_from(reviews).where(reviews.c.opened_at >= since)
    ).scalar_one()
    seeded = connection.execute(
        select(func.count()).select_from(canaries).where(canaries.c.seeded_at >= since)
    ).scalar_one()
    return seeded + 1 <= rate * (every - seeded)


def _shapes(connection: Connection, now: datetime) -> list[Review]:
    """Return real reviews that ended lately, on records about which nothing is open, and whose sentence still fits."""
    waiting = select(reviews.c.subject).where(reviews.c.status == ReviewStatus.OPEN.value)
    query = select(reviews).where(
        reviews.c.status.in_(ENDED),
        reviews.c.opened_at >= stamp(now - WINDOW),
        reviews.c.id.not_in(select(canaries.c.review)),
        reviews.c.subject.not_in(waiting),
        reviews.c.code.not_in(("overwrites_person", "overwrites_stronger")),  # their sentences name the former value
        reviews.c.edited.is_(None),
    )
    return [review_of(row) for row in connection.execute(query.order_by(reviews.c.id))]


def _shuffled(shapes: Sequence[Review], now: datetime) -> list[Review]:
    """Return the shapes in an order that nobody can foresee from the queue, and that a test can."""
    return sorted(shapes, key=lambda each: digest([each.id, stamp(now)]))
