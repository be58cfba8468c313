"""What an index has not seen yet: which records are new or changed since, told by the ledger's entries.

An index that fits neither this ledger nor this version, or in which somebody is that was erased since, is made anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pilothouse.data.identity import features, model, pairs, shared
from pilothouse.data.identity import index as indexing
from pilothouse.data.identity.entities import ATTACHED
from pilothouse.data.identity.features import FIELDS
from pilothouse.data.identity.index import Engine, Index, Row
from pilothouse.data.identity.judging import JUDGED
from pilothouse.data.store import DataStore, Record
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.records import RecordRef

TOLD = frozenset({"record.observed", "action.executed"})
ERASED = "privacy.erased"


@dataclass
class Caught:
    """An index that has seen everything up to a position; `moved` are the records that could be grouped otherwise now.

    None stands for all of them.
    """

    index: Index
    position: int
    moved: NDArray[np.int64] | None


def catch_up(ledger: Ledger, store: DataStore, object_name: str, path: Path, engine: Engine | None = None) -> Caught:
    """Open an index and have it take in what is new; nothing of it is kept before it is committed.

    With an engine, everything is compared anew, there and not here.
    """
    position = ledger.size()
    if engine is not None:
        path.unlink(missing_ok=True)
    index = Index(object_name, path, engine)
    try:
        index.begin()
        seen = int(index.note("seen") or 0)
        if not _usable(ledger, index, seen, position):
            index.close()
            path.unlink(missing_ok=True)
            index, seen = Index(object_name, path, engine), 0
            index.begin()
        if not seen:
            into = dict[str, str]()
            index.take(_rows(store, object_name, _telling(store.records(object_name), into)))
            index.take_merged(into, into)
            moved = None
        else:
            moved = _news(ledger, store, index, seen)
        index.take_note("seen", str(position))
        index.take_note("mark", _mark(ledger, position))
        index.take_note("version", _version())
    except BaseException:
        index.close()
        raise
    return Caught(index, position, moved)


def _usable(ledger: Ledger, index: Index, seen: int, position: int) -> bool:
    if not seen:
        return index.count() == 0
    if index.note("version") != _version() or seen > position or index.note("mark") != _mark(ledger, seen):
        return False
    return next(ledger.entries(after=seen - 1, kinds={ERASED}, limit=1), None) is None


def _mark(ledger: Ledger, position: int) -> str:
    """Return what names the ledger's last entry before a position: another ledger has another there."""
    if not position:
        return ""
    entry = ledger.entry(position - 1)
    return f"{entry.kind} {entry.subject} {entry.at.isoformat()}"


def _version() -> str:
    """Return what names the way in which records are compared, so that another version starts anew."""
    sources = (Path(each.__file__ or "").read_bytes() for each in (features, indexing, model, pairs, shared))
    return hashlib.sha256(b"".join(sources)).hexdigest()


def _news(ledger: Ledger, store: DataStore, index: Index, seen: int) -> NDArray[np.int64]:
    refs, employers, named = set[RecordRef](), set[RecordRef](), set[str]()
    for entry in ledger.entries(after=seen - 1, kinds={*TOLD, JUDGED, ATTACHED}):
        if entry.kind == ATTACHED:
            named |= {str(entry.body["record"]), str(entry.body["to"])}
            continue
        if entry.kind == JUDGED:
            named |= {str(entry.body["one"]), str(entry.body["other"])}
            continue
        ref = RecordRef.parse(str(entry.body.get("created") or entry.subject))
        if ref.object == index.object:
            refs.add(ref)
        elif index.object == "contact" and ref.object == "account":
            employers.add(ref)
    refs |= set(store.pointing("contact", "account", employers))
    into = dict[str, str]()
    rows = _rows(store, index.object, _telling(store.some(refs), into))
    moved = index.take(rows) if refs else np.array([], dtype=np.int64)
    index.take_merged(map(str, refs), into)
    return np.union1d(moved, index.ids(sorted(named)))


def _rows(store: DataStore, object_name: str, records: Iterator[Record]) -> Iterator[Row]:
    fields = FIELDS[object_name]
    if "company" not in fields:
        yield from ((str(record.ref), _row(record, fields, {})) for record in records)
        return
    names: dict[RecordRef, str] = {}
    for page in _pages(records):
        wanted = {_employer(record) for record in page} - names.keys()
        names |= dict.fromkeys(wanted, "") | {found.ref: found.text("name") for found in store.some(wanted)}
        yield from ((str(record.ref), _row(record, fields, names)) for record in page)


def _telling(records: Iterator[Record], into: dict[str, str]) -> Iterator[Record]:
    """Yield records, those that went into another as records that tell nothing, and note in `into` which these are."""
    for record in records:
        if record.merged_into:
            into[str(record.ref)] = str(RecordRef(record.ref.system, record.ref.object, record.merged_into))
            yield Record(record.ref, {})
        else:
            yield record


def _pages(records: Iterator[Record]) -> Iterator[list[Record]]:
    page: list[Record] = []
    for record in records:
        page.append(record)
        if len(page) == 1000:
            yield page
            page = []
    yield page


def _employer(record: Record) -> RecordRef:
    return RecordRef(record.ref.system, "account", record.text("account"))


def _row(record: Record, fields: Sequence[str], employers: Mapping[RecordRef, str]) -> tuple[str, ...]:
    row = {name: record.text(name) for name in fields}
    if "company" in fields:
        # An account that nobody told of is at least a name.
        row["company"] = employers.get(_employer(record)) or record.text("account")
    return tuple(row[name] for name in fields)
