"""The gateway's hand in the twin: turns calls into requests, and statuses into the port's errors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pilothouse.connectors.twin.capabilities import CAPABILITIES, SETS, UNMERGE
from pilothouse.connectors.twin.server import Answer, NoAnswer, TwinServer
from pilothouse.gateway.ports import Call, CallRefused, CallUnknown, Change, Receipt, StaleRecord
from pilothouse.vocabulary.capabilities import Capability
from pilothouse.vocabulary.clock import unstamp
from pilothouse.vocabulary.records import RecordRef, Snapshot
from pilothouse.vocabulary.values import Json

CREDENTIAL = "pilothouse"


class TwinConnector:
    """Implements `SystemOfRecord` for the twin."""

    def __init__(self, server: TwinServer, secret: str, name: str = "crm") -> None:
        self._server, self._secret, self.name = server, secret, name

    def __repr__(self) -> str:
        return f"TwinConnector({self.name})"

    def capabilities(self) -> Sequence[Capability]:
        """Return everything the twin can do, classified."""
        return CAPABILITIES

    def read(self, ref: RecordRef) -> Snapshot | None:
        """Return a record as it is now."""
        try:
            answer = self._server.read(self._secret, ref.object, ref.id)
        except NoAnswer as error:
            raise CallUnknown(str(error)) from None
        if answer.status == 404:
            return None
        _raise_for(answer)
        body = answer.body
        writers = {name: "" if who == CREDENTIAL else who for name, who in body["writers"].items()}
        return Snapshot(ref, body["version"], body["fields"], writers)

    def perform(self, call: Call) -> Receipt:
        """Send one request."""
        try:
            answer = self._send(call)
        except NoAnswer as error:
            raise CallUnknown(str(error)) from None
        _raise_for(answer)
        return self._receipt(call.request_id, call.ref.object, answer)

    def _send(self, call: Call) -> Answer:
        place = (self._secret, call.capability, call.ref.object, call.ref.id)
        if call.capability.endswith(".merge"):
            into, versions = str(call.arguments["into"]), (call.expected_version, call.partner_version)
            return self._server.merge(
                *place, into, expected_version=versions[0], into_version=versions[1], request_id=call.request_id
            )
        if call.capability == UNMERGE:
            merge = str(call.arguments["merge"])
            return self._server.unmerge(
                *place, merge, expected_version=call.expected_version, request_id=call.request_id
            )
        fields = SETS[call.capability](call.arguments)
        if call.headers:
            fields = {**fields, "headers": {each: dict(mine) for each, mine in call.headers.items()}}
        return self._server.write(*place, fields, expected_version=call.expected_version, request_id=call.request_id)

    def lookup(self, request_id: str) -> Receipt | None:
        """Ask what became of a request."""
        answer = self._server.lookup(self._secret, request_id)
        if answer.status == 404:
            return None
        _raise_for(answer)
        return self._receipt(request_id, answer.body["object"], answer)

    def _receipt(self, request_id: str, object_name: str, answer: Answer) -> Receipt:
        ref = RecordRef(self.name, object_name, answer.body["id"])
        return Receipt(request_id, ref, answer.body["version"], answer.body["fields"])

    def contact(self, recipient: str) -> Snapshot | None:
        """Return the contact with this id or address."""
        found = self._contact(recipient)
        return self.read(RecordRef(self.name, "contact", str(found["id"]))) if found else None

    def opted_out(self, recipient: str) -> bool:
        """True for a contact who opted out, and for anybody the twin does not know."""
        found = self._contact(recipient)
        return found is None or bool(found.get("opted_out"))

    def first_touch(self, recipient: str) -> bool:
        """True unless an activity with the contact was logged, or a message to them was sent."""
        contact = self._contact(recipient)
        names = {recipient.casefold(), *(str((contact or {}).get(key, "")).casefold() for key in ("id", "email"))} - {
            ""
        }
        return not self._server.reached(self._secret, names)

    def _contact(self, recipient: str) -> Mapping[str, Any] | None:
        if "@" not in recipient:
            snapshot = self.read(RecordRef(self.name, "contact", recipient))
            return {**snapshot.fields, "id": recipient} if snapshot else None
        wanted = recipient.casefold()
        contacts = self._server.records("contact")
        return next((each for each in contacts if str(each.get("email", "")).casefold() == wanted), None)

    def changes(self, after: int) -> Iterator[tuple[int, Change]]:
        """Yield what happened in the twin since a cursor."""
        for row in self._server.changes(after):
            before: dict[str, Json] = json.loads(row["before"])
            fields: dict[str, Json] = json.loads(row["after"])
            ref = RecordRef(self.name, row["object"], row["id"])
            ours = row["who"] == CREDENTIAL
            yield (
                row["cursor"],
                Change(ref, before, fields, row["version"], unstamp(row["at"]), row["who"], ours),
            )


def _raise_for(answer: Answer) -> None:
    message = str(answer.body.get("error", ""))
    match answer.status:
        case 200:
            return
        case 409:
            raise StaleRecord(message)
        case 429:
            raise CallRefused("too_many_requests", message, retryable=True)
        case 500:
            # A server error says nothing about whether the work was done; only reading can tell.
            raise CallUnknown(f"the twin answered 500: {message}")
        case status:
            raise CallRefused(f"status_{status}", message)
