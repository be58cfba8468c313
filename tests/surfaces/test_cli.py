"""The command line, as a new user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pilothouse.surfaces.cli.main import app

runner = CliRunner()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "w"
    assert runner.invoke(app, ["init", str(root)]).exit_code == 0
    monkeypatch.setenv("PILOTHOUSE_WORKSPACE", str(root))
    monkeypatch.setenv("COLUMNS", "300")
    people = (("me", "admin"), ("gita", "revops"), ("noah", "revops"))
    for index, (name, role) in enumerate(people):
        command = ["people", "add", name, "--name", name.title(), "--email", f"{name}@example.com", "--role", role]
        result = runner.invoke(app, [*command, *(["--as", "me"] if index else [])])
        assert result.exit_code == 0, result.output
    monkeypatch.setenv("PILOTHOUSE_PERSON", "me")
    return root


def call(*words: str, code: int = 0) -> str:
    result = runner.invoke(app, list(words))
    assert result.exit_code == code, result.output
    return result.output


def test_from_an_export_to_a_verified_log(home: Path, tmp_path: Path) -> None:
    exports = tmp_path / "exports"
    exports.mkdir()
    text = "id,name,industry,country\n1,Alder,technolgy,Germany\n2,Birch,,Germany\n,Nobody,retail,Spain\n"
    (exports / "accounts.csv").write_text(text)
    told = call("import", str(exports), "--mapping", "canonical")
    assert "Read 3 rows" in told and "1 bad row" in told and "loaded into the twin" in told
    assert "no value in id" in call("quarantine")
    call("agents", "register", str(home / "agents" / "hygiene.yaml"))
    ran = json.loads(call("run", "hygiene", "--json"))
    assert ran["statuses"] == {"shadowed": len(ran["results"])} and len(ran["results"]) >= 2
    listed = json.loads(call("actions", "list", "--json", "--agent", "hygiene"))
    assert len(listed) == len(ran["results"])
    story = call("actions", "show", listed[0]["id"])
    assert "hygiene@1 | me |" in story
    assert "entries are exactly what was signed" in call("ledger", "verify")
    bundle = tmp_path / "l.zip"
    call("ledger", "export", str(bundle))
    key = home / "state" / "ledger-public.key"
    assert json.loads(call("ledger", "verify", str(bundle), "--key", str(key), "--json"))["problems"] == []
    assert "made again" in call("ledger", "rebuild")


def test_policy_is_checked_and_tested(home: Path) -> None:
    assert "in order" in call("policy", "check")
    assert "cases came out as wanted" in call("policy", "test")
    policy = home / "policy" / "crm.yaml"
    policy.write_text(policy.read_text().replace("when: change.fills_empty\n", "when: change.fils_empty\n", 1))
    [problem] = json.loads(call("policy", "check", "--json", code=1))["problems"]
    assert problem["file"].endswith("crm.yaml") and problem["line"] == 6 and "fills_empty" in problem["problem"]


def test_promotion_takes_two_and_shows(home: Path) -> None:
    call("agents", "register", str(home / "agents" / "hygiene.yaml"))
    fill = "crm.account.update:fill-empty"
    call("agents", "promote", "hygiene@1", fill, "live", code=1)
    call("agents", "promote", "hygiene@1", fill, code=1)
    proposed = json.loads(call("agents", "promote", "hygiene@1", fill, "live", "--bootstrap", "--json"))
    assert (proposed["status"], proposed["waits_for"], proposed["may_confirm"]) == ("waiting", "RevOps", ["noah"])
    assert proposed["id"] in call("agents", "proposals")
    for who in ("me", "gita"):  # proposed it, owns the agent
        call("agents", "confirm", proposed["id"], "--as", who, code=1)
    assert json.loads(call("agents", "show", "hygiene@1", "--json"))["standings"] == {}
    assert "is now live, 100 %, by me and noah" in call("agents", "confirm", proposed["id"], "--as", "noah")
    call("agents", "confirm", proposed["id"], "--as", "noah", code=1)
    other = json.loads(call("agents", "promote", "hygiene@1", "crm.account.update", "live", "--bootstrap", "--json"))
    assert "withdrawn" in call("agents", "withdraw", other["id"], "--reason", "too early")
    assert json.loads(call("agents", "proposals", "--json")) == []
    assert len(json.loads(call("agents", "proposals", "--all", "--json"))) == 2
    assert "bootstrap" in call("agents", "show", "hygiene@1")
    assert "bootstrap" in call("agents", "card", "hygiene")
    assert "NOT MET" in call("agents", "gate", "hygiene@1", "crm.account.update")
    stands = call("agents", "gate", "hygiene@1", fill)
    assert "live, 100 % by bootstrap" in stands and "live, 10 %" not in stands and "A rollback drill" in stands
    said = call("readiness", "--plan")
    assert "Ceiling: level" in said and "90-day plan" in said and "no sign-off is in force" in said
    call("agents", "suspend", "hygiene@1", "--reason", "a drill")
    listed = call("agents", "list")
    assert "suspended" in listed and "a drill" not in listed
    assert "suspended: a drill. Resume it first." in call("run", "hygiene", code=1)
    call("agents", "resume", "hygiene@1", "--reason", "over")
    call("agents", "demote", "hygiene@1", "crm.account.update:fill-empty", "--reason", "too eager")
    [standing] = json.loads(call("agents", "list", "--json"))[0]["standings"].values()
    assert (standing["mode"], standing["demoted"]) == ("shadow", "too eager")
    token = call("token", "issue", "hygiene@1").strip().splitlines()[-1]
    assert token.count(".") == 2


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["reviews", "show", "rev_nothing"], 1, "there is no review"),
        (["rollback", "--preview"], 2, "say what to undo"),
        (["run", "nobody"], 1, "no built-in agent"),
        (["actions", "list", "--since", "yesterday"], 2, "is no moment"),
        (["import", "nowhere.csv", "--mapping", "canonical"], 1, "does not exist"),
        (["token", "issue", "nobody"], 1, "name@version"),
        (["reviews", "explode"], 2, "No such command"),
        (["people", "link", "nobody"], 1, "there is no person"),
        (["rollback", "--as", "system", "--from", "24h"], 2, "nobody acts as 'system'"),
        (["rollback", "--as", "me", "--agent", "nope", "--preview"], 1, "was ever registered"),
        (["rollback", "--as", "me", "--agent", "nope"], 2, "needs a reason"),
        (["actions", "list", "--status", "banana"], 2, "banana"),
        (["agents", "show", "nope"], 1, "no agent 'nope' is registered"),
        (["actions", "list", "--agent", "nope"], 1, "was ever registered"),
        (["reviews", "list", "--owner", "nope"], 1, "there is no person"),
        (["run", "hygiene", "--as", "gita", "--system", "nosuch"], 1, "no connector serves"),
        (["up", "--demo"], 1, "not a demo"),
    ],
)
def test_what_goes_wrong_says_what_to_do(home: Path, words: list[str], code: int, says: str) -> None:
    assert says in call(*words, code=code)


def test_outside_a_workspace_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PILOTHOUSE_WORKSPACE", raising=False)
    assert "pilothouse init" in call("reviews", "list", code=1)


def test_enrichment_from_the_plan_to_the_status(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(call("enrich", "--json"))["note"].startswith("No enrichment provider")
    exports = tmp_path / "exports"
    exports.mkdir()
    (exports / "accounts.csv").write_text("id,name,domain,country\n1,Alder,alder.example,Germany\n2,Birch,,Germany\n")
    call("import", str(exports), "--mapping", "canonical")
    (home / "data").mkdir()
    (home / "data" / "c.csv").write_text("site,sector\nalder.example,software\n")
    text = "provider: open\nfile: {path: data/c.csv, columns: {domain: site, fields: {industry: sector}}}\n"
    (home / "enrichment" / "open.yaml").write_text(text)
    monkeypatch.delenv("APOLLO_API_KEY", raising=False)
    (home / "enrichment" / "apollo.yaml").write_text(
        "provider: apollo\nhttp: {mapping: apollo}\nbudget: {credits: 1}\n"
    )
    apollo, plan = json.loads(call("enrich", "--dry-run", "--json"))
    assert (apollo["credits"], apollo["credits_left"]) == (1, 1) and "APOLLO_API_KEY" in apollo["unready"]
    assert [each["record"]["id"] for each in plan["would_ask"]] == ["1"] and plan["credits"] == 0
    assert plan["passed_over"] == {"nothing to ask by (domain)": 1}
    ran = json.loads(call("enrich", "--json"))
    assert ran["runs"][0]["outcomes"] == {"found": 1} and "APOLLO_API_KEY" in ran["skipped"]["apollo"]
    assert "cannot be asked" in call("enrich", "--provider", "apollo", code=1)
    assert "There is: apollo, open" in call("enrich", "--provider", "clearbit", code=1)
    told = json.loads(call("enrich", "status", "--json"))
    assert [(p["name"], p["asked"], p["cached"]) for p in told["providers"]] == [("apollo", 0, 0), ("open", 1, 1)]
    assert "cannot be asked now" in call("enrich", "status")
