"""A contract's checks compiled to SQL, so that a million rows are judged in one pass by DuckDB.

Every checked field is first brought into one normal form: its state (empty, sound, of the wrong type) and its value. The
rules are SQL over that form and say what `field_checks.broken` says of one value; a property test compares the two. The
filter is a condition in CEL and is not translated: it is asked once of each distinct combination of the values that
it mentions. What must never happen here: text of a contract or a file that is read as SQL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import duckdb

from pilothouse.data.contracts import Contract
from pilothouse.data.field_checks import TEXTUAL, FieldCheck
from pilothouse.data.schema import OBJECTS, FieldType
from pilothouse.data.scope import against, compiled
from pilothouse.data.typed import KNOWN, RECORD
from pilothouse.vocabulary.values import Json

EXAMPLES = 5
EMPTY, SOUND, WRONG = 0, 1, 2
NORMAL = "normal"
"""The table of normal forms: `id`, and for each field `<field>` and `<field>:state`."""


@dataclass(frozen=True, slots=True)
class Breach:
    """How many rows break one rule of one field, and the first of them."""

    field: str
    rule: str
    rows: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class CheckReport:
    """What came of checking rows. `outside` counts those beyond the filter; `absent` are checked fields without a column."""

    contract: str
    object: str
    rows: int
    outside: int
    breaches: tuple[Breach, ...]
    absent: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """True when no row breaks a rule."""
        return not self.breaches


def wanted_fields(contract: Contract, object_name: str) -> tuple[str, ...]:
    """Return the fields that the contract's checks and filter ask about."""
    names = set(contract.checks.get(object_name, {})) | set(_filtered(contract, object_name))
    return tuple(sorted(names))


def check_normal(
    connection: duckdb.DuckDBPyConnection, contract: Contract, object_name: str, absent: tuple[str, ...] = ()
) -> CheckReport:
    """Judge the rows of the table `normal`."""
    rules = list(_rules(contract, object_name))
    counts = ", ".join(["count(*)", *(f"count(*) FILTER (WHERE {sql})" for _, _, sql in rules)])
    rows, *broken = _only(connection, f"SELECT {counts} FROM {NORMAL}")  # noqa: S608
    breaches = tuple(
        Breach(field, rule, count, _examples(connection, sql))
        for (field, rule, sql), count in zip(rules, broken, strict=True)
        if count
    )
    return CheckReport(contract.label, object_name, rows, _outside(connection, contract, object_name), breaches, absent)


def _rules(contract: Contract, object_name: str) -> Iterator[tuple[str, str, str]]:
    """Yield field, rule and the SQL that is true of a row that breaks it."""
    for name, check in contract.checks.get(object_name, {}).items():
        kind = OBJECTS[object_name].fields[name].type
        for rule, sql in _broken(check, kind, column(name), column(f"{name}:state")):
            yield name, rule, sql


def _broken(check: FieldCheck, kind: FieldType, value: str, state: str) -> Iterator[tuple[str, str]]:
    if check.required:
        yield "required", f"{state} = {EMPTY}"
    yield "type", f"{state} = {WRONG}"
    sound = f"{state} = {SOUND} AND"
    for rule, bound, sign in (("min", check.min, "<"), ("max", check.max, ">")):
        if bound is not None:
            yield rule, f"{sound} {value} {sign} {text(bound.isoformat()) if isinstance(bound, date) else repr(bound)}"
    if kind not in TEXTUAL:
        return
    if check.one_of is not None:
        yield "one_of", f"{sound} {value} NOT IN ({', '.join(map(text, check.one_of))})"
    if check.max_length is not None:
        yield "max_length", f"{sound} length({value}) > {check.max_length}"
    if check.pattern:
        yield "pattern", f"{sound} NOT regexp_full_match({value}, {text(check.pattern)})"


def _examples(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[str, ...]:
    found = connection.execute(f"SELECT id FROM {NORMAL} WHERE {sql} LIMIT {EXAMPLES}").fetchall()  # noqa: S608
    return tuple(str(row[0]) for row in found)


def _outside(connection: duckdb.DuckDBPyConnection, contract: Contract, object_name: str) -> int:
    source = contract.filter(object_name)
    if not source:
        return 0
    names = _filtered(contract, object_name)
    kept = ", ".join(f"CASE WHEN {column(f'{name}:state')} <> {EMPTY} THEN {column(name)} END" for name in names)
    query = f"SELECT count(*), {kept} FROM {NORMAL} GROUP BY ALL" if kept else f"SELECT count(*) FROM {NORMAL}"  # noqa: S608
    outside = 0
    for count, *values in connection.execute(query).fetchall():
        fields: Mapping[str, Json] = dict(zip(names, values, strict=True))
        outside += count if against(object_name, source, fields) else 0
    return outside


def _filtered(contract: Contract, object_name: str) -> tuple[str, ...]:
    source = contract.filter(object_name)
    needs = compiled(object_name, source).needs if source else frozenset[str]()
    return tuple(sorted({each.removeprefix(KNOWN).removeprefix(RECORD) for each in needs}))


def _only(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row


def column(name: str) -> str:
    """Return a name as SQL names a column."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"
