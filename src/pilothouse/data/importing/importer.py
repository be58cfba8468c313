"""Importing a set of files: every row becomes an observation or goes into quarantine, and nothing in between."""

from __future__ import annotations

import re
from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import cast

from pilothouse.data.importing.codes import labels_for
from pilothouse.data.importing.exported import STARTED, exported_at, first_imports
from pilothouse.data.importing.mapping import Mapping, Table, load_mapping, same_file
from pilothouse.data.importing.reading import SourceRow, header_of, plain, rows_of
from pilothouse.data.importing.report import ImportReport, Progress
from pilothouse.data.importing.rows import Context, ident_of, observation_of
from pilothouse.data.importing.signal_rows import count, signal_rows
from pilothouse.data.importing.source import Source, changed, inspect
from pilothouse.data.quarantine import BadRow, resolve, set_aside
from pilothouse.data.repeating import Repeats
from pilothouse.data.signals.receiving import Signals
from pilothouse.data.store import DataStore, Observation
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.clock import Clock, stamp
from pilothouse.vocabulary.errors import InvalidInput
from pilothouse.vocabulary.records import RecordRef, WriterKind
from pilothouse.vocabulary.values import Json, digest

SIGNAL = "signal"
ORDER = ("user", "product", "account", "contact", "opportunity", "activity", SIGNAL)
KINDS = ("records", "links", "history", "property_history")
TELL_THE_PRESENT = ("records", "links")
"""The kinds of table whose rows say how things are, and not how they once were."""
BATCH = 500
HEAVY = 8_000_000
"""Characters of rows that wait to be written at most, however few the rows are."""
SYSTEM = re.compile(r"[a-z0-9][a-z0-9_-]{0,60}")
PACKED = (".gz", ".zip", ".bz2", ".xz")


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
    exported: datetime | None = None,
    on_progress: Progress = lambda file, rows: None,
) -> ImportReport:
    """Import files (or folders of files) from one source system; `signals` takes in what a table tells of signals.

    `exported` is when the files were made, where somebody knows it (`exported.py` says what counts else): what they say
    again was said again then.

    Raises `InvalidInput` when no file fits the mapping or one of them cannot be read at all, or `exported` has not come
    yet, before anything is taken in; and when one changes while it is read. Importing the same files again appends nothing but the record that it was done.
    """
    if not SYSTEM.fullmatch(system):
        raise InvalidInput(f"{system!r} cannot name a system.", hint="Use small letters, digits, - and _.")
    if exported is not None and exported > clock.now():
        raise InvalidInput(f"{exported:%Y-%m-%d %H:%M} has not come yet.", hint="Say when the files were exported.")
    document = load_mapping(mapping)
    report = ImportReport()
    chosen = _chosen(paths, document.model, report)
    if signals is None and any(table.object == SIGNAL for _, table in chosen):
        raise InvalidInput("one of the files holds signals, and nothing here takes them in.")
    labels = labels_for(ledger, document.model, system, _files(paths), actor)
    context = Context(document.model, system, writer_kind, clock.now(), labels=labels)
    before = first_imports(ledger, system)
    listed: list[Json] = [{"file": source.path.name, "sha256": source.sha256} for source, _ in chosen]
    head: dict[str, Json] = {"system": system, "mapping": document.model.mapping, "files": listed}
    head["read_at"] = stamp(context.imported_at)
    ledger.append([Draft(STARTED, actor, head, subject=f"system/{system}")])
    import_ = _Import(ledger, store, context, actor, report, on_progress, exported, before)
    for source, table in chosen:
        if table.object == SIGNAL and signals is not None:
            handed = signal_rows(source, table, context, signals, report)
            count(signals.receive(handed, actor), report, source.path.name, on_progress)
            source.check_unchanged()
        else:
            import_.file(source, table)
    # Signals that are mended come in under their own identity; nothing here knows which of them a row was.
    names = {source.path.name for source, table in chosen if table.object != SIGNAL}
    report.resolved = resolve(ledger, system, names, import_.bad, import_.taken, actor)
    tail: dict[str, Json] = {"system": system, "rows": report.rows, "changed": report.changed}
    ledger.append([Draft("import.finished", actor, {**tail, "quarantined": report.quarantined})])
    return report


