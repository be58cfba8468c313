"""What must hold of what goes out: signed off, and to nobody who asked to be left alone, as of the message's place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pilothouse.handoff.compliance import hashes_of
from pilothouse.ledger.entries import Entry
from pilothouse.vocabulary.clock import stamp

OUTWARD = ("crm.message.send", "crm.contact.enrol")


def check_messages(entries: Sequence[Entry], committed: Sequence[dict[str, Any]], addresses: Mapping[str, str]) -> None:
    """Assert that whatever went out was signed off, and went to nobody who was suppressed; addresses are by contact."""
    sent = {row["request_id"]: row for row in committed}
    signed, alone = dict[str, str](), set[str]()
    for entry in entries:
        body = entry.body
        match entry.kind:
            case "legal.signed_off":
                signed[body["capability"]] = body["until"]
            case "legal.withdrawn":
                signed.pop(body["capability"], None)
            case "suppression.added":
                alone.add(body["hash"])
            case "suppression.removed":
                alone.discard(body["hash"])
            case "action.intended" if body["capability"] in OUTWARD and entry.action in sent:
                assert signed.get(body["capability"], "") > stamp(entry.at), f"{entry.action} was not signed off"
                for contact in _written_to(entry):
                    hit = alone & set(hashes_of(addresses.get(contact, "")))
                    assert not hit, f"{entry.action} went to {contact}, who asked to be left alone"
            case _:
                pass


def _written_to(entry: Entry) -> list[str]:
    recipients = entry.value("arguments").get("recipients")
    return [str(each) for each in recipients] if recipients else [entry.body["record_id"]]
