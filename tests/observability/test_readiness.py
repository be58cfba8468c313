"""Readiness is evidence: nothing is met for want of it, every item has its own, and the ceiling is what the gateway reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.observability.test_autonomy import FILL, TESTER, Story
from tests.world import World

from pilothouse.assembly import SYSTEM
from pilothouse.data.quality import Audit, Measure
from pilothouse.observability.readiness import items as checks
from pilothouse.observability.readiness.items import CHECKS, Item, level_of
from pilothouse.observability.readiness.readiness import Assessment, Readiness
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.verdicts import Mode


def item(met: bool) -> Item:
    return Item("x", "x", met, "")


@given(st.lists(st.booleans(), min_size=10, max_size=10))
def test_the_level_is_the_scoring_rule(met: list[bool]) -> None:
    """R-311: all ten 4; items 1 to 5, 3; any of 1 to 3 missing, 2."""
    level = level_of([item(each) for each in met])
    assert (level == 4) == all(met)
    assert (level >= 3) == all(met[:5])
    if not all(met[:3]):
        assert level == 2


@given(st.lists(st.booleans(), min_size=10, max_size=10), st.integers(0, 9))
def test_less_evidence_never_raises_the_level(met: list[bool], which: int) -> None:
    fewer = [each and number != which for number, each in enumerate(met)]
    assert level_of([item(each) for each in fewer]) <= level_of([item(each) for each in met])


def test_where_nothing_happened_nothing_is_met_but_what_is_checked_here_and_now(world: World) -> None:
    nobody_signed(world)
    found = world.app.readiness.assess()
    met = {each.code for each in found.items if each.met}
    # The wiring is there: an agent within its contract, and a policy that lets nothing irreversible run.
    assert met == {"3. permissions", "5. irreversible"}
    assert (found.level, found.stage) == (2, 0)
    assert all(each.next for each in found.missing)


def test_what_stands_in_the_console_alone_is_no_notification(world: World) -> None:
    world.promote(FILL, Mode.ASSISTED)
    world.submit(world.action())
    world.app.notifications.round()
    assert [each.channel for each in world.app.notifications.inbox.all(status="delivered")]
    [found] = [each for each in world.app.readiness.assess().items if each.code == "6. notifications"]
    assert not found.met and "the console's inbox does not count" in found.figures


def nobody_signed(world: World) -> None:
    for capability in world.app.compliance.outward():
        world.app.compliance.withdraw(capability, "for this test", "ada")


class Good:
    """An audit that meets its one threshold."""

    def __init__(self, world: World) -> None:
        self.world = world

    def latest(self, system: str) -> Audit:
        now = self.world.clock.now()
        return Audit(system, now, (Measure("complete", "name", "account", 9, 10, 0.8, "have a name"),), 1, now)


@pytest.fixture
def story(world: World) -> Story:
    return Story(world)


def readiness(story: Story) -> Readiness:
    return replace(story.world.app.readiness, quality=Good(story.world))


def all_evidence(story: Story) -> Iterator[str]:
    """Bring about one item after another, and say which."""
    world = story.world
    nobody_signed(world)
    yield "start"
    story.propose()
    story.days(15)
    world.promote(FILL)
    story.propose()
    world.app.witness.checkpoint(world.app.ledger)
    yield "1. audit_trail"
    story.write("incident.drilled", {"passed": True})
    yield "2. rollback"
    told = {"id": "ntf_1", "event": "review_opened", "topic": "", "person": "gita", "channel": "mail", "count": 1}
    due = stamp(world.clock.now())
    story.write("notification.queued", {**told, "items": [], "due_at": due})
    story.write("notification.attempted", {"id": "ntf_1", "attempt": 1, "leased_until": due})
    story.write("notification.delivered", {"id": "ntf_1", "attempt": 1})
    yield "6. notifications"
    world.app.autonomy.round()
    yield "7. error_detection"
    world.promote(FILL, Mode.ASSISTED)
    story.propose(50)
    story.decide()
    yield "8. trust_below"
    until = world.clock.now() + timedelta(days=60)
    world.app.compliance.sign_off("crm.message.send", "Reviewed the texts and the rules.", until, "ada")
    yield "9. legal"


def test_each_item_is_met_by_its_own_evidence(story: Story) -> None:
    before: set[str] = set()
    found: Assessment | None = None
    for code in all_evidence(story):
        found = readiness(story).assess()
        met = {each.code for each in found.items if each.met}
        assert code == "start" or code in met - before, f"{code}: {met}"
        assert before <= met
        before = met
    assert found is not None and (found.met, found.level, found.stage) == (10, 4, 3)
    assert all(each.evidence for each in found.items)
    story.days(91)
    later = readiness(story).assess()
    assert {
        "2. rollback",
        "6. notifications",
        "7. error_detection",
        "8. trust_below",
        "9. legal",
        "10. incident_process",
    } <= {each.code for each in later.missing}


def test_the_assessment_is_what_the_gateway_reads(story: Story) -> None:
    for _ in all_evidence(story):
        pass
    position = readiness(story).record(Actor("noah")).position
    ceiling = story.world.gateway.door.agents.get(TESTER).ceiling
    assert (ceiling.level, ceiling.stage) == (4, 3)
    assert readiness(story).record().position == position
    story.world.app.compliance.withdraw("crm.message.send", "the texts changed", "ada")
    assert readiness(story).record().position != position
    assert story.world.gateway.door.agents.get(TESTER).ceiling.level == 3
    before = story.world.gateway.door.agents.get(TESTER).ceiling
    story.world.app.ledger.rebuild()
    assert story.world.gateway.door.agents.get(TESTER).ceiling == before


def test_a_failed_drill_takes_the_place_of_a_passed_one(story: Story) -> None:
    story.write("incident.drilled", {"passed": True})
    assert checks.rollback(story.world.app.readiness.sources()).met
    story.write("incident.drilled", {"passed": False})
    assert not checks.rollback(story.world.app.readiness.sources()).met


def test_a_ledger_that_does_not_verify_meets_nothing(story: Story) -> None:
    story.propose()
    story.world.app.witness.checkpoint(story.world.app.ledger)
    assert checks.audit_trail(story.world.app.readiness.sources()).met
    broken = story.world.app.readiness.sources()
    broken.verified.bad(3, "entry 3 is not as it was signed")
    shown = checks.audit_trail(broken)
    assert not shown.met and "entry 3" in shown.figures


def test_the_plan_follows_from_the_ledger(story: Story) -> None:
    plan = story.world.app.readiness.assess().plan
    due = {each.title: each for each in plan.deliverables}
    assert plan.day == 1 and due["No agent in production in the first thirty days"].met
    assert not due["Data audit"].met and not any(each.met for each in plan.exit)
    story.world.app.quality.audit(SYSTEM, story.world.clock.now(), Actor("noah"))
    story.days(89)
    later = story.world.app.readiness.assess().plan
    assert later.day == 90 and {each.title: each for each in later.deliverables}["Data audit"].met
    assert len(CHECKS) == 10


ELSEWHERE = frozenset[str]()
"""Commands of rooms that write the entries read here."""


def test_every_command_that_is_recommended_exists(story: Story) -> None:
    import typer.main

    from pilothouse.surfaces.cli.main import app

    found = story.world.app.readiness.assess()
    named = {each.next for each in (*found.items, *found.plan.deliverables, *found.plan.exit)}
    named |= {each.next for each in story.gate().conditions} | {link for each in found.items for link in each.evidence}
    root = typer.main.get_command(app)
    for text in {each for each in named if each.startswith("pilothouse ")} - ELSEWHERE:
        command, words = root, text.split()[1:]
        while words and (subs := getattr(command, "commands", None)):
            assert words[0] in subs or getattr(command, "invoke_without_command", False), text
            command = subs.get(words.pop(0), command)
        assert command is not root, text
