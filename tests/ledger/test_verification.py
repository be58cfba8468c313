"""Tampering: whatever is done to the database, it shows, and the first entry that was touched is named."""

from __future__ import annotations

import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilothouse.ledger.database import create_schema, open_database
from pilothouse.ledger.entries import Draft, leaf_hash
from pilothouse.ledger.export import export, verify_bundle
from pilothouse.ledger.ledger import Ledger
from pilothouse.ledger.merkle import Frontier, inclusion_proof, node_hash, root_from_proof, root_of
from pilothouse.ledger.notes import PublicKey, Signer, open_note
from pilothouse.ledger.verify import Report, verify_store
from pilothouse.ledger.witness import Witness, read_leaves, read_notes
from pilothouse.testing.clock import TestClock
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import Conflict, InvalidInput

leaves = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40)


def recursive_root(part: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if len(part) == 1:
        return part[0]
    k = 1
    while k * 2 < len(part):
        k *= 2
    return node_hash(recursive_root(part[:k]), recursive_root(part[k:]))


@given(leaves)
def test_the_frontier_is_the_tree_of_the_rfc(part: list[bytes]) -> None:
    frontier = Frontier()
    for leaf in part:
        frontier.add(leaf)
    assert frontier.root() == recursive_root(part) == root_of(part)


@given(leaves, st.data())
def test_a_proof_leads_to_the_root_for_its_own_leaf_only(part: list[bytes], data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(part) - 1))
    proof = inclusion_proof(part, position)
    assert root_from_proof(part[position], position, len(part), proof) == root_of(part)
    other = leaf_hash("something else")
    assert root_from_proof(other, position, len(part), proof) != root_of(part)


class Setting:
    """A ledger of 20 entries, signed at 8 and at 16."""

    def __init__(self, root: Path) -> None:
        self.path, self.state = root / "l.sqlite", root / "state"
        engine = open_database(f"sqlite:///{self.path}")
        create_schema(engine)
        self.ledger = Ledger(engine, TestClock())
        self.witness = Witness(self.state / "witness", Signer.load_or_make(self.state, "pilothouse/test"))
        self.key = self.witness.signer.public
        for count in (8, 8, 4):
            for number in range(count):
                self.ledger.append([Draft("t.x", Actor("ana"), {"n": number}, {"phone": str(number)}, "p/1")])
            if count == 8:
                self.witness.checkpoint(self.ledger)

    def tamper(self, *statements: str) -> None:
        with sqlite3.connect(self.path) as connection:
            for trigger in ("ledger_no_update", "ledger_no_delete", "ledger_private_no_update"):
                connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
            connection.create_function("leaf", 1, leaf_hash)
            for statement in statements:
                connection.execute(statement)

    def verify(self, key: PublicKey | None = None) -> Report:
        return verify_store(self.ledger.engine, self.witness.folder, key or self.key)


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path)


def test_an_untouched_ledger_is_what_was_signed(setting: Setting) -> None:
    report = setting.verify()
    assert report.ok and (report.size, report.checkpoints, report.uncovered) == (20, 2, 4)


EDIT = "UPDATE ledger_entries SET line = replace(line, '\"n\":3', '\"n\":9')"
SWAP = (
    "UPDATE ledger_entries SET position = -1 WHERE position = 4",
    "UPDATE ledger_entries SET position = 4 WHERE position = 6",
    "UPDATE ledger_entries SET position = 6 WHERE position = -1",
)


@pytest.mark.parametrize(
    ("statements", "first_bad"),
    [
        ((EDIT + " WHERE position = 3",), 3),
        ((EDIT + " WHERE position = 11", "UPDATE ledger_entries SET leaf = leaf(line)"), 11),
        (("UPDATE ledger_entries SET line = replace(line, 'ana', 'eve') WHERE position = 18",), 18),
        *(((f"UPDATE ledger_entries SET {name} = 'zz' WHERE position = 5",), 5) for name in ("kind", "at", "agent", "person", "action", "subject")),
        (("DELETE FROM ledger_entries WHERE position = 7",), 7),
        (SWAP, 4),
        (("DELETE FROM ledger_entries WHERE position >= 13",), 13),
        (("DELETE FROM ledger_entries",), 0),
        (("UPDATE ledger_private SET payload = '{\"phone\":\"9\"}' WHERE position = 2",), 2),
    ],
)  # fmt: skip
def test_tampering_shows_and_the_first_bad_position_is_named(
    setting: Setting, statements: tuple[str, ...], first_bad: int
) -> None:
    setting.tamper(*statements)
    report = setting.verify()
    assert not report.ok and report.first_bad == first_bad, report.problems


