"""Reading a file of CloudEvents, one JSON object a line, as signals handed in; in flat memory."""

from __future__ import annotations

import gc
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import orjson

from pilothouse.data.importing.reading import encoding_of
from pilothouse.data.signals.receiving import LARGEST, Handed, Receipt, Signals
from pilothouse.vocabulary.actors import Actor

READ_AT_ONCE = 4 * LARGEST
"""Characters of a line that are looked at: a longer one is set aside without being held in memory whole."""


@contextmanager
def collecting_rarely() -> Generator[None, None, None]:
    """Look for cyclic garbage rarely while a file is read: there is none in a row, and looking takes a fifth of the time."""
    usual = gc.get_threshold()
    gc.set_threshold(100_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def import_events(path: Path, receiver: Signals, actor: Actor) -> Iterator[list[Receipt]]:
    """Take a file of events in, batch by batch; each batch is durable when its receipts come."""
    with collecting_rarely():
        yield from receiver.receive(events_in(path, receiver), actor)


def events_in(path: Path, receiver: Signals, channel: str = "") -> Iterator[Handed]:
    """Yield what each line tells; a line that is no event comes with its reason."""
    for number, line in _lines(path):
        if not line.strip():
            continue
        try:
            event: Any = orjson.loads(line)
            reason = "" if isinstance(event, dict) else "not a JSON object"
        except ValueError as error:
            event, reason = None, f"not readable as JSON: {error}"
        if len(line) > LARGEST:
            reason = f"the event is longer than {LARGEST} characters"
        if reason:
            yield Handed(line, None, reason, path.name, number)
        else:
            told = cast("dict[str, Any]", event)
            yield receiver.handed_event(told, channel, path.name, number, line.rstrip("\r\n"))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield numbered lines, each cut at `READ_AT_ONCE` characters."""
    with path.open(encoding=encoding_of(path)) as file:
        number = 0
        while line := file.readline(READ_AT_ONCE):
            number += 1
            whole = line.endswith("\n")
            while not whole and (rest := file.readline(READ_AT_ONCE)):
                whole = rest.endswith("\n")
            yield number, line
