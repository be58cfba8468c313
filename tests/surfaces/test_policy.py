"""Policy on the surfaces: the command line's way from edit to rollback, REST for people and agents, the console's pages."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from tests.surfaces.test_rest import enter
from tests.world import World
from typer.testing import CliRunner

from pilothouse.surfaces.cli.main import app
from pilothouse.surfaces.server import build

runner = CliRunner()
ASK = "/v1/policy/ask"


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    with TestClient(build(world.app), follow_redirects=False) as client:
        yield client


def call(world: World, *words: str, code: int = 0) -> str:
    done = runner.invoke(app, ["policy", *words, "--workspace", str(world.root)])
    assert done.exit_code == code, done.output
    return done.output


def test_from_an_edit_to_a_rollback(world: World) -> None:
    assert "Nothing was published yet" in call(world, "check")
    call(world, "publish", "--note", "The first.", "--by", "gita")
    assert "two people always" in call(world, "approve", "v1", "--by", "gita", code=1)
    call(world, "approve", "v1", "--by", "noah")
    path = world.root / "policy" / "escalations.yaml"
    path.write_text(path.read_text().replace("strategic_accounts: []", "strategic_accounts: [a9]"))
    told = json.loads(call(world, "check", "--json"))
    assert told["problems"] == [] and told["in_force"].startswith("v1-")
    assert told["unpublished"] == [{"path": "policy/escalations.yaml", "added": 1, "removed": 1, "behind": False}]
    path.write_text(path.read_text().replace("record.amount >= threshold", "record.amount > threshold"))
    assert "do not come out as wanted" in call(world, "publish", "--note", "Higher.", "--by", "gita", code=1)
    path.write_text(path.read_text().replace("record.amount > threshold", "record.amount >= threshold"))
    second = json.loads(call(world, "publish", "--note", "One account is ours.", "--by", "gita", "--json"))
    assert second["status"] == "proposed" and second["cases"] > 50
    call(world, "approve", second["id"], "--by", "noah")
    assert "+  strategic_accounts: [a9]" in call(world, "show", "v2")
    assert "rules:" in json.loads(call(world, "show", "v2", "--json"))["content"]["policy/crm.yaml"]
    call(world, "rollback", "v1", "--reason", "A mistake.", "--by", "ada")
    assert "strategic_accounts: []" in path.read_text()
    states = [(each["number"], each["in_force"]) for each in json.loads(call(world, "versions", "--json"))]
    assert states == [(3, True), (2, False), (1, False)]
    assert json.loads(call(world, "ask", "route", "crm/account/a1", "--json"))["answer"] == "rosa"


def test_a_problem_stops_the_publication_and_is_told(world: World) -> None:
    (world.root / "policy" / "more.yaml").write_text("thresholds: {idle: 3}\n")
    assert "no rule mentions the threshold 'idle'" in call(world, "publish", "--note", "?", "--by", "gita", code=1)


def test_people_decide_over_rest(world: World, client: TestClient) -> None:
    version = world.publish({})
    second = world.app.versions.propose({**version.content, "policy/none.yaml": "thresholds: {}\n"}, "gita", "A try.")
    assert client.get("/v1/policy").status_code == 401
    csrf = enter(world, client, "noah")
    assert client.get("/v1/policy").json()["version"] == version.id
    path = f"/v1/policy/versions/{second.id}"
    assert client.get(path).json()["changed"][0]["path"] == "policy/none.yaml"
    assert client.post(f"{path}/approve", json={"hash": "0" * 12}, headers=csrf).status_code == 409
    assert client.post(f"{path}/approve", json={"hash": second.hash}, headers=csrf).json()["in_force"] is True
    back = client.post("/v1/policy/versions/v1/rollback", json={"reason": "A drill."}, headers=csrf).json()
    assert back["restores"] == version.id and world.app.policy.version == back["id"]
    assert [each["number"] for each in client.get("/v1/policy/versions").json()] == [3, 2, 1]


def test_an_agent_is_told_the_answer_and_no_value_that_it_may_not_read(world: World, client: TestClient) -> None:
    narrow = """contract: wide
version: 2
summary: Reads the industry alone.
read: {account: [industry]}
write: {}
"""
    world.publish({"contracts/wide.yaml": narrow})
    token = {"Authorization": f"Bearer {world.token()}"}
    told = client.get(f"{ASK}/route/crm/account/a1", headers=token).json()
    assert (told["answer"], told["by"]) == ("rosa", "territory") and "Germany" not in json.dumps(told)
    assert client.get(f"{ASK}/route/crm/contact/c1", headers=token).status_code == 403
    assert client.get(f"{ASK}/route/crm/account/a1").status_code == 401
    enter(world, client, "iris")
    assert "Germany" in client.get(f"{ASK}/route/crm/account/a1").json()["reason"]


def test_the_pages_show_what_is_in_force_and_take_decisions(world: World, client: TestClient) -> None:
    csrf = enter(world, client, "noah")["X-CSRF-Token"]
    assert "Nothing was published yet" in client.get("/policy").text
    version = world.publish({})
    (world.root / "policy" / "more.yaml").write_text("thresholds: {}\n")
    shown = client.get("/policy").text
    for words in (
        version.id,
        "Strong match with our ideal customer",
        "policy/more.yaml",
        "germany → rosa",
        "fill-empty-fields",
    ):
        assert words in shown
    mine = world.app.versions.propose({**version.content, "policy/a.yaml": "thresholds: {}\n"}, "noah", "Mine.")
    page = client.get(f"/policy/{mine.id}").text
    assert "Approve and publish" not in page and "somebody else approves" in page
    form = {"csrf": csrf, "decision": "approve", "hash": mine.hash}
    assert client.post(f"/policy/{mine.id}", data=form).status_code == 403
    assert client.post(f"/policy/{mine.id}", data={**form, "decision": "reject", "reason": "No."}).status_code == 303
    theirs = world.app.versions.propose({**version.content, "policy/a.yaml": "thresholds: {}\n"}, "gita", "Theirs.")
    assert "Approve without a replay" in client.get(f"/policy/{theirs.id}").text
    assert client.post(f"/policy/{theirs.id}", data={**form, "hash": theirs.hash}).status_code == 303
    assert world.app.policy.version == theirs.id
    back = {"csrf": csrf, "decision": "rollback", "reason": "Back."}
    assert client.post(f"/policy/{version.id}", data=back).status_code == 303
    assert world.app.versions.get("v4").restores == version.id
