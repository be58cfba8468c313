"""A RevOps lead changes a threshold, sees what it would have done, has it approved and takes it back; nobody edits a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.surfaces.test_rest import enter
from tests.world import World
from typer.testing import CliRunner

from pilothouse.decision import settings
from pilothouse.decision.publishing.content import diff, gather
from pilothouse.decision.publishing.versions import VersionStatus
from pilothouse.surfaces import replaying
from pilothouse.surfaces.cli.main import app
from pilothouse.surfaces.server import build
from pilothouse.vocabulary.errors import InvalidInput
from pilothouse.vocabulary.outcomes import ActionStatus
from pilothouse.vocabulary.verdicts import Mode

PAGE = "/policy/thresholds/thresholds.large_deal"
PATH = "policy/escalations.yaml"
AMOUNT = 60_000
SINCE = ("--since", "2025-01-01")
"""The command line goes by the true time, and these worlds by their own."""


@pytest.fixture
def lived(world: World) -> World:
    """A world with a published policy, and a deal that an agent may note something on."""
    world.publish({})
    fields = {"name": "Birch deal", "stage": "Prospecting", "account": "a1", "owner": "rosa", "amount": AMOUNT}
    world.app.twin.seed([("opportunity", "o2", fields)])
    world.app.take_in()
    world.promote("crm.opportunity.update:fill-empty", Mode.LIVE)
    return world


@pytest.fixture
def client(lived: World) -> Iterator[TestClient]:
    with TestClient(build(lived.app), follow_redirects=False) as client:
        yield client


def note_on_the_deal(world: World) -> ActionStatus:
    return world.submit(world.action("next_step", "call them", to="crm/opportunity/o2")).status


def told(world: World, *words: str, code: int = 0) -> Any:
    done = CliRunner().invoke(app, ["policy", *words, "-w", str(world.root), "--json"])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout) if not code else done.output


def changed_lines(world: World, version: str) -> list[str]:
    found = world.app.versions.get(version)
    [file] = diff(world.app.versions.base_of(found), found.content)
    assert file.path == PATH
    return [line for line in file.lines[2:] if line[0] in "+-"]


def test_a_lead_changes_a_threshold_sees_what_it_would_have_done_has_it_approved_and_rolls_it_back(
    lived: World, client: TestClient
) -> None:
    assert note_on_the_deal(lived) is ActionStatus.EXECUTED
    lived.clock.advance(timedelta(days=20))
    lower = "50000"
    # The lead looks, tries another value on the last 30 days, and proposes it.
    csrf = enter(lived, client, "gita")["X-CSRF-Token"]
    listed = client.get("/policy/thresholds").text
    assert "large deal" in listed and "<b>100,000</b>" in listed and "policy/escalations.yaml:" in listed
    shown = client.get(PAGE, params={"value": lower}).text
    assert "<b>1</b> of 1 decisions flip" in shown and "auto → person" in shown and "escalates: deal size" in shown
    assert [each.number for each in lived.app.versions.list()] == [1]
    form = {"csrf": csrf, "value": lower, "note": "Half of it.", "seen": lived.app.versions.list()[0].id}
    proposed = client.post(PAGE, data=form)
    assert proposed.status_code == 303
    version = lived.app.versions.get("v2")
    old, new = changed_lines(lived, version.id)
    assert old.split("#")[1] == new.split("#")[1] and new.split()[1:3] == ["large_deal:", lower]
    assert (version.status, version.author, version.cases > 50) == (VersionStatus.PROPOSED, "gita", True)
    # It has no effect yet, and its author cannot put it in force.
    approve = {"csrf": csrf, "decision": "approve", "hash": version.hash}
    assert client.post(f"/policy/{version.id}", data=approve).status_code == 403
    assert lived.app.policy.thresholds["large_deal"] == 100_000
    # The approver sees the same figures on the page where they approve, and leads from there to the report.
    approve["csrf"] = enter(lived, client, "noah")["X-CSRF-Token"]
    page = client.get(f"/policy/{version.id}").text
    replay = lived.app.versions.replay_of(version)
    assert replay is not None and "<b>1</b> of 1 decisions flip" in page and "Approve and publish" in page
    assert f'href="/policy/replays/{replay.position}"' in page and "auto → person: 1" in page
    assert "1 of 1 decisions would have been others" in client.get(f"/policy/replays/{replay.position}").text
    assert client.post(f"/policy/{version.id}", data=approve).status_code == 303
    # It counts, the files came along, and the approval says which replay there was to be seen.
    assert lived.app.policy.thresholds["large_deal"] == int(lower)
    assert gather(lived.root) == version.content
    assert lived.app.versions.get("v2").replay == replay.position
    assert "is as it was" not in client.get("/policy").text
    # One click and a reason, and it is as before.
    assert "Roll back to v1-" in client.get(f"/policy/{version.id}").text
    back = {"csrf": approve["csrf"], "decision": "rollback", "reason": "Too many."}
    assert client.post(f"/policy/{version.base}", data=back).status_code == 303
    assert lived.app.policy.thresholds["large_deal"] == 100_000
    assert gather(lived.root) == lived.app.versions.get("v1").content
    before = [each.summary() for each in lived.app.versions.list()]
    lived.app.ledger.rebuild()
    assert [each.summary() for each in lived.app.versions.list()] == before


def test_the_command_line_tells_the_same(lived: World) -> None:
    note_on_the_deal(lived)
    listed = {each["name"]: each for each in told(lived, "thresholds")}
    assert listed["thresholds.large_deal"]["uses"][0]["rule"] == "large-deals"
    assert listed["notify.above_records"]["where"] == ""
    tried = told(lived, "set-threshold", "large_deal", "1", *SINCE, "--as", "gita")
    assert tried["flips"]["count"] == 1 and len(lived.app.versions.list()) == 1
    proposed = told(lived, "set-threshold", "large_deal", "1", "--note", "All of them.", *SINCE, "--as", "gita")
    assert proposed["replayed"]["flips"]["count"] == 1 and proposed["changed"][0]["added"] == 1
    shown = told(lived, "show", "v2")
    assert shown["replayed"]["digest"] == proposed["replayed"]["digest"]
    report = told(lived, "report", str(shown["replayed"]["position"]), "--as", "gita")
    assert (report["digest"], report["flips"]) == (shown["replayed"]["digest"], tried["flips"])
    assert told(lived, "approve", "v2", "--by", "noah")["replay"] == shown["replayed"]["position"]
    assert "large_deal: 1 " in (lived.root / PATH).read_text()


def test_over_rest(lived: World, client: TestClient) -> None:
    note_on_the_deal(lived)
    csrf = enter(lived, client, "rosa")
    assert client.get("/v1/policy/thresholds").status_code == 403
    body = {"value": "1", "note": "All of them."}
    assert client.post("/v1/policy/thresholds/large_deal", json=body, headers=csrf).status_code == 403
    csrf = enter(lived, client, "gita")
    assert len(client.get("/v1/policy/thresholds").json()) > 10
    made = client.post("/v1/policy/thresholds/large_deal", json=body, headers=csrf).json()
    assert made["status"] == "proposed" and made["replayed"]["flips"]["count"] == 1
    path = f"/v1/policy/versions/{made['id']}"
    again = client.post(f"{path}/replay", json={"since": "7d"}, headers=csrf).json()
    assert client.get(path).json()["replayed"] == again != made["replayed"]
    position = again["position"]
    whole = client.get(f"/v1/policy/replays/{position}").json()
    assert (whole["digest"], whole["text"]) == (again["digest"], made["hash"])
    for nothing in ("0", "999999", str(2**70), "-1"):
        assert client.get(f"/v1/policy/replays/{nothing}").status_code == 404
    assert client.post(f"{path}/replay", json={"since": "9999999999999d"}, headers=csrf).status_code in (400, 422)
    nonsense = client.post("/v1/policy/thresholds/large_deal", json={**body, "value": "many"}, headers=csrf)
    assert nonsense.status_code == 400 and "is a number" in nonsense.text
    csrf = enter(lived, client, "noah")
    done = client.post(f"{path}/approve", json={"hash": made["hash"]}, headers=csrf).json()
    assert (done["replay"], done["in_force"], done["edits_left"]) == (again["position"], True, [])


def test_without_a_replay_the_page_says_so_offers_one_and_the_approval_records_it(
    lived: World, client: TestClient
) -> None:
    last = lived.app.versions.get("v1").content
    text = last[PATH].replace("large_deal: 100000", "large_deal: 90000")
    made = lived.app.versions.propose({**last, PATH: text}, "gita", "By hand.")
    csrf = enter(lived, client, "noah")["X-CSRF-Token"]
    page = client.get(f"/policy/{made.id}").text
    assert "No replay of this text was attached yet" in page and "Approve without a replay" in page
    assert "No replay of this text" in CliRunner().invoke(app, ["policy", "show", "v2", "-w", str(lived.root)]).output
    assert client.post(f"/policy/{made.id}/replay", data={"csrf": csrf}).status_code == 303
    assert "<b>0</b> of 0 decisions flip" in client.get(f"/policy/{made.id}").text
    assert told(lived, "show", "v2")["replayed"]["by"] == "noah"
    # Of another text, or against another version, a replay says nothing here.
    other = lived.app.versions.propose({**last, PATH: text + "# a word\n"}, "gita", "Another.")
    assert lived.app.versions.replay_of(other) is None
    lived.app.versions.approve(other.id, "noah")
    assert lived.app.versions.get(other.id).replay is None
    assert (
        "Approved without a replay" in CliRunner().invoke(app, ["policy", "show", "v3", "-w", str(lived.root)]).output
    )
    assert "without a replay" in client.get("/policy").text
    again = lived.app.versions.propose({**last, PATH: text}, "gita", "Once more.")
    assert again.hash == made.hash and lived.app.versions.replay_of(again) is None


def test_a_threshold_is_not_proposed_over_what_its_author_did_not_see(lived: World, client: TestClient) -> None:
    csrf = enter(lived, client, "gita")["X-CSRF-Token"]
    form = {"csrf": csrf, "value": "5", "note": "Five.", "seen": lived.app.versions.list()[0].id}
    lived.publish({"policy/none.yaml": "thresholds: {}\n"})
    assert client.post(PAGE, data=form).status_code == 409
    assert "Nothing" not in client.get(PAGE, params={"value": "5"}).text
    assert client.post(PAGE, data={**form, "csrf": "no"}).status_code == 403
    enter(lived, client, "iris")  # an auditor looks and proposes nothing
    assert "Propose this change" not in client.get(PAGE, params={"value": "5"}).text


def test_before_the_first_version_the_files_are_proposed_first(world: World) -> None:
    with TestClient(build(world.app), follow_redirects=False) as client:
        csrf = enter(world, client, "gita")["X-CSRF-Token"]
        shown = client.get(PAGE, params={"value": "5"}).text
        assert "Propose the files first" in shown and "Propose this change" not in shown
        assert client.post(PAGE, data={"csrf": csrf, "value": "5", "note": "Five."}).status_code == 409
        assert client.post("/policy", data={"csrf": csrf, "what": "propose", "note": "First."}).status_code == 303
        assert client.post("/policy", data={"csrf": csrf, "what": "dance"}).status_code == 400
    assert world.app.versions.get("v1").content == gather(world.root)


def test_a_window_with_too_many_decisions_is_proposed_without_a_replay(
    lived: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    note_on_the_deal(lived)
    monkeypatch.setattr(replaying, "MOST_IN_A_REQUEST", 0)
    done = CliRunner().invoke(
        app,
        [
            "policy",
            "set-threshold",
            "large_deal",
            "5",
            "--note",
            "Five.",
            *SINCE,
            "--as",
            "gita",
            "-w",
            str(lived.root),
        ],
    )
    assert done.exit_code == 0 and "No replay of this text" in done.output and "policy replay v2" in done.output
    attached = told(lived, "replay", "v2", "--attach", "--as", "noah")  # the command line has no bound
    assert told(lived, "show", "v2")["replayed"]["position"] == attached["attached"]


def test_files_that_lag_behind_take_nothing_back(lived: World) -> None:
    path, other = lived.root / PATH, lived.root / "policy" / "crm.yaml"
    old = path.read_text()
    told(lived, "set-threshold", "large_deal", "90000", "--note", "Less.", "--as", "gita")
    told(lived, "approve", "v2", "--by", "noah")
    path.write_text(old)  # another checkout, which knows nothing of it
    other.write_text(other.read_text() + "# an edit of ours\n")
    assert [(e["path"], e["behind"]) for e in told(lived, "check")["unpublished"]] == [
        ("policy/crm.yaml", False), (PATH, True),
    ]  # fmt: skip
    assert "as it was before v2" in told(lived, "publish", "--note", "Ours.", "--by", "noah", code=1)
    path.write_text(old + "# and a word\n")  # the same in a file that holds an edit as well
    assert "as it was before v2" in told(lived, "publish", "--note", "Ours.", "--by", "noah", code=1)
    path.write_text(old)
    pulled = told(lived, "pull")
    assert (pulled["written"], pulled["edits_left"]) == ([PATH], ["policy/crm.yaml"])
    assert "large_deal: 90000 " in path.read_text()
    made = told(lived, "publish", "--note", "Ours.", "--by", "noah")
    assert "large_deal: 90000 " in lived.app.versions.get(made["id"]).content[PATH]
    lived.app.versions.reject(made["id"], "noah", "Not now.")
    path.write_text(old)
    told(lived, "publish", "--note", "I mean it.", "--by", "noah", "--take-back")
    assert told(lived, "pull", "--overwrite")["edits_left"] == [] and not told(lived, "check")["unpublished"]


def test_an_edit_is_left_when_a_version_is_approved(lived: World) -> None:
    path = lived.root / PATH
    told(lived, "set-threshold", "large_deal", "90000", "--note", "Less.", "--as", "gita")
    path.write_text(path.read_text() + "# a thought\n")
    assert told(lived, "approve", "v2", "--by", "noah")["edits_left"] == [PATH]
    last = lived.app.versions.last()
    assert "# a thought" in path.read_text() and last is not None and "large_deal: 90000 " in last.content[PATH]


@pytest.mark.parametrize("written", ["50,000", "50 000", "50_000", "50000.0"])
def test_a_number_is_read_as_it_is_printed(lived: World, written: str) -> None:
    assert settings.changed(lived.app.policy, "large_deal", written).thresholds["large_deal"] == 50_000


@pytest.mark.parametrize("written", ["50,5", "5,00,000", "50,000 000", "-5", "-50,000", "nan"])
def test_what_is_no_amount_is_refused(lived: World, written: str) -> None:
    with pytest.raises(InvalidInput):
        settings.changed(lived.app.policy, "large_deal", written)


def test_a_confidence_says_where_it_lies(lived: World) -> None:
    with pytest.raises(InvalidInput) as caught:
        settings.changed(lived.app.policy, "bands.default.auto_above", "1.7")
    assert "lies between 0 and 1" in str(caught.value) and "laxer" not in str(caught.value)


def test_a_bad_value_keeps_the_form(lived: World, client: TestClient) -> None:
    csrf = enter(lived, client, "gita")["X-CSRF-Token"]
    tried = client.get(PAGE, params={"value": "-5", "since": "7d"})
    assert tried.status_code == 400 and "less than nothing" in tried.text
    assert 'value="-5"' in tried.text and 'value="7d"' in tried.text
    form = {"csrf": csrf, "value": "many", "note": "More.", "seen": lived.app.versions.list()[0].id}
    proposed = client.post(PAGE, data=form)
    assert proposed.status_code == 400 and "is a number" in proposed.text and 'value="many"' in proposed.text


def test_an_incident_with_an_action_that_is_not_there_keeps_the_form(lived: World, client: TestClient) -> None:
    csrf = enter(lived, client, "gita")["X-CSRF-Token"]
    form = {"csrf": csrf, "summary": "Wrong owners", "severity": "3", "actions": "act_none", "since": "24h"}
    answer = client.post("/incidents", data=form)
    assert answer.status_code == 400 and "act_none" in answer.text and 'role="alert"' in answer.text
    assert (
        'value="Wrong owners"' in answer.text and 'value="24h"' in answer.text and 'value="3" selected' in answer.text
    )
    assert client.post("/incidents", data={**form, "actions": "", "severity": "9"}).status_code == 400
    assert client.post("/incidents", data={**form, "actions": ""}).status_code == 303
