"""Reading a target from its system of record, once per passage."""

from __future__ import annotations

from pilothouse.gateway.passage import Passage, Stop, refuse
from pilothouse.gateway.ports import CallRefused, CallUnknown
from pilothouse.vocabulary.records import RecordRef


def read_snapshot(passage: Passage) -> Stop | None:
    """Fill `passage.snapshot`; return a refusal when the record is not there or the system does not answer."""
    if passage.snapshot_read:
        return None
    assert passage.connector is not None
    target = passage.action.target
    try:
        passage.snapshot = passage.connector.read(target)
    except (CallRefused, CallUnknown) as error:
        return refuse("system_unreadable", f"{target.system} did not show {target} ({error}); nothing was tried.")
    if passage.snapshot is None:
        return refuse("no_such_record", f"{target} does not exist in {target.system}.")
    passage.snapshot_read = True
    return None


def read_partner(passage: Passage) -> Stop | None:
    """Fill `passage.partner` where the call changes a second record; a refusal when that cannot be one."""
    assert passage.connector is not None and passage.capability is not None
    name, target = passage.capability.partner_argument, passage.action.target
    if not name:
        return None
    other = RecordRef(target.system, target.object, str(passage.action.arguments.get(name) or ""))
    if other.id in ("", target.id):
        return refuse("no_partner", f"{passage.capability.name} needs another {target.object} in {name!r}.")
    try:
        passage.partner = passage.connector.read(other)
    except (CallRefused, CallUnknown) as error:
        return refuse("system_unreadable", f"{target.system} did not show {other} ({error}); nothing was tried.")
    if passage.partner is None:
        return refuse("no_such_record", f"{other} does not exist in {target.system}.")
    return None
