"""Who is who in front of people: the page, REST and the command line take judgements of those who may, and of nobody else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.data.test_incremental import observe
from tests.surfaces.test_cli import call, home
from tests.surfaces.test_rest import enter
from tests.world import World

from pilothouse.surfaces.server import build

__all__ = ["home"]
PAIR = {
    "crm/account/z1": {"name": "Zebra Foods", "city": "Ulm", "country": "Germany"},
    "billing/account/z2": {"name": "Zebra Foods Holding", "city": "Ulm", "phone": "+49 731 5550199"},
}


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    observe(world, PAIR)
    world.app.resolver.resolve("account", 0)
    with TestClient(build(world.app), follow_redirects=False) as client:
        yield client


def ours(found: list[dict[str, object]]) -> dict[str, object]:
    return next(each for each in found if {each["one"], each["other"]} == set(PAIR))


def test_pairs_and_judgements_over_rest(world: World, client: TestClient) -> None:
    assert client.get("/v1/entities/pairs").status_code == 401
    csrf = enter(world, client, "ravi")
    pair = ours(client.get("/v1/entities/pairs", params={"limit": 500}).json())
    assert pair["records"] == PAIR and pair["reasons"]
    given = {"one": pair["one"], "other": pair["other"], "same": True, "why": "one letterhead"}
    assert client.post("/v1/entities/judgements", json=given).status_code == 403  # no CSRF token
    together = pair["together"]
    done = client.post("/v1/entities/judgements", json={**given, "same": not together}, headers=csrf)
    assert done.status_code == 201 and done.json()["pending"] == 1
    assert not [each for each in client.get("/v1/entities/pairs", params={"limit": 500}).json() if each["one"] == pair["one"]
                and each["other"] == pair["other"]]  # fmt: skip
    world.app.resolver.resolve("account", 0)
    assert not world.app.resolver.pending("account")
    assert not list(
        world.app.ledger.entries(kinds={"action.executed", "action.intended"})
    )  # no system of record was touched
    missing = client.post("/v1/entities/judgements", json={**given, "other": "crm/account/none"}, headers=csrf)
    assert missing.status_code == 404


@pytest.mark.parametrize("person", ["rosa", "iris"])
def test_who_may_not_judge_sees_no_pairs(world: World, client: TestClient, person: str) -> None:
    csrf = enter(world, client, person)
    given = {"one": "crm/account/z1", "other": "billing/account/z2", "same": True, "why": "x"}
    assert client.get("/v1/entities/pairs").status_code == 403
    assert client.post("/v1/entities/judgements", json=given, headers=csrf).status_code == 403
    assert client.get("/identity/account").status_code == 403
    form = {"decision": "same", "one": given["one"], "other": given["other"], "why": "x"}
    token = csrf["X-CSRF-Token"]
    assert client.post("/identity/account", data={**form, "csrf": token}).status_code == 403
    assert client.post("/identity/account", data={"decision": "apply", "csrf": token}).status_code == 403
    assert not world.app.entities.judgements()


def test_the_page_shows_both_records_and_takes_a_judgement(world: World, client: TestClient) -> None:
    csrf = enter(world, client, "gita")["X-CSRF-Token"]
    pages = [client.get("/identity/account", params={"at": at}).text for at in range(30)]
    shown = next(each for each in pages if "Zebra Foods Holding" in each and "crm/account/z1" in each)
    assert "changes nothing in any system of record" in shown and 'data-key="s"' in shown
    one, other = (re.search(f'name="{name}" value="([^"]+)"', shown) for name in ("one", "other"))
    assert one and other
    form = {"decision": "same", "one": one[1], "other": other[1], "why": "one letterhead"}
    assert client.post("/identity/account", data={**form, "csrf": "forged"}).status_code == 403
    assert not world.app.entities.judgements()
    assert client.post("/identity/account", data={**form, "csrf": csrf}).status_code == 303
    [word] = world.app.entities.judgements("account")
    assert word.same and word.by == "gita" and word.why == "one letterhead"
    client.post("/identity/account", data={"decision": "apply", "csrf": csrf})
    assert not world.app.resolver.pending("account")
    assert client.get("/identity/nothing").status_code == 400


def test_the_command_line_asks_learns_and_says_what_is_in_force(home: Path, tmp_path: Path) -> None:
    rows = "".join(f"{n},Zebra Foods {'Inc' if n % 2 else ''},Ulm\n" for n in range(1, 4))
    export = tmp_path / "accounts.csv"
    export.write_text("Id,Name,BillingCity\n" + rows)
    assert "No pair is waiting" in call("entities", "pairs")
    assert "No judgement has corrected them" in call("entities", "weights")
    assert "too few" in call("entities", "learn", "--as", "me", code=1)
    assert "no correction" in call("entities", "unlearn", "--why", "a drill", "--as", "me", code=1)
    assert "0 account record(s)" in call("resolve", "--full", "--object", "account", "--ask", "3")
