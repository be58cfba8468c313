"""A merge in the twin: all of it or nothing, nothing of the winner overwritten, and the change log tells of everything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pilothouse.connectors.twin.connector import CREDENTIAL, TwinConnector
from pilothouse.connectors.twin.faults import Fault
from pilothouse.connectors.twin.intake import observations
from pilothouse.connectors.twin.server import TwinServer
from pilothouse.gateway.ports import Call, CallRefused, CallUnknown, StaleRecord
from pilothouse.testing.clock import TestClock
from pilothouse.vocabulary.records import RecordRef, WriterKind

WINNER, LOSER = RecordRef("crm", "account", "a1"), RecordRef("crm", "account", "a2")
RECORDS: list[tuple[str, str, dict[str, Any]]] = [
    ("account", "a1", {"name": "Alder", "industry": "retail", "city": None, "parent": "a2"}),
    ("account", "a2", {"name": "Alder Inc.", "industry": "energy", "city": "Ulm", "phone": "1", "parent": "a1"}),
    ("account", "a3", {"name": "Daughter", "parent": "a2"}),
    ("contact", "c1", {"email": "x@alder.example", "account": "a2"}),
    ("contact", "c2", {"email": "y@alder.example", "account": "a1", "opted_out": False}),
    ("contact", "c3", {"email": "y@alder.example", "account": "a1", "opted_out": True}),
    ("opportunity", "o1", {"name": "Deal", "stage": "Proposal", "account": "a2", "contact": "c1"}),
    ("activity", "v1", {"kind": "call", "account": "a2"}),
    ("activity", "v2", {"kind": "call", "account": "a3"}),
]


def twin(folder: Path) -> tuple[TwinServer, TwinConnector]:
    server = TwinServer(folder / "twin.sqlite", TestClock())
    server.seed(RECORDS)
    server.edit_as("rosa", "account", "a2", {"phone": "2"})
    return server, TwinConnector(server, server.issue_credential(CREDENTIAL))


def merge(request: str = "r1", **versions: int | None) -> Call:
    into = {"expected_version": 2, "partner_version": 1, **versions}
    return Call("crm.account.merge", LOSER, {"into": "a1"}, into["expected_version"], request, into["partner_version"])


def state(server: TwinServer) -> dict[str, dict[str, Any]]:
    rows = [row for name in ("account", "contact", "opportunity", "activity") for row in server.records(name)]
    return {row["id"]: {key: value for key, value in row.items() if key != "version"} for row in rows}


def test_the_loser_is_void_the_winner_filled_and_every_reference_leads_to_it(tmp_path: Path) -> None:
    server, connector = twin(tmp_path)
    before = state(server)
    receipt = connector.perform(merge())
    now = state(server)
    assert receipt.ref == LOSER and receipt.after["flags"] == "merged into a1"
    assert now["a2"] == {**before["a2"], "flags": "merged into a1"}
    assert now["a1"] == {**before["a1"], "city": "Ulm", "phone": "2", "parent": None}
    assert [now[each]["account"] for each in ("c1", "o1", "v1")] == ["a1"] * 3
    assert now["a3"]["parent"] == "a1" and now["v2"] == before["v2"] and now["c2"] == before["c2"]


def test_a_merge_is_one_line_in_the_journal_and_takes_effect_once(tmp_path: Path) -> None:
    server, connector = twin(tmp_path)
    start = len(server.journal())
    first = connector.perform(merge())
    after = state(server)
    server.edit_as("rosa", "contact", "c1", {"account": "a3"})
    assert connector.perform(merge()) == first == connector.lookup("r1")
    assert state(server) == {**after, "c1": {**after["c1"], "account": "a3"}}
    lines = [row for row in server.journal()[start:] if row["operation"] == "crm.account.merge"]
    assert [(row["committed"], row["request_id"], row["payload"]) for row in lines] == [
        (1, "r1", '{"into":"a1"}'),
        (0, "r1", '{"into":"a1"}'),
    ]
    assert '"changed":["account/a1","account/a3","activity/v1","contact/c1","opportunity/o1"]' in lines[0]["result"]


@pytest.mark.parametrize("versions", [{"expected_version": 1}, {"partner_version": 2}])
def test_a_stale_version_of_either_record_changes_nothing(tmp_path: Path, versions: dict[str, int]) -> None:
    server, connector = twin(tmp_path)
    before = state(server)
    with pytest.raises(StaleRecord):
        connector.perform(merge(**versions))
    assert state(server) == before and connector.lookup("r1") is None


def test_what_cannot_be_merged_is_refused_whole(tmp_path: Path) -> None:
    server, connector = twin(tmp_path)
    out = RecordRef("crm", "contact", "c3")
    impossible = [
        Call("crm.account.merge", LOSER, {"into": "a2"}, None, "r1"),
        Call("crm.account.merge", LOSER, {"into": "nobody"}, None, "r2"),
        Call("crm.contact.merge", out, {"into": "c2"}, None, "r3"),
    ]
    before = state(server)
    for call in impossible:
        with pytest.raises(CallRefused):
            connector.perform(call)
    assert state(server) == before
    connector.perform(merge("r4"))
    for into, ref in (("a3", LOSER), ("a2", RecordRef("crm", "account", "a3"))):
        with pytest.raises(CallRefused, match="was merged into a1"):
            connector.perform(Call("crm.account.merge", ref, {"into": into}, None, f"again {into}"))


def test_a_merge_whose_answer_is_lost_was_done_or_not_and_can_be_found_out(tmp_path: Path) -> None:
    server, connector = twin(tmp_path)
    for fault, done in ((Fault.TIMEOUT_BEFORE, False), (Fault.TIMEOUT_AFTER, True)):
        server.faults.arm(fault)
        with pytest.raises(CallUnknown):
            connector.perform(merge())
        assert (connector.lookup("r1") is not None) is done
        assert (state(server)["c1"]["account"] == "a1") is done


def test_intake_sees_what_the_merge_did_elsewhere_and_a_persons_value_stays_theirs(tmp_path: Path) -> None:
    _, connector = twin(tmp_path)
    start = max(cursor for cursor, _ in connector.changes(-1))
    connector.perform(merge())
    told = [each for _, each in observations(connector, start)]
    assert told[-1] is None, "the loser's own change is the action's result, not news"
    seen = {(str(each.ref), name): (value, each.writer_kind, each.writer) for each in told if each for name, value in each.fields.items()}  # fmt: skip
    moved = ("a1", WriterKind.IMPORT, "merge")
    assert seen == {
        ("crm/account/a1", "city"): ("Ulm", WriterKind.IMPORT, "merge"),
        ("crm/account/a1", "phone"): ("2", WriterKind.PERSON, "rosa"),
        ("crm/account/a1", "parent"): (None, WriterKind.IMPORT, "merge"),
        ("crm/account/a3", "parent"): moved,
        ("crm/contact/c1", "account"): moved,
        ("crm/opportunity/o1", "account"): moved,
        ("crm/activity/v1", "account"): moved,
    }


def unmerge(request: str = "r2", merge: str = "r1") -> Call:
    return Call("crm.record.unmerge", LOSER, {"merge": merge}, None, request)


def hands(server: TwinServer, connector: TwinConnector) -> dict[str, Any]:
    """Every field of every record with a person's hand behind it, where there is one."""
    refs = [RecordRef("crm", name, row["id"]) for name in ("account", "contact", "opportunity") for row in server.records(name)]  # fmt: skip
    shown = [(ref, connector.read(ref)) for ref in refs]
    people = {(str(r), n): w for r, s in shown if s for n, w in s.writers.items() if w.startswith("user:")}
    return {"people": people, **state(server)}


