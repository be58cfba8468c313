"""Diff, replay and overrides as people reach them: command line, REST and console; and who may not."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.surfaces.test_rest import enter
from tests.world import World
from typer.testing import CliRunner

from pilothouse.surfaces import replaying
from pilothouse.surfaces.cli.main import app
from pilothouse.surfaces.server import build
from pilothouse.vocabulary.verdicts import Mode

RULE = """
rules:
  - id: industries
    applies_to: [crm.account.update]
    when: "'industry' in change.fields"
    then: person
    reason: Industries are for people to choose.
"""
BAND = {"setting": "bands.default.auto_above", "value": "0.97"}
PAGE = "/policy/thresholds/bands.default.auto_above"


@pytest.fixture
def lived(world: World) -> World:
    """A world with acts that ran, one that waits, and a proposed folder in its workspace."""
    world.promote("crm.account.update:fill-empty", Mode.LIVE)
    for number in (1, 2, 3):
        world.submit(world.action(to=f"crm/account/a{number}"))
    world.submit(world.action(to="crm/account/a4", confidence=0.6))
    shutil.copytree(world.root / "policy", world.root / "proposed")
    (world.root / "proposed" / "more.yaml").write_text(RULE)
    return world


@pytest.fixture
def client(lived: World) -> Iterator[TestClient]:
    with TestClient(build(lived.app), follow_redirects=False) as client:
        yield client


def told(world: World, *words: str, code: int = 0) -> Any:
    done = CliRunner().invoke(app, [*words, "-w", str(world.root), "--json"])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout) if not code else done.output


def test_the_command_line_diffs_replays_reports_and_attaches(lived: World, tmp_path: Path) -> None:
    folder = str(lived.root / "proposed")
    [found] = told(lived, "policy", "diff", folder)["differences"]
    assert (found["what"], found["name"]) == ("added", "industries")
    assert told(lived, "policy", "diff")["differences"] == []
    page, size = tmp_path / "r.html", lived.app.ledger.size()
    said = told(lived, "policy", "replay", folder, "--report", str(page), "--as", "gita")
    assert (said["flips"]["count"], said["decisions"], said["attached"]) == (4, 4, None)
    assert lived.app.ledger.size() == size
    html = page.read_text()
    assert "4 of 4 decisions would have been others" in html and said["digest"] in html
    assert "<script" not in html and not re.search(r'(?:src|href)\s*=\s*"(?!#)', html)
    attached = told(lived, "policy", "replay", folder, "--attach", "--as", "gita")
    entry = lived.app.ledger.entry(attached["attached"])
    assert (
        entry.kind == "policy.replayed"
        and entry.body["report"]["flips"]["count"] == 4
        and entry.body["text"] == said["text"]
    )
    seen = told(lived, "policy", "report", str(attached["attached"]), "--as", "gita")
    assert seen["digest"] == attached["digest"] and seen["flips"] == attached["flips"]
    set_ = told(lived, "policy", "replay", "--set", "bands.default.auto_above=0.97", "--as", "gita")
    assert [(e["before"], e["after"], e["count"]) for e in set_["flips"]["pairs"]] == [("auto", "review", 3)]


def test_the_command_line_refuses_what_cannot_be(lived: World) -> None:
    assert "published last" in told(lived, "policy", "replay", "proposed", "--set", "a=1", "--as", "gita", code=2)
    assert "sets nothing" in told(lived, "policy", "replay", "--set", "a", "--as", "gita", code=1)
    assert "may not read the ledger" in told(lived, "policy", "replay", "--as", "rosa", code=1)
    assert "may not read the ledger" in told(lived, "overrides", "--as", "rosa", code=1)
    assert "there is no folder" in told(lived, "policy", "diff", "nowhere", code=1)


def test_overrides_are_told_and_proposed_beside_the_live_policy(lived: World, tmp_path: Path) -> None:
    [review] = lived.app.reviews.list()
    lived.app.reviews.reject(review.id, "ravi", "billing is wrong")
    target = tmp_path / "next"
    said = told(lived, "overrides", "--propose", str(target), "--as", "gita")
    assert said["patterns"][0]["rejected"] == 1 and said["proposals"] == [] and (target / "crm.yaml").exists()
    assert "is there already" in told(lived, "overrides", "--propose", str(target), "--as", "gita", code=1)


def test_the_page_shows_what_one_number_would_have_done(lived: World, client: TestClient) -> None:
    assert client.get("/policy/replay").headers["location"] == "/login?next=%2Fpolicy%2Freplay"
    enter(lived, client, "gita")
    empty = client.get(PAGE).text
    assert "<b>0.85</b>" in empty and "policy/crm.yaml:" in empty and "decisions flip" not in empty
    page = client.get(PAGE, params={"value": "0.97"}).text
    assert "<b>3</b> of 4 decisions flip" in page and "bands.default.auto_above is 0.97 instead of 0.85" in page
    assert page.count('<a href="/actions/act_') == 3
    assert not list(lived.app.ledger.entries(kinds={"policy.replayed", "policy.proposed"}))
    printed = client.get("/policy/replay/report", params=BAND)
    assert (
        "3 of 4 decisions would have been others" in printed.text
        and "default-src 'none'" in printed.headers["content-security-policy"]
    )
    assert "decisions flip" not in client.get("/policy/replay").text
    whole = client.get("/policy/replay", params={"policy": "proposed"}).text
    assert "<b>4</b> of 4 decisions flip" in whole and "Rule industries is new" in whole


def test_the_page_takes_no_folder_outside_the_workspace_and_no_nonsense(lived: World, client: TestClient) -> None:
    enter(lived, client, "gita")
    assert client.get("/policy/replay", params={"policy": "/etc"}).status_code == 404
    assert client.get("/policy/replay", params={"policy": "../.."}).status_code == 404
    assert client.get(PAGE, params={"value": "7"}).status_code == 400
    assert client.get(PAGE, params={"value": "0.85"}).status_code == 400
    assert client.get("/policy/thresholds/nothing").status_code == 404


def test_too_many_decisions_are_for_the_command_line(
    lived: World, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(lived, client, "gita")
    monkeypatch.setattr(replaying, "MOST_IN_A_REQUEST", 4)
    assert client.get(PAGE, params=BAND).status_code == 200
    monkeypatch.setattr(replaying, "MOST_IN_A_REQUEST", 3)
    refused = client.get(PAGE, params=BAND)
    assert refused.status_code == 413 and "pilothouse policy replay" in refused.text
    assert client.get(PAGE, params={**BAND, "agent": "nobody"}).status_code == 200


def test_over_rest(lived: World, client: TestClient) -> None:
    assert client.get("/v1/policy/replay").status_code == 401
    enter(lived, client, "rosa")
    assert client.get("/v1/policy/replay").status_code == 403
    enter(lived, client, "iris")
    assert client.get("/v1/policy/replay").json()["flips"]["count"] == 0
    assert client.get("/v1/policy/replay", params={"policy": "proposed"}).json()["flips"]["count"] == 4
    assert (
        client.get("/v1/policy/replay", params={"set": "bands.default.auto_above=0.97"}).json()["flips"]["count"] == 3
    )
