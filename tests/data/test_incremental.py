"""Resolving only what is new: the same entities as from nothing, whatever the order; one run at a time; nothing lost."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.data.test_identity import ACME, ids, tell
from tests.world import World

from pilothouse.data.identity import resolver as resolving
from pilothouse.data.identity.features import ACCOUNT
from pilothouse.data.identity.grouping import group
from pilothouse.data.identity.index import Index
from pilothouse.data.identity.model import ACCOUNT_MODEL
from pilothouse.data.identity.turn import turn
from pilothouse.data.identity.weights import shipped
from pilothouse.data.store import Observation
from pilothouse.testing.companies import companies
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import Conflict
from pilothouse.vocabulary.records import RecordRef, WriterKind

WEIGHTS = shipped(ACCOUNT_MODEL, 60, {"phone": 40, "country": 50, "city": 50})
Partition = dict[str, frozenset[str]]
Word = tuple[str, str]


def batch_groups(rows: Mapping[str, Sequence[str]], same: set[Word], different: set[Word]) -> Partition:
    index = Index("account")
    index.begin()
    index.take(rows.items())
    found = group(index, WEIGHTS, same, different)
    index.close()
    return {ref: frozenset(each) for each in found.groups() for ref in each}


# Few values, many meetings: names that are places elsewhere, common phones, countries that contradict each other.
FIELD: dict[str, list[str]] = {
    "name": ["Alder Foods", "Alder Foods Ulm", "Ulm", "Alder", "Birch Foods", "Alder Foods GmbH", "Aldre Foods"],
    "domain": ["", "alder.com", "alder.de", "birch.com"],
    "website": [""],
    "country": ["", "Germany", "Spain"],
    "city": ["", "Ulm", "Alder", "Bonn"],
    "phone": ["", "+49 731 5550101", "+49 731 5550102"],
    "address": ["", "1 Elm St", "2 Elm St"],
    "postcode": ["", "89073"],
}
ROW = st.tuples(*(st.sampled_from(FIELD[name]) for name in ACCOUNT))
REF = st.integers(0, 11).map(lambda n: f"s/account/{n:02}")
PAIR = st.tuples(REF, REF).filter(lambda p: p[0] < p[1])


@settings(max_examples=40, deadline=None)
@given(
    history=st.lists(st.dictionaries(REF, ROW, min_size=1, max_size=6), min_size=1, max_size=5),
    said=st.lists(st.tuples(st.integers(0, 4), PAIR, st.booleans()), max_size=3),
)
def test_whatever_came_in_whatever_order_the_groups_are_those_of_one_run(
    history: list[dict[str, tuple[str, ...]]], said: list[tuple[int, Word, bool]]
) -> None:
    """New records, changed records and judgements, in any batches: after each, as if all had come at once."""
    index = Index("account")
    index.begin()
    rows: dict[str, tuple[str, ...]] = {}
    kept: Partition = {}
    same, different = set[Word](), set[Word]()
    for step, batch in enumerate(history):
        rows |= batch
        moved = index.take(batch.items())
        for when, pair, is_same in said:
            if when == step and pair not in same | different:
                trial = same | {pair} if is_same else same
                if is_same or not _follows(trial, pair):
                    (same if is_same else different).add(pair)
                if any(_follows(same, each) for each in different):
                    same.discard(pair)
                    continue
                moved = np.union1d(moved, index.ids(list(pair)))
        found = group(index, WEIGHTS, same, different, moved)
        kept |= {ref: frozenset(each) for each in found.groups() for ref in each}
    index.close()
    assert kept == batch_groups(rows, same, different)


def _follows(same: set[Word], pair: Word) -> bool:
    home = {ref: ref for each in (*same, pair) for ref in each}
    for one, other in same:
        home = {ref: home[one] if at == home[other] else at for ref, at in home.items()}
    return home[pair[0]] == home[pair[1]]


def test_a_small_batch_into_many_records_changes_only_what_it_touches() -> None:
    told = companies(3000, 7)
    rows = {f"s/account/{n:05}": tuple(getattr(each, name, "") for name in ACCOUNT) for n, each in enumerate(told)}
    names = list(rows)
    weights = shipped(ACCOUNT_MODEL, 3000, {"phone": 2000, "country": 2500, "city": 2500})
    index = Index("account")
    index.begin()
    index.take((name, rows[name]) for name in names[:-30])
    kept = {ref: frozenset(each) for each in group(index, weights, (), ()).groups() for ref in each}
    found = group(index, weights, (), (), index.take((name, rows[name]) for name in names[-30:]))
    assert len(found.refs) < 1000
    kept |= {ref: frozenset(each) for each in found.groups() for ref in each}
    whole = {ref: frozenset(each) for each in group(index, weights, (), ()).groups() for ref in each}
    index.close()
    assert kept == whole


def observe(world: World, told: Mapping[str, Mapping[str, Any]]) -> None:
    now = world.clock.now()
    seen = [Observation(RecordRef.parse(n), dict(f), now, WriterKind.IMPORT, "x") for n, f in told.items()]
    world.app.store.observe(seen, Actor("gita"))


MANY = {
    f"{each.source}/account/m{number:04}": {
        name: getattr(each, name) for name in ("name", "domain", "country", "city", "phone") if getattr(each, name)
    }
    for number, each in enumerate(companies(2500, 11))
}


def partition(world: World) -> set[frozenset[str]]:
    return {frozenset(each) for each in world.app.entities.current("account").values()}


@pytest.fixture
def large(world: World) -> World:
    """2,500 records, resolved with weights that were measured on them."""
    observe(world, MANY)
    world.app.resolver.resolve("account", 0)
    return world


def test_what_is_new_is_resolved_alone_and_the_rest_keeps_its_identifiers(large: World) -> None:
    before = large.app.entities.current("account")
    observe(large, ACME)
    done = large.app.resolver.resolve("account", 0)
    assert done.looked_at < 100 and done.records == len(MANY) + len(ACME) + 8
    after = large.app.entities.current("account")
    assert {key: after[key] for key in before} == before
    found = ids(large)
    assert found["crm/account/1"] == found["enrichment/account/2"] == found["billing/account/3"]
    assert large.app.resolver.resolve("account", 0).looked_at == 0
    measured = list(large.app.ledger.entries(kinds={"identity.measured"}))
    assert len(measured) == 1
    large.app.resolver.resolve("account", 0, full=True)
    assert len(list(large.app.ledger.entries(kinds={"identity.measured"}))) == 2


def test_the_index_may_be_deleted_at_any_time(large: World) -> None:
    before = partition(large)
    large.app.resolver.forget()
    assert not list((large.app.workspace.state / "identity").glob("account.*"))
    done = large.app.resolver.resolve("account", 0)
    assert done.changed == 0 and partition(large) == before


def test_a_changed_record_leaves_and_a_new_one_joins_two(large: World) -> None:
    observe(large, {name: ACME[name] for name in ("crm/account/1", "crm/account/4")})
    large.app.resolver.resolve("account", 0)
    one, foreign = (large.app.entities.of(RecordRef.parse(n)) for n in ("crm/account/1", "crm/account/4"))
    assert one and foreign and one.id != foreign.id
    same = {"name": "Acme Corp", "domain": "acme.com", "country": "United States", "city": "Austin"}
    observe(large, {"crm/account/4": same})
    large.app.resolver.resolve("account", 0)
    assert large.app.entities.of(foreign.members[0]) == large.app.entities.of(one.members[0])
    observe(large, {"crm/account/4": ACME["crm/account/4"]})
    large.app.resolver.resolve("account", 0)
    again = large.app.entities.of(foreign.members[0])
    assert again is not None and again.id == foreign.id


def test_an_interrupted_run_is_made_up_for(large: World, monkeypatch: pytest.MonkeyPatch) -> None:
    observe(large, ACME)

    def broken(*_: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(resolving.Resolver, "_write", broken)
        with pytest.raises(RuntimeError):
            large.app.resolver.resolve("account", 0)
    assert not ids(large)
    large.app.resolver.resolve("account", 0)
    assert len(set(ids(large).values())) == 3


def test_an_erased_person_is_in_no_index(world: World) -> None:
    observe(world, {"crm/contact/zz": {"name": "Zelda Quist", "email": "zelda@quist.example"}})
    world.app.resolver.resolve("contact", 0)
    path = world.app.workspace.state / "identity" / "contact.duckdb"
    index = Index("contact", path)
    assert index.connection.execute("SELECT count(*) FROM own WHERE email LIKE 'zelda%'").fetchall() == [(1,)]
    index.close()
    world.app.ledger.erase("crm/contact/zz", Actor("ada"), "asked to be forgotten")
    world.app.resolver.resolve("contact", 0)
    index = Index("contact", path)
    assert index.connection.execute("SELECT count(*) FROM own WHERE email LIKE 'zelda%'").fetchall() == [(0,)]
    index.close()


def test_one_run_at_a_time(world_on_each_store: World) -> None:
    engine = world_on_each_store.app.ledger.engine
    with turn(engine, "account"):
        with pytest.raises(Conflict, match="another run"), turn(engine, "account", patience=0.2):
            pass
        with turn(engine, "contact", patience=0.2):
            pass
    with turn(engine, "account", patience=0.2):
        pass


def test_two_runs_at_once_make_one_entity_of_one_company(world_on_each_store: World) -> None:
    world = world_on_each_store
    tell(world, list(ACME))
    errors: list[BaseException] = []

    def run() -> None:
        try:
            world.app.resolver.resolve("account", 0)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    found = ids(world)
    assert len(found) == 5 and len(set(found.values())) == 3
    joined = [
        r for e in world.app.ledger.entries(kinds={"identity.changed"}) for c in e.body["changes"] for r in c["joined"]
    ]
    assert len(joined) == len(set(joined))  # nobody got an identifier twice


def test_even_without_the_turn_no_identifier_is_given_twice(
    world_on_each_store: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the connection that held the lock broke: the ledger itself refuses the second run."""
    world = world_on_each_store
    tell(world, list(ACME))
    write = resolving.Resolver._write  # pyright: ignore[reportPrivateUsage]

    def overtaken(self: Any, *given: Any) -> int:
        monkeypatch.setattr(resolving.Resolver, "_write", write)
        _write_as_another(world)
        return write(self, *given)

    monkeypatch.setattr(resolving.Resolver, "_write", overtaken)
    with pytest.raises(Conflict, match="meanwhile"):
        world.app.resolver.resolve("account", 0)
    world.app.resolver.resolve("account", 0)
    assert len(set(ids(world).values())) == 3


def _write_as_another(world: World) -> None:
    from pilothouse.data.identity.lineage import Change
    from pilothouse.data.identity.writing import draft_of

    change = Change("acc_other", ["crm/account/1"], [], 1)
    world.app.ledger.append([draft_of("account", [change])])
