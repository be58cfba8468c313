"""The twin keeps to what every connector keeps to, and to what makes it a fair stage: versions, journal, faults."""

from __future__ import annotations

import sqlite3
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from pilothouse.connectors.twin.connector import CREDENTIAL, TwinConnector
from pilothouse.connectors.twin.faults import Fault
from pilothouse.connectors.twin.intake import observations
from pilothouse.connectors.twin.server import NoAnswer, TwinServer
from pilothouse.gateway.ports import Call, CallRefused, CallUnknown
from pilothouse.testing.clock import TestClock
from pilothouse.testing.connector_suite import Bench, ConnectorSuite
from pilothouse.vocabulary.records import RecordRef, WriterKind

A1 = RecordRef("crm", "account", "a1")


def twin(folder: Path) -> tuple[TwinServer, TwinConnector]:
    server = TwinServer(folder / "twin.sqlite", TestClock())
    server.seed([("account", "a1", {"name": "Alder", "industry": None})])
    return server, TwinConnector(server, server.issue_credential(CREDENTIAL))


class TestTwinAsConnector(ConnectorSuite):
    def bench(self) -> Bench:
        server, connector = twin(Path(tempfile.mkdtemp()))
        return Bench(
            connector,
            A1,
            "crm.account.update",
            {"industry": "software", "city": "Ulm"},
            {"industry": "retail", "city": "Bern"},
            edit=lambda ref, fields: (server.edit_as("rosa", ref.object, ref.id, fields), None)[1],
            lose_answer=lambda done: server.faults.arm(Fault.TIMEOUT_AFTER if done else Fault.TIMEOUT_BEFORE),
            busy=lambda: server.faults.arm(Fault.TOO_MANY),
        )


def write(server: TwinServer, secret: str, **more: Any):
    given = {"operation": "update", "object_name": "account", "record_id": "a1", "fields": {"city": "Ulm"}, **more}
    return server.write(secret, **given)


def test_every_request_is_journalled_with_who_what_and_result(tmp_path: Path) -> None:
    server, connector = twin(tmp_path)
    start = len(server.journal())
    connector.read(A1)
    connector.perform(Call("crm.account.update", A1, {"city": "Ulm"}, 1, "r1"))
    write(server, "not a credential", request_id="r2")
    server.edit_as("rosa", "account", "a1", {"city": "Bern"})
    rows = server.journal()[start:]
    assert [(r["credential"], r["operation"], r["status"], r["committed"], r["request_id"]) for r in rows] == [
        (CREDENTIAL, "read", 200, 0, ""),
        (CREDENTIAL, "crm.account.update", 200, 1, "r1"),
        ("?", "update", 401, 0, "r2"),
        ("user:rosa", "edit", 200, 1, ""),
    ]
    assert (
        rows[1]["payload"] == '{"city":"Ulm"}' and '"version":2' in rows[1]["result"] and rows[0]["at"] < rows[3]["at"]
    )


@pytest.mark.parametrize("statement", ["UPDATE journal SET status = 200", "DELETE FROM journal"])
def test_the_journal_cannot_be_rewritten(tmp_path: Path, statement: str) -> None:
    server, _ = twin(tmp_path)
    with sqlite3.connect(server.path) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)


def test_only_a_credential_that_was_issued_gets_in_and_a_renewed_one_ends_the_old(tmp_path: Path) -> None:
    server, connector = twin(tmp_path)
    renewed = server.issue_credential(CREDENTIAL)
    with pytest.raises(CallRefused, match="unknown credential"):
        connector.perform(Call("crm.account.update", A1, {"city": "Ulm"}, None, "r1"))
    assert write(server, renewed).status == 200 and server.lookup("?", "r1").status == 401
    with sqlite3.connect(server.path) as connection:
        assert renewed not in str(connection.execute("SELECT * FROM credential").fetchall())


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"fields": {"name": ""}}, 422),
        ({"object_name": "contact", "record_id": "", "fields": {"phone": "1"}}, 422),
        ({"object_name": "contact", "record_id": "", "fields": {"email": "x@example.com"}}, 200),
        ({"record_id": "nobody"}, 404),
        ({"expected_version": 7}, 409),
        ({"expected_version": 1}, 200),
    ],
)
def test_it_enforces_what_a_crm_enforces(tmp_path: Path, more: dict[str, Any], status: int) -> None:
    server, _ = twin(tmp_path)
    answer = write(server, server.issue_credential("x"), **more)
    assert answer.status == status, answer.body
    assert (status == 200) == bool(server.journal()[-1]["committed"])


@pytest.mark.parametrize("fault", list(Fault))
def test_each_fault_strikes_once_and_is_what_it_is_called(tmp_path: Path, fault: Fault) -> None:
    server, _ = twin(tmp_path)
    secret = server.issue_credential("x")
    server.faults.arm(fault)
    try:
        status = write(server, secret, request_id="r1").status
    except NoAnswer:
        status = 0
    expected = {Fault.TOO_MANY: 429, Fault.BROKEN: 500, Fault.TIMEOUT_BEFORE: 0, Fault.TIMEOUT_AFTER: 0}
    assert status == expected.get(fault, 200)
    done = fault in (Fault.TIMEOUT_AFTER, Fault.SLOW, Fault.WRONG_VALUE)
    assert bool(server.journal()[-1]["committed"]) is done
    city = server.records("account")[0].get("city")
    assert city == ({Fault.WRONG_VALUE: "Ulm?"}.get(fault, "Ulm") if done else None)
    assert write(server, secret, request_id="r2").status == 200
    with pytest.raises(ValueError):
        server.faults.arm("no such fault")


@pytest.mark.parametrize(
    ("fault", "error"),
    [(Fault.TOO_MANY, CallRefused), (Fault.BROKEN, CallUnknown), (Fault.TIMEOUT_BEFORE, CallUnknown)],
)
def test_a_read_that_fails_says_so(tmp_path: Path, fault: Fault, error: type[Exception]) -> None:
    server, connector = twin(tmp_path)
    server.faults.arm(fault, operation="read")
    with pytest.raises(error):
        connector.read(A1)
    assert connector.read(A1) is not None


def test_of_many_writers_with_one_version_one_wins(tmp_path: Path) -> None:
    server, _ = twin(tmp_path)
    secret, statuses = server.issue_credential("x"), list[int]()
    threads = [
        threading.Thread(target=lambda n=n: statuses.append(write(server, secret, fields={"city": str(n)}, expected_version=1).status))
        for n in range(12)
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [409] * 11
    assert server.records("account")[0]["version"] == 2


def test_the_intake_tells_who_wrote_and_leaves_out_our_own_work(tmp_path: Path) -> None:
    server, connector = twin(tmp_path)
    connector.perform(Call("crm.account.update", A1, {"city": "Ulm"}, None, "r1"))
    server.edit_as("rosa", "account", "a1", {"city": "Bern"})
    told = [seen for _, seen in observations(connector, 0)]
    assert [None if seen is None else (seen.writer_kind, seen.writer) for seen in told] == [
        (WriterKind.IMPORT, "import"),
        None,
        (WriterKind.PERSON, "rosa"),
    ]