def _chosen(paths: Sequence[Path], mapping: Mapping, report: ImportReport) -> list[tuple[Source, Table]]:
    chosen: list[tuple[Source, Table]] = []
    for path in _files(paths):
        table = mapping.table_for(path)
        if table is not None:
            chosen.append((_readable(path, table, report), table))
        elif not any(same_file(path, codes.files) for codes in mapping.codes.values()):
            report.ignored.append(path.name)
    if not chosen:
        packed = any(name.casefold().endswith(PACKED) for name in report.ignored)
        hint = "Unpack packed files first. " if packed else ""
        raise InvalidInput(
            f"none of the files fits the mapping {mapping.mapping!r}.", hint=f"{hint}It knows: {mapping.known_files()}."
        )
    return sorted(chosen, key=lambda pair: (KINDS.index(pair[1].kind), _rank(pair[1].object), pair[0].path.name))


def _readable(path: Path, table: Table, report: ImportReport) -> Source:
    """Look at a file as a whole, so that one that cannot be read stops the import before it begins."""
    source = inspect(path)
    header = header_of(source)
    if header and not {plain(name) for name in header} & {plain(name) for name in table.id_columns}:
        raise InvalidInput(
            f"{path}:1: no column {' or '.join(table.id_columns)}, by which the records are known.",
            hint="Look at the header and at what separates its columns, or write a mapping file.",
        )
    if not source.encoding.startswith("utf-8"):
        report.encodings[path.name] = source.encoding
    return source


def _files(paths: Sequence[Path]) -> list[Path]:
    """Return the files named, and those that lie directly in a folder named, each once."""
    found: dict[Path, Path] = {}
    for path in paths:
        try:
            inside = [each for each in path.iterdir() if not each.is_dir()] if path.is_dir() else [path]
        except OSError as error:
            raise InvalidInput(f"{path} cannot be read: {error.strerror}.", hint="Check its permissions.") from None
        for each in inside:
            if not each.exists():
                raise InvalidInput(f"{each} does not exist.")
            found.setdefault(each.resolve(), each)
    return sorted(found.values())


def _rank(object_name: str) -> int:
    return ORDER.index(object_name) if object_name in ORDER else len(ORDER)


