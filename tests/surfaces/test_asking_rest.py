"""Pipeline, contracts and definitions over REST: who may ask what, and that the answers are those of the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.data.test_buyer_graph import tell
from tests.surfaces.test_rest import enter
from tests.world import World
from typer.testing import CliRunner

from pilothouse.gateway.agents import Manifest
from pilothouse.surfaces.cli.main import app as cli
from pilothouse.surfaces.server import build
from pilothouse.vocabulary.actors import AgentRef

NARROW = """
contract: narrow
version: 1
summary: Sees the names and stages of its person's deals, and nothing of accounts.
read: {opportunity: {fields: [name, stage, owner], filter: "record.stage == 'Proposal'"}}
rates: {crm: {per_minute: 2}}
"""


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    with TestClient(build(world.app), follow_redirects=False) as client:
        yield client


def cli_json(world: World, *words: str) -> Any:
    done = CliRunner().invoke(cli, [*words, "--json", "--workspace", str(world.root)])
    assert done.exit_code in (0, 1), done.output
    return json.loads(done.stdout)


def bearer(world: World, agent: str = "tester@1", person: str = "gita") -> dict[str, str]:
    return {"Authorization": f"Bearer {world.token(agent, person)}"}


def narrow(world: World, *, contract: str = "narrow", name: str = "looker") -> dict[str, str]:
    """Register an agent whose contract lets it see little, and return its token's header."""
    (world.root / "contracts" / "narrow.yaml").write_text(NARROW)
    again = world.reopened().app
    world.app.contracts.update(again.contracts)
    manifest = Manifest(name=name, version="1", owner="gita", summary="Looks.", contract=contract, grants=())
    world.app.gateway.door.agents.register(manifest, by="ada")
    return bearer(world, f"{name}@1")


def test_the_pipeline_is_the_one_the_command_line_prints(world: World, client: TestClient) -> None:
    assert client.get("/v1/pipeline").status_code == 401
    csrf = enter(world, client, "noah")
    assert client.get("/v1/pipeline").status_code == 404
    for system in ("crm", "billing"):
        tell(world, f"{system}/account/a9", name="Alder")
        tell(world, f"{system}/opportunity/d9", name="Alder Compass", account="a9", amount=500.0, stage="Proposal")
    tell(world, "crm/opportunity/d9", created_date="2026-01-05")  # so that both judge as of the same day
    given = {"one": "billing/opportunity/d9", "other": "crm/opportunity/d9", "same": True, "why": "One order."}
    assert client.post("/v1/entities/judgements", json=given, headers=csrf).json()["pending"] == 1
    made = client.post("/v1/pipeline", headers=csrf)
    assert made.status_code == 200, made.text
    assert client.get("/v1/pipeline").json() == made.json()
    deal = client.get("/v1/pipeline/deals/billing/d9").json()
    assert deal["records"] == ["crm/opportunity/d9", "billing/opportunity/d9"] and not deal["supported"]
    assert deal["mirrors"][0]["because"] == "noah said so"
    assert client.get("/v1/entities/billing/opportunity/d9").json()["id"] == deal["entity"]
    printed = cli_json(world, "pipeline", "--as", "noah")
    for name in ("system", "as_of", "deals", "derived"):
        assert printed["pipeline"][name] == made.json()["pipeline"][name]
    assert printed["totals"] == made.json()["totals"]
    assert client.get("/v1/pipeline/deals/crm/nothing").status_code == 404
    assert client.get("/v1/pipeline?system=nobody").status_code == 404


def test_who_may_not_read_everybodys_records_reads_no_pipeline_and_no_contracts(
    world: World, client: TestClient
) -> None:
    paths = (
        "/v1/pipeline",
        "/v1/pipeline/deals/crm/o1",
        "/v1/contracts",
        "/v1/contracts/wide",
        "/v1/contracts/wide/check",
    )
    for path in paths:
        assert client.get(path).status_code == 401
        assert client.get(path, headers=bearer(world)).status_code == 401, "an agent asks as an agent elsewhere"
    csrf = enter(world, client, "rosa")
    for path in paths:
        assert client.get(path).status_code == 403
    assert client.post("/v1/pipeline", headers=csrf).status_code == 403
    assert client.post("/v1/pipeline").status_code == 403


def test_an_auditor_reads_the_pipeline_and_does_not_measure_it(world: World, client: TestClient) -> None:
    csrf = enter(world, client, "iris")
    size = world.written()
    assert client.post("/v1/pipeline", headers=csrf).status_code == 403
    assert world.written() == size


def test_contracts_are_listed_shown_and_checked_as_on_the_command_line(world: World, client: TestClient) -> None:
    tell(world, "crm/opportunity/o1", amount=-5.0)
    enter(world, client, "iris")
    listed = client.get("/v1/contracts").json()
    assert listed == cli_json(world, "contracts", "list")
    assert client.get("/v1/contracts/hygiene").json() == next(e for e in listed if e["contract"] == "hygiene")
    found = client.get("/v1/contracts/hygiene/check").json()
    assert found == cli_json(world, "contracts", "check", "hygiene", "--stored")
    deals = next(each for each in found if each["object"] == "opportunity")
    assert not deals["sound"] and deals["breaches"][0]["examples"] == ["crm/opportunity/o1"]
    assert [e["object"] for e in client.get("/v1/contracts/hygiene/check?object=account").json()] == ["account"]
    for path, status in (("nobody", 404), ("nobody/check", 404), ("hygiene/check?object=quote", 400)):
        assert client.get(f"/v1/contracts/{path}").status_code == status


