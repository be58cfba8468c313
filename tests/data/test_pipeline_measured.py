"""The pipeline: a deal is counted once, doubted for a reason, and what signals make has its evidence."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.data.test_buyer_graph import signal, tell
from tests.world import World

from pilothouse.data.pipeline.measured import Deal, Measured
from pilothouse.data.pipeline.rules import Condition, Support, confidence, evaluate, load_rules
from pilothouse.ledger.entries import Draft
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.clock import unstamp
from pilothouse.vocabulary.documents import DocumentError
from pilothouse.vocabulary.records import RecordRef
from pilothouse.workspace.config import STARTER

GITA = Actor("gita")
AT = unstamp("2026-01-01")


def measure(world: World) -> Measured:
    return world.app.measure_pipeline("crm", world.clock.now(), GITA)


def one(measured: Measured, ref: str) -> Deal:
    return next(each for each in measured.deals if ref in each.records)


def same(world: World, *records: str) -> None:
    change = {"id": "ent_1", "joined": list(records), "left": [], "size": len(records), "into": "", "confidence": 1.0}
    world.app.ledger.append([Draft("identity.changed", GITA, {"object": "account", "changes": [change]})])


def test_each_deal_is_counted_once_however_many_systems_hold_it(world_on_each_store: World) -> None:
    world = world_on_each_store
    for system in ("crm", "billing", "sheet"):
        ref = f"{system}/account/{'a1' if system == 'crm' else 'x1'}"
        tell(world, ref, name="Alder")
        ident = ref.rpartition("/")[2]
        tell(world, f"{system}/opportunity/d1", name="Alder Compass", account=ident, amount=500.0, stage="Proposal")
    same(world, "crm/account/a1", "billing/account/x1", "sheet/account/x1")
    measured = measure(world)
    found = one(measured, "crm/opportunity/d1")
    assert found.records == ("crm/opportunity/d1", "billing/opportunity/d1", "sheet/opportunity/d1")
    assert len(found.mirrors) == 2 and found.entity == world.app.entities.of(RecordRef.parse(found.records[1])).id  # type: ignore[union-attr]
    told = measured.totals()
    assert told["supported"]["amount"] + told["unsupported"]["amount"] == 500 and told["mirrors"]["records"] == 2
    assert world.app.pipeline.latest("crm") == measured


def test_a_deal_that_no_signal_speaks_for_is_doubted_until_one_does(world: World) -> None:
    tell(world, "crm/opportunity/o2", account="a2", stage="Proposal", amount=100.0)
    tell(world, "crm/opportunity/o3", stage="Proposal", amount=100.0)
    measured = measure(world)
    assert (
        one(measured, "crm/opportunity/o2").support == 0
        and "support it to 0.00" in one(measured, "crm/opportunity/o2").doubts[0]
    )
    assert "belongs to no account" in one(measured, "crm/opportunity/o3").doubts[0]
    signal(world, "1", "meeting.held", world.clock.now(), {}, subject="crm/account/a2")
    found = one(measure(world), "crm/opportunity/o2")
    assert found.supported and found.support == pytest.approx(1 - 2 ** (-2.5 / 2), abs=1e-3)
    assert [world.app.ledger.entry(position).kind for position in found.evidence] == ["signal.received"]


def test_signals_make_an_opportunity_with_its_evidence_and_it_lapses(world_on_each_store: World) -> None:
    world = world_on_each_store
    now = world.clock.now()
    for number in range(3):
        signal(world, f"i{number}", "intent.third_party", now, {"topic": "x", "score": 90}, subject="crm/account/a2")
        signal(world, f"v{number}", "web.visit", now, {"page": "/"}, subject="crm/account/a2")
    assert measure(world).derived == ()
    tell(world, "crm/contact/c9", email="c9@x.example", account="a2", title="CFO")
    signal(world, "r", "email.reply", now, {}, contact="crm/contact/c9")
    [made] = measure(world).derived
    assert (made.account, made.definition) == ("crm/account/a2", "new-business") and 0.5 < made.confidence < 1
    assert {world.app.ledger.entry(position).kind for position in made.evidence} == {"signal.received"} and len(
        made.evidence
    ) == 7
    size = world.app.ledger.size()
    assert measure(world).derived == (made,) and world.app.ledger.size() == size + 1
    world.app.ledger.rebuild()
    assert world.app.pipeline.latest("crm").derived == (made,)  # type: ignore[union-attr]
    tell(world, "crm/opportunity/o9", account="a2", stage="Prospecting")
    assert measure(world).derived == ()
    assert [entry.body["id"] for entry in world.app.ledger.entries(kinds={"opportunity.lapsed"})] == [made.id]


def test_a_measurement_rests_on_what_stood_before_its_position(world: World) -> None:
    before = measure(world)
    world.clock.advance(timedelta(days=1))
    tell(world, "crm/opportunity/late", account="a1", stage="Proposal", amount=9.0)
    assert before.before < measure(world).before
    assert not any("late" in ref for each in before.deals for ref in each.records)


def test_conditions_hold_only_on_what_is_known() -> None:
    rules = [Condition(feature="usage_trend", at_least=0.5), Condition(feature="open_deals", at_most=0)]
    assert [check.holds for check in evaluate(rules, {"usage_trend": None, "open_deals": 0})] == [False, True]
    assert [check.holds for check in evaluate(rules, {"usage_trend": 0.5, "open_deals": 1})] == [True, False]
    assert confidence(rules, {"usage_trend": 0.5, "open_deals": 0}) == 0.5
    assert confidence(rules, {"usage_trend": 1.0, "open_deals": 0}) == 0.75
    assert Support(half=2).score(2) == 0.5 and Support().score(-3) == 0


def test_a_rule_about_an_unknown_feature_is_refused_with_its_line(tmp_path: Path) -> None:
    text = (STARTER / "opportunities" / "derived.yaml").read_text()
    (tmp_path / "d.yaml").write_text(text.replace("weight.intent.30d", "weight.intent.31d"))
    with pytest.raises(DocumentError, match=r"no feature 'weight.intent.31d'") as caught:
        load_rules(tmp_path)
    assert "31d" in (tmp_path / "d.yaml").read_text().splitlines()[caught.value.line - 1]
