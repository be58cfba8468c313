"""What is known of records for comparing them, kept between runs so that a new record need not be compared with all anew.

A file in the workspace's state folder, or memory. It holds nothing that cannot be made again from the ledger: it may be
deleted at any time, and a transaction that is not committed leaves it as it was. It holds personal data, so erasing a
person deletes it. What must never happen here: a result that depends on the order in which records came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias, cast

import duckdb
import numpy as np
from numpy.typing import NDArray

from pilothouse.data.identity.features import FIELDS, account_features, contact_features, prepare
from pilothouse.data.identity.model import MODELS
from pilothouse.data.identity.pairs import columns_of, common_columns, compare_touched
from pilothouse.data.identity.shared import SHARED, update_shared

MEMORY = "3GB"
BATCH = 50_000
COMMON = 50
"""Records that must tell a value before it can be called common; what so many tell is nobody's own."""
DEGREE = "(CASE WHEN count(*)<2 THEN 0 ELSE floor(log2(count(*)))+0.5 END)::REAL"
"""How common a value is: the middle of two powers of two, in bits."""
MAKERS = {"account": account_features, "contact": contact_features}
Engine: TypeAlias = "Callable[[Index], None]"
"""What compares all records of an index with one another elsewhere than here, as `on_spark` does."""
Row = tuple[str, Sequence[str]]
"""The name of a record, and the object's `FIELDS` of it as text."""


