"""The offline provider: a CSV, JSONL or Parquet file, such as an open data set, looked up by domain, name or address.

The file is read once into an index in the state folder, and again when it changes. A name that several records share
answers nothing: which of them was meant cannot be told.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

from pilothouse.data.enrichment.answers import Answer, By, Lookup, Outcome, Terms
from pilothouse.data.enrichment.due import domain_of
from pilothouse.data.identity.countries import COUNTRIES
from pilothouse.data.identity.names import read
from pilothouse.data.importing.mapping import FieldMap
from pilothouse.data.importing.reading import SourceRow, plain, rows_of
from pilothouse.data.importing.source import inspect
from pilothouse.data.importing.values import convert, moment
from pilothouse.data.schema import OBJECTS
from pilothouse.vocabulary.clock import unstamp
from pilothouse.vocabulary.values import Json, digest

ASKED: Mapping[str, Sequence[By]] = {
    "account": (("domain", "name", "country"), ("domain", "name"), ("domain",), ("name", "country"), ("name",)),
    "contact": (("email",),),
}
LIKELIHOOD: Mapping[str, float] = {"domain": 0.96, "email": 0.96, "country+name": 0.85, "name": 0.7}
SHAPE = 1
log = logging.getLogger(__name__)


class Columns(BaseModel):
    """What a file is looked up by, and which columns become which fields.

    `updated` is the column of a row's own date; `as_of` the day the whole file tells of, where rows have
    none; without either, a value is as old as the file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    domain: str = ""
    name: str = ""
    country: str = ""
    email: str = ""
    id: str = ""
    updated: str = ""
    as_of: date | None = None
    fields: dict[str, str | FieldMap] = Field(min_length=1)
    likelihood: dict[str, float] = {}


@dataclass
class OfflineProvider:
    """Implements `EnrichmentProvider`."""

    name: str
    object: str
    path: Path
    columns: Columns
    terms: Terms
    index: Path

    def __post_init__(self) -> None:
        self.fields = frozenset(self.columns.fields)
        held = {name for name in ("domain", "name", "country", "email") if getattr(self.columns, name)}
        ways = (tuple(name for name in way if name in held) for way in ASKED[self.object])
        self.asks_by: Sequence[By] = tuple(dict.fromkeys(way for way in ways if way and way != ("country",)))
        self._likelihood = {**LIKELIHOOD, **self.columns.likelihood}

    def unready(self) -> str:
        """Return whether the file is missing."""
        return (
            "" if self.path.is_file() else f"there is no file {self.path}; put it there, or mend its provider's file."
        )

    def ask(self, lookup: Lookup) -> Answer:
        """Look up, by the surest way first."""
        self._make_index()
        several = 0
        with closing(sqlite3.connect(f"file:{self.index}?mode=ro", uri=True)) as connection:
            for way, place, values in _ways(lookup):
                query = f"SELECT row FROM rows WHERE {place} LIMIT 2"  # noqa: S608  (fixed texts, see _ways)
                rows = connection.execute(query, values).fetchall()
                if len(rows) == 1:
                    return self._answer(orjson.loads(rows[0][0]), self._likelihood.get(way, 0.7))
                several += len(rows)
        return Answer(Outcome.NOT_FOUND, False, "several records answer to it." if several else "")

    def _answer(self, row: dict[str, str], likelihood: float) -> Answer:
        fields: dict[str, Json] = {}
        unusable: dict[str, str] = {}
        for name, each in self.columns.fields.items():
            rule = each if isinstance(each, FieldMap) else FieldMap(column=each)
            cell = next((row[plain(column)] for column in rule.columns if row.get(plain(column))), "")
            try:
                value = convert(cell, OBJECTS[self.object].fields[name].type, rule)
            except ValueError:
                unusable[name] = "does not fit its type"
                continue
            if value is not None:
                fields[name] = value
        identifier = row.get(plain(self.columns.id), "") if self.columns.id else ""
        when = self._when(row)
        return Answer(Outcome.FOUND, False, "", fields, when, likelihood=likelihood, id=identifier, unusable=unusable)

    def _when(self, row: Mapping[str, str]) -> datetime:
        cell = row.get(plain(self.columns.updated), "") if self.columns.updated else ""
        try:
            if cell:
                return moment(cell)
        except ValueError:
            pass
        if self.columns.as_of:
            return unstamp(self.columns.as_of.isoformat())
        return datetime.fromtimestamp(self.path.stat().st_mtime, UTC)

    def _make_index(self) -> None:
        stat = self.path.stat()
        shape: list[Json] = [
            SHAPE,
            str(self.path),
            stat.st_size,
            stat.st_mtime_ns,
            self.columns.model_dump(mode="json"),
        ]
        wanted = digest(shape)
        if self.index.exists():
            with closing(sqlite3.connect(self.index)) as connection:
                if connection.execute("SELECT made_from FROM made").fetchone() == (wanted,):
                    return
        self.index.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.index.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        fresh.unlink(missing_ok=True)
        with closing(sqlite3.connect(fresh)) as connection, connection:
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute("CREATE TABLE rows (domain TEXT, name TEXT, country TEXT, email TEXT, row BLOB)")
            connection.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?)", self._entries())
            for column in ("domain", "name", "email"):
                connection.execute(f"CREATE INDEX by_{column} ON rows ({column}) WHERE {column} != ''")
            connection.execute("CREATE TABLE made (made_from TEXT)")
            connection.execute("INSERT INTO made VALUES (?)", (wanted,))
        fresh.replace(self.index)

    def _entries(self) -> Iterator[tuple[str, str, str, str, bytes]]:
        bad = 0
        for row in _rows(self.path):
            if row is None:
                bad += 1
                continue
            told = {
                name: row.get(plain(getattr(self.columns, name)), "") for name in ("domain", "name", "country", "email")
            }
            name = read(told["name"]).joined if told["name"] else ""
            place = (domain_of(told["domain"]), name, _country(told["country"]), told["email"].casefold())
            yield (*place, orjson.dumps(row))
        if bad:
            log.warning("%s: %d rows cannot be read and are left out", self.path, bad)


def _ways(lookup: Lookup) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    given = lookup.given
    if domain := domain_of(given.get("domain", "")):
        yield "domain", "domain = ?", (domain,)
    if email := given.get("email", "").casefold():
        yield "email", "email = ?", (email,)
    name = read(given["name"]).joined if given.get("name") else ""
    country = _country(given.get("country", ""))
    if name and country:
        yield "country+name", "name = ? AND country = ?", (name, country)
    elif name:
        yield "name", "name = ?", (name,)


def _country(text: str) -> str:
    word = " ".join(text.casefold().replace(".", "").split())
    return COUNTRIES.get(word, word)


def _rows(path: Path) -> Iterator[dict[str, str] | None]:
    if path.suffix.casefold() == ".parquet":
        yield from _parquet(path)
        return
    for row in rows_of(inspect(path)):
        yield row.values if isinstance(row, SourceRow) else None


def _parquet(path: Path) -> Iterator[dict[str, str]]:
    from pyarrow import parquet  # pyright: ignore[reportMissingTypeStubs]

    pq: Any = parquet
    for batch in pq.ParquetFile(path).iter_batches(batch_size=10_000):
        rows: Iterable[dict[str, Any]] = batch.to_pylist()
        for row in rows:
            yield {plain(name): _cell(value) for name, value in row.items()}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return (value.isoformat() if isinstance(value, date) else str(value)).strip()
