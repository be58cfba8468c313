"""Statements on the way of every action, compiled once and handed to the database's driver as they are.

They are written in SQLAlchemy Core like all others, so each database gets its own dialect; what is saved is the work of
preparing and wrapping each single execution, which on SQLite takes ten times as long as the statement itself
(docs/decisions/0006). Only columns whose values drivers take and give as they are may appear: text, numbers, bytes.

What must never happen here: a value put into the text of a statement; an error of the driver let through unwrapped.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import ClauseElement, Connection, Dialect, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.base import Executable

DIALECTS: Mapping[str, Dialect] = {
    "sqlite": sqlite.dialect(paramstyle="named"),
    "postgresql": postgresql.psycopg.dialect(paramstyle="pyformat"),
}
IN_ORDER: Mapping[str, Dialect] = {
    "sqlite": sqlite.dialect(paramstyle="qmark"),
    "postgresql": postgresql.psycopg.dialect(paramstyle="format"),
}
"""For inserts: drivers bind values in order in half the time it takes them to look each up by its name."""


def given(name: str) -> Any:
    """Return the place of a value that is given at each execution."""
    return cast(Any, bindparam)(name, required=False)


class Statement:
    """A statement for either database. Rows are named tuples, with the names of the selected columns."""

    def __init__(self, write: Callable[[str], Executable] | Executable, keys: Sequence[str] = ()) -> None:
        """Take the statement, or a function from dialect name to it; `keys` are the columns of an INSERT."""
        self._write, self._keys = write, list(keys) or None
        self._compiled: dict[str, tuple[str, dict[str, Any], Callable[[Sequence[Any]], Any]]] = {}

    def first(self, connection: Connection, **values: Any) -> Any:
        """Return the first row, or None."""
        cursor, shape = self._execute(connection, values)
        row = cursor.fetchone()
        cursor.close()
        return None if row is None else shape(row)

    def all(self, connection: Connection, **values: Any) -> list[Any]:
        """Return every row."""
        cursor, shape = self._execute(connection, values)
        return [shape(row) for row in cursor.fetchall()]

    def run(self, connection: Connection, **values: Any) -> int:
        """Execute; return how many rows it touched."""
        return self._execute(connection, values)[0].rowcount

    def run_many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute once for each row of values."""
        _text, defaults, _shape = self._for(connection.dialect.name)
        if self._keys:
            keys = self._keys
            self._run_each(connection, [tuple([row[key] for key in keys]) for row in rows])
        else:
            self._run_each(connection, [{**defaults, **row} for row in rows] if defaults else rows)

    def run_in_order(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Execute an INSERT once for each row, whose values stand in the order of `keys`."""
        self._run_each(connection, rows)

    def _run_each(self, connection: Connection, values: Sequence[Any]) -> None:
        text, _defaults, _shape = self._for(connection.dialect.name)
        driver = connection.connection
        try:
            if len(values) == 1:
                driver.cursor().execute(text, values[0])
            elif values:
                driver.cursor().executemany(text, values)
        except connection.dialect.dbapi.Error as error:  # pyright: ignore[reportOptionalMemberAccess]
            raise _wrapped(connection, text, error) from error

    def _execute(self, connection: Connection, values: dict[str, Any]) -> tuple[Any, Callable[[Sequence[Any]], Any]]:
        text, defaults, shape = self._for(connection.dialect.name)
        cursor = connection.connection.cursor()
        try:
            cursor.execute(text, {**defaults, **values} if defaults else values)
        except connection.dialect.dbapi.Error as error:  # pyright: ignore[reportOptionalMemberAccess]
            raise _wrapped(connection, text, error) from error
        return cursor, shape

    def _for(self, dialect: str) -> tuple[str, dict[str, Any], Callable[[Sequence[Any]], Any]]:
        found = self._compiled.get(dialect)
        if found is None:
            found = self._compiled[dialect] = self._compile(dialect)
        return found

    def _compile(self, dialect: str) -> tuple[str, dict[str, Any], Callable[[Sequence[Any]], Any]]:
        clause = self._write(dialect) if callable(self._write) else self._write
        assert isinstance(clause, ClauseElement)
        options = {"render_postcompile": True}
        dialects = IN_ORDER if self._keys else DIALECTS
        compiled = clause.compile(dialect=dialects[dialect], column_keys=self._keys, compile_kwargs=options)
        defaults = (
            {} if self._keys else {key: value for key, value in (compiled.params or {}).items() if value is not None}
        )
        columns = getattr(clause, "selected_columns", ())
        names = [str(column.key or f"value{number}") for number, column in enumerate(columns)]
        shape: Any = cast(Any, namedtuple)("Found", names)._make if names else tuple
        return str(compiled), defaults, shape


def _wrapped(connection: Connection, text: str, error: Any) -> BaseException:
    """Return the error as SQLAlchemy names it, so that callers need to know one family only."""
    dbapi: Any = connection.dialect.dbapi
    known: Any = DBAPIError.instance
    return known(text, None, error, dbapi.Error, dialect=connection.dialect)
