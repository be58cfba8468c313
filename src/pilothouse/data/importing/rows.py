"""From a row of a table to an observation of a record."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pilothouse.data.importing.codes import Labels
from pilothouse.data.importing.mapping import FieldMap, Mapping, Table, type_of
from pilothouse.data.importing.reading import SourceRow, plain
from pilothouse.data.importing.values import convert, moment
from pilothouse.data.store import Observation
from pilothouse.vocabulary.records import RecordRef, WriterKind
from pilothouse.vocabulary.values import Json

LONGEST_ID = 400
AHEAD = timedelta(days=1)
"""How far a source's clock or time zone may run ahead of ours."""


@dataclass
class Context:
    """What rows are read with: the mapping, the system they come from, and names seen so far for look-ups."""

    mapping: Mapping
    system: str
    writer_kind: WriterKind
    imported_at: datetime
    names: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    told: set[RecordRef] = field(default_factory=set[RecordRef])
    untold: set[RecordRef] = field(default_factory=set[RecordRef])
    labels: Labels = field(default_factory=dict[str, dict[str, str]])


def observation_of(row: SourceRow, table: Table, file: str, context: Context) -> Observation | str:
    """Return what a row tells, or in words why it is skipped; raises `ValueError` with a sentence for a bad row."""
    values = row.values
    for column, unwanted in table.skip_if.items():
        if values.get(plain(column), "").casefold() == unwanted.casefold():
            return f"{table.object} rows where {column} is {unwanted}"
    ident = ident_of(row, table)
    if not ident:
        raise ValueError(f"no value in {', '.join(table.id_columns)}, by which the record is known")
    fields = _property(values, table, context) if table.kind == "property_history" else _fields(values, table, context)
    if not fields:
        return f"{table.object} rows that tell of no field the mapping reads"
    at = _time(values, table) or context.imported_at
    if at > context.imported_at + AHEAD:
        # It would outrank everything that is told from now until then.
        raise ValueError(f"it is dated {at:%Y-%m-%d}, which has not come yet")
    writer = values.get(plain(table.writer), "") if table.writer else ""
    ref = RecordRef(context.system, table.object, ident)
    return Observation(ref, fields, at, context.writer_kind, writer or f"import:{file}", file, row.line)


def ident_of(row: SourceRow, table: Table) -> str:
    """Return a row's id, the empty string when it has none; raises `ValueError` for one that no id is as long as."""
    ident = "/".join(row.values.get(plain(column), "") for column in table.id_columns)
    if len(ident) > LONGEST_ID:
        raise ValueError(f"an id of {len(ident)} characters; the most is {LONGEST_ID}")
    return ident if ident.strip("/") else ""


def _fields(values: AnyMapping[str, str], table: Table, context: Context) -> dict[str, Json]:
    told: dict[str, Json] = {}
    for name, rule in table.field_maps.items():
        cell = _cell(values, rule)
        if cell is None:
            continue
        told[name] = _value(cell, table.object, name, rule, context)
    return told


def _cell(values: AnyMapping[str, str], rule: FieldMap) -> str | None:
    """Return the cell a field is read from, None when the file has no such column."""
    if rule.constant is not None:
        return ""
    if rule.join:
        parts = [values.get(plain(column), "") for column in rule.join]
        return " ".join(part for part in parts if part)
    return next((values[plain(column)] for column in rule.columns if plain(column) in values), None)


def _value(cell: str, object_name: str, name: str, rule: FieldMap, context: Context) -> Json:
    if rule.constant is not None:
        return rule.constant
    if rule.code:
        cell = context.labels.get(rule.code, {}).get(cell, cell)
    try:
        value = convert(cell, type_of(object_name, name), rule)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    if rule.lookup and isinstance(value, str):
        # A name that leads nowhere stays as it is: it is the hygiene agent's to notice.
        return context.names.get(rule.lookup, {}).get(value.casefold(), value)
    return value


def _property(values: AnyMapping[str, str], table: Table, context: Context) -> dict[str, Json]:
    like = context.mapping.tables[table.like]
    wanted = plain(values.get(plain(table.name), ""))
    for name, rule in like.field_maps.items():
        spellings = {plain(column) for column in rule.columns}
        if wanted and wanted in spellings | {each.removeprefix("property") for each in spellings}:
            return {name: _value(values.get(plain(table.value), ""), table.object, name, rule, context)}
    return {}


def _time(values: AnyMapping[str, str], table: Table) -> datetime | None:
    for column in table.at_columns:
        cell = values.get(plain(column), "")
        if cell:
            return moment(cell)
    return None
