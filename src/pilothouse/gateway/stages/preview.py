"""What exactly would change? The before-state from the system of record, who stands behind it, how far it reaches.

A proposal decided on a state that is no longer the present one is a stale read and stops here (I6).
"""

from __future__ import annotations

from collections.abc import Mapping

from pilothouse.gateway.door import Door
from pilothouse.gateway.passage import GO_ON, Answer, Passage, refuse
from pilothouse.gateway.ports import CallRefused, CallUnknown
from pilothouse.gateway.reading import read_snapshot
from pilothouse.gateway.restoring import remember_writers
from pilothouse.gateway.stages.validate import values_of
from pilothouse.gateway.surroundings import surround
from pilothouse.vocabulary.records import FieldChange, WriterKind, is_empty
from pilothouse.vocabulary.records import same_value as same
from pilothouse.vocabulary.values import Json


def preview(passage: Passage, door: Door) -> Answer:
    """Fill in before-state and changes; refuse a stale read and an opted-out recipient."""
    if passage.action.target.id:
        stop = read_snapshot(passage)
        if stop is not None:
            return stop
    stale = _stale(passage)
    if stale:
        return refuse("stale_read", stale)
    fields = record_before(passage)
    passage.before = {name: fields.get(name) for name in passage.fields}
    passage.changes = tuple(_change(passage, door, name, after) for name, after in values_of(passage).items())
    if passage.changes and all(same(each.before, each.after) for each in passage.changes):
        return refuse("no_change", f"{passage.action.target} already holds these values; there is nothing to do.")
    stop = _addressed(passage)
    if stop is GO_ON:
        surround(passage, door)
        remember_writers(passage, door)
    return stop


def _stale(passage: Passage) -> str:
    snapshot, action = passage.snapshot, passage.action
    if snapshot is None:
        return ""
    if action.expects is not None:
        moved = [name for name in passage.fields if not same(action.expects.get(name), snapshot.fields.get(name))]
        return f"{action.target} has moved since it was read: {', '.join(moved)} changed." if moved else ""
    if passage.fields and action.based_on != snapshot.version:
        return f"{action.target} is at version {snapshot.version}; the proposal was made on version {action.based_on}."
    return ""


def _change(passage: Passage, door: Door, name: str, after: Json) -> FieldChange:
    before = passage.before.get(name)
    known = door.data.field(passage.action.target, name)
    if known is not None and same(known.value, before):
        return FieldChange(name, before, after, known.writer_kind, known.writer, known.at)
    if is_empty(before):
        return FieldChange(name, before, after)
    # The system of record holds a value that we have not seen written: a person's, until somebody shows otherwise.
    writer = passage.snapshot.writers.get(name, "") if passage.snapshot else ""
    return FieldChange(name, before, after, WriterKind.PERSON, writer or "somebody in the system of record")


def _addressed(passage: Passage) -> Answer:
    """I8: nothing goes to somebody who opted out, approved or not. X-02: who hears from us for the first time counts."""
    assert passage.capability is not None and passage.connector is not None
    if not passage.capability.recipients_argument:
        return GO_ON
    recipients = recipients_of(passage)
    try:
        passage.addressed = tuple(c for each in recipients if (c := passage.connector.contact(each)) is not None)
        refused = [each for each in recipients if passage.connector.opted_out(each)]
        passage.new_prospects = sum(passage.connector.first_touch(each) for each in recipients)
    except (CallRefused, CallUnknown) as error:
        return refuse("system_unreadable", f"It cannot be told who opted out ({error}), so nothing is sent.")
    if refused:
        return refuse("opted_out", f"{len(refused)} recipient(s) opted out, {refused[0]} among them; nothing is sent.")
    return GO_ON


def recipients_of(passage: Passage) -> list[str]:
    """Return whom a message goes to, as its arguments name them."""
    assert passage.capability is not None
    listed = passage.action.arguments.get(passage.capability.recipients_argument)
    return [str(each) for each in (listed if isinstance(listed, list | tuple) else [listed])]


def record_before(passage: Passage) -> Mapping[str, Json]:
    """Return the whole record as it stood at preview; empty for a create."""
    return passage.snapshot.fields if passage.snapshot else dict[str, Json]()