class _Import:
    """One import under way: what of it is not written down yet, and what it will have settled."""

    def __init__(
        self,
        ledger: Ledger,
        store: DataStore,
        context: Context,
        actor: Actor,
        report: ImportReport,
        on_progress: Progress,
        exported: datetime | None,
        before: AnyMapping[str, datetime],
    ) -> None:
        self._exported, self._before = exported, before
        self._ledger, self._store, self._context, self._actor = ledger, store, context, actor
        self._report, self._on_progress = report, on_progress
        self.bad: dict[str, str] = {}
        self.taken: set[str] = set()
        self._newest: datetime | None = None

    def file(self, source: Source, table: Table) -> None:
        """Take in a file; raises `InvalidInput` when it changes meanwhile."""
        name = source.path.name
        self._newest = None
        repeats = Repeats() if table.kind in TELL_THE_PRESENT else None
        try:
            self._rows(source, table, repeats)
        except (OSError, UnicodeError):
            raise changed(source.path) from None
        source.check_unchanged()
        if repeats is not None:
            self._repeat(repeats, source)
        if not self._report.unread.get(name):
            self._report.unread.pop(name, None)
        self._on_progress(name, self._report.rows)

    def _repeat(self, repeats: Repeats, source: Source) -> None:
        """Write down what the file says again, which is next to nothing for one that was imported before."""
        now = self._context.imported_at
        as_of = exported_at(self._exported, self._newest, self._before.get(source.sha256), now)
        for draft in repeats.drafts(self._context.system, source.path.name, as_of, self._actor):
            self._ledger.append([draft])
            self._report.repeated += len(cast("list[Json]", draft.body["ids"]))

    def _rows(self, source: Source, table: Table, repeats: Repeats | None) -> None:
        seen: dict[RecordRef, str] = {}
        bad: list[BadRow] = []
        good: list[Observation] = []
        name, report, weight = source.path.name, self._report, 0
        read = _read(table, self._context)
        for row in rows_of(source):
            report.rows += 1
            if isinstance(row, SourceRow) and name not in report.unread:
                report.unread[name] = _unread(row, read)
            outcome = _row(row, table, name, self._context, seen, self._store, read)
            if isinstance(outcome, BadRow):
                bad.append(outcome)
            elif isinstance(outcome, str):
                report.skipped += 1
                report.skipped_why[outcome] += 1
            else:
                good.append(outcome)
                self._note(outcome, table)
            weight += len(row.raw)
            if len(good) >= BATCH or len(bad) >= BATCH or weight > HEAVY:
                self._write(good, bad, repeats)
                self._on_progress(name, report.rows)
                weight = 0
        self._write(good, bad, repeats)

    def _note(self, told: Observation, table: Table) -> None:
        name = told.fields.get("name")
        if isinstance(name, str):
            self._context.names.setdefault(told.ref.object, {}).setdefault(name.casefold(), told.ref.id)
        self._report.objects[told.ref.object] += 1
        if told.at != self._context.imported_at:
            self._report.newest = max(self._report.newest or told.at, told.at)
            self._newest = max(self._newest or told.at, told.at)
        if table.kind == "records":
            self.taken.add(str(told.ref))

    def _write(self, good: list[Observation], bad: list[BadRow], repeats: Repeats | None) -> None:
        changed, unchanged = self._store.observe(good, self._actor, repeats=repeats)
        self._report.changed += changed
        self._report.unchanged += unchanged
        system = self._context.system
        self.bad |= {row.key(system): row.record for row in bad}
        self._report.quarantined += len(bad)
        self._report.newly_quarantined += set_aside(self._ledger, system, bad, self._actor)
        good.clear()
        bad.clear()


def _row(
    row: SourceRow | BadRow,
    table: Table,
    file: str,
    context: Context,
    seen: dict[RecordRef, str],
    store: DataStore,
    read: frozenset[str],
) -> Observation | BadRow | str:
    """Return what a row tells, or that it is bad, or why it is skipped."""
    if isinstance(row, BadRow):
        return row
    record = ""
    try:
        if table.kind == "records" and (ident := ident_of(row, table)):
            record = str(RecordRef(context.system, table.object, ident))
        unclear = sorted(row.twice & read)
        if unclear:
            raise ValueError(f"the column {unclear[0]!r} stands twice, with different values")
        told = observation_of(row, table, file, context)
    except ValueError as error:
        return BadRow(file, row.line, str(error), row.raw, record)
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
        return BadRow(
            file, row.line, f"the id {told.ref.id!r} stands in this file before, with other values", row.raw, record
        )
    return told


def _read(table: Table, context: Context) -> frozenset[str]:
    """Return the columns of a file that the mapping reads, as they are compared."""
    like = context.mapping.tables[table.like].field_maps if table.like else {}
    read = {column for rule in (*table.field_maps.values(), *like.values()) for column in rule.columns}
    read |= {*table.id_columns, *table.at_columns, *table.skip_if, table.writer}
    read |= {table.name, table.value} if table.kind == "property_history" else set()
    return frozenset(plain(column) for column in read)


def _unread(row: SourceRow, read: frozenset[str]) -> list[str]:
    """Return the columns of a file that nothing reads, leaving out what export tools add for themselves."""
    return sorted(name for name in row.values if name not in read and not name.startswith("fivetran"))


__all__ = ["ImportReport", "import_files"]
