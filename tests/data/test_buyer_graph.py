"""The buyer graph: one account over all systems, and answers about the past that what is learned later never changes."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.world import World, make_world

from pilothouse.data.graph.seniority import Seniority, seniority
from pilothouse.data.graph.timeline import ItemKind
from pilothouse.data.store import Observation
from pilothouse.ledger.entries import Draft
from pilothouse.testing.clock import TestClock
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.errors import NotFound
from pilothouse.vocabulary.records import RecordRef, WriterKind
from pilothouse.vocabulary.verdicts import Mode

GITA = Actor("gita")
A1 = RecordRef("crm", "account", "a1")


def tell(world: World, record: str, told_at: datetime | None = None, /, **fields: Any) -> None:
    moment = told_at or world.clock.now()
    world.app.store.observe([Observation(RecordRef.parse(record), fields, moment, WriterKind.IMPORT, "import:t")], GITA)


def signal(world: World, ident: str, type: str, at: datetime, data: dict[str, Any], **about: str) -> None:
    told = {"specversion": "1.0", "id": ident, "source": "t", "type": type, "time": stamp(at), "data": data}
    [receipt] = world.app.signals.receive_events([{**told, **(about or {"subject": "crm/account/a1"})}], GITA)
    assert receipt.reason == ""


def test_the_feature_view_counts_weighs_and_names(world_on_each_store: World) -> None:
    world = world_on_each_store
    now = world.clock.now()
    tell(world, "crm/contact/c1", title="CFO")
    tell(world, "crm/contact/c2", title="Analyst")
    signal(world, "1", "web.visit", now - timedelta(days=14), {"page": "/"})
    signal(world, "2", "email.reply", now - timedelta(days=1), {"sentiment": 0.4}, contact="crm/contact/c1")
    signal(world, "3", "intent.third_party", now - timedelta(days=200), {"topic": "x", "score": 100})
    signal(world, "4", "product.usage", now - timedelta(days=40), {"events": 10})
    signal(world, "5", "product.usage", now - timedelta(days=5), {"events": 15})
    tell(world, "crm/activity/v9", account="a1", contact="c2", kind="Call", at=stamp(now - timedelta(days=3)))
    features = world.app.graph.features(A1, world.clock.now())
    numbers = features.numbers()
    assert [numbers[f"count.behavioural.{days}d"] for days in (7, 30, 90)] == [1, 2, 3]
    assert numbers["weight.behavioural.90d"] == pytest.approx(
        0.4 / 2 + 0.5 * 2 ** (-40 / 30) + 0.5 * 2 ** (-5 / 30), abs=1e-3
    )
    assert numbers["count.intent.90d"] == 0 and numbers["count.relationship.7d"] == 2
    assert (features.engaged_contacts, features.seniority_reached, features.contacts) == (2, "executive", 4)
    assert (features.usage_30d, features.usage_trend) == (15, 0.5)
    assert features.first_touch == now - timedelta(days=40) and features.last_touch == now - timedelta(days=1)
    assert features.open_deals == 1 and features.deal_velocity == 0
    tell(world, "crm/opportunity/o1", stage="Proposal")
    assert world.app.graph.features(A1, world.clock.now()).deal_velocity == pytest.approx(2 / 3, abs=1e-3)


def test_an_agents_act_is_a_signal_and_stands_in_the_timeline_with_its_review(world: World) -> None:
    world.promote("crm.account.update", Mode.ASSISTED)
    held = world.submit(world.action("industry", "software"))
    review = world.app.reviews.get(held.review)
    world.app.reviews.approve(held.review, "noah", review.payload_hash)
    assert world.gateway.resume(held.review).status.value == "executed"
    account = world.app.graph.account(A1, world.clock.now())
    [act] = [each for each in account.seen if each.kind == "agent_action"]
    assert act.action == held.action.id and account.features.numbers()["count.agent_action.7d"] == 1
    types = [item.type for item in account.timeline if item.kind in (ItemKind.ACTION, ItemKind.REVIEW)]
    assert types == ["action.executed", "review.used", "review.approved", "review.opened", "action.held"]
    tell(world, "crm/opportunity/o1", is_won=True, is_closed=True)
    assert "deal.won" in [item.type for item in world.app.graph.timeline(A1, world.clock.now())[:2]]


def test_before_anything_was_recorded_nothing_was_known(world: World) -> None:
    with pytest.raises(NotFound, match="nothing was known"):
        world.app.graph.features(A1, world.clock.now() - timedelta(days=1))


@pytest.mark.parametrize(
    ("title", "level"),
    [("CFO", 5), ("Co-founder & CEO", 5), ("Vice President, Sales", 4), ("SVP Ops", 4), ("Head of IT", 3),
     ("Procurement Manager", 2), ("Engineer", 1), ("  ", 0)],
)  # fmt: skip
def test_titles_tell_how_senior(title: str, level: int) -> None:
    assert seniority(title) is Seniority(level)


STEP = st.tuples(
    st.sampled_from(["signal", "late", "contact", "domain", "merge", "split", "deal", "action", "activity"]),
    st.integers(0, 5),
    st.integers(0, 120),
)


def do(world: World, step: tuple[str, int, int], number: int) -> None:
    what, which, days = step
    now = world.clock.now()
    match what:
        case "signal":
            about = ({"subject": "crm/account/a1"}, {"email": f"p{which}@alder.example"}, {"domain": "alder.example"})[
                which % 3
            ]
            signal(world, f"s{number}", "web.visit", now, {"page": "/"}, **about)
        case "late":
            signal(
                world,
                f"s{number}",
                "product.usage",
                now - timedelta(days=days),
                {"events": which},
                subject=f"b/account/b{which}",
            )
        case "contact":
            tell(
                world, f"crm/contact/p{which}", email=f"p{which}@alder.example", account=f"a{1 + days % 2}", title="CFO"
            )
        case "domain":
            tell(world, f"crm/account/a{1 + which % 2}", now - timedelta(days=days), domain="alder.example")
        case "deal":
            stage = ("Prospecting", "Proposal", "Closed Won")[which % 3]
            tell(
                world,
                f"crm/opportunity/q{which}",
                now - timedelta(days=days),
                account="a1",
                stage=stage,
                amount=100.0 * days,
            )
        case "activity":
            tell(world, f"crm/activity/y{number}", account="a1", kind="Call", at=stamp(now - timedelta(days=days)))
        case "action":
            world.promote("crm.account.update", Mode.LIVE, bulk_allowance=100)
            world.submit(world.action("industry", f"v{number}"))
        case _:
            tell(world, f"b/account/b{which}", name=f"B{which}")
            records = ["crm/account/a1", f"b/account/b{which}"]
            joined, left = (records, []) if what == "merge" else ([], records)
            change = {"id": "ent_1", "joined": joined, "left": left, "size": len(joined), "into": "", "confidence": 1.0}
            world.app.ledger.append([Draft("identity.changed", GITA, {"object": "account", "changes": [change]})])


def test_what_is_learned_later_changes_no_answer_about_the_past(template: Path, tmp_path: Path) -> None:
    made = 0

    @settings(
        max_examples=15,
        phases=[Phase.explicit, Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(st.lists(STEP, min_size=2, max_size=14), st.integers(0, 13))
    def check(steps: list[tuple[str, int, int]], cut: int) -> None:
        nonlocal made
        made += 1
        root = tmp_path / f"w{made}"
        shutil.copytree(template, root)
        world = make_world(root, TestClock())
        graph = world.app.graph
        try:
            for number, step in enumerate(steps[:cut]):
                world.clock.advance(timedelta(hours=7))
                do(world, step, number)
            moment = world.clock.now()
            then = graph.account(A1, moment)
            for number, step in enumerate(steps[cut:], cut):
                world.clock.advance(timedelta(hours=7))
                do(world, step, number)
            now = graph.account(A1, moment)
            assert now.features == then.features and now.timeline == then.timeline and now.seen == then.seen
        finally:
            world.app.close()
            shutil.rmtree(root)

    check()


def test_the_graph_is_made_again_from_the_ledger(world_on_each_store: World) -> None:
    world = world_on_each_store
    for number, step in enumerate(
        [("contact", 1, 0), ("signal", 1, 3), ("merge", 1, 0), ("late", 1, 9), ("split", 1, 0)]
    ):
        do(world, step, number)
    moment = world.clock.now()
    before = world.app.graph.account(A1, moment)
    world.app.ledger.rebuild()
    assert world.app.graph.account(A1, moment) == before
