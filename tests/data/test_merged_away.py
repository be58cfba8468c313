"""A record that went into another stands for its history only: it counts nowhere, and its name leads where it went."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from tests.data.test_buyer_graph import tell
from tests.world import World

from pilothouse.assembly import SYSTEM
from pilothouse.data.quality import Audit
from pilothouse.data.view import DataView
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.records import RecordRef

BIRCH: dict[str, Any] = {"name": "Birch Foods GmbH", "domain": "birch-foods.example", "country": "Germany"}
ONE, OTHER, ELSEWHERE = "crm/account/b1", "crm/account/b2", "billing/account/x1"


def ident(world: World, ref: str) -> str:
    found = world.app.entities.of(RecordRef.parse(ref))
    assert found is not None
    return found.id


def resolved(world: World, object_name: str = "account", *, full: bool = False) -> Any:
    return world.app.resolver.resolve(object_name, full=full)


def audited(world: World) -> Audit:
    return world.app.quality.audit("crm", datetime(2026, 1, 14, tzinfo=world.clock.now().tzinfo), Actor("gita"))


def birches(world: World) -> None:
    tell(world, ONE, **BIRCH)
    tell(world, OTHER, **{**BIRCH, "name": "Birch Foods"})
    tell(world, ELSEWHERE, **BIRCH)


def test_the_audit_does_not_count_it(world: World) -> None:
    birches(world)
    tell(world, "crm/contact/p1", email="p1@birch-foods.example", account="b1")
    resolved(world)
    before = audited(world).by_key()
    tell(world, ONE, flags="merged into b2")
    resolved(world)
    after = audited(world).by_key()
    key = "account.unique.no duplicates"
    assert (before[key].of - after[key].of, before[key].sound - after[key].sound) == (1, 0)
    assert before[key].examples == (OTHER,) and not after[key].examples
    led = after["contact.reference.account"]
    assert led.examples == ("crm/contact/p1",), "what still names it names a record that is none"
    tell(world, ONE, flags=None)
    resolved(world)
    assert audited(world).by_key()[key].of == before[key].of


@pytest.mark.parametrize("full", [False, True])
def test_its_name_leads_to_the_entity_it_went_into_and_it_is_not_compared(
    world_on_each_store: World, full: bool
) -> None:
    world = world_on_each_store
    birches(world)
    tell(world, "crm/account/z1", name="Zinc Works", domain="zinc.example", country="France")
    resolved(world)
    winner, zinc = ident(world, OTHER), ident(world, "crm/account/z1")
    count = resolved(world).records
    tell(world, "crm/account/z1", flags="merged into b2")
    found = resolved(world, full=full)
    assert ident(world, "crm/account/z1") == ident(world, OTHER) == winner
    gone = world.app.entities.entity(zinc)
    assert gone is not None and (gone.members, gone.into) == ((), winner)
    assert found.records == count - 1
    tell(world, "billing/account/z2", name="Zinc Works", domain="zinc.example", country="France")
    resolved(world)
    assert ident(world, "billing/account/z2") != winner, "what it told joins nobody any longer"
    golden = world.app.golden.now(RecordRef.parse(OTHER), world.clock.now())
    assert golden.fields["name"].value == "Birch Foods GmbH" and RecordRef.parse("crm/account/z1") not in golden.members
    tell(world, "crm/account/z1", flags=None)
    resolved(world, full=full)
    assert ident(world, "crm/account/z1") == ident(world, "billing/account/z2") != winner
    assert ident(world, OTHER) == winner and resolved(world, full=full).changed == 0


def test_a_chain_of_merges_leads_to_its_end_and_a_word_about_what_went_is_said_of_where_it_went(world: World) -> None:
    birches(world)
    tell(world, "crm/account/b3", name="Something else", flags="merged into b1")
    tell(world, ONE, flags="merged into b2")
    resolved(world)
    assert ident(world, "crm/account/b3") == ident(world, ONE) == ident(world, OTHER) == ident(world, ELSEWHERE)
    one, other = RecordRef.parse("crm/account/b3"), RecordRef.parse(ELSEWHERE)
    world.app.resolver.judge(other, one, same=False, by="gita", why="Another company.")
    resolved(world)
    assert ident(world, ELSEWHERE) != ident(world, OTHER) == ident(world, "crm/account/b3")


def test_agents_definitions_and_features_do_not_see_it(world: World) -> None:
    tell(world, "crm/contact/p1", email="p@x.example", account="a1")
    tell(world, "crm/contact/p2", email="p2@x.example", account="a1")
    ref, now = RecordRef.parse("crm/account/a1"), world.clock.now()
    app = world.app
    before = app.graph.features(ref, now, app.ledger.size()).contacts
    tally = sum(app.judge.tally("complete_account", "crm", now).counts.values())
    tell(world, "crm/contact/p2", flags="merged into p1")
    tell(world, "crm/account/a2", flags="merged into a1")
    assert app.graph.features(ref, now, app.ledger.size()).contacts == before - 1
    assert sum(app.judge.tally("complete_account", "crm", now).counts.values()) == tally - 1
    view = DataView(app.store, app.entities, app.contracts["hygiene"], app.definitions, now, SYSTEM)
    assert view.record(RecordRef.parse("crm/contact/p2")) is None
    assert view.record(RecordRef.parse("crm/contact/p1")) is not None


def test_a_deal_that_went_into_another_is_one_with_it_and_counted_once(world_on_each_store: World) -> None:
    world = world_on_each_store
    for name in ("d1", "d2"):
        tell(world, f"crm/opportunity/{name}", name="Alder Compass", account="a1", amount=500.0, stage="Proposal")
    resolved(world, "opportunity")
    assert ident(world, "crm/opportunity/d1") != ident(world, "crm/opportunity/d2")
    tell(world, "crm/opportunity/d2", flags="merged into d1")
    measured = world.app.measure_pipeline("crm", world.clock.now(), Actor("gita"))
    assert ident(world, "crm/opportunity/d1") == ident(world, "crm/opportunity/d2")
    assert [each.records for each in measured.deals if "Alder Compass" in each.name] == [("crm/opportunity/d1",)]
