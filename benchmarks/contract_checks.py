"""A contract's checks over a million rows in a Parquet and a CSV file; prints one JSON line for each.

`ratio` is the time of the check over that of DuckDB reading the same columns and doing nothing else with them but
count. The number of rows is an argument; without one, 1,000,000.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from pilothouse.data.checked_rows import check_file
from pilothouse.data.contracts import Contract

CONTRACT = {
    "contract": "bench",
    "version": 1,
    "summary": "Fifteen rules and a filter.",
    "read": {"account": {"fields": "*", "filter": "record.country in ['Spain', 'Japan']"}},
    "checks": {
        "account": {
            "name": {"required": True, "max_length": 80},
            "industry": {"required": True, "one_of": ["software", "retail", "energy"]},
            "country": {"required": True},
            "phone": {"pattern": "[+0-9 ]{4,20}"},
            "employee_count": {"min": 1, "max": 4990},
            "annual_revenue": {"min": 0},
        }
    },
}
ROWS = """
SELECT 'A' || i AS id, 'Company ' || i AS name, ['software', 'retail', 'energy', 'x', ''][1 + i % 5] AS industry,
    ['Spain', 'Japan', 'Chile', ''][1 + i % 4] AS country, '+49 ' || (i % 97) || ' ' || i AS phone,
    CAST(i % 5000 AS BIGINT) AS employee_count, CAST(i AS DOUBLE) / 3 AS annual_revenue
FROM range({}) AS t(i)
"""
COLUMNS = ("name", "industry", "country", "phone", "employee_count", "annual_revenue")


def quickest(call: Callable[[], Any]) -> float:
    times: list[float] = []
    for _ in range(3):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(path: Path, reader: str, rows: int) -> dict[str, Any]:
    contract = Contract.model_validate(CONTRACT)
    report = check_file(contract, "account", path)
    assert report.rows == rows and report.outside == rows // 2
    assert {(b.field, b.rule): b.rows for b in report.breaches}["industry", "required"] == rows // 5
    counts = ", ".join(f"count({name})" for name in COLUMNS)
    bare = quickest(lambda: duckdb.connect().execute(f"SELECT {counts} FROM {reader.format(path)}").fetchall())
    whole = quickest(lambda: check_file(contract, "account", path))
    return {
        "benchmark": "contract_checks",
        "file": path.suffix.removeprefix("."),
        "rows": rows,
        "seconds": round(whole, 3),
        "bare_read_seconds": round(bare, 3),
        "ratio": round(whole / bare, 2),
    }


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        for name, reader in (("rows.parquet", "'{}'"), ("rows.csv", "read_csv('{}', all_varchar=true)")):
            path = Path(folder) / name
            duckdb.execute(f"COPY ({ROWS.format(rows)}) TO '{path}'")
            print(json.dumps(measure(path, reader, rows)), flush=True)


if __name__ == "__main__":
    main()
