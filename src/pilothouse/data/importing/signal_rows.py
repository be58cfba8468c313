"""Rows of a table that tells of signals, handed in like every other signal; in flat memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from pilothouse.data.importing.mapping import Table
from pilothouse.data.importing.reading import SourceRow, rows_of
from pilothouse.data.importing.report import ImportReport, Progress
from pilothouse.data.importing.rows import Context, observation_of
from pilothouse.data.importing.source import Source
from pilothouse.data.quarantine import BadRow
from pilothouse.data.signals.receiving import Fate, Handed, Receipt, Signals

REFERENCES = ("account", "contact")


def signal_rows(
    source: Source, table: Table, context: Context, receiver: Signals, report: ImportReport
) -> Iterator[Handed]:
    """Yield what each row tells; a row that is no signal comes with its reason, one to be skipped does not come."""
    name = source.path.name
    for row in rows_of(source):
        report.rows += 1
        if isinstance(row, BadRow):
            yield Handed(row.raw, None, row.reason, name, row.line)
            continue
        try:
            event = _event(row, table, name, context)
        except ValueError as error:
            yield Handed(row.raw, None, str(error), name, row.line)
            continue
        if isinstance(event, str):
            report.skipped += 1
            report.skipped_why[event] += 1
        else:
            yield receiver.handed_event(event, file=name, line=row.line, text=row.raw)


def _event(row: SourceRow, table: Table, file: str, context: Context) -> dict[str, Any] | str:
    told = observation_of(row, table, file, context)
    if isinstance(told, str):
        return told
    fields = {name: value for name, value in told.fields.items() if value not in (None, "")}
    event: dict[str, Any] = {"specversion": "1.0", "source": context.system, "id": told.ref.id}
    event |= {"type": fields.get("type"), "time": fields.get("at")}
    event |= {name: fields[name] for name in ("email", "domain") if name in fields}
    event |= {name: f"{context.system}/{name}/{fields[name]}" for name in REFERENCES if name in fields}
    try:
        event["data"] = orjson.loads(str(fields.get("attributes", "{}")))
    except ValueError as error:
        raise ValueError(f"attributes: not readable as JSON: {error}") from None
    return event


def count(batches: Iterable[Sequence[Receipt]], report: ImportReport, file: str, on_progress: Progress) -> None:
    """Add what became of each batch to a report."""
    for receipts in batches:
        fates = Counter(receipt.fate for receipt in receipts)
        report.changed += fates[Fate.ACCEPTED]
        report.unchanged += fates[Fate.KNOWN]
        report.quarantined += fates[Fate.QUARANTINED] + fates[Fate.REFUSED]
        report.objects["signal"] += fates[Fate.ACCEPTED] + fates[Fate.KNOWN]
        on_progress(file, report.rows)
