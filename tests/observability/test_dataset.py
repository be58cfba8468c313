"""The exported data set says what the ledger says: every write, every decision with its values, every judgement."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest
from tests.world import World

from pilothouse.gateway.rollback import Scope, apply
from pilothouse.observability.dataset import export_dataset
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import InvalidInput
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.verdicts import Mode


@pytest.fixture
def busy(world: World) -> World:
    world.promote("crm.account.update:fill-empty")
    world.submit(world.action())
    apply(world.gateway, Scope(agent="tester"), "noah", "a drill")
    world.promote("crm.contact.update", Mode.ASSISTED)
    asked = [world.submit(world.action("title", "VP", to=f"crm/contact/c{n}")) for n in (1, 2)]
    first, second = (world.app.reviews.get(each.review) for each in asked)
    world.gateway.edit(first.id, "ravi", first.payload_hash, {"title": "CTO"}, "better")
    world.gateway.resume(first.id)
    world.app.reviews.reject(second.id, "ravi", "not him")
    one, other = RecordRef.parse("crm/account/a1"), RecordRef.parse("crm/account/a2")
    world.app.resolver.judge(one, other, same=False, by="gita", why="two firms")
    return world


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]


def test_it_holds_what_was_written_decided_and_judged(busy: World, tmp_path: Path) -> None:
    assert export_dataset(busy.app.ledger, tmp_path / "d") == {"writes": 3, "reviews": 2, "judgements": 1}
    fill, undo, edited = rows(tmp_path / "d", "writes")
    assert (fill["before"], fill["after"], fill["agent"], fill["undone_by"]) == (
        "null",
        '"software"',
        "tester@1",
        "noah",
    )
    assert (undo["agent"], undo["person"], undo["after"]) == ("", "noah", "null")
    assert (edited["after"], edited["edited_by"], edited["approved_by"]) == ('"CTO"', "ravi", "ravi")
    better, no = rows(tmp_path / "d", "reviews")
    assert (better["decision"], better["proposed"], better["chosen"]) == ("edited", '{"title":"VP"}', '{"title":"CTO"}')
    assert (no["decision"], no["chosen"], no["note"]) == ("rejected", "null", "not him") and no["seconds"] > 0
    assert rows(tmp_path / "d", "judgements")[0]["same"] is False
    card = (tmp_path / "d" / "README.md").read_text()
    assert "writes: 3 rows" in card and f"{busy.app.ledger.size()} entries" in card


def test_parquet_holds_the_same(busy: World, tmp_path: Path) -> None:
    export_dataset(busy.app.ledger, tmp_path / "j")
    export_dataset(busy.app.ledger, tmp_path / "p", "parquet")
    assert parquet.read_table(tmp_path / "p" / "writes.parquet").to_pylist() == rows(tmp_path / "j", "writes")


def test_what_was_erased_is_not_exported(busy: World, tmp_path: Path) -> None:
    busy.app.ledger.erase("crm/contact/c1", Actor("ada"), "asked")
    export_dataset(busy.app.ledger, tmp_path / "d")
    text = "".join(path.read_text() for path in (tmp_path / "d").iterdir())
    assert "CTO" not in text and rows(tmp_path / "d", "writes")[2]["erased"] is True


def test_a_folder_in_use_is_left_alone(busy: World, tmp_path: Path) -> None:
    (tmp_path / "old.jsonl").write_text("kept")
    with pytest.raises(InvalidInput, match="not empty"):
        export_dataset(busy.app.ledger, tmp_path)
    assert (tmp_path / "old.jsonl").read_text() == "kept"
