"""The offline provider: open data in a file, with no network."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pilothouse.connectors.enrichment.offline import OfflineProvider
from pilothouse.connectors.enrichment.setup import load_providers
from pilothouse.data.enrichment.answers import Lookup, Outcome

ROWS = (
    ("id", "company", "website", "country", "sector", "staff", "seen"),
    ("1", "Acme Corporation", "https://www.acme.example/", "US", "software", "1600", "2025-11-02"),
    ("2", "Borealis GmbH", "", "Deutschland", "chemicals", "7,600", ""),
    ("3", "Twin Ltd", "twin.example", "GB", "retail", "12", ""),
    ("4", "Twin Limited", "twin.example", "GB", "media", "13", ""),
    ("5", "Odd AG", "odd.example", "CH", "mining", "a few", ""),
)
SETUP = """
provider: opendata
file:
  path: data/companies{suffix}
  columns:
    {{domain: website, name: company, country: country, id: id, updated: seen, as_of: 2025-06-01,
    fields: {{name: company, industry: sector, employee_count: staff}}}}
"""


def written(root: Path, suffix: str) -> None:
    (root / "data").mkdir(exist_ok=True)
    path = root / "data" / f"companies{suffix}"
    rows = [dict(zip(ROWS[0], row, strict=True)) for row in ROWS[1:]]
    if suffix == ".csv":
        path.write_text("\n".join(";".join(row) for row in ROWS))
    elif suffix == ".jsonl":
        import json

        path.write_text("\n".join([*map(json.dumps, rows), "{broken"]))
    else:
        import pyarrow
        from pyarrow import parquet

        any_parquet: Any = parquet
        any_parquet.write_table(pyarrow.Table.from_pylist(rows), path)


@pytest.fixture(params=[".csv", ".jsonl", ".parquet"])
def provider(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OfflineProvider:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the offline provider went to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    written(tmp_path, request.param)
    (tmp_path / "enrichment").mkdir()
    (tmp_path / "enrichment" / "opendata.yaml").write_text(SETUP.format(suffix=request.param))
    [made] = load_providers(tmp_path, tmp_path / "state", {"crm"})
    assert isinstance(made, OfflineProvider)
    return made


def by(**given: str) -> Lookup:
    return Lookup("account", given)


def test_a_company_is_found_by_domain_and_by_name_however_written(provider: OfflineProvider) -> None:
    answer = provider.ask(by(domain="acme.example"))
    assert answer.fields == {"name": "Acme Corporation", "industry": "software", "employee_count": 1600}
    assert (answer.at, answer.likelihood, answer.id) == (datetime(2025, 11, 2, tzinfo=UTC), 0.96, "1")
    assert provider.ask(by(domain="www.ACME.example")).id == "1"
    named = provider.ask(by(name="BOREALIS", country="Germany"))
    assert (named.id, named.fields["employee_count"], named.likelihood) == ("2", 7600, 0.85)
    assert named.at == datetime(2025, 6, 1, tzinfo=UTC)
    assert provider.ask(by(domain="unknown.example", name="Borealis", country="de")).id == "2"
    assert provider.ask(by(name="Borealis", country="France")).outcome is Outcome.NOT_FOUND


def test_what_several_records_answer_to_is_not_guessed(provider: OfflineProvider) -> None:
    answer = provider.ask(by(domain="twin.example", name="Twin", country="UK"))
    assert answer.outcome is Outcome.NOT_FOUND and "several" in answer.sentence


def test_a_value_that_does_not_fit_is_left_out(provider: OfflineProvider) -> None:
    answer = provider.ask(by(domain="odd.example"))
    assert answer.fields == {"name": "Odd AG", "industry": "mining"} and set(answer.unusable) == {"employee_count"}


def test_the_index_follows_the_file(provider: OfflineProvider) -> None:
    assert provider.ask(by(domain="new.example")).outcome is Outcome.NOT_FOUND
    made = provider.index.stat().st_mtime_ns
    assert provider.ask(by(domain="acme.example")).id == "1" and provider.index.stat().st_mtime_ns == made
    provider.path = provider.path.with_suffix(".csv")
    provider.path.write_text("id,company,website,country,sector,staff,seen\n9,New,new.example,US,energy,5,\n")
    assert provider.ask(by(domain="new.example")).id == "9"
    provider.path.unlink()
    assert "there is no file" in provider.unready()
