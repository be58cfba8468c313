"""Whose word a value is that is put back: who wrote it before what is undone, and when; never whoever undid it.

What must never happen here: a value that was not there before given to somebody who did not write it. What cannot be
told for certain stays the word of the person who puts it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pilothouse.gateway.door import Door
from pilothouse.gateway.passage import Passage
from pilothouse.gateway.registry import new_values
from pilothouse.ledger.actions import first_writes
from pilothouse.vocabulary.capabilities import ChangeKind
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.records import WriterKind, same_value
from pilothouse.vocabulary.values import Json


def remember_writers(passage: Passage, door: Door) -> None:
    """Fill in, for each field that a person puts back, who stood behind its value: None where there was no value."""
    assert passage.capability is not None
    if passage.capability.change is not ChangeKind.RESTORE or passage.agent is not None:
        return
    values = new_values(passage.capability, passage.action.arguments)
    with door.ledger.engine.connect() as connection:
        undone = first_writes(connection, passage.action.causes, passage.action.target)
    restored: dict[str, Json] = {}
    for field, position in undone.items():
        entry = door.ledger.entry(position)
        changes: list[Mapping[str, Any]] = entry.value("changes") or []
        change = next((each for each in changes if each["field"] == field), None)
        if change is not None and field in values and same_value(change["before"], values[field]):
            restored[field] = _writer(change, stamp(entry.at))
    passage.restored = restored


def _writer(change: Mapping[str, Any], found: str) -> Json:
    """Return who wrote a value as its change tells; a value nobody saw written is dated to when it was found there."""
    kind = change["last_writer_kind"]
    if kind is None:
        return None
    return {
        "writer_kind": WriterKind(kind).value,
        "writer": change["last_writer"],
        "at": change["last_written_at"] or found,
    }
