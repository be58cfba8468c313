"""`--json` on every command: one document on stdout, and nothing else there."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import typer
from tests.postgres import free_port
from typer.testing import CliRunner

from pilothouse.assembly import assemble
from pilothouse.ledger.entries import Entry
from pilothouse.surfaces.cli.main import app
from pilothouse.surfaces.cli.up import MARK
from pilothouse.vocabulary.actions import Action, Evidence
from pilothouse.vocabulary.actors import Actor, AgentRef
from pilothouse.vocabulary.records import RecordRef
from pilothouse.workspace.config import open_workspace

runner = CliRunner()
HYGIENE, UPDATE = "hygiene@1", "crm.account.update"


def commands(of: Any, *path: str) -> Iterator[tuple[str, Any]]:
    """Walk the whole command line; yield each command with the words that call it."""
    inner = getattr(of, "commands", None)
    if inner is None:
        yield " ".join(path), of
        return
    for name, each in inner.items():
        yield from commands(each, *path, name)


EVERY = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("words", EVERY)
def test_every_command_takes_json(words: str) -> None:
    assert any("--json" in each.opts for each in EVERY[words].params)


def test_the_walk_finds_the_commands() -> None:
    assert len(EVERY) > 35 and {"up", "version", "agents register", "token revoke", "reviews approve"} <= set(EVERY)


def told(*words: str, code: int = 0) -> Any:
    """Run a command with --json, and parse all that it left on stdout."""
    done = runner.invoke(app, [*words, "--json"])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with people, records and the hygiene agent."""
    root = tmp_path_factory.mktemp("json") / "w"
    assert told("init", str(root)) == {"workspace": str(root)}
    there = ("--workspace", str(root))
    for name, role in (("me", "admin"), ("gita", "revops"), ("noah", "revops")):
        person = ("--name", name.title(), "--email", f"{name}@example.com", "--role", role)
        by = () if name == "me" else ("--as", "me")
        added = told("people", "add", name, *person, *by, *there)
        assert (added["id"], added["email"], added["role"], added["active"]) == (
            name,
            f"{name}@example.com",
            role,
            True,
        )
    accounts = root / "accounts.csv"
    accounts.write_text(
        "id,name,industry,country\n1,Alder,technology,Germany\n2,Birch,,Germany\n3,Birke,retail,Spain\n"
    )
    assert told("import", str(accounts), "--mapping", "canonical", "--as", "me", *there)["rows"] == 3
    registered = told("agents", "register", str(root / "agents" / "hygiene.yaml"), "--as", "me", *there)
    assert registered == {"agent": HYGIENE, "new": True}
    return root


