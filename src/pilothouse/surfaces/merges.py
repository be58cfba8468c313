"""What a review of a merge asks, for page and command line alike: which record goes into which, by their names."""

from __future__ import annotations

from pilothouse.assembly import App
from pilothouse.handoff.queue import Review
from pilothouse.vocabulary.records import RecordRef


def partner_of(pilothouse: App, review: Review) -> RecordRef | None:
    """Return the record that the reviewed record would go into; None where nothing is merged."""
    capability = pilothouse.gateway.door.registry.capabilities.get(review.capability)
    if capability is None or not capability.partner_argument or review.action is None:
        return None
    subject = RecordRef.parse(review.subject)
    return RecordRef(subject.system, subject.object, str(review.action.arguments.get(capability.partner_argument)))


def merge_in_words(pilothouse: App, review: Review) -> str:
    """Return the merge in one sentence; empty where nothing is merged."""
    partner = partner_of(pilothouse, review)
    if partner is None:
        return ""
    names = [pilothouse.store.title(each) for each in (RecordRef.parse(review.subject), partner)]
    return f"{names[0]} ({review.subject}) goes into {names[1]} ({partner})"
