"""One suite for both stores: durable, gapless, isolated, append-only, rebuildable, erasable."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import Column, Connection, Table, Text, insert, text
from sqlalchemy.exc import DBAPIError

from pilothouse.assembly import projectors
from pilothouse.ledger.database import create_schema, metadata, open_database
from pilothouse.ledger.entries import COLUMNS, Draft, entry_of, row_of, seal
from pilothouse.ledger.ledger import Ledger
from pilothouse.ledger.tables import private
from pilothouse.testing.clock import TestClock
from pilothouse.vocabulary.actors import Actor, AgentRef
from pilothouse.vocabulary.errors import Conflict, LedgerUnavailable
from pilothouse.vocabulary.values import canonical

ANA = Actor("ana")
names = Table("test_names", metadata, Column("name", Text, primary_key=True))


class Names:
    """A projector that refuses a name that is taken, and breaks on "bang"."""

    name = "names"
    kinds = frozenset({"test.named"})
    tables = (names,)

    def apply(self, connection: Connection, entries: list) -> None:  # type: ignore[type-arg]
        for entry in entries:
            if entry.body["name"] == "bang":
                raise RuntimeError("this projector is broken")
            connection.execute(insert(names), {"name": entry.body["name"]})


def named(name: str) -> Draft:
    return Draft("test.named", ANA, {"name": name})


@pytest.fixture
def ledger(database_url: str, clock: TestClock) -> Iterator[Ledger]:
    engine = open_database(database_url)
    create_schema(engine)
    yield Ledger(engine, clock, (*projectors(), Names()))
    engine.dispose()


def all_names(ledger: Ledger) -> list[str]:
    with ledger.engine.connect() as connection:
        return sorted(connection.execute(text("SELECT name FROM test_names")).scalars())


def test_what_is_appended_is_there_with_everything_it_said(ledger: Ledger) -> None:
    draft = Draft("t.x", Actor("ana", AgentRef("bot", "2")), {"a": [1, None]}, {"phone": "1"}, "p/1", "act", "sub")
    [entry] = ledger.append([draft])
    assert ledger.entry(0) == entry
    assert (entry.position, entry.actor, entry.body, entry.private) == (
        0,
        draft.actor,
        {"a": [1, None]},
        {"phone": "1"},
    )
    assert list(ledger.entries(agent="bot@2", action="act", subject="sub")) == [entry]
    assert entry.value("phone") == "1" and entry.value("a") == [1, None]


def test_a_refused_submission_leaves_nothing_and_no_gap(ledger: Ledger) -> None:
    ledger.append([named("a")])
    with pytest.raises(Conflict):
        ledger.append([named("b"), named("a")])

    def no(_: Connection) -> None:
        raise Conflict("not now")

    with pytest.raises(Conflict, match="not now"):
        ledger.append([named("c")], guard=no)
    assert [entry.position for entry in ledger.append([named("d")])] == [1]
    assert all_names(ledger) == ["a", "d"] and ledger.size() == 2


def test_one_callers_failure_never_loses_anothers_append(ledger: Ledger) -> None:
    outcomes: dict[int, object] = {}

    def call(number: int) -> None:
        try:
            outcomes[number] = ledger.append([named("bang" if number % 5 == 0 else f"n{number}")])[0].position
        except RuntimeError as error:
            outcomes[number] = str(error)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    positions = sorted(value for value in outcomes.values() if isinstance(value, int))
    assert positions == list(range(32)) == [entry.position for entry in ledger.entries()]
    assert sum(value == "this projector is broken" for value in outcomes.values()) == 8


def test_the_database_itself_refuses_to_change_history(ledger: Ledger) -> None:
    ledger.append([Draft("t.x", ANA, {}, {"n": 1})])
    statements = ["UPDATE ledger_entries SET kind = 'other'", "DELETE FROM ledger_entries"]
    statements += ["UPDATE ledger_private SET payload = '{}'"]
    statements += ["TRUNCATE ledger_entries"] if ledger.engine.dialect.name == "postgresql" else []
    for statement in statements:
        with pytest.raises(DBAPIError, match=r"append-only|never changed"), ledger.engine.begin() as connection:
            connection.execute(text(statement))
    assert ledger.entry(0).kind == "t.x"


def test_a_reading_never_shows_what_an_earlier_one_saw(ledger: Ledger) -> None:
    def count() -> int:
        with ledger.reading() as connection:
            return connection.execute(text("SELECT count(*) FROM test_names")).scalar_one()

    assert count() == 0
    ledger.append([named("x")])
    assert count() == 1


def test_rebuilding_gives_what_was_there(ledger: Ledger) -> None:
    for name in "xyz":
        ledger.append([named(name)])
    ledger.rebuild()
    assert all_names(ledger) == ["x", "y", "z"]


def test_erasing_somebody_leaves_the_entry_and_takes_the_payload(ledger: Ledger) -> None:
    ledger.append([Draft("t.x", ANA, {"a": 1}, {"phone": "1"}, "crm/contact/1")])
    ledger.append([Draft("t.x", ANA, {"a": 2}, {"phone": "2"}, "crm/contact/2")])
    digest = ledger.entry(0).private_digest
    assert ledger.erase("crm/contact/1", ANA, "asked to be forgotten") == 1
    assert ledger.entry(0).erased and ledger.entry(0).private_digest == digest
    assert ledger.entry(1).private == {"phone": "2"}
    with ledger.engine.connect() as connection:
        assert [row.position for row in connection.execute(private.select())] == [1]


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path, clock: TestClock) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/l.sqlite")
    create_schema(engine)
    ledger = Ledger(engine, clock)
    with engine.execution_options(pilothouse_write=True).begin() as connection:
        connection.exec_driver_sql("DROP TABLE ledger_head")
    with pytest.raises(LedgerUnavailable, match="Nothing was executed"):
        ledger.append([named("a")])


CHILD = """
import sys
from pilothouse.ledger.database import create_schema, open_database
from pilothouse.ledger.ledger import Ledger
from pilothouse.ledger.entries import Draft
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.clock import SystemClock
engine = open_database(sys.argv[1])
create_schema(engine)
ledger = Ledger(engine, SystemClock())
for number in range(int(sys.argv[2])):
    [entry] = ledger.append([Draft("t.x", Actor("ana"), {"number": number})])
    print(entry.position, flush=True)
