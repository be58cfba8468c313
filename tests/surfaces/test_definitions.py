"""Definitions and contracts on the command line, over REST and in the console."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.world import World
from typer.testing import CliRunner

from pilothouse.surfaces.cli.main import app
from pilothouse.surfaces.server import build

runner = CliRunner()
DEALS = """id,name,stage,engaged_date,close_date,is_closed,is_won,amount
1,Long,Proposal,2024-01-01,2026-12-01,false,false,5
2,Over,Closed Won,2025-01-01,2025-03-01,true,true,5
3,Odd,Closed Lost,2025-01-01,,true,false,-5
"""
MAPPING = """mapping: deals
tables:
  deals:
    files: [opportunities]
    object: opportunity
    id: id
    fields: {name: name, stage: stage, engaged_date: engaged_date, close_date: close_date, is_closed: is_closed,
      is_won: is_won, amount: amount}
"""


def call(*words: str, code: int = 0) -> str:
    result = runner.invoke(app, list(words))
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "w"
    call("init", str(root))
    monkeypatch.setenv("PILOTHOUSE_WORKSPACE", str(root))
    monkeypatch.setenv("COLUMNS", "300")
    call("people", "add", "me", "--name", "Me", "--email", "me@example.com", "--role", "admin")
    monkeypatch.setenv("PILOTHOUSE_PERSON", "me")
    (tmp_path / "opportunities.csv").write_text(DEALS)
    (tmp_path / "deals.yaml").write_text(MAPPING)
    call("import", str(tmp_path / "opportunities.csv"), "--mapping", str(tmp_path / "deals.yaml"))
    return root


def test_a_term_is_listed_shown_and_asked_of_a_record(home: Path) -> None:
    assert "qualified_pipeline" in call("definitions", "list")
    told = json.loads(
        call("definitions", "show", "phantom", "--record", "crm/opportunity/1", "--as-of", "2026-01-01", "--json")
    )
    assert told["counts"] == {"yes": 1, "no": 2} and told["examples"] == ["crm/opportunity/1"]
    assert told["answer"]["answer"] == "yes" and "longest_cycle_days = 59" in told["answer"]["reason"]
    assert told["answer"]["version"] == told["version"]
    assert "no term" in call("definitions", "show", "fantom", code=1)
    assert "fact.quiet_days" in call("definitions", "facts")
    assert "20 of 20" in call("definitions", "test")


def test_a_deal_that_contradicts_its_stage_makes_the_check_fail(home: Path) -> None:
    told = json.loads(call("definitions", "check", "--as-of", "2026-01-01", "--json", code=1))
    assert told["deals"] == {"cannot tell": 2, "no": 1}  # nobody told of activities and told["problems"] == []
    [against] = [each for each in told["criteria"] if each["against"]]
    assert against["stage"] == "Closed Lost" and against["examples"][0][0] == "crm/opportunity/3"
    assert "1 deals contradict" in call("definitions", "check", "--as-of", "2026-01-01", code=1)


def test_what_is_wrong_in_the_files_is_told_by_every_check(home: Path) -> None:
    path = home / "definitions" / "terms.yaml"
    path.write_text(path.read_text().replace("fact.quiet_days <= 30", "fact.quite_days <= 30"))
    for words in (("definitions", "check"), ("policy", "check")):
        told = json.loads(call(*words, "--json", code=1))
        told = told["problems"] if words[0] == "policy" else told
        assert (
            len(told) == 1
            and told[0]["file"].endswith("terms.yaml")
            and "did you mean 'fact.quiet_days'" in told[0]["problem"]
        )
    assert "quiet_days" in call("definitions", "list", code=1)
    contract = home / "contracts" / "hygiene.yaml"
    contract.write_text(contract.read_text().replace("amount: {min: 0}", "amount: {mni: 0}"))
    assert len(json.loads(call("policy", "check", "--json", code=1))["problems"]) == 2
    assert "mni" in call("contracts", "check", code=1)


def test_rows_are_checked_against_a_contract(home: Path, tmp_path: Path) -> None:
    assert "hygiene@2" in call("contracts", "list")
    assert "account.industry" in call("contracts", "show", "hygiene")
    assert "in order" in call("contracts", "check") and "in order" in call("contracts", "check", "hygiene")
    assert "no data contract 'nope'" in call("contracts", "check", "nope", code=1)
    file = str(tmp_path / "opportunities.csv")
    command = ("contracts", "check", "hygiene", file, "--object", "opportunity", "--json")
    [report] = json.loads(call(*command, code=1))
    wanted = {"field": "amount", "rule": "min", "rows": 1, "examples": ["3"]}
    assert report["rows"] == 3 and report["breaches"] == [wanted] and report["absent"] == ["probability"]
    stored = json.loads(call("contracts", "check", "hygiene", "--stored", "--json", code=1))
    by_object = {each["object"]: each for each in stored}
    assert by_object["opportunity"]["breaches"] == [{**wanted, "examples": ["crm/opportunity/3"]}]
    assert by_object["account"]["sound"]
    assert "say which object" in call("contracts", "check", "hygiene", file, code=2)
    assert "no data contract" in call("contracts", "check", "nobody", file, code=1)


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    with TestClient(build(world.app), follow_redirects=False) as client:
        yield client


def enter(world: World, client: TestClient, person: str) -> None:
    credentials = world.app.credentials
    credentials.redeem_link(credentials.issue_link(person, "ada"), "correct horse battery")
    given = client.post("/v1/session", json={"email": f"{person}@example.com", "password": "correct horse battery"})
    assert given.status_code == 200


def test_rest_says_what_a_term_means_and_what_it_answers(world: World, client: TestClient) -> None:
    assert client.get("/v1/definitions").status_code == 401
    enter(world, client, "iris")
    listed = client.get("/v1/definitions").json()
    assert {"open_deal", "target_account"} <= {each["name"] for each in listed["terms"]}
    assert [each["name"] for each in listed["stages"]][:2] == ["Prospecting", "Engaging"]
    shown = client.get("/v1/definitions/complete_account").json()
    assert shown["counts"] == {"yes": 0, "no": 8, "cannot tell": 0} and shown["condition"].startswith(
        "(known.record.name)"
    )
    asked = client.get("/v1/definitions/complete_account/evaluate/crm/account/a1").json()
    assert asked["answer"] == "no" and asked["version"] == shown["version"] and "industry = no" in asked["reason"]
    deal = client.get("/v1/definitions/stale/evaluate/crm/opportunity/o1").json()
    assert deal["answer"] == "cannot tell" and deal["missing"] and deal["stage"]["stage"] == "Prospecting"
    for path, status in (
        ("fantom", 404),
        ("stale/evaluate/crm/account/a1", 400),
        ("stale/evaluate/crm/opportunity/none", 404),
    ):
        assert client.get(f"/v1/definitions/{path}").status_code == status


def test_a_rep_does_not_read_what_holds_of_everybodys_records(world: World, client: TestClient) -> None:
    enter(world, client, "rosa")
    for path in (
        "/v1/definitions",
        "/v1/definitions/stale",
        "/v1/definitions/stale/evaluate/crm/opportunity/o1",
        "/definitions",
    ):
        assert client.get(path).status_code == 403


def test_the_console_shows_terms_stages_and_what_holds_of_a_record(world: World, client: TestClient) -> None:
    enter(world, client, "gita")
    listed = client.get("/definitions").text
    assert "complete_account" in listed and "deals contradict their stage" in listed
    shown = client.get("/definitions/open_deal").text
    assert "Alder deal" in shown and "!fact.closed" in shown and "closed = no" in shown
    record = client.get("/records/crm/opportunity/o1").text
    assert "What our definitions say of it" in record and "open_deal" in record and "cannot tell" in record
    assert client.get("/definitions/fantom").status_code == 404
