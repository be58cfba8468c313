"""May this person decide this review, now, for this payload? Asked under the ledger's write lock, of fresh rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pilothouse.directory.people import Person
from pilothouse.directory.suspensions import Suspension
from pilothouse.handoff.owners import STRICT, may_decide
from pilothouse.handoff.queue import Review
from pilothouse.vocabulary.actors import SYSTEM_PERSON
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.values import Json, canonical, parse_json


class Overdue(Conflict):
    """The deadline passed while the review was open; it is to be expired, never approved."""

    code = "review_overdue"


def need_a_person(by: str) -> None:
    """Raise `Forbidden` for an agent or the system: only people decide."""
    if by == SYSTEM_PERSON or "@" in by:
        raise Forbidden(
            f"{by!r} is not a person, and only a person decides a review.",
            hint="Name the person who looked at it.",
            code="only_people_decide",
        )


def check(
    review: Review,
    person: Person,
    payload_hash: str,
    now: datetime,
    *,
    approving: bool,
    suspension: Suspension | None = None,
) -> None:
    """Raise `Conflict` or `Forbidden` unless the decision may stand; while suspended only a rejection may."""
    if review.status is not ReviewStatus.OPEN:
        raise Conflict(f"review {review.id} is already {review.status}.", hint="Nothing more is to be decided.")
    if suspension is not None and approving:
        raise Conflict(
            f"review {review.id} cannot be approved: {suspension}.",
            hint="It does not expire meanwhile; you may reject it.",
            code="agent_suspended",
        )
    if review.deadline <= now and suspension is None:
        raise Overdue(
            f"review {review.id} was due {review.deadline:%Y-%m-%d %H:%M} UTC and counts as rejected.",
            hint="The agent may propose it anew.",
        )
    if review.payload_hash != payload_hash:
        raise Conflict(
            f"review {review.id} shows another payload than the one decided on.",
            hint="Open it again and look.",
            code="payload_changed",
        )
    if approving:
        _same_as_shown(review)
    _permitted(review, person, approving)


def _same_as_shown(review: Review) -> None:
    """What is stored, and would be performed, must itself have the hash that the reviewer saw."""
    if review.approved_action().payload_hash != review.payload_hash:
        raise Conflict(
            f"the stored payload of {review.id} is not the one its hash names.",
            hint="Run `pilothouse ledger verify`, then rebuild the projections.",
            code="payload_changed",
        )


def _permitted(review: Review, person: Person, approving: bool) -> None:
    barred = review.barred if approving else frozenset[str]()
    why_not = may_decide(person, owner=review.owner, tier=review.tier, barred=barred)
    if why_not:
        proposer = review.tier in STRICT and person.id in barred
        raise Forbidden(why_not, code="proposer_cannot_approve" if proposer else "not_permitted")


def sound_values(arguments: Mapping[str, Json]) -> dict[str, Json]:
    """Return a reviewer's values; raises `InvalidInput` for what JSON cannot hold exactly.

    NaN would be stored, hashed and shown as null: the person would have approved one thing and got another.
    """
    given = dict(arguments)
    try:
        kept = parse_json(canonical(given))
    except TypeError as error:
        raise InvalidInput(f"these values cannot be kept: {error}.", hint="Use text, numbers, true or false.") from None
    if kept != given:
        raise InvalidInput("one of these values is not a finite number.", hint="Use a number, or leave the field out.")
    return given
