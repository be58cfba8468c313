"""What happened in the twin, as observations. Our own writes are skipped: an agent is never fed its own work as news."""

from __future__ import annotations

from collections.abc import Iterator

from pilothouse.data.store import Observation
from pilothouse.gateway.ports import SystemOfRecord
from pilothouse.vocabulary.records import WriterKind

PERSON = "user:"


def observations(connector: SystemOfRecord, after: int) -> Iterator[tuple[int, Observation | None]]:
    """Yield each cursor with what it tells, None for our own writes."""
    for cursor, change in connector.changes(after):
        if change.ours:
            yield cursor, None
            continue
        person = change.who.startswith(PERSON)
        kind = WriterKind.PERSON if person else WriterKind.IMPORT
        writer = change.who.removeprefix(PERSON)
        yield cursor, Observation(change.ref, change.fields, change.at, kind, writer)
