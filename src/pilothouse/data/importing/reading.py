"""Reading CSV and JSONL as rows with line numbers. What cannot be a row comes back as a bad row, never as an exception."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from pilothouse.data.quarantine import BadRow
from pilothouse.vocabulary.errors import InvalidInput

LARGEST_CELL = 1_000_000
ENCODINGS = ("utf-8-sig", "cp1252")
csv.field_size_limit(64_000_000)


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row by column name; names are compared without case, spaces and underscores."""

    line: int
    values: dict[str, str]
    raw: str


def plain(column: str) -> str:
    """Return a column name as it is compared."""
    return column.strip().casefold().replace("_", "").replace(" ", "")


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def encoding_of(path: Path) -> str:
    """Return the first encoding in which the whole file can be read: UTF-8, else Windows-1252."""
    for encoding in ENCODINGS:
        try:
            with path.open(encoding=encoding) as file:
                while file.read(1 << 20):
                    pass
            return encoding
        except UnicodeDecodeError:
            continue
    raise InvalidInput(f"{path} is neither UTF-8 nor Windows-1252 text.", hint="Save it as UTF-8.")


def rows_of(path: Path) -> Iterator[SourceRow | BadRow]:
    """Yield the rows of a .csv, .tsv, .jsonl or .ndjson file; raises `InvalidInput` for another kind or no header."""
    suffix = path.suffix.casefold()
    if suffix in (".jsonl", ".ndjson"):
        return _jsonl(path)
    if suffix in (".csv", ".tsv", ".txt"):
        return _csv(path)
    raise InvalidInput(f"{path.name}: only CSV and JSONL files can be imported.", hint="Export it as one of these.")


def _csv(path: Path) -> Iterator[SourceRow | BadRow]:
    with path.open(encoding=encoding_of(path), newline="") as file:
        start = file.read(20_000)
        file.seek(0)
        reader = csv.reader((line.replace("\0", "\ufffd") for line in file), delimiter=_delimiter(start))
        header = next(reader, None)
        if not header or not any(name.strip() for name in header):
            raise InvalidInput(f"{path.name} has no header row.", hint="The first line must name the columns.")
        names = [plain(name) for name in header]
        line = reader.line_num
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield BadRow(path.name, reader.line_num, f"not readable as CSV: {error}", "")
                continue
            if cells is None:
                return
            begin, line = line + 1, reader.line_num
            if cells:
                yield _csv_row(path.name, begin, names, cells)


def _csv_row(file: str, line: int, names: list[str], cells: list[str]) -> SourceRow | BadRow:
    raw = ",".join(cells)
    if len(cells) != len(names):
        return BadRow(file, line, f"{len(cells)} columns where the header has {len(names)}", raw)
    if any(len(cell) > LARGEST_CELL for cell in cells):
        return BadRow(file, line, f"a cell of more than {LARGEST_CELL} characters", raw)
    return SourceRow(line, {name: cell.strip() for name, cell in zip(names, cells, strict=True) if name}, raw)


def _delimiter(start: str) -> str:
    first = start.partition("\n")[0]
    return max(",;\t|", key=first.count)


def _jsonl(path: Path) -> Iterator[SourceRow | BadRow]:
    with path.open(encoding=encoding_of(path)) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                parsed: Any = orjson.loads(line)
            except ValueError as error:
                yield BadRow(path.name, number, f"not readable as JSON: {error}", line)
                continue
            if not isinstance(parsed, dict):
                yield BadRow(path.name, number, "not a JSON object", line)
                continue
            yield SourceRow(number, {plain(str(name)): _cell(value) for name, value in parsed.items()}, line)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value).strip()
        case _:
            return orjson.dumps(value).decode()
