"""What somebody types by mistake is answered by a sentence that says what to type, and changes nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.surfaces.test_cli import call, home

__all__ = ["home"]


@pytest.fixture
def filled(home: Path, tmp_path: Path) -> Path:
    exports = tmp_path / "exports"
    exports.mkdir()
    (exports / "accounts.csv").write_text("id,name,industry,country\n1,Alder,technolgy,Germany\n2,Birch,,Germany\n")
    call("import", str(exports), "--mapping", "canonical")
    return home


@pytest.mark.parametrize("command", ["pipeline", "quality", "account show crm/account/1"])
def test_a_day_to_come_is_refused(filled: Path, command: str) -> None:
    assert "still to come" in call(*command.split(), "--as-of", "2131-01-01", code=2)


def test_a_pipeline_as_of_a_day_is_shown_and_not_kept(filled: Path) -> None:
    kept = json.loads(call("pipeline", "--json"))["pipeline"]
    shown = json.loads(call("pipeline", "--as-of", "2026-01-01", "--json"))["pipeline"]
    assert shown["as_of"].startswith("2026-01-01T23:59:59") and shown["position"] is None
    assert kept["position"] is not None and "not kept" in call("pipeline", "--as-of", "2026-01-01")


@pytest.mark.parametrize("command", ["pipeline", "quality", "definitions check"])
def test_a_system_that_does_not_exist_is_refused(filled: Path, command: str) -> None:
    assert "there is no system 'nope'; there is crm" in call(*command.split(), "--system", "nope", code=1)


def test_paths_that_cannot_be_written_are_said_in_a_sentence(filled: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    for words in (
        ("ledger", "export", str(tmp_path / "no" / "such" / "x.zip")),
        ("ledger", "export", str(tmp_path)),
        ("dataset", str(taken)),
        ("dataset", "/proc/x"),
        ("init", str(taken)),
        ("init", "/proc/x"),
        ("ledger", "verify", str(tmp_path), "--key", str(tmp_path)),
    ):
        told = call(*words, code=1)
        assert words[-1] in told and "Traceback" not in told and "✗" in told, words
    assert taken.read_text() == "mine"


@pytest.mark.parametrize(
    "words",
    [
        "rollback",
        "rollback --agent hygiene",
        "actions list --since yesterday",
        "account show crm/account/1 --as-of 2026-99-01",
        "set crm/account/1 industry",
        "set nonsense industry=retail",
        "actions list --record A0023",
    ],
)
def test_a_command_put_together_wrongly_ends_with_2(filled: Path, words: str) -> None:
    call("agents", "register", str(filled / "agents" / "hygiene.yaml"))
    assert "✗" in call(*words.split(), code=2)


def test_nobody_named_is_a_wrong_command(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PILOTHOUSE_PERSON")
    assert "--as" in call("pipeline", code=2)


def test_a_rollback_of_nothing_asks_nothing(filled: Path) -> None:
    call("agents", "register", str(filled / "agents" / "hygiene.yaml"))
    assert "There is nothing to restore" in call("rollback", "--agent", "hygiene", "--reason", "a drill")


def test_an_account_is_shown_as_of_the_end_of_a_day(filled: Path) -> None:
    assert "Alder" in call("account", "show", "crm/account/1", "--as-of", f"{datetime.now(UTC):%Y-%m-%d}")
    assert "first told of on" in call("account", "show", "crm/account/1", "--as-of", "2026-01-01", code=1)


def test_a_list_that_was_cut_says_so(filled: Path) -> None:
    call("agents", "register", str(filled / "agents" / "hygiene.yaml"))
    call("run", "hygiene")
    told = call("actions", "list", "--limit", "1")
    assert "1 of " in told and "--limit" in told
    assert " of " not in call("actions", "list")


def test_an_address_that_is_none_is_named(home: Path) -> None:
    told = call("people", "add", "x", "--name", "X", "--email", "notmail", "--role", "rep", "--as", "me", code=1)
    assert "'notmail'" in told and "address" in told


def test_a_field_that_is_not_under_review_is_not_edited(filled: Path) -> None:
    call("agents", "register", str(filled / "agents" / "hygiene.yaml"))
    command = ("agents", "promote", "hygiene@1", "crm.account.update", "assisted", "--bootstrap", "--json")
    call("agents", "confirm", json.loads(call(*command))["id"], "--as", "noah")
    call("run", "hygiene", "--as", "gita")
    [review, *_] = json.loads(call("reviews", "list", "--json"))
    told = call("reviews", "edit", review["id"], "--set", "employee_count=5", code=1)
    assert "employee_count is not under review" in told


def test_a_built_in_mapping_can_be_copied(home: Path) -> None:
    assert call("mapping", "salesforce").startswith("#") or "tables:" in call("mapping", "salesforce")
    assert "there is no mapping" in call("mapping", "nope", code=1)


def test_the_types_of_signal_are_shown(home: Path) -> None:
    assert "page (needed)" in call("sources", "types")


def test_a_link_leads_to_the_port_that_is_served(home: Path) -> None:
    assert ":8396/welcome" in call("people", "link", "gita", "--port", "8396")
