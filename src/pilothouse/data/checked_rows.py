"""Rows brought into the normal form that `compiled_checks.py` judges: from a CSV or Parquet file, or from the store.

In a file of text a value is read as its field's type: numbers in digits with a point, true and false, dates as
2026-01-31; `read_text` says the same for one value. What must never happen here: a value that is read as something it
is not, a column that is passed over in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb

from pilothouse.data.compiled_checks import (
    EMPTY,
    NORMAL,
    SOUND,
    WRONG,
    CheckReport,
    check_normal,
    column,
    text,
    wanted_fields,
)
from pilothouse.data.contracts import Contract
from pilothouse.data.field_checks import DATE, DATETIME, dated
from pilothouse.data.schema import OBJECTS, FieldType
from pilothouse.data.store import Record
from pilothouse.data.typed import typed
from pilothouse.vocabulary.errors import InvalidInput
from pilothouse.vocabulary.records import is_empty
from pilothouse.vocabulary.values import Json

NUMBER, INTEGER = r"-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?", r"-?[0-9]{1,19}"
BLANK = "[" + "".join(f"\\x{{{ord(each):x}}}" for each in map(chr, range(0x3001)) if each.isspace()) + "]*"
READERS = {".csv": "read_csv({}, all_varchar=true, header=true)", ".parquet": "read_parquet({})"}
ARROW = {FieldType.NUMBER: "float64", FieldType.INTEGER: "int64", FieldType.BOOLEAN: "bool_"}
NATIVE = {
    FieldType.NUMBER: ("DOUBLE", "FLOAT", "BIGINT", "INTEGER", "SMALLINT", "TINYINT"),
    FieldType.INTEGER: ("BIGINT", "INTEGER", "SMALLINT", "TINYINT"),
    FieldType.BOOLEAN: ("BOOLEAN",),
}


def check_file(contract: Contract, object_name: str, path: Path) -> CheckReport:
    """Judge the rows of a CSV or Parquet file whose columns are named as fields; raises `InvalidInput`."""
    reader = READERS.get(path.suffix.lower())
    if reader is None or not path.is_file():
        problem = "is not there" if reader else "is neither .csv nor .parquet"
        raise InvalidInput(f"{path} {problem}.", hint="Give a CSV or Parquet file with a column for each field.")
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar=false")
        try:
            return check_rows(connection, contract, object_name, reader.format(text(str(path))))
        except (duckdb.InvalidInputException, duckdb.IOException, duckdb.ConversionException) as error:
            raise InvalidInput(f"{path} cannot be read: {str(error).splitlines()[0]}") from None


def check_rows(connection: duckdb.DuckDBPyConnection, contract: Contract, object_name: str, source: str) -> CheckReport:
    """Judge the rows of anything that stands behind FROM in SQL; `source` is code, never text from outside."""
    described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()  # noqa: S608
    types = {row[0]: row[1] for row in described}
    fields = wanted_fields(contract, object_name)
    absent = tuple(name for name in fields if name not in types)
    ident = column("id") if "id" in types else "'row ' || row_number() OVER ()"
    parts = [f"{ident} AS id"]
    for name in fields:
        kind = OBJECTS[object_name].fields[name].type
        value, state = _normal(column(name), kind, types[name]) if name in types else ("NULL", str(EMPTY))
        parts += [f"{value} AS {column(name)}", f"{state} AS {column(f'{name}:state')}"]
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {NORMAL} AS SELECT {', '.join(parts)} FROM {source}")  # noqa: S608
    return check_normal(connection, contract, object_name, absent)


def check_records(contract: Contract, object_name: str, records: Iterable[Record]) -> CheckReport:
    """Judge records as they are known."""
    fields = wanted_fields(contract, object_name)
    kinds = [OBJECTS[object_name].fields[name].type for name in fields]
    columns: list[list[Json]] = [[] for _ in range(1 + 2 * len(fields))]
    for record in records:
        columns[0].append(str(record.ref))
        for number, (name, kind) in enumerate(zip(fields, kinds, strict=True)):
            value, state = _stored(record.value(name), kind)
            columns[2 * number + 1].append(value)
            columns[2 * number + 2].append(state)
    names = ["id", *(each for name in fields for each in (name, f"{name}:state"))]
    rows = _table(names, kinds, columns)
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar=false")
        connection.register(NORMAL, rows)
        return check_normal(connection, contract, object_name)


def _table(names: Sequence[str], kinds: Sequence[FieldType], columns: Sequence[Sequence[Json]]) -> Any:
    """Return columns as an Arrow table: the id, then value and state of each field."""
    import pyarrow  # pyright: ignore[reportMissingTypeStubs]

    arrow: Any = pyarrow
    types = [arrow.string()]
    for kind in kinds:
        types += [getattr(arrow, ARROW.get(kind, "string"))(), arrow.int8()]
    arrays = [arrow.array(values, type=type_) for values, type_ in zip(columns, types, strict=True)]
    return arrow.table(arrays, names=list(names))


def _stored(value: Json, kind: FieldType) -> tuple[Json, int]:
    if is_empty(value):
        return None, EMPTY
    held = typed(value, kind)
    if held is None:
        return None, WRONG
    assert isinstance(held, str | int | float)  # a field is never a list or a moment; booleans are int
    return held, SOUND if dated(held, kind) else WRONG


def read_text(value: str, kind: FieldType) -> Json:
    """Return the value that a cell of text holds for a field of this type; text that is none stays text."""
    if kind is FieldType.NUMBER and re.fullmatch(NUMBER, value):
        return float(value)
    if kind is FieldType.INTEGER and re.fullmatch(INTEGER, value):
        return int(value)
    if kind is FieldType.BOOLEAN and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return value


def _normal(name: str, kind: FieldType, type_: str) -> tuple[str, str]:
    """Return value and state of a column as SQL."""
    if type_ in NATIVE.get(kind, ()):
        value = f"CAST({name} AS DOUBLE)" if kind is FieldType.NUMBER else name
        sound = f"isfinite({value})" if kind is FieldType.NUMBER else "true"
        return value, f"CASE WHEN {name} IS NULL THEN {EMPTY} WHEN {sound} THEN {SOUND} ELSE {WRONG} END"
    cell = name if type_ == "VARCHAR" else f"CAST({name} AS VARCHAR)"
    value, sound = _read(cell, kind)
    empty = f"{cell} IS NULL OR regexp_full_match({cell}, {text(BLANK)})"
    return value, f"CASE WHEN {empty} THEN {EMPTY} WHEN {sound} THEN {SOUND} ELSE {WRONG} END"


def _read(cell: str, kind: FieldType) -> tuple[str, str]:
    match kind:
        case FieldType.NUMBER:
            value = f"CASE WHEN regexp_full_match({cell}, {text(NUMBER)}) THEN TRY_CAST({cell} AS DOUBLE) END"
            return value, f"coalesce(isfinite({value}), false)"
        case FieldType.INTEGER:
            value = f"CASE WHEN regexp_full_match({cell}, {text(INTEGER)}) THEN TRY_CAST({cell} AS BIGINT) END"
            return value, f"{value} IS NOT NULL"
        case FieldType.BOOLEAN:
            value = f"CASE lower({cell}) WHEN 'true' THEN true WHEN 'false' THEN false END"
            return value, f"{value} IS NOT NULL"
        case FieldType.DATE | FieldType.DATETIME:
            pattern = DATE if kind is FieldType.DATE else DATETIME
            return cell, (
                f"(regexp_full_match({cell}, {text(pattern)}) AND {cell} >= '0001'"
                f" AND TRY_CAST(substr({cell}, 1, 10) AS DATE) IS NOT NULL)"
            )
        case _:
            return cell, "true"
