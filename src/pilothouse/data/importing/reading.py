"""Reading CSV and JSONL as rows with line numbers. What cannot be a row comes back as a bad row, never as an exception.

A quote that is opened and never closed would swallow every row below it. Here it costs one line: that line is set aside,
and reading goes on with the next.
"""

from __future__ import annotations

import csv
import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TextIO, cast

import orjson

from pilothouse.data.importing.source import LONGEST_LINE, UNDECODED, Source
from pilothouse.data.quarantine import BadRow
from pilothouse.vocabulary.errors import InvalidInput

LARGEST_CELL = 1_000_000
LONGEST_ROW = 16_000_000
MOST_LINES = 10_000
"""Lines that one row may stretch over, by line breaks within quotes."""
SAMPLE = 1 << 16
csv.field_size_limit(2 * LONGEST_LINE)


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row by column name; names are compared without case, spaces and underscores.

    `twice` names the columns that stand twice in the file and here with different values: nobody can tell which counts.
    """

    line: int
    values: dict[str, str]
    raw: str
    twice: frozenset[str] = frozenset()


def plain(column: str) -> str:
    """Return a column name as it is compared."""
    return column.strip().casefold().replace("_", "").replace(" ", "")


def header_of(source: Source) -> list[str]:
    """Return the columns of a CSV file, none for JSONL; raises `InvalidInput` when there is no header row."""
    if source.lines_of_json:
        return []
    with source.open() as file:
        return _header(source, _Lines(file), _delimiter(file))


def rows_of(source: Source) -> Iterator[SourceRow | BadRow]:
    """Yield the rows of a file; raises `InvalidInput` for CSV without a header row."""
    with source.open() as file:
        yield from _jsonl(source, _Lines(file)) if source.lines_of_json else _csv(source, file)


class _Lines:
    """The lines of a file with their numbers, some of which may be put back."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._back, self.number = file, deque[str](), 0

    def take(self) -> str | None:
        line = self._back.popleft() if self._back else self._file.readline()
        if not line:
            return None
        self.number += 1
        return line

    def put_back(self, lines: list[str]) -> None:
        self._back.extendleft(reversed(lines))
        self.number -= len(lines)


@dataclass(frozen=True, slots=True)
class _Record:
    """One row as the file has it; `problem` says why it has no cells."""

    line: int
    raw: str
    cells: list[str]
    problem: str = ""


def _csv(source: Source, file: TextIO) -> Iterator[SourceRow | BadRow]:
    delimiter, lines = _delimiter(file), _Lines(file)
    names = [plain(name) or f"(column {number})" for number, name in enumerate(_header(source, lines, delimiter), 1)]
    clashing = frozenset(name for name in names if names.count(name) > 1) if len(set(names)) < len(names) else None
    while (record := _record(lines, delimiter)) is not None:
        if record.cells or record.problem:
            yield _csv_row(source.path.name, record, names, clashing or frozenset())


def _record(lines: _Lines, delimiter: str) -> _Record | None:
    """Take one row, which may stretch over several lines; None at the end."""
    begin, first = lines.number + 1, lines.take()
    if first is None:
        return None
    if '"' not in first:  # then it is one line, and nothing in it means anything but the delimiter
        bare = _without_end(first)
        return _Record(begin, bare, bare.split(delimiter) if bare else [])
    lines.put_back([first])
    return _quoted(lines, begin, delimiter)


def _quoted(lines: _Lines, begin: int, delimiter: str) -> _Record:
    taken: list[str] = []

    def feed() -> Iterator[str]:
        size = 0
        while len(taken) < MOST_LINES and size < LONGEST_ROW and (line := lines.take()) is not None:
            taken.append(line)
            size += len(line)
            yield line

    try:
        cells = next(csv.reader(feed(), delimiter=delimiter, strict=True))
    except csv.Error as error:
        lines.put_back(taken[1:])
        unclosed = "unexpected end" in str(error)
        problem = "a quote is opened and not closed" if unclosed else f"not readable as CSV: {error}"
        return _Record(begin, _without_end(taken[0]), [], problem)
    return _Record(begin, _without_end("".join(taken)), cells)