def test_without_the_leaf_hashes_the_signed_span_is_named(setting: Setting) -> None:
    setting.witness.leaves_file.unlink()
    setting.tamper(EDIT + " WHERE position = 11", "UPDATE ledger_entries SET leaf = leaf(line)")
    report = setting.verify()
    assert report.first_bad == 8 and "8 to 15" in report.problems[0]


def test_signing_again_with_another_key_shows(setting: Setting, tmp_path: Path) -> None:
    setting.tamper(EDIT + " WHERE position = 3", "UPDATE ledger_entries SET leaf = leaf(line)")
    forged = Witness(tmp_path / "forged", Signer.load_or_make(tmp_path / "forged", "pilothouse/test"))
    forged.checkpoint(setting.ledger)
    report = verify_store(setting.ledger.engine, forged.folder, setting.key)
    assert not report.ok and report.first_bad == 0 and "another key" in report.problems[0]


def test_a_cut_ledger_is_not_signed_again(setting: Setting) -> None:
    setting.tamper("DELETE FROM ledger_entries WHERE position >= 10", "UPDATE ledger_head SET size = 10")
    with pytest.raises(Conflict, match="tail was cut off"):
        setting.witness.checkpoint(setting.ledger)


def test_erasing_leaves_every_proof_whole(setting: Setting) -> None:
    setting.ledger.erase("p/1", Actor("ana"), "asked")
    assert setting.verify().ok


def test_an_export_is_verified_without_server_or_secret(setting: Setting, tmp_path: Path) -> None:
    bundle = tmp_path / "ledger.zip"
    assert export(setting.ledger, setting.witness, bundle) == 20
    key = PublicKey.parse((setting.state / "ledger-public.key").read_text())
    report = verify_bundle(bundle, key)
    assert report.ok and report.uncovered == 0
    with zipfile.ZipFile(bundle) as opened:
        assert b"phone" not in opened.read("entries.jsonl")


@pytest.mark.parametrize(
    ("change", "first_bad"),
    [
        (lambda lines: [*lines[:5], lines[5].replace(b"ana", b"eve"), *lines[6:]], 5),
        (lambda lines: lines[:12], 12),
        (lambda lines: [*lines[:3], *lines[4:]], 3),
        (lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]], 3),
        (lambda lines: [*lines[:3], b"nonsense", *lines[4:]], 3),
    ],
)
def test_a_tampered_export_shows(
    setting: Setting, tmp_path: Path, change: Callable[[list[bytes]], list[bytes]], first_bad: int
) -> None:
    bundle, forged = tmp_path / "ledger.zip", tmp_path / "forged.zip"
    export(setting.ledger, setting.witness, bundle)
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(forged, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "entries.jsonl":
                content = b"\n".join(change(content.rstrip(b"\n").split(b"\n"))) + b"\n"
            new.writestr(name, content)
    report = verify_bundle(forged, setting.key)
    assert not report.ok and report.first_bad == first_bad, report.problems


def test_a_torn_leaf_file_is_mended_at_the_next_checkpoint(setting: Setting) -> None:
    with setting.witness.leaves_file.open("ab") as file:
        file.write(b"torn")
    setting.witness.checkpoint(setting.ledger)
    assert len(read_leaves(setting.witness.leaves_file)) == 20 and setting.verify().ok
    assert len(read_notes(setting.witness.notes_file)) == 3


def test_the_signing_key_is_its_owners_only_and_notes_are_bound_to_it(setting: Setting, tmp_path: Path) -> None:
    assert (setting.state / "ledger-signing.key").stat().st_mode & 0o777 == 0o600
    note = read_notes(setting.witness.notes_file)[0]
    assert open_note(note, setting.key).size == 8
    with pytest.raises(InvalidInput):
        open_note(note.replace("\n8\n", "\n9\n"), setting.key)
    with pytest.raises(InvalidInput):
        PublicKey.parse("not a key")


def test_two_witnesses_of_one_folder_sign_one_tree(setting: Setting) -> None:
    """A tree that one process kept in memory is not signed over what another has signed since."""
    other = Witness(setting.witness.folder, setting.witness.signer)
    for number in range(6):
        setting.ledger.append([Draft("t.x", Actor("ana"), {"n": number}, subject="p/1")])
        made = (other if number % 2 else setting.witness).checkpoint(setting.ledger)
        assert made is not None and made.size == setting.ledger.size()
    assert setting.witness.checkpoint(setting.ledger) is None
    report = setting.verify()
    assert report.ok and (report.size, report.uncovered) == (26, 0)
