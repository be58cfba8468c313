"""Importing a set of files: every row becomes an observation or goes into quarantine, and nothing in between."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pilothouse.data.importing.codes import labels_for
from pilothouse.data.importing.mapping import Mapping, Table, load_mapping, same_file
from pilothouse.data.importing.reading import SourceRow, file_hash, plain, rows_of
from pilothouse.data.importing.report import ImportReport, Progress
from pilothouse.data.importing.rows import Context, observation_of
from pilothouse.data.importing.signal_rows import count, signal_rows
from pilothouse.data.quarantine import BadRow, set_aside
from pilothouse.data.signals.receiving import Signals
from pilothouse.data.store import DataStore, Observation
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.clock import Clock
from pilothouse.vocabulary.errors import InvalidInput
from pilothouse.vocabulary.records import RecordRef, WriterKind
from pilothouse.vocabulary.values import Json, digest

SIGNAL = "signal"
ORDER = ("user", "product", "account", "contact", "opportunity", "activity", SIGNAL)
KINDS = ("records", "links", "history", "property_history")
BATCH = 500


def import_files(
    ledger: Ledger,
    store: DataStore,
    paths: Sequence[Path],
    mapping: str,
    *,
    system: str,
    actor: Actor,
    clock: Clock,
    writer_kind: WriterKind = WriterKind.IMPORT,
    signals: Signals | None = None,
    on_progress: Progress = lambda file, rows: None,
) -> ImportReport:
    """Import files (or folders of files) from one source system; `signals` takes in what a table tells of signals.

    Raises `InvalidInput` when no file fits the mapping. Importing the same files again appends nothing but the record
    that it was done.
    """
    document = load_mapping(mapping)
    report = ImportReport()
    chosen = _chosen(paths, document.model, report)
    labels = labels_for(ledger, document.model, system, _files(paths), actor)
    context = Context(document.model, system, writer_kind, clock.now(), labels=labels)
    listed: list[Json] = [{"file": path.name, "sha256": file_hash(path)} for path, _ in chosen]
    head: dict[str, Json] = {"system": system, "mapping": document.model.mapping, "files": listed}
    ledger.append([Draft("import.started", actor, head, subject=f"system/{system}")])
    for path, table in chosen:
        if table.object != SIGNAL:
            _file(ledger, store, path, table, context, actor, report, on_progress)
        elif signals is None:
            raise InvalidInput(
                f"{path.name} holds signals, and nothing here takes them in.", hint="Import it by itself."
            )
        else:
            handed = signal_rows(path, table, context, signals, report)
            count(signals.receive(handed, actor), report, path.name, on_progress)
    tail: dict[str, Json] = {"system": system, "rows": report.rows, "changed": report.changed}
    ledger.append([Draft("import.finished", actor, {**tail, "quarantined": report.quarantined})])
    return report


def _chosen(paths: Sequence[Path], mapping: Mapping, report: ImportReport) -> list[tuple[Path, Table]]:
    files = _files(paths)
    missing = [path for path in files if not path.exists()]
    if missing:
        raise InvalidInput(f"{missing[0]} does not exist.")
    chosen: list[tuple[Path, Table]] = []
    for path in files:
        table = mapping.table_for(path)
        if table is None and not any(same_file(path, codes.files) for codes in mapping.codes.values()):
            report.ignored.append(path.name)
        elif table is not None:
            chosen.append((path, table))
    if not chosen:
        raise InvalidInput(
            f"none of the files fits the mapping {mapping.mapping!r}.", hint=f"It knows: {mapping.known_files()}."
        )
    return sorted(chosen, key=lambda pair: (KINDS.index(pair[1].kind), _rank(pair[1].object), pair[0].name))


def _files(paths: Sequence[Path]) -> list[Path]:
    return sorted(each for path in paths for each in (path.iterdir() if path.is_dir() else [path]))


def _rank(object_name: str) -> int:
    return ORDER.index(object_name) if object_name in ORDER else len(ORDER)


def _file(
    ledger: Ledger,
    store: DataStore,
    path: Path,
    table: Table,
    context: Context,
    actor: Actor,
    report: ImportReport,
    on_progress: Progress,
) -> None:
    seen: dict[RecordRef, str] = {}
    bad: list[BadRow] = []
    good: list[Observation] = []
    for row in rows_of(path):
        report.rows += 1
        if isinstance(row, SourceRow) and path.name not in report.unread:
            report.unread[path.name] = _unread(row, table, context)
        outcome = _row(row, table, path.name, context, seen, store)
        if isinstance(outcome, BadRow):
            bad.append(outcome)
        elif isinstance(outcome, str):
            report.skipped += 1
            report.skipped_why[outcome] += 1
        else:
            good.append(outcome)
            _remember(outcome, context)
            report.objects[outcome.ref.object] += 1
            report.newest = max(report.newest or outcome.at, outcome.at) if _dated(outcome, context) else report.newest
        if len(good) >= BATCH:
            _store(store, good, actor, report)
            on_progress(path.name, report.rows)
        if len(bad) >= BATCH:
            _set_aside(ledger, bad, actor, report)
    _store(store, good, actor, report)
    _set_aside(ledger, bad, actor, report)
    if not report.unread.get(path.name):
        report.unread.pop(path.name, None)
    on_progress(path.name, report.rows)


def _row(
    row: SourceRow | BadRow,
    table: Table,
    file: str,
    context: Context,
    seen: dict[RecordRef, str],
    store: DataStore,
) -> Observation | BadRow | str:
    """Return what a row tells, or that it is bad, or why it is skipped."""
    if isinstance(row, BadRow):
        return row
    try:
        told = observation_of(row, table, file, context)
    except ValueError as error:
        return BadRow(file, row.line, str(error), row.raw)
    if isinstance(told, str):
        return told
    if table.kind != "records":
        known = told.ref in context.told or told.ref in context.untold
        if not known:
            (context.told if store.record(told.ref) else context.untold).add(told.ref)
        return told if told.ref in context.told else f"about {told.ref.object} records that are not in the export"
    context.told.add(told.ref)
    content = digest(dict(told.fields))
    if seen.setdefault(told.ref, content) != content:
        return BadRow(file, row.line, f"the id {told.ref.id!r} stands in this file before, with other values", row.raw)
    return told


def _unread(row: SourceRow, table: Table, context: Context) -> list[str]:
    """Return the columns of a file that nothing reads, leaving out what export tools add for themselves."""
    like = context.mapping.tables[table.like].field_maps if table.like else {}
    read = {column for rule in (*table.field_maps.values(), *like.values()) for column in rule.columns}
    read |= {*table.id_columns, *table.at_columns, *table.skip_if, table.writer}
    read |= {table.name, table.value} if table.kind == "property_history" else set()
    known = {plain(column) for column in read}
    return sorted(name for name in row.values if name not in known and not name.startswith("fivetran"))


def _remember(told: Observation, context: Context) -> None:
    name = told.fields.get("name")
    if isinstance(name, str):
        context.names.setdefault(told.ref.object, {}).setdefault(name.casefold(), told.ref.id)


def _dated(told: Observation, context: Context) -> bool:
    return told.at != context.imported_at


def _store(store: DataStore, good: list[Observation], actor: Actor, report: ImportReport) -> None:
    changed, unchanged = store.observe(good, actor)
    report.changed += changed
    report.unchanged += unchanged
    good.clear()


def _set_aside(ledger: Ledger, bad: list[BadRow], actor: Actor, report: ImportReport) -> None:
    report.quarantined += len(bad)
    report.newly_quarantined += set_aside(ledger, bad, actor)
    bad.clear()


__all__ = ["ImportReport", "import_files"]