def _csv_row(file: str, record: _Record, names: list[str], clashing: frozenset[str]) -> SourceRow | BadRow:
    line, cells = record.line, record.cells
    problem = record.problem or unkeepable(record.raw)
    if not problem and len(cells) != len(names):
        problem = f"{len(cells)} columns where the header has {len(names)}"
    if not problem and len(record.raw) > LARGEST_CELL and any(len(cell) > LARGEST_CELL for cell in cells):
        problem = f"a cell of more than {LARGEST_CELL} characters"
    if problem:
        return BadRow(file, line, problem, shown(record.raw))
    pairs = [(name, cell.strip()) for name, cell in zip(names, cells, strict=True)]
    return SourceRow(line, dict(pairs), record.raw, _twice(pairs) if clashing else frozenset())


def _header(source: Source, lines: _Lines, delimiter: str) -> list[str]:
    while (record := _record(lines, delimiter)) is not None:
        if record.problem or unkeepable(record.raw):
            problem = record.problem or unkeepable(record.raw)
            raise InvalidInput(f"{source.path}:{record.line}: the header row is not readable: {problem}.")
        if any(name.strip() for name in record.cells):
            return record.cells
        if record.cells:
            break
    raise InvalidInput(f"{source.path.name} has no header row.", hint="The first line must name the columns.")


def _delimiter(file: TextIO) -> str:
    """Return the separator that stands most often in the first line that is not blank."""
    start = file.read(SAMPLE)
    file.seek(0)
    first = next((line for line in start.splitlines() if line.strip()), "")
    return max(",;\t|", key=first.count)


def _jsonl(source: Source, lines: _Lines) -> Iterator[SourceRow | BadRow]:
    while (line := lines.take()) is not None:
        if line.strip():
            raw = _without_end(line)
            try:
                yield _json_row(raw, lines.number)
            except (ValueError, RecursionError) as error:
                problem = str(error) if isinstance(error, ValueError) else "nested too deeply"
                yield BadRow(source.path.name, lines.number, problem, shown(raw))


def _json_row(raw: str, number: int) -> SourceRow:
    """Read one object. Numbers stay as they are written: an identifier of twenty digits is no floating-point number."""
    problem = unkeepable(raw)
    if problem:
        raise ValueError(problem)
    try:
        whole: Any = orjson.loads(raw)
    except ValueError as error:
        raise ValueError(f"not readable as JSON: {error}") from None
    if not isinstance(whole, dict):
        raise ValueError("not a JSON object")
    members: list[tuple[str, Any]] = json.loads(raw, parse_int=str, parse_float=str, object_pairs_hook=_Members)
    if any(_doubled(value) for _, value in members):
        raise ValueError("an object within it has the same key twice")
    pairs = [(plain(name), _cell(value, whole[name])) for name, value in members]
    if any("\0" in cell for _, cell in pairs):
        raise ValueError("it holds a NUL character")
    if any(len(cell) > LARGEST_CELL for _, cell in pairs):
        raise ValueError(f"a cell of more than {LARGEST_CELL} characters")
    return SourceRow(number, dict(pairs), raw, _twice(pairs))


class _Members(list[tuple[str, Any]]):
    """The members of a JSON object in order, the same key as often as it stands there."""


def _doubled(value: Any) -> bool:
    """True when an object anywhere within has a key twice."""
    if isinstance(value, _Members):
        return len({name for name, _ in value}) < len(value) or any(_doubled(inner) for _, inner in value)
    return isinstance(value, list) and any(_doubled(inner) for inner in cast("list[Any]", value))


def _cell(value: Any, whole: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value.strip()
        case _:
            return orjson.dumps(whole).decode()


def _twice(pairs: list[tuple[str, str]]) -> frozenset[str]:
    first: dict[str, str] = {}
    return frozenset(name for name, cell in pairs if first.setdefault(name, cell) != cell)


def unkeepable(raw: str) -> str:
    """Return why a line cannot be kept as it is; nothing when it can."""
    if "\0" in raw:
        return "it holds a NUL character"
    foreign = not raw.isascii() and UNDECODED.search(raw)
    return "it holds bytes that are not text in the file's encoding" if foreign else ""


def shown(raw: str) -> str:
    """Return a line with the bytes that are no text written out, as in `\\xe9`."""
    return UNDECODED.sub(lambda byte: f"\\x{ord(byte.group()) - 0xDC00:02x}", raw)


def _without_end(raw: str) -> str:
    return raw.removesuffix("\n").removesuffix("\r")
