"""REST: the same authentication for people and agents; every answer fits its description."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from tests.world import World

from pilothouse.surfaces.server import build
from pilothouse.vocabulary.verdicts import Mode

WORD = "correct horse battery"


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    with TestClient(build(world.app), follow_redirects=False) as client:
        yield client


def enter(world: World, client: TestClient, person: str) -> dict[str, str]:
    credentials = world.app.credentials
    credentials.redeem_link(credentials.issue_link(person, "ada"), WORD)
    given = client.post("/v1/session", json={"email": f"{person}@example.com", "password": WORD})
    assert given.status_code == 200
    return {"X-CSRF-Token": given.json()["csrf"]}


BODY = {
    "capability": "crm.account.update",
    "target": "crm/account/a1",
    "arguments": {"industry": "software"},
    "intent": "Fill what is missing.",
    "confidence": 0.95,
    "evidence": [{"note": "billing says so", "position": 0}],
    "expects": {"industry": None},
}


def test_an_agent_is_always_told_what_became_of_its_action(world: World, client: TestClient) -> None:
    token = {"Authorization": f"Bearer {world.token()}"}
    assert client.post("/v1/actions", json=BODY, headers=token).json()["status"] == "shadowed"
    world.promote("crm.account.update:fill-empty", Mode.LIVE)
    done = client.post("/v1/actions", json=BODY, headers=token).json()
    assert (done["status"], done["tier"], done["rule"]) == ("executed", "T1", "fill-empty-fields")
    assert client.post("/v1/actions", json=BODY).status_code == 401
    before = world.written()
    forged = client.post("/v1/actions", json=BODY, headers={"Authorization": "Bearer forged"})
    assert (forged.status_code, forged.json()["code"]) == (401, "unauthenticated")
    assert world.written() == before
    record = client.get("/v1/records/crm/account/a1", headers=token)
    assert record.json()["fields"]["industry"] == "software"


def test_a_token_that_has_expired_answers_401_and_is_recorded(world: World, client: TestClient) -> None:
    token = {"Authorization": f"Bearer {world.token()}"}
    world.clock.advance(timedelta(hours=2))
    late = client.post("/v1/actions", json=BODY, headers=token)
    assert late.status_code == 401 and "expired" in late.json()["message"]
    [refused] = list(world.app.ledger.entries(kinds={"action.refused"}))
    assert refused.action in late.json()["hint"]


def test_strangers_are_heard_out_only_so_often(world: World, client: TestClient) -> None:
    answers = {
        client.post("/v1/actions", json=BODY, headers={"Authorization": "Bearer forged"}).status_code for _ in range(90)
    }
    assert answers == {401, 429} or answers == {429}
    mine = client.post("/v1/actions", json=BODY, headers={"Authorization": f"Bearer {world.token()}"})
    assert mine.status_code == 200


def test_readiness_and_gates_are_told_to_who_may_read_the_ledger(world: World, client: TestClient) -> None:
    path = "/v1/agents/tester@1/gate?action_type=crm.account.update"
    assert client.get("/v1/readiness").status_code == 401
    enter(world, client, "rosa")
    assert client.get("/v1/readiness").status_code == 403 and client.get(path).status_code == 403
    enter(world, client, "iris")
    size = world.app.ledger.size()
    told = client.get("/v1/readiness").json()
    assert (told["level"], len(told["items"])) == (2, 10) and told["items"][8]["met"] is True
    shut = client.get(path).json()
    assert shut["passed"] is False and "shadow" in {each["code"] for each in shut["conditions"] if not each["met"]}
    assert client.get("/v1/agents/nobody@1/gate?action_type=x").status_code == 404
    assert client.get("/v1/agents/tester/gate?action_type=x").status_code == 400
    card = client.get("/v1/agents/tester@1/card").json()
    assert card["level_name"] == "Autonomous" and {each["now"] for each in card["types"]} == {"shadow"}
    assert not [e for e in world.app.ledger.entries(after=size - 1) if e.actor.person == "iris"]


def test_a_person_reviews_and_rolls_back(world: World, client: TestClient) -> None:
    world.promote("crm.account.update", Mode.ASSISTED)
    held = client.post("/v1/actions", json=BODY, headers={"Authorization": f"Bearer {world.token()}"}).json()
    assert client.get("/v1/reviews").status_code == 401
    csrf = enter(world, client, "noah")
    [review] = client.get("/v1/reviews").json()
    path, seen = f"/v1/reviews/{held['review']}", {"payload_hash": review["payload_hash"]}
    assert client.post(f"{path}/approve", json=seen).status_code == 403  # no CSRF token
    assert client.post(f"{path}/approve", json={"payload_hash": "0" * 64}, headers=csrf).status_code == 409
    assert client.post(f"{path}/approve", json=seen, headers=csrf).json()["status"] == "executed"
    assert client.post(f"{path}/approve", json=seen, headers=csrf).status_code == 409
    story = client.get(f"/v1/actions/{held['action']}").json()
    assert story["reviewer"] == "noah" and story["verified"] is True
    scope = {"agent": "tester"}
    planned = client.post("/v1/rollbacks/preview", json=scope, headers=csrf).json()
    assert [item["fate"] for item in planned["items"]] == ["restore"]
    undone = client.post("/v1/rollbacks", json={**scope, "reason": "a drill"}, headers=csrf).json()
    assert undone["restored"] == 1 and world.read("account", "a1")["industry"] is None
    assert client.post("/v1/agents/tester@1/suspend", json={"reason": "a drill"}, headers=csrf).status_code == 200
    assert client.delete("/v1/session", headers=csrf).status_code == 204
    assert client.get("/v1/session").status_code == 401


@pytest.mark.parametrize(
    ("person", "path", "status"),
    [
        ("rosa", "/v1/actions", 403),
        ("iris", "/v1/actions", 200),
        ("rosa", "/v1/reviews", 200),
        ("rosa", "/v1/quality/crm", 403),
        ("iris", "/v1/quality/crm", 404),
        ("rosa", "/v1/entities/crm/account/a1", 403),
        ("iris", "/v1/entities/crm/account/a1", 404),
    ],
)
def test_roles_hold_here_too(world: World, client: TestClient, person: str, path: str, status: int) -> None:
    enter(world, client, person)
    assert client.get(path).status_code == status


def test_an_auditor_changes_nothing(world: World, client: TestClient) -> None:
    csrf = enter(world, client, "iris")
    assert client.post("/v1/rollbacks", json={"agent": "tester", "reason": "no"}, headers=csrf).status_code == 403
    assert client.post("/v1/agents/tester@1/suspend", json={"reason": "no"}, headers=csrf).status_code == 403


def test_every_page_carries_its_security_headers(client: TestClient) -> None:
    for path in ("/login", "/v1/health", "/static/console.css"):
        headers = client.get(path).headers
        assert (
            "default-src 'self'" in headers["content-security-policy"]
            and headers["x-content-type-options"] == "nosniff"
        )
    assert client.get("/").headers["location"] == "/login"


def test_an_address_that_leads_nowhere_says_so_to_people_and_to_programs(client: TestClient) -> None:
    page, answer = client.get("/nope"), client.get("/v1/nope")
    assert page.status_code == answer.status_code == 404
    assert "there is nothing at /nope" in page.text and "<html" in page.text
    assert answer.json()["code"] == "not_found"


def test_the_description_is_kept(new_world: Callable[..., World]) -> None:
    """schemathesis sends what the OpenAPI document allows and what it does not, as an agent and as RevOps."""
    world = new_world()
    world.promote("crm.account.update", Mode.ASSISTED)
    web = build(world.app)
    client = TestClient(web)
    headers = {**enter(world, client, "noah"), "Authorization": f"Bearer {world.token()}"}
    headers["Cookie"] = f"pilothouse_session={client.cookies['pilothouse_session']}"
    schema = schemathesis.openapi.from_asgi("/openapi.json", web)
    for operation in schema.get_all_operations():
        case_of = operation.ok().as_strategy()
        if operation.ok().label == "DELETE /v1/session":
            continue

        @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(case=case_of)
        def check(case: schemathesis.Case) -> None:
            response = case.call(headers=headers)
            assert response.status_code < 500, response.text
            case.validate_response(response, excluded_checks=_not_ours())

        check()


def _not_ours():  # type: ignore[no-untyped-def]
    from schemathesis import checks

    names = ("ignored_auth", "unsupported_method", "positive_data_acceptance", "missing_required_header")
    return [getattr(checks, name) for name in names if hasattr(checks, name)]


def test_the_golden_record_with_source_age_and_reason(world: World, client: TestClient) -> None:
    path = "/v1/entities/crm/account/a1/golden"
    assert client.get(path).status_code == 401
    enter(world, client, "rosa")
    assert client.get(path).status_code == 403
    enter(world, client, "iris")
    found = client.get(path).json()
    name = found["fields"]["name"]
    assert (name["value"], name["source"]["value"]["writer"]) == ("Alder 1", "import:seed")
    assert "wrote it in crm" in name["why"] and name["freshness"] == {
        "age_days": 0,
        "max_age_days": None,
        "stale": False,
    }
    assert client.get(path, params={"as_of": "2001-01-01T00:00:00Z"}).status_code == 404
    assert client.get(path, params={"as_of": "0001-01-01T00:00:00+14:00"}).status_code == 400
    assert client.get("/v1/entities/crm/account/none/golden").status_code == 404


def test_how_enrichment_stands_is_for_who_may_read(world: World, client: TestClient) -> None:
    assert client.get("/v1/enrichment").status_code == 401
    enter(world, client, "iris")
    told = client.get("/v1/enrichment").json()
    assert told["providers"] == [] and "enrichment/" in told["note"]
    assert {"object": "account", "field": "industry"}.items() <= told["freshness"][1].items()
    assert "No enrichment provider is set up" in client.get("/quality").text
    enter(world, client, "rosa")
    assert client.get("/v1/enrichment").status_code == 403


def test_stopping_everything_and_an_incidents_life(world: World, client: TestClient) -> None:
    csrf = enter(world, client, "noah")
    assert client.post("/v1/suspensions", json={"agent": "@1", "reason": "stop"}, headers=csrf).status_code == 404
    assert client.post("/v1/suspensions", json={"reason": "stop"}, headers=csrf).status_code == 201
    assert [each["reach"]["agent"] for each in client.get("/v1/suspensions").json()] == ["*"]
    asked = client.post("/v1/actions", json=BODY, headers={"Authorization": f"Bearer {world.token()}"}).json()
    assert asked["code"] == "agent_suspended"
    told = {"summary": "It guesses.", "severity": 2, "agent": "tester"}
    path = "/v1/incidents/" + client.post("/v1/incidents", json=told, headers=csrf).json()["id"]
    end = {"reason": "over"}
    assert client.post("/v1/suspensions/end", json=end, headers=csrf).json()["code"] == "incident_unsettled"
    assert client.post(f"{path}/contain", json={}, headers=csrf).json()["status"] == "contained"
    assert client.post(f"{path}/plan", headers=csrf).json()["plan"] == []
    assert client.post(f"{path}/resolve", json={"note": "nothing was written"}, headers=csrf).status_code == 200
    assert client.post("/v1/suspensions/end", json=end, headers=csrf).json()["state"] == "resumed"
    assert client.post(f"{path}/close", json={"note": "done"}, headers=csrf).json()["status"] == "closed"
    assert [each["name"] for each in client.get(path).json()["timeline"]][-1] == "closed"
    for page in ("/incidents", "/suspend", path.removeprefix("/v1")):
        assert client.get(page).status_code == 200