def test_taking_a_merge_apart_restores_every_record_it_changed(tmp_path: Path) -> None:
    server, connector = twin(tmp_path)
    before = hands(server, connector)
    connector.perform(merge())
    receipt = connector.perform(unmerge())
    after = hands(server, connector)
    assert {k: {n: v for n, v in r.items() if v is not None} for k, r in after.items() if k != "people"} == {
        k: {n: v for n, v in r.items() if v is not None} for k, r in before.items() if k != "people"
    }
    assert before["people"].items() <= after["people"].items()
    assert connector.perform(unmerge()) == receipt == connector.lookup("r2")
    connector.perform(merge("r3", expected_version=None, partner_version=None))
    assert state(server)["c1"]["account"] == "a1", "they can be merged again"


def test_what_a_person_changed_after_the_merge_stays(tmp_path: Path) -> None:
    server, connector = twin(tmp_path)
    connector.perform(merge())
    server.edit_as("rosa", "account", "a1", {"city": "Bern"})
    server.edit_as("rosa", "contact", "c1", {"account": "a1"})  # what it was by then, and now a person's word
    server.edit_as("rosa", "opportunity", "o1", {"account": "a3"})
    connector.perform(unmerge())
    now = state(server)
    assert (now["a1"]["city"], now["a1"]["phone"], now["c1"]["account"], now["o1"]["account"]) == (
        "Bern", None, "a1", "a3",
    )  # fmt: skip
    assert now["v1"]["account"] == "a2" and now["a2"]["flags"] is None


def test_only_a_merge_that_stands_last_is_taken_apart(tmp_path: Path) -> None:
    server, connector = twin(tmp_path)
    for call in (unmerge(), unmerge(merge="nothing")):
        with pytest.raises(CallRefused, match="is not merged"):
            connector.perform(call)
    connector.perform(merge())
    connector.perform(Call("crm.account.merge", WINNER, {"into": "a3"}, None, "r5"))
    held = state(server)
    with pytest.raises(CallRefused, match="take that apart first"):
        connector.perform(unmerge())
    assert state(server) == held
    connector.perform(Call("crm.record.unmerge", WINNER, {"merge": "r5"}, None, "r6"))
    connector.perform(unmerge("r7"))
    assert state(server)["v1"]["account"] == "a2"
