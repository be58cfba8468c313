"""Signals: typed, once each, kept when they do not fit, attached when it is known whom they are about."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.world import World

from pilothouse.data.graph.happenings import signals_after
from pilothouse.data.importing.events import import_events
from pilothouse.data.importing.source import inspect
from pilothouse.data.quarantine import set_aside_rows
from pilothouse.data.signals.catalogue import SignalKind, load_catalogue
from pilothouse.data.signals.projection import signals
from pilothouse.data.signals.receiving import Fate, address_subject
from pilothouse.data.store import Observation
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.documents import DocumentError
from pilothouse.vocabulary.records import RecordRef, WriterKind
from pilothouse.workspace.config import STARTER

GITA = Actor("gita")


def event(
    ident: str = "e1", type: str = "web.visit", data: Mapping[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    told = {"page": "/pricing"} if data is None and type == "web.visit" else dict(data or {})
    head = {"specversion": "1.0", "id": ident, "source": "web", "type": type, "time": "2026-01-10T12:00:00Z"}
    about = {} if {"subject", "email", "domain", "contact", "account"} & more.keys() else {"subject": "crm/account/a1"}
    return {**head, **about, "data": told, **more}


def receive(world: World, *events: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(r.fate.value, r.reason) for r in world.app.signals.receive_events(events, GITA)]


def test_the_catalogue_ships_every_kind_with_typed_attributes() -> None:
    catalogue = load_catalogue(STARTER / "signals")
    assert len(catalogue.types) >= 20 and {each.kind for each in catalogue.types.values()} == set(SignalKind)
    assert catalogue.of_activity("Call") is catalogue.types["call.held"] and catalogue.agent_action is not None
    visit = catalogue.types["web.visit"]
    assert visit.weight({}, visit.half_life_days) == pytest.approx(visit.strength / 2)
    score = catalogue.types["intent.third_party"]
    assert score.weight({"score": 50}, 0) == pytest.approx(score.strength / 2)


def test_a_catalogue_that_names_a_type_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    one = "{type: a.b, kind: intent, words: x, half_life_days: 1, strength: 1}"
    (tmp_path / "t.yaml").write_text(f"version: 1\nsignals:\n  - {one}\n  - {one}\n")
    with pytest.raises(DocumentError) as caught:
        load_catalogue(tmp_path)
    assert caught.value.line == 4 and "stands twice" in str(caught.value)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (event(type="web.vist"), "no signal type 'web.vist'"),
        (event(data={}), "needs the attribute 'page'"),
        (event(data={"page": "/", "colour": "red"}), "no attribute 'colour'"),
        (event(data={"page": "/", "seconds": "40"}), "seconds: '40' is not of type integer"),
        (event(data={"page": "/", "seconds": True}), "seconds: True is not of type integer"),
        (event(data={"page": "/", "seconds": -1}), "less than 0"),
        (event(type="intent.third_party", data={"topic": "x", "score": 101}), "more than 100"),
        (event(type="support.ticket", data={"severity": "huge"}), "is none of low, normal"),
        (event(time="1989-12-31T23:59:59Z"), "before 1990"),
        (event(time="2031-01-01T00:00:00Z"), "still to come"),
        (event(time="yesterday"), "is not a moment"),
        (event(time=None), "never guessed"),
        (event(subject="somebody"), "names nobody"),
        (event(subject="mailto:"), "names nobody"),
        (event(subject="entity/"), "names nobody"),
        (event(domain="gmail.com"), "free mail"),
        (event(specversion="0.3"), "specversion"),
        (event(ident=""), "id is missing"),
        (event(data={"page": "x" * 30_000}), "longer than 20000"),
        (event(subject="crm/account/a1", account="crm/account/a2"), "different accounts"),
    ],
)
def test_what_does_not_fit_is_kept_with_its_reason(world: World, told: dict[str, Any], reason: str) -> None:
    [(fate, why)] = receive(world, told)
    assert fate == "quarantined" and reason in why
    [row] = set_aside_rows(world.app.ledger)
    assert reason in row.reason and row.raw == json.dumps(told, separators=(",", ":"), sort_keys=True)
    assert receive(world, told)[0][0] == "quarantined" and len(set_aside_rows(world.app.ledger)) == 1


def test_one_identity_stands_once(world_on_each_store: World) -> None:
    world = world_on_each_store
    first, again, other = event(), event(), event(data={"page": "/docs"})
    [one] = world.app.signals.receive_events([first], GITA)
    two, three, four = world.app.signals.receive_events([again, other, event("e2")], GITA)
    assert (one.fate, two.fate, three.fate, four.fate) == (Fate.ACCEPTED, Fate.KNOWN, Fate.REFUSED, Fate.ACCEPTED)
    assert one.position == two.position == three.position and "with other content" in three.reason
    assert [row.reason for row in set_aside_rows(world.app.ledger)] == [three.reason]
    entry = world.app.ledger.entry(one.position or 0)
    assert (
        entry.kind == "signal.received"
        and entry.body["occurred_at"] < "2026-01-11"
        and entry.at > datetime(2026, 1, 14, tzinfo=UTC)
    )


def test_one_request_with_the_same_signal_twice_stores_it_once(world: World) -> None:
    assert [fate for fate, _ in receive(world, event(), event(), event(data={"page": "/x"}))] == [
        "accepted",
        "known",
        "refused",
    ]


def test_many_senders_of_one_signal_get_one_position(world_on_each_store: World) -> None:
    world, positions = world_on_each_store, list[int | None]()

    def send() -> None:
        positions.extend(
            r.position for r in world.app.signals.receive_events([event(f"n{n}") for n in range(20)], GITA)
        )

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with world.app.ledger.engine.connect() as connection:
        stored = connection.execute(select(signals.c.position)).scalars().all()
    assert len(stored) == 20 and set(positions) == set(stored) and len(positions) == 120


def test_signals_are_read_on_from_a_position(world: World) -> None:
    receive(world, *(event(f"e{n}") for n in range(5)))
    known = world.app.graph.known
    first = signals_after(known, -1, limit=2)
    rest = signals_after(known, first[-1].position)
    assert [row.id for row in (*first, *rest)] == [f"e{n}" for n in range(5)]
    assert signals_after(known, rest[-1].position) == []


def test_a_file_of_events_goes_in_and_lines_that_are_none_are_kept(world: World, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    lines = [json.dumps(event(f"e{n}")) for n in range(3)]
    huge = json.dumps(event("huge", data={"page": "x" * 10_000_000}))
    path.write_text("\n".join([lines[0], "{", huge, "[1]", "", *lines[1:]]) + "\n")
    receipts = [r for batch in import_events(inspect(path), world.app.signals, GITA) for r in batch]
    assert [r.fate.value for r in receipts] == ["accepted", *["quarantined"] * 3, "accepted", "accepted"]
    assert [(row.file, row.line) for row in set_aside_rows(world.app.ledger)] == [
        ("events.jsonl", n) for n in (2, 3, 4)
    ]
    assert set_aside_rows(world.app.ledger)[1].raw.strip() == huge  # however long: nothing of it is lost


def test_erasing_a_person_takes_what_signals_said_of_them(world_on_each_store: World) -> None:
    world = world_on_each_store
    told = event(type="email.reply", data={"sentiment": 0.5}, email="Pat@Alder.example")
    [receipt] = world.app.signals.receive_events([told], GITA)
    entry = world.app.ledger.entry(receipt.position or 0)
    assert "pat" not in json.dumps(entry.body).casefold() and entry.value("attributes") == {"sentiment": 0.5}
    assert world.app.ledger.erase(address_subject("pat@alder.example"), Actor("ada"), "asked for it") == 1
    with world.app.ledger.engine.connect() as connection:
        row = connection.execute(select(signals)).one()
    assert (row.email, row.attributes, row.digest) == ("", "{}", "")
    assert receive(world, told) == [("known", "")]  # and it does not come back


def tell(world: World, record: str, days: int = 0, **fields: Any) -> None:
    at = world.clock.now() - timedelta(days=days)
    world.app.store.observe([Observation(RecordRef.parse(record), fields, at, WriterKind.IMPORT, "import:t")], GITA)


def around(world: World, record: str) -> list[str]:
    account = world.app.graph.account(RecordRef.parse(record), world.clock.now())
    return [each.id for each in account.seen if each.source == "web"]


def test_a_signal_waits_until_it_is_known_whom_it_is_about(world_on_each_store: World) -> None:
    world = world_on_each_store
    receive(
        world,
        event("by-domain", domain="https://www.birch.example/pricing"),
        event("by-address", type="email.reply", email="pat@elsewhere.example"),
        event("by-record", subject="billing/account/b9"),
        event("by-entity", subject="entity/ent_birch"),
    )
    assert around(world, "crm/account/a1") == []
    tell(world, "crm/account/a1", domain="birch.example")
    assert around(world, "crm/account/a1") == ["by-domain"]
    tell(world, "crm/contact/c1", email="pat@elsewhere.example", account="a1")
    assert around(world, "crm/account/a1") == ["by-domain", "by-address"]
    tell(world, "billing/account/b9", name="Birch")
    joined = {
        "id": "ent_birch",
        "joined": ["billing/account/b9", "crm/account/a1"],
        "left": [],
        "size": 2,
        "into": "",
        "confidence": 1.0,
    }
    from pilothouse.ledger.entries import Draft

    world.app.ledger.append([Draft("identity.changed", GITA, {"object": "account", "changes": [joined]})])
    assert sorted(around(world, "crm/account/a1")) == ["by-address", "by-domain", "by-entity", "by-record"]
    assert sorted(around(world, "billing/account/b9")) == ["by-address", "by-domain", "by-entity", "by-record"]
    taken = {"id": "ent_birch", "joined": [], "left": joined["joined"], "size": 0, "into": "ent_new", "confidence": 1.0}
    heir = {**joined, "id": "ent_new"}
    world.app.ledger.append([Draft("identity.changed", GITA, {"object": "account", "changes": [taken, heir]})])
    assert sorted(around(world, "crm/account/a1")) == ["by-address", "by-domain", "by-entity", "by-record"]


def test_a_domain_of_two_accounts_finds_neither(world: World) -> None:
    tell(world, "crm/account/a1", domain="shared.example")
    receive(world, event("e1", domain="shared.example"))
    assert around(world, "crm/account/a1") == ["e1"]
    tell(world, "crm/account/a2", website="http://shared.example/")
    assert around(world, "crm/account/a1") == around(world, "crm/account/a2") == []


def test_a_contact_of_another_account_is_not_counted_by_its_domain(world: World) -> None:
    tell(world, "crm/account/a1", domain="alder.example")
    receive(world, event("e1", email="x@alder.example"))
    assert around(world, "crm/account/a1") == ["e1"]
    tell(world, "crm/contact/c9", email="x@alder.example", account="a2")
    assert around(world, "crm/account/a1") == [] and around(world, "crm/account/a2") == ["e1"]


def test_a_table_of_signals_goes_the_same_way(world: World, tmp_path: Path) -> None:
    from pilothouse.data.importing.importer import import_files

    rows = [
        "id,type,at,account,contact,email,domain,attributes",
        '1,web.visit,2026-01-02,a1,,,,"{""page"": ""/""}"',
        '2,web.visit,2026-01-02,a1,,,,"{""page"": 7}"',
        '3,web.visit,,a1,,,,"{""page"": ""/""}"',
    ]
    (tmp_path / "signals.csv").write_text("\n".join(rows) + "\n")
    app = world.app
    report = import_files(
        app.ledger, app.store, [tmp_path], "canonical", system="crm", actor=GITA, clock=world.clock, signals=app.signals
    )
    assert (report.rows, report.changed, report.quarantined) == (3, 1, 2)
    [row] = signals_after(app.graph.known, -1)
    assert (row.source, row.account, row.attributes) == ("crm", "crm/account/a1", '{"page":"/"}')
    assert app.store.record(RecordRef("crm", "signal", "1")) is None  # one store, not two


def test_an_agent_sees_signals_only_under_its_contract(world: World) -> None:
    from pilothouse.data.contracts import Contract
    from pilothouse.data.view import DataView

    receive(world, event())
    app, ref = world.app, RecordRef("crm", "account", "a1")

    def view(**read: Any) -> DataView:
        contract = Contract(contract="t", version=1, summary="t", read=read)
        return DataView(app.store, app.entities, contract, app.definitions, world.clock.now(), "crm", graph=app.graph)

    blind, seeing = view(account="*"), view(account="*", signal="*")
    assert blind.features(ref) is None and list(blind.timeline(ref)) == []
    features = seeing.features(ref)
    assert features is not None and features.numbers()["count.behavioural.7d"] == 1
    assert [item.type for item in seeing.timeline(ref)].count("web.visit") == 1
