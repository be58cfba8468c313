"""Reading a target from its system of record, once per passage."""

from __future__ import annotations

from pilothouse.gateway.passage import Passage, Stop, refuse
from pilothouse.gateway.ports import CallRefused, CallUnknown


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