def test_an_agent_asks_about_what_its_contract_lets_it_read(world: World, client: TestClient) -> None:
    wide, little = bearer(world), narrow(world)
    listed = client.get("/v1/definitions", headers=wide).json()
    assert {"account", "opportunity"} <= {each["object"] for each in listed["terms"]} and listed["stages"]
    few = client.get("/v1/definitions", headers=little).json()
    assert {each["object"] for each in few["terms"]} == {"opportunity"}
    shown = client.get("/v1/definitions/open_deal", headers=little).json()
    assert shown["name"] == "open_deal" and "counts" not in shown and "examples" not in shown
    assert client.get("/v1/definitions/complete_account", headers=little).status_code == 403
    assert client.get("/v1/definitions/fantom", headers=little).status_code == 404


def test_an_agent_is_answered_from_what_it_may_see_and_the_reading_is_an_entry(
    world: World, client: TestClient
) -> None:
    wide, little = bearer(world), narrow(world)
    tell(world, "crm/opportunity/o1", stage="Proposal", amount=100.0, close_date="2026-12-01")
    tell(world, "crm/opportunity/o2", stage="Prospecting")
    path = "/v1/definitions/stale/evaluate/crm/opportunity/o1"
    before = world.app.ledger.size()
    for who in (wide, little):
        told = client.get(path, headers=who).json()
        assert told["record"] == "crm/opportunity/o1" and told["stage"]["stage"] == "Proposal"
        seen = {name for each in told["deciding"] for name in each["values"]} | set(told["missing"])
        assert seen
    entries = list(world.app.ledger.entries(after=before - 1, kinds={"record.read"}))
    assert [(str(e.actor.agent), e.body["term"], e.subject) for e in entries] == [
        ("tester@1", "stale", "crm/opportunity/o1"), ("looker@1", "stale", "crm/opportunity/o1"),
    ]  # fmt: skip
    out = client.get("/v1/definitions/open_deal/evaluate/crm/opportunity/o2", headers=little)
    assert out.status_code == 403 and "out of reach" in out.text
    assert client.get("/v1/definitions/complete_account/evaluate/crm/account/a1", headers=little).status_code == 403
    assert client.get("/v1/definitions/open_deal/evaluate/crm/opportunity/none", headers=wide).status_code == 404
    assert client.get("/v1/definitions/stale/evaluate/crm/account/a1", headers=wide).status_code == 400
    assert client.get(path, headers=little).status_code == 200
    assert client.get(path, headers=little).status_code == 403, "two records within a minute are all it may see"


def test_a_field_outside_the_contract_decides_nothing_in_front_of_an_agent(world: World, client: TestClient) -> None:
    (world.root / "definitions" / "more.yaml").write_text(
        "version: 1\nterms:\n  - name: large_deal\n    object: opportunity\n    owner: sales ops\n    meaning: A deal over fifty.\n"
        '    all: ["record.amount > 50.0"]\n'
    )
    little = narrow(world)
    tell(world, "crm/opportunity/o1", stage="Proposal", amount=100.0)
    again = world.reopened()
    with TestClient(build(again.app)) as fresh:
        path = "/v1/definitions/large_deal/evaluate/crm/opportunity/o1"
        assert fresh.get(path, headers=bearer(again)).json()["answer"] == "yes"
        told = fresh.get(path, headers=little).json()
        assert (
            told["answer"] == "cannot tell" and told["missing"] == ["record.amount"] and "100" not in json.dumps(told)
        )


def test_an_agent_on_behalf_of_a_rep_asks_about_the_reps_records_alone(world: World, client: TestClient) -> None:
    tell(world, "crm/account/a1", owner="rosa")
    tell(world, "crm/account/a2", owner="omar")
    agent = bearer(world, person="rosa")
    path = "/v1/definitions/complete_account/evaluate/crm/account"
    assert client.get(f"{path}/a1", headers=agent).status_code == 200
    assert client.get(f"{path}/a2", headers=agent).status_code == 403


def test_no_contract_no_access_and_neither_for_who_is_suspended(world: World, client: TestClient) -> None:
    paths = ("", "/open_deal", "/open_deal/evaluate/crm/opportunity/o1")
    little = narrow(world)
    del world.app.contracts["narrow"]
    suspended = bearer(world)
    world.app.gateway.door.agents.suspend(AgentRef.parse("tester@1"), "ada", "A trial.")
    for path in paths:
        assert client.get(f"/v1/definitions{path}", headers=little).status_code == 403
        assert client.get(f"/v1/definitions{path}", headers=suspended).status_code == 403
        assert client.get(f"/v1/definitions{path}", headers={"Authorization": "Bearer forged"}).status_code == 401
