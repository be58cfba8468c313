"""The pages about autonomy: what they show is there, and only for who may read the ledger."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient
from tests.surfaces.test_rest import client, enter  # noqa: F401  # pyright: ignore[reportUnusedImport]
from tests.world import World

from pilothouse.vocabulary.actors import AgentRef

PAGES = {
    "/readiness": "crm.message.send until",
    "/agents/tester@1": "Ramp by action type",
    "/agents/tester@1/gate?action_type=crm.account.update:fill-empty": "nothing proposed in shadow",
}


def test_a_bootstrap_is_offered_no_step_down(world: World, client: TestClient) -> None:  # noqa: F811
    world.promote("crm.account.update:fill-empty")
    enter(world, client, "iris")
    card = client.get("/agents/tester@1").text
    assert "none, stands by bootstrap" in card and "conditions of an earned standing met" in card
    gate = client.get("/agents/tester@1/gate?action_type=crm.account.update:fill-empty").text
    assert "It stands at live, 100 % by bootstrap" in gate and "to live, 10 %" not in gate


@pytest.mark.parametrize(("path", "says"), PAGES.items())
def test_a_page_about_autonomy_shows_its_figures(world: World, client: TestClient, path: str, says: str) -> None:  # noqa: F811
    assert client.get(path).status_code == 303
    world.promote("crm.account.update:fill-empty")
    enter(world, client, "rosa")
    assert client.get(path).status_code == 403
    enter(world, client, "iris")
    shown = client.get(path)
    assert shown.status_code == 200 and says in shown.text


FILL = "crm.account.update:fill-empty"


def test_two_people_promote_over_rest_each_in_their_own_session(world: World, client: TestClient) -> None:  # noqa: F811
    asked = {"action_type": FILL, "bootstrap": "live"}
    assert client.post("/v1/agents/tester@1/promotions", json=asked).status_code == 401
    noah = enter(world, client, "noah")
    assert client.post("/v1/agents/tester@1/promotions", json=asked).status_code == 403  # no CSRF token
    shut = client.post("/v1/agents/tester@1/promotions", json={"action_type": FILL}, headers=noah)
    assert (shut.status_code, shut.json()["code"]) == (403, "gate_not_passed")
    assert client.post("/v1/agents/tester@1/promotions", json={**asked, "by": "emil"}, headers=noah).status_code == 422
    made = client.post("/v1/agents/tester@1/promotions", json=asked, headers=noah)
    assert (made.status_code, made.json()["status"], made.json()["waits_for"]) == (201, "waiting", "engineering")
    path = f"/v1/promotions/{made.json()['id']}"
    assert client.post(f"{path}/confirm", headers=noah).status_code == 403
    assert client.post(f"{path}/confirm", headers=enter(world, client, "gita")).status_code == 403
    emil = enter(world, client, "emil")
    assert [each["id"] for each in client.get("/v1/promotions").json()] == [made.json()["id"]]
    assert client.post(f"{path}/confirm", headers=emil).json()["status"] == "confirmed"
    assert client.post(f"{path}/confirm", headers=emil).status_code == 409
    assert client.get(path).json()["decided_by"] == "emil" and client.get("/v1/promotions").json() == []
    assert len(client.get("/v1/promotions?waiting=false&agent=tester@1").json()) == 1
    down = client.post("/v1/agents/tester@1/demote", json={"action_type": FILL, "reason": "too eager"}, headers=emil)
    assert down.json()["mode"] == "shadow"
    assert world.gateway.door.agents.get(AgentRef("tester", "1")).standing(FILL).mode == "shadow"


def form(page: str) -> dict[str, str]:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found
    return {"csrf": found[1]}


def test_two_people_promote_in_the_console_each_in_their_own_session(world: World, client: TestClient) -> None:  # noqa: F811
    gate = f"/agents/tester@1/gate?action_type={FILL}"
    enter(world, client, "noah")
    csrf = form(client.get(gate).text)
    asked = {**csrf, "action_type": FILL, "bootstrap": "live", "bulk_allowance": "3"}
    assert client.post("/agents/tester@1/promotions", data={**asked, "csrf": "x"}).status_code == 403
    assert client.post("/agents/tester@1/promotions", data=asked).status_code == 303
    [waiting] = world.gateway.door.promotions.list(waiting=True)
    assert "somebody else confirms it" in client.get(gate).text and "Confirm live" not in client.get(gate).text
    assert "waits for engineering" in client.get("/agents/tester@1").text
    denied = client.post(f"/promotions/{waiting.id}", data={**csrf, "decision": "confirm"})
    assert denied.status_code == 403 and "two different people" in denied.text
    enter(world, client, "emil")
    shown = client.get(gate).text
    assert "Confirm live, 100 %" in shown and "You confirm it as Emil Sand" in shown
    assert client.post(f"/promotions/{waiting.id}", data={**form(shown), "decision": "confirm"}).status_code == 303
    page = client.get("/agents/tester@1").text
    assert "proposed by noah (log-in), confirmed by emil (log-in)" in page and "live, 100 %" in page
    back = {**form(page), "action_type": FILL, "reason": "too eager"}
    assert client.post("/agents/tester@1/demote", data=back).status_code == 303
    assert "put to shadow by emil: too eager" in client.get("/agents/tester@1").text


def test_a_gate_leads_to_its_evidence(world: World, client: TestClient) -> None:  # noqa: F811
    world.submit(world.action())
    enter(world, client, "iris")
    shown = client.get(f"/agents/tester@1/gate?action_type={FILL}").text
    found = re.search(r'href="(/actions\?[^"]+)"', shown)
    assert found and 'href="/readiness"' in shown
    listed = client.get(found[1].replace("&amp;", "&")).text
    assert "shadowed" in listed and FILL in listed
    assert "Propose" not in shown, "an auditor reads and proposes nothing"


MANIFEST = {
    "name": "scout", "version": "2", "owner": "gita", "summary": "A vendor's agent.", "contract": "wide",
    "grants": ["crm.account.update"],
}  # fmt: skip


def test_an_agent_is_registered_with_its_grants_over_rest_and_begins_in_shadow(
    world: World,
    client: TestClient,  # noqa: F811
) -> None:
    emil = enter(world, client, "emil")
    assert client.post("/v1/agents", json=MANIFEST, headers=emil).status_code == 201
    assert client.post("/v1/agents", json=MANIFEST, headers=emil).status_code == 200
    wider = {**MANIFEST, "grants": ["crm.account.update", "crm.opportunity.stage"]}
    assert client.post("/v1/agents", json=wider, headers=emil).status_code == 409  # other grants are another version
    assert client.post("/v1/agents", json={**wider, "version": "3"}, headers=emil).status_code == 201
    shown = client.get("/v1/agents/scout@3/card").json()
    assert {each["name"]: each["now"] for each in shown["types"]} == dict.fromkeys(wider["grants"], "shadow")
    rosa = enter(world, client, "rosa")
    assert client.post("/v1/agents", json={**MANIFEST, "version": "4"}, headers=rosa).status_code == 403


def test_a_token_is_asked_for_by_whom_it_acts_for_and_can_be_taken_back(world: World, client: TestClient) -> None:  # noqa: F811
    path = "/v1/agents/tester@1/tokens"
    rosa = enter(world, client, "rosa")
    assert client.post(path, json={"minutes": 5}, headers=rosa).status_code == 403
    noah = enter(world, client, "noah")
    assert client.post(path, json={"minutes": 5, "person": "gita"}, headers=noah).status_code == 422
    made = client.post(path, json={"minutes": 5}, headers=noah).json()
    [listed] = client.get(path).json()
    assert (listed["id"], listed["person"], "token" in listed) == (made["id"], "noah", False)
    assert world.gateway.submit(world.action(), made["token"]).code != "unauthenticated"
    ravi = enter(world, client, "ravi")
    revoke = f"/v1/tokens/{made['id']}/revoke"
    assert client.post(revoke, json={"reason": "done"}, headers=ravi).status_code == 403
    assert client.post("/v1/tokens/tok_none/revoke", json={"reason": "x"}, headers=ravi).status_code == 404
    assert client.post(revoke, json={"reason": "done"}, headers=enter(world, client, "emil")).status_code == 200
    assert world.gateway.submit(world.action(to="crm/account/a2"), made["token"]).code == "unauthenticated"


def test_the_console_shows_a_token_once_and_revokes_it(world: World, client: TestClient) -> None:  # noqa: F811
    enter(world, client, "noah")
    csrf = form(client.get("/agents/tester@1").text)
    shown = client.post("/agents/tester@1/tokens", data={**csrf, "minutes": "5"}).text
    [good] = world.gateway.door.tokens.good(AgentRef("tester", "1"))
    assert "shown this once" in shown and good.id in client.get("/agents/tester@1").text
    assert "shown this once" not in client.get("/agents/tester@1").text
    assert client.post(f"/tokens/{good.id}", data={**csrf, "reason": "done"}).status_code == 303
    assert world.gateway.door.tokens.good(AgentRef("tester", "1")) == []
