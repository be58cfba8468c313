"""Reading a file of CloudEvents, one JSON object a line, as signals handed in; in flat memory."""

from __future__ import annotations

import gc
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import orjson

from pilothouse.data.importing.reading import shown, unkeepable
from pilothouse.data.importing.report import ImportReport, Progress
from pilothouse.data.importing.signal_rows import count
from pilothouse.data.importing.source import Source, inspect
from pilothouse.data.signals.receiving import LARGEST, Handed, Receipt, Signals
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import InvalidInput
from pilothouse.vocabulary.values import Json

CLOUDEVENTS = "cloudevents"


@contextmanager
def collecting_rarely() -> Generator[None, None, None]:
    """Look for cyclic garbage rarely while a file is read: there is none in a row, and looking takes a fifth of the time."""
    usual = gc.get_threshold()
    gc.set_threshold(100_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def import_events(source: Source, receiver: Signals, actor: Actor) -> Iterator[list[Receipt]]:
    """Take a file of events in, batch by batch; each batch is durable when its receipts come."""
    with collecting_rarely():
        yield from receiver.receive(events_in(source, receiver), actor)


def import_event_files(
    ledger: Ledger,
    receiver: Signals,
    paths: Sequence[Path],
    actor: Actor,
    on_progress: Progress = lambda file, rows: None,
) -> ImportReport:
    """Take files (or folders of files) of CloudEvents in; raises `InvalidInput` when there is none."""
    every = [each for path in paths for each in (sorted(path.iterdir()) if path.is_dir() else [path])]
    files = [each for each in every if each.suffix.casefold() in (".jsonl", ".ndjson")]
    missing = next((each for each in files if not each.exists()), None)
    if missing or not files:
        raise InvalidInput(
            f"{missing or 'a .jsonl or .ndjson file'} is not there.", hint="Name a file of one event a line."
        )
    report = ImportReport(ignored=[each.name for each in every if each not in files])
    sources = [inspect(each) for each in files]
    listed: list[Json] = [{"file": each.path.name, "sha256": each.sha256} for each in sources]
    ledger.append([Draft("import.started", actor, {"mapping": CLOUDEVENTS, "files": listed})])
    for each in sources:
        for receipts in import_events(each, receiver, actor):
            report.rows += len(receipts)
            count([receipts], report, each.path.name, on_progress)
        each.check_unchanged()
    tail: dict[str, Json] = {"rows": report.rows, "changed": report.changed, "quarantined": report.quarantined}
    ledger.append([Draft("import.finished", actor, {"mapping": CLOUDEVENTS, **tail})])
    return report


def events_in(source: Source, receiver: Signals, channel: str = "") -> Iterator[Handed]:
    """Yield what each line tells; a line that is no event comes with its reason."""
    name = source.path.name
    with source.open() as file:
        for number, line in enumerate(file, 1):
            if line.isspace():
                continue
            event, reason = _event(line)
            if event is None:
                yield Handed(shown(line), None, reason, name, number)
            else:
                yield receiver.handed_event(event, channel, name, number, line.rstrip("\r\n"))


def _event(line: str) -> tuple[dict[str, Any] | None, str]:
    """Return what a line holds, or why it holds no event."""
    if len(line) > LARGEST:
        return None, f"the event is longer than {LARGEST} characters"
    try:
        event: Any = orjson.loads(line)
    except ValueError as error:
        return None, unkeepable(line) or f"not readable as JSON: {error}"
    return (cast("dict[str, Any]", event), "") if isinstance(event, dict) else (None, "not a JSON object")