@pytest.fixture
def home(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "w"
    shutil.copytree(made, root)
    monkeypatch.setenv("PILOTHOUSE_WORKSPACE", str(root))
    monkeypatch.setenv("PILOTHOUSE_PERSON", "me")
    return root


def last_entry(home: Path) -> Entry:
    pilothouse = assemble(open_workspace(home))
    try:
        return list(pilothouse.ledger.entries())[-1]
    finally:
        pilothouse.close()


def assisted(*more: str) -> dict[str, Any]:
    proposed = told("agents", "promote", HYGIENE, UPDATE, "assisted", "--bootstrap", *more)
    return told("agents", "confirm", proposed["id"], "--as", "noah")


def test_an_agents_life(home: Path) -> None:
    again = told("agents", "register", str(home / "agents" / "hygiene.yaml"))
    assert again == {"agent": HYGIENE, "new": False}
    promoted = assisted("--bulk-allowance", "7")
    assert (promoted["mode"], promoted["bulk_allowance"], promoted["promoted_by"]) == ("assisted", 7, ["me", "noah"])
    entry = last_entry(home)
    assert (entry.position, entry.kind) == (promoted["position"], "agent.promoted")
    shut = told("agents", "gate", HYGIENE, UPDATE)
    assert shut["passed"] is False and {"decided", "rate", "drill"} <= {
        each["code"] for each in shut["conditions"] if not each["met"]
    }
    assert (
        next(e for e in told("agents", "card", HYGIENE)["types"] if e["name"] == UPDATE)["standing"]["bootstrap"]
        is True
    )
    suspended = told("agents", "suspend", HYGIENE, "--reason", "a drill")
    assert suspended == {"agent": HYGIENE, "state": "suspended", "position": promoted["position"] + 1}
    assert told("agents", "show", "hygiene")["suspended"] == "a drill"
    resumed = told("agents", "resume", HYGIENE, "--reason", "over")
    assert resumed == {"agent": HYGIENE, "state": "active", "position": suspended["position"] + 1}
    demoted = told("agents", "demote", HYGIENE, UPDATE, "--reason", "too eager")
    assert (demoted["action_type"], demoted["mode"], demoted["position"]) == (
        UPDATE,
        "shadow",
        last_entry(home).position,
    )
    assert told("agents", "show", "hygiene")["standings"][UPDATE]["mode"] == "shadow"


def test_a_tokens_life(home: Path) -> None:
    issued = told("token", "issue", HYGIENE, "--minutes", "5")
    assert issued["token"].count(".") == 2 and (issued["agent"], issued["person"]) == (HYGIENE, "me")
    revoked = told("token", "revoke", issued["id"], "--reason", "done")
    entry = last_entry(home)
    assert (entry.kind, entry.body["id"], entry.position) == ("token.revoked", issued["id"], revoked["position"])


def test_what_people_say_of_records(home: Path) -> None:
    two, three = "crm/account/2", "crm/account/3"
    same = told("entities", "same", two, three, "--why", "one company")
    assert same["same"] is True and same["entities"][two] == same["entities"][three] is not None
    assert told("entities", "show", two)["id"] == same["entities"][two]
    apart = told("entities", "different", two, three, "--why", "two after all")
    assert apart["same"] is False and apart["entities"][two] != apart["entities"][three]


def test_the_ledgers_commands(home: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "l.zip"
    exported = told("ledger", "export", str(bundle))
    assert exported["file"] == str(bundle) and bundle.exists() and exported["entries"] > 5
    verified = told("ledger", "verify", str(bundle), "--key", exported["public_key"])
    assert (verified["problems"], verified["size"]) == ([], exported["entries"])
    assert told("ledger", "rebuild") == {"entries": exported["entries"]}
    erased = told("ledger", "erase", "person/noah", "--reason", "asked to")
    assert erased == {"data_subject": "person/noah", "erased": 1} and last_entry(home).kind == "privacy.erased"


def test_a_first_log_in(home: Path) -> None:
    linked = told("people", "link", "gita")
    assert linked["person"] == "gita" and "/welcome?token=" in linked["link"]


def proposed(home: Path, record: str, industry: str) -> str:
    """Hand in a proposal for an account, and return the review it waits in."""
    pilothouse = assemble(open_workspace(home))
    try:
        token, _ = pilothouse.gateway.door.tokens.issue(AgentRef.parse(HYGIENE), "gita", by=Actor("gita"))
        ref = RecordRef("crm", "account", record)
        known = pilothouse.gateway.door.registry.connector("crm").read(ref)
        assert known is not None
        expects = {"industry": known.fields.get("industry")}
        evidence = (Evidence("another source says so", position=0),)
        arguments = {"industry": industry}
        action = Action(UPDATE, ref, arguments, "Mend.", confidence=0.95, evidence=evidence, expects=expects)
        return pilothouse.gateway.submit(action, token).review
    finally:
        pilothouse.close()


def test_what_becomes_of_reviews(home: Path) -> None:
    assisted()
    one, two, three = (proposed(home, record, "mining") for record in "123")
    approved = told("reviews", "approve", one)
    assert (approved["status"], approved["review"]) == ("executed", one)
    edited = told("reviews", "edit", two, "--set", "industry=energy")
    assert (edited["status"], edited["review"]) == ("executed", two)
    assert told("actions", "show", edited["action"])["changes"][0]["after"] == "energy"
    rejected = told("reviews", "reject", three, "--reason", "no")
    assert rejected == {"review": three, "action": told("reviews", "show", three)["action_id"], "status": "rejected"}


def test_an_approval_that_is_not_carried_out_says_so_and_fails(home: Path) -> None:
    assisted()
    review = proposed(home, "1", "mining")
    assert told("set", "crm/account/1", "industry=retail")["status"] == "executed"
    assert told("reviews", "approve", review, code=1)["code"] == "stale_read"


def test_an_error_leaves_stdout_empty(home: Path) -> None:
    done = runner.invoke(app, ["agents", "suspend", "nobody@1", "--reason", "a drill", "--json"])
    assert (done.exit_code, done.stdout) == (1, "") and "is not registered" in done.stderr


def test_a_program_is_asked_no_question(home: Path) -> None:
    done = runner.invoke(app, ["rollback", "--agent", "hygiene", "--reason", "a drill", "--json"], input="y\n")
    assert (done.exit_code, done.stdout) == (2, "") and "add --yes" in done.stderr
    undone = told("rollback", "--agent", "hygiene", "--reason", "a drill", "--yes")
    assert (undone["restored"], undone["not_restored"]) == (0, [])


def test_version_tells_its_number() -> None:
    assert set(told("version")) == {"version"}


def test_up_says_where_before_it_serves(home: Path) -> None:
    """As a program starts it: one line, then a server behind it, and the link in it lets in."""
    (home / MARK).touch()  # a demo that goes on where it was
    words = ("up", "--demo", "--workspace", str(home), "--port", str(free_port()), "--json")
    command = (sys.executable, "-c", "from pilothouse.surfaces.cli.main import main; main()", *words)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            line = json.loads(running.stdout.readline())
            assert (line["serving"], line["person"]) == (True, "gita") and line["link"].startswith(line["url"])
            assert "Gita" in page(line["link"])
        finally:
            running.send_signal(signal.SIGINT)
            rest, progress = running.communicate(timeout=60)
    assert rest == "" and "goes on where it was" in progress


def test_up_without_a_demo_has_no_link(home: Path) -> None:
    line = told("up", "--no-serve")
    assert line["url"].startswith("http://") and (line["serving"], line["link"]) == (False, None)


def page(address: str) -> str:
    """Open an address, as soon as something listens there."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    for _ in range(100):
        try:
            with opener.open(address, timeout=30) as answer:
                return answer.read().decode()
        except URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError):
                raise
            time.sleep(0.1)
    raise AssertionError(f"nothing listens at {address}")


def test_readiness_is_assessed_and_stands_in_the_ledger(home: Path) -> None:
    found = told("readiness")
    assert (found["level"], len(found["items"])) == (2, 10)
    entry = last_entry(home)
    assert (entry.kind, entry.position, entry.body["level"]) == ("readiness.assessed", found["position"], 2)
    assert told("readiness")["position"] == found["position"]  # the same a moment later is not written again