"""


def child(url: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", CHILD, url, str(count)], stdout=subprocess.PIPE, text=True)


def test_a_killed_process_loses_nothing_it_was_told_is_durable(database_url: str) -> None:
    process = child(database_url, 100_000)
    assert process.stdout is not None
    told = [int(process.stdout.readline()) for _ in range(50)]
    os.kill(process.pid, signal.SIGKILL)
    told += [int(line) for line in process.stdout.read().split() if line]
    process.wait()
    engine = open_database(database_url)
    positions = [entry.position for entry in Ledger(engine, TestClock()).entries()]
    assert positions == list(range(len(positions))) and set(told) <= set(positions)
    engine.dispose()


def test_several_processes_share_one_sequence_without_gaps(database_url: str) -> None:
    engine = open_database(database_url)
    create_schema(engine)
    processes = [child(database_url, 100) for _ in range(3)]
    told = [int(line) for process in processes for line in process.communicate()[0].split()]
    assert sorted(told) == list(range(300))
    assert [entry.position for entry in Ledger(engine, TestClock()).entries()] == list(range(300))
    engine.dispose()


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
BODIES = st.dictionaries(
    TEXTS,
    st.recursive(
        st.none() | st.booleans() | NUMBERS | TEXTS,
        lambda part: st.lists(part, max_size=3) | st.dictionaries(TEXTS, part, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)
ACTORS = st.builds(Actor, TEXTS, st.none() | st.just(AgentRef('b"t', "1@2")))
DRAFTS = st.builds(Draft, TEXTS, ACTORS, BODIES, st.none() | BODIES, TEXTS, TEXTS, TEXTS)


@given(DRAFTS, st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5))])), st.integers(0, 2**53))
def test_the_line_is_canonical_and_a_projector_sees_what_a_rebuild_sees(draft: Draft, at: datetime, place: int) -> None:
    assume(datetime(2, 1, 1, tzinfo=UTC) < at < datetime(9999, 1, 1, tzinfo=UTC))
    row = row_of(seal(draft, "ent_1", at), place)
    columns = dict(zip(COLUMNS, row.columns, strict=True))
    line, payload = str(columns["line"]), row.private[3] if row.private else None
    told = json.loads(line)
    assert canonical(told) == line and columns["leaf"] == hashlib.sha256(b"\0" + line.encode()).digest()
    assert all(columns[name] == told[name] for name in COLUMNS if name in told) and told["body"] == draft.body
    again = entry_of(line, payload)
    assert row.entry == again
    assert repr((row.entry.body, row.entry.private)) == repr((again.body, again.private))  # the same order of keys too
    assert (row.private is None) == (draft.private is None)


def test_the_text_of_an_entry_stays_what_it_always_was() -> None:
    draft = Draft("t.x", Actor("ana", AgentRef("bot", "2")), {"b": [1, None], "a": "ü"}, None, "", "act_1", "crm/1")
    row = row_of(seal(draft, "ent_1", datetime(2026, 1, 14, 9, tzinfo=UTC)), 7)
    assert row.columns[1] == (
        '{"action":"act_1","agent":"bot@2","at":"2026-01-14T09:00:00.000000Z","body":{"a":"ü","b":[1,null]},"id":"ent_1",'
        '"kind":"t.x","person":"ana","position":7,"private_digest":"","subject":"crm/1"}'
    )
    assert row.columns[2].hex() == "a75d140742b1dfd86f3bd613c0383017907c1123030ac2cd676404b1c3cc4253"


def test_an_agent_that_has_no_name_fails_its_own_caller(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="name@version"):
        ledger.append([named("a"), Draft("test.named", Actor("ana", AgentRef("", "1")), {"name": "b"})])
    assert ledger.append([named("c")])[0].position == 0
