"""May this go out, to these people, in this form, now? Asked before a person approves it and again when it is performed.

What must never happen here: a message to somebody who asked to be left alone, approved or not (I8); a capability that
reaches people outside used before somebody answerable signed it off; a wait for better hours taken for a refusal.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from pilothouse.decision.outgoing import Addressee, objections
from pilothouse.gateway.door import Door
from pilothouse.gateway.passage import GO_ON, Answer, Passage, refuse
from pilothouse.handoff.compliance import leaves_the_house, may_be_an_address, signed_off, suppressed
from pilothouse.vocabulary.capabilities import ChangeKind
from pilothouse.vocabulary.errors import Conflict
from pilothouse.vocabulary.records import Snapshot


def comply(passage: Passage, door: Door) -> Answer:
    """Refuse what may not go out; what only the hour stands against may wait for a person, but not be performed."""
    assert passage.capability is not None
    if not leaves_the_house(passage.capability):
        return GO_ON
    if passage.capability.change is ChangeKind.ENROLMENT and passage.snapshot is not None:
        passage.addressed = (passage.snapshot,)
    if door.compliance.signed(passage.capability.name) is None:
        return refuse(
            "not_signed_off",
            f"Nobody signed off that {passage.capability.name} may reach people outside; legal or an admin does, with "
            "`pilothouse compliance sign-off`.",
        )
    left_alone = _left_alone(passage, door)
    if left_alone:
        return refuse("suppressed", left_alone)
    return _fits(passage, door)


def _left_alone(passage: Passage, door: Door) -> str:
    for contact in passage.addressed:
        if door.compliance.is_suppressed(address_of(contact)):
            return f"{contact.ref} asked not to be written to; nothing is sent."
        where = door.compliance.withdrawn(contact.ref)
        if where or contact.fields.get("opted_out") is True:
            return f"{contact.ref} opted out (in {where or contact.ref}), which holds everywhere; nothing is sent."
    return ""


def _fits(passage: Passage, door: Door) -> Answer:
    assert passage.capability is not None and passage.connector is not None and passage.rules is not None
    is_text = passage.capability.change is ChangeKind.MESSAGE
    if is_text:
        for contact in passage.addressed:
            if not may_be_an_address(address_of(contact)):
                return refuse("no_address", f"{contact.ref} has no e-mail address that could be written to.")
    to = [
        Addressee(
            country=str(contact.fields.get("country") or ""),
            consent=contact.fields.get("consent") is True,
            first=passage.connector.first_touch(contact.ref.id),
        )
        for contact in passage.addressed
    ]
    text = passage.action.arguments if is_text else None
    for objection in objections(text, to, passage.rules.policy.messages, door.clock.now()):
        if not objection.passing:
            return refuse(objection.code, objection.sentence)
        if passage.approval is not None and is_text:
            return refuse(objection.code, objection.sentence)
    return GO_ON


def address_of(contact: Snapshot) -> str:
    """Return a contact's address, empty when there is none."""
    return str(contact.fields.get("email") or "").strip()


def still_complies(connection: Connection, passage: Passage, now: datetime) -> None:
    """Raise `Conflict` when a sign-off was taken back, or somebody asked to be left alone, a moment ago.

    Asked under the ledger's write lock.
    """
    assert passage.capability is not None
    if leaves_the_house(passage.capability) and not signed_off(connection, passage.capability.name, now):
        raise Conflict(f"the sign-off of {passage.capability.name} ended a moment ago.", code="not_signed_off")
    for contact in passage.addressed:
        if suppressed(connection, address_of(contact)):
            raise Conflict(f"{contact.ref} asked a moment ago not to be written to.", code="suppressed")