class Index:
    """The features and candidate pairs of all records of one object."""

    def __init__(self, object_name: str, path: Path | None = None, engine: Engine | None = None) -> None:
        self.object, self.model, self._engine = object_name, MODELS[object_name], engine
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.connection = duckdb.connect("" if path is None else str(path))
        if path is not None:
            path.chmod(0o600)
        self.connection.execute(f"SET memory_limit='{MEMORY}'")
        # It would stand in the middle of what a command prints.
        self.connection.execute("SET enable_progress_bar=false")
        self.connection.execute("SET preserve_insertion_order=false")
        prepare(self.connection)

    def close(self) -> None:
        """Let go of the file; what was not committed is gone."""
        self.connection.close()

    def begin(self) -> None:
        """Begin a transaction, and make the tables where there are none."""
        self.connection.execute("BEGIN")
        if not self._tables():
            for table, columns in self._shape().items():
                self.connection.execute(f"CREATE TABLE {table} ({columns})")
            joined = "FROM own" if self.object == "contact" else "FROM own JOIN shared USING (unique_id)"
            self.connection.execute(f"CREATE VIEW features AS {joined}")

    def commit(self) -> None:
        """Make what was taken in last."""
        self.connection.execute("COMMIT")

    def _tables(self) -> bool:
        found = self.connection.execute("SELECT count(*) FROM information_schema.tables WHERE table_name='own'")
        return bool(found.fetchall()[0][0])

    def _shape(self) -> dict[str, str]:
        told = ", ".join(f'"{name}" VARCHAR' for name in FIELDS[self.object])
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE told (unique_id BIGINT, ref VARCHAR, {told})")
        MAKERS[self.object](self.connection, "told", "fresh")
        own = self.connection.execute("SELECT column_name, column_type FROM (DESCRIBE fresh)").fetchall()
        return {
            "own": ", ".join(f"{name} {type_}" for name, type_ in own),
            "shared": SHARED[self.object],
            "places": "place VARCHAR",
            "often": "field VARCHAR, value VARCHAR, k REAL",
            "fixed": "field VARCHAR, value VARCHAR, k REAL",
            "pairs": columns_of(self.model),
            "parts": "unique_id BIGINT, part BIGINT",
            "merged": "ref VARCHAR, into_ref VARCHAR",
            "notes": "name VARCHAR, value VARCHAR",
        }

    def arrays(self, query: str, given: Sequence[object] = ()) -> dict[str, NDArray[Any]]:
        """Return the columns of a query as arrays, by name."""
        cursor = cast(Any, self.connection.execute(query, list(given)))
        return cast("dict[str, NDArray[Any]]", cursor.fetchnumpy())

    def note(self, name: str) -> str:
        """Return what was noted under a name, the empty string when nothing was."""
        row = self.connection.execute("SELECT value FROM notes WHERE name=?", [name]).fetchone()
        return "" if row is None else str(row[0])

    def take_note(self, name: str, value: str) -> None:
        """Note something, in place of what was noted under that name."""
        self.connection.execute("DELETE FROM notes WHERE name=?", [name])
        self.connection.execute("INSERT INTO notes VALUES (?, ?)", [name, value])

    def count(self) -> int:
        """Return how many records are known that did not go into another."""
        query = "SELECT (SELECT count(*) FROM own) - (SELECT count(*) FROM merged)"
        return int(self.connection.execute(query).fetchall()[0][0])

    def merged(self) -> dict[str, str]:
        """Return, by name, the records that went into another, with the one they went into in the end."""
        into = dict(cast("list[tuple[str, str]]", self.connection.execute("FROM merged").fetchall()))
        return {ref: _end(ref, into) for ref in into}

    def take_merged(self, seen: Iterable[str], into: Mapping[str, str]) -> None:
        """Note which of the records `seen` went into another. They are to be taken in as records that tell nothing."""
        run = self.connection.execute
        run("DELETE FROM merged WHERE ref IN (SELECT unnest(?::VARCHAR[]))", [sorted(seen)])
        run("INSERT INTO merged SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[])", [list(into), list(into.values())])

    def ids(self, refs: Sequence[str]) -> NDArray[np.int64]:
        """Return the `unique_id` of the records with these names that are known."""
        query = "SELECT unique_id FROM own WHERE ref IN (SELECT unnest(?::VARCHAR[]))"
        return self.arrays(query, [list(refs)])["unique_id"]

    def names(self, ids: NDArray[np.int64]) -> list[str]:
        """Return the names of the records with these `unique_id`s."""
        if not len(ids):
            return []
        query = "SELECT ref FROM own WHERE unique_id IN (SELECT unnest(?::BIGINT[]))"
        return self.arrays(query, [ids.tolist()])["ref"].tolist()

    def told(self) -> dict[str, int]:
        """Return how many records have a value in each column whose values are weighed by how common they are."""
        columns = common_columns(self.model)
        counts = ", ".join(f"count({name})" for name in columns)
        row = self.connection.execute(f"SELECT {counts} FROM own").fetchall()[0]  # noqa: S608
        return {name: int(value) for name, value in zip(columns, row, strict=True)}

    def common(self) -> dict[str, dict[str, float]]:
        """Return, by column, the values that many records tell, with log2 of how many."""
        least = max(COMMON, self.count() // 1000)
        found: dict[str, dict[str, float]] = {}
        for name in common_columns(self.model):
            query = f"SELECT {name}, log2(count(*)) FROM own WHERE {name} IS NOT NULL GROUP BY 1 HAVING count(*)>={least} ORDER BY 1"  # noqa: S608
            found[name] = {str(value): float(k) for value, k in self.connection.execute(query).fetchall()}
        return found

    def fix(self, common: Mapping[str, Mapping[str, float]]) -> None:
        """Take these values to be as common as is said, however many records tell them; count all others."""
        run = self.connection.execute
        run("DELETE FROM fixed")
        run("DELETE FROM often")
        for column in common_columns(self.model):
            for value, k in common.get(column, {}).items():
                run("INSERT INTO fixed VALUES (?, ?, ?)", [column, value, k])
            run(f"""
                INSERT INTO often SELECT '{column}', value, coalesce(fixed.k, counted.k)
                FROM (SELECT {column} AS value, {DEGREE} AS k FROM own WHERE {column} IS NOT NULL GROUP BY 1 HAVING count(*)>1) counted
                LEFT JOIN (SELECT value, k FROM fixed WHERE field='{column}') fixed USING (value)
            """)  # noqa: S608
            run(f"""
                UPDATE pairs SET often_{column}=often.k FROM own JOIN often ON often.field='{column}' AND often.value=own.{column}
                WHERE pairs.l=own.unique_id AND pairs.often_{column}<>often.k
            """)  # noqa: S608

    def take(self, rows: Iterable[Row]) -> NDArray[np.int64]:
        """Take in records that are new or may have changed; return the records whose pairs may have.

        The same record must not be among them twice.
        """
        empty = self.count() == 0
        self.take_features(rows)
        flipped = [each for name in common_columns(self.model) for each in self._count(name)]
        if empty and self._engine is not None:
            self._engine(self)
        else:
            compare_touched(self.connection, self.model, every=empty)
        return np.unique(np.concatenate([self.arrays("SELECT unique_id FROM touched")["unique_id"], *flipped]))

    def take_features(self, rows: Iterable[Row]) -> None:
        """Take in records without comparing them with any other."""
        run = self.connection.execute
        self._load(rows)
        MAKERS[self.object](self.connection, "told", "fresh")
        run("DROP TABLE told")
        run("CREATE OR REPLACE TEMP TABLE news AS FROM fresh EXCEPT FROM own")
        run("DROP TABLE fresh")
        run("CREATE OR REPLACE TEMP TABLE touched AS SELECT unique_id FROM news")
        run("CREATE OR REPLACE TEMP TABLE before AS FROM own SEMI JOIN news USING (unique_id)")
        run("DELETE FROM own WHERE unique_id IN (SELECT unique_id FROM news)")
        run("INSERT INTO own FROM news")
        update_shared(self.connection, self.object)

    def _load(self, rows: Iterable[Row]) -> None:
        import pyarrow  # pyright: ignore[reportMissingTypeStubs]

        pa: Any = pyarrow
        run = self.connection.execute
        names = ("ref", *FIELDS[self.object])
        columns = ", ".join(f'"{name}" VARCHAR' for name in names)
        run(f"CREATE OR REPLACE TEMP TABLE came ({columns})")
        for part in _parts((ref, *row) for ref, row in rows):
            table = pa.table({name: list(column) for name, column in zip(names, zip(*part, strict=True), strict=True)})
            self.connection.register("part", table)
            run("INSERT INTO came SELECT * FROM part")
            self.connection.unregister("part")
        run("""
            CREATE OR REPLACE TEMP TABLE told AS
            SELECT coalesce(own.unique_id, (SELECT coalesce(max(unique_id),-1) FROM own)
                + row_number() OVER (PARTITION BY own.unique_id IS NULL ORDER BY came.ref)) AS unique_id, came.*
            FROM came LEFT JOIN (SELECT unique_id, ref FROM own) own ON own.ref=came.ref
        """)
        run("DROP TABLE came")

    def _count(self, column: str) -> Iterator[NDArray[np.int64]]:
        """Count the values anew that came or went; yield the records of those that are common in another degree now."""
        run = self.connection.execute
        run(f"""
            CREATE OR REPLACE TEMP TABLE counted AS
            WITH moved AS (SELECT {column} AS value FROM before UNION SELECT {column} FROM news),
            now AS (SELECT {column} AS value, {DEGREE} AS k FROM own SEMI JOIN moved ON moved.value=own.{column} GROUP BY 1),
            fast AS (SELECT value FROM fixed WHERE field='{column}'),
            was AS (SELECT value, k FROM often WHERE field='{column}')
            SELECT moved.value, coalesce(now.k,0) AS k, coalesce(was.k,0) AS k_before
            FROM moved ANTI JOIN fast USING (value) LEFT JOIN now USING (value) LEFT JOIN was USING (value)
            WHERE moved.value IS NOT NULL AND coalesce(now.k,0)<>coalesce(was.k,0)
        """)  # noqa: S608
        run(f"DELETE FROM often WHERE field='{column}' AND value IN (SELECT value FROM counted)")  # noqa: S608
        run(f"INSERT INTO often SELECT '{column}', value, k FROM counted WHERE k>0")  # noqa: S608
        run(f"""
            UPDATE pairs SET often_{column}=counted.k FROM own JOIN counted ON counted.value=own.{column}
            WHERE pairs.l=own.unique_id
        """)  # noqa: S608
        others = f"SELECT unique_id FROM own JOIN counted ON counted.value=own.{column} WHERE k_before>0"  # noqa: S608
        yield self.arrays(others)["unique_id"]


def _end(ref: str, into: Mapping[str, str]) -> str:
    passed = {ref}
    while (following := into.get(ref)) is not None and following not in passed:
        passed.add(following)
        ref = following
    return ref


def _parts(rows: Iterator[tuple[str, ...]]) -> Iterator[list[tuple[str, ...]]]:
    while part := list(islice(rows, BATCH)):
        yield part
