"""Enrichment: who is due, what is spent, what is remembered, and what becomes of an answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from tests.world import World

from pilothouse.agents.hygiene.agent import HygieneAgent
from pilothouse.assembly import SYSTEM, assemble
from pilothouse.data.enrichment.answers import Answer, Budget, Lookup, Outcome, Terms
from pilothouse.data.enrichment.enricher import Enricher
from pilothouse.data.enrichment.requests import requests, spending, spent
from pilothouse.data.enrichment.status import status
from pilothouse.data.identity.entities import attached_records, entities, entity_members
from pilothouse.data.store import Observation
from pilothouse.data.view import DataView
from pilothouse.gateway.agents import Manifest, load_manifests
from pilothouse.orchestration.runs import run_agent
from pilothouse.testing.scripted_provider import ScriptedProvider, found, not_found
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import Forbidden, InvalidInput
from pilothouse.vocabulary.findings import Finding
from pilothouse.vocabulary.records import RecordRef, WriterKind
from pilothouse.vocabulary.verdicts import Mode

A1 = RecordRef(SYSTEM, "account", "a1")
FACTS = {"industry": "software", "employee_count": 120, "phone": "+49 30 1234567"}


def enricher(world: World, *providers: ScriptedProvider) -> Enricher:
    app = world.app
    return Enricher(app.ledger, app.enricher.knowledge, app.directory, world.clock, providers)


def everybody(answer: Answer | None = None) -> dict[str, Answer]:
    return {f"Alder {n}": answer or found(FACTS) for n in range(1, 9)}


def told(world: World, ident: str, at_days_ago: int = 0, kind: WriterKind = WriterKind.IMPORT, **fields: Any) -> None:
    ref = RecordRef(SYSTEM, "account", ident)
    at = world.clock.now() - timedelta(days=at_days_ago)
    world.app.store.observe([Observation(ref, fields, at, kind, "gita")], Actor("gita"))


def findings(world: World) -> list[Finding]:
    app = world.app
    now = world.clock.now()
    view = DataView(app.store, app.entities, app.contracts["hygiene"], app.definitions, now, SYSTEM)
    return list(HygieneAgent().propose(view, now))


def rows(world: World, *tables: Any) -> list[list[Any]]:
    with world.app.ledger.engine.connect() as connection:
        return [sorted(map(tuple, connection.execute(select(table)))) for table in tables]


def test_answers_become_a_source_of_their_own_with_provenance(world_on_each_store: World) -> None:
    world = world_on_each_store
    provider = ScriptedProvider(everybody())
    run = enricher(world, provider).run(provider, "gita")
    assert (run.outcomes["found"], run.credits, run.values) == (8, 8, 24)
    value = world.app.store.field(RecordRef("scripted", "account", "crm.a1"), "industry")
    assert value and (value.value, value.writer_kind, value.writer) == ("software", WriterKind.ENRICHMENT, "scripted")
    assert world.app.store.field(A1, "industry") is None  # the CRM's record is as it was
    assert world.read("account", "a1")["industry"] is None


def test_a_second_run_asks_nobody_until_the_answers_are_old(world: World) -> None:
    script = everybody()
    del script["Alder 8"]  # not found
    provider = ScriptedProvider(script, terms=Terms(1, Budget(100, "month"), cache_days=90, not_found_days=30))
    mine = enricher(world, provider)
    mine.run(provider, "gita")
    assert len(provider.asked) == 8 and mine.run(provider, "gita").plan.due == []
    world.clock.advance(timedelta(days=31))
    mine.run(provider, "gita")
    assert [each.given["name"] for each in provider.asked[8:]] == ["Alder 8"]
    world.clock.advance(timedelta(days=150))  # employee_count may be 180 days old: 181 now
    again = mine.plan(provider)
    assert {due.stale for due in again.due if not due.missing} == {("employee_count",)} and len(again.due) == 8
    mine.run(provider, "gita")
    assert mine.plan(provider).due == []  # the same values told again are as young as their last word


def test_what_is_held_fresh_anywhere_is_not_bought(world: World) -> None:
    for number in range(1, 9):
        told(world, f"a{number}", **FACTS)
    provider = ScriptedProvider(everybody())
    plan = enricher(world, provider).plan(provider)
    assert plan.due == [] and plan.passed_over["nothing is missing or stale"] == 8


def test_the_account_with_the_most_open_pipeline_comes_first(world: World) -> None:
    deal = {"name": "Big", "stage": "Proposal", "account": "a5", "amount": 90_000}
    lost = {"name": "Gone", "stage": "Closed Lost", "account": "a2", "amount": 900_000}
    for ident, fields in (("o5", deal), ("o2", lost)):
        ref = RecordRef(SYSTEM, "opportunity", ident)
        seen = Observation(ref, fields, world.clock.now(), WriterKind.IMPORT, "gita")
        world.app.store.observe([seen], Actor("gita"))
    provider = ScriptedProvider(everybody())
    run = enricher(world, provider).run(provider, "gita", limit=2)
    assert [each.given["name"] for each in provider.asked] == ["Alder 5", "Alder 1"]
    assert run.plan.due[0].pipeline == 90_000


def test_the_budget_is_never_exceeded_by_runs_at_once(world_on_each_store: World) -> None:
    world = world_on_each_store
    terms = Terms(2, Budget(7, "month"))
    providers = [ScriptedProvider(everybody(), terms=terms) for _ in range(4)]
    worlds = [world, *(world.reopened() for _ in range(3))]
    start = threading.Barrier(4)

    def go(each: World, provider: ScriptedProvider) -> None:
        start.wait()
        enricher(each, provider).run(provider, "gita")

    threads = [threading.Thread(target=go, args=pair) for pair in zip(worlds, providers, strict=True)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    asked = [each.given["name"] for provider in providers for each in provider.asked]
    assert len(asked) == 3 and len(set(asked)) == 3  # 3 × 2 ≤ 7, and nobody asked about the same
    with world.app.ledger.engine.connect() as connection:
        assert spent(connection, "scripted", "2026-01") == 6
    for each in worlds[1:]:
        each.app.close()


@given(
    st.lists(st.sampled_from(["found", "not_found", "unanswered", "later"]), min_size=1, max_size=8), st.integers(0, 9)
)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_credits_are_what_was_charged_and_within_the_budget(
    new_world: Callable[..., World], outcomes: list[str], credits: int
) -> None:
    world = new_world()
    script = {
        f"Alder {n}": found(FACTS) if word == "found" else Answer(Outcome(word), word == "unanswered", wait=0.0)
        for n, word in enumerate(outcomes, 1)
    }
    provider = ScriptedProvider(script, terms=Terms(1, Budget(credits, "day")))
    mine = enricher(world, provider)
    run = mine.run(provider, "gita")
    charged = sum(script.get(each.given["name"], not_found()).charged for each in provider.asked)
    assert run.credits == charged <= credits and mine.left(provider) == credits - charged
    [table] = rows(world, spending)
    world.app.ledger.rebuild()
    assert rows(world, spending) == [table]
    world.clock.advance(timedelta(days=1))
    assert mine.left(provider) == credits  # another day, another budget


def test_a_crash_in_the_middle_loses_neither_the_record_nor_the_credit(world_on_each_store: World) -> None:
    world = world_on_each_store

    class Crash(BaseException):
        pass

    def crash(lookup: Lookup) -> None:
        raise Crash

    provider = ScriptedProvider(everybody(), meanwhile=crash)
    with pytest.raises(Crash):
        enricher(world, provider).run(provider, "gita")
    after = world.reopened()
    calm = ScriptedProvider(everybody())
    mine = enricher(after, calm)
    assert mine.left(calm) == 99
    assert mine.plan(calm).passed_over["asked, and not answered yet"] == 1
    mine.run(calm, "gita")
    assert "Alder 1" not in {each.given["name"] for each in calm.asked} and len(calm.asked) == 7
    after.clock.advance(timedelta(days=2))
    mine.run(calm, "gita")
    assert calm.asked[-1].given["name"] == "Alder 1"
    after.app.close()


def test_the_projections_are_the_same_after_a_rebuild(world_on_each_store: World) -> None:
    world = world_on_each_store
    provider = ScriptedProvider(everybody())
    enricher(world, provider).run(provider, "gita", limit=5)
    tables = (requests, spending, attached_records, entities, entity_members)
    before = rows(world, *tables)
    world.app.ledger.rebuild()
    assert rows(world, *tables) == before and len(before[0]) == 5


def test_a_faulty_provider_is_a_broken_answer_and_then_left_alone(world: World) -> None:
    def fail(lookup: Lookup) -> None:
        raise RuntimeError("secret-key-123")

    provider = ScriptedProvider(everybody(), meanwhile=fail)
    mine = enricher(world, provider)
    run = mine.run(provider, "gita")
    assert run.outcomes["broken"] == 5 and "the last 5 requests to scripted failed" in run.stopped
    assert mine.run(provider, "gita").outcomes.total() == 0
    assert not [e for e in world.app.ledger.entries() if "secret-key-123" in str(e.body)]
    world.clock.advance(timedelta(minutes=16))
    assert mine.run(provider, "gita").outcomes["broken"] == 1  # one request shows that it has not recovered
    world.clock.advance(timedelta(minutes=16))
    well = ScriptedProvider(everybody())
    assert enricher(world, well).run(well, "gita").outcomes["found"] == 2


@pytest.mark.parametrize("outcome", [Outcome.LATER, Outcome.NO_CREDITS, Outcome.REFUSED])
def test_what_asks_for_patience_or_people_ends_the_run(world: World, outcome: Outcome) -> None:
    provider = ScriptedProvider(everybody(Answer(outcome, False, "it said so.", wait=600)))
    mine = enricher(world, provider)
    run = mine.run(provider, "gita")
    assert (len(provider.asked), run.credits, "it said so" in run.stopped) == (1, 0, True)
    mine.run(provider, "gita")
    assert len(provider.asked) == (1 if outcome is Outcome.LATER else 2)
    world.clock.advance(timedelta(seconds=601))
    mine.run(provider, "gita")
    assert len(provider.asked) == (2 if outcome is Outcome.LATER else 3)
    shown = status(world.app.ledger, mine.knowledge, [provider], world.clock.now())
    assert shown.providers[0].troubles[0].sentence == "it said so."


def test_who_may_not_spend_does_not(world: World) -> None:
    provider = ScriptedProvider(everybody())
    mine = enricher(world, provider)
    for person in ("ravi", "rosa", "iris"):
        with pytest.raises(Forbidden):
            mine.run(provider, person)
    provider.why_unready = "set APOLLO_API_KEY."
    with pytest.raises(InvalidInput, match="set APOLLO_API_KEY"):
        mine.run(provider, "gita")
    assert provider.asked == []


def test_who_is_who_is_known_without_comparing_and_lasts(world: World) -> None:
    provider = ScriptedProvider(everybody())
    enricher(world, provider).run(provider, "gita")
    app = world.app
    theirs = RecordRef("scripted", "account", "crm.a1")
    entity = app.entities.of(A1)
    assert entity and entity.members == (A1, theirs) and app.resolver.due() == []
    before = {ref: app.entities.of(RecordRef(SYSTEM, "account", ref)) for ref in ("a1", "a2")}
    app.resolver.resolve("account")
    assert {ref: app.entities.of(RecordRef(SYSTEM, "account", ref)) for ref in ("a1", "a2")} == before
    app.resolver.judge(A1, theirs, same=False, by="ravi", why="another Alder")
    app.resolver.resolve("account")
    alone = app.entities.of(A1)
    assert alone and theirs not in alone.members
    assert not [each for each in findings(world) if each.record == A1 and each.kind == "fill_empty"]


def test_an_empty_field_is_filled_and_a_persons_value_is_for_a_person(world: World) -> None:
    app = world.app
    app.gateway.door.agents.register(_manifest(world), by="ada")
    for kind in ("crm.account.update:fill-empty", "crm.account.update"):
        world.promote(kind, Mode.LIVE, bulk_allowance=20, agent="hygiene@1")
    app.twin.edit_as("rosa", "account", "a1", {"employee_count": 40})
    app.take_in()
    provider = ScriptedProvider({"Alder 1": found({"industry": "software", "employee_count": 120})})
    enricher(world, provider).run(provider, "gita")
    proposals = {f.field: f for f in findings(world) if f.record == A1 and f.proposal}
    assert proposals["industry"].kind == "fill_empty" and proposals["employee_count"].kind == "differs"
    report = run_agent(
        app.gateway, HygieneAgent(), "gita", store=app.store, entities=app.entities, definitions=app.definitions,
        system=SYSTEM, as_of=world.clock.now(),
    )  # fmt: skip
    result = {next(iter(r.action.arguments)): r for r in report.results if r.action.target == A1}
    assert (result["industry"].status, result["industry"].verdict.tier) == ("executed", "T1")
    held = result["employee_count"]
    assert (held.status, held.verdict.tier) == ("held", "T2") and "rosa wrote employee_count = 40" in held.sentence
    assert world.read("account", "a1")["industry"] == "software"


def _manifest(world: World) -> Manifest:
    return next(each.model for each in load_manifests(world.root / "agents") if each.model.name == "hygiene")


@pytest.mark.parametrize(
    ("ours", "ours_age", "theirs", "theirs_age", "differs"),
    [
        ({"country": "USA"}, 0, {"country": "United States"}, 0, False),
        ({"employee_count": 100}, 10, {"employee_count": 120}, 0, False),
        ({"employee_count": 100}, 10, {"employee_count": 130}, 0, True),
        ({"employee_count": 100}, 10, {"employee_count": 130}, 20, False),  # ours is newer
        ({"employee_count": 100}, 400, {"employee_count": 130}, 100, True),
        ({"employee_count": 100}, 400, {"employee_count": 130}, 350, False),  # theirs is stale by now
        ({"phone": "030 1234567"}, 10, {"phone": "+49 30 1234567"}, 0, False),
        ({"industry": "Software "}, 10, {"industry": "software"}, 0, False),
        ({"industry": "retail"}, 10, {"industry": "software"}, 0, True),
    ],
)
def test_only_a_later_and_other_value_is_a_contradiction(
    world: World, ours: dict[str, Any], ours_age: int, theirs: dict[str, Any], theirs_age: int, differs: bool
) -> None:
    told(world, "a1", ours_age, **ours)
    at = world.clock.now() - timedelta(days=theirs_age)
    provider = ScriptedProvider({"Alder 1": found(theirs, at=at)}, fields=frozenset({*theirs, "founded_year"}))
    enricher(world, provider).run(provider, "gita")
    seen = [f for f in findings(world) if f.record == A1 and f.kind == "differs" and f.field in theirs]
    assert bool(seen) == differs


def test_an_uncertain_match_makes_an_unsure_proposal(world: World) -> None:
    provider = ScriptedProvider({"Alder 1": found(FACTS, likelihood=0.6)})
    enricher(world, provider).run(provider, "gita")
    [found_industry] = [f for f in findings(world) if f.record == A1 and f.field == "industry" and f.proposal]
    assert found_industry.proposal and found_industry.proposal.confidence == pytest.approx(0.6)
    assert "asked for crm/account/a1, sure to 0.60" in found_industry.sentence


def test_what_tells_about_a_person_is_private_and_can_be_erased(world: World) -> None:
    answer = found({"title": "Head of Sales", "phone": "+49 30 9999999"})
    provider = ScriptedProvider(
        {"c1@alder.example": answer}, object="contact", fields=frozenset({"title", "phone"}), asks_by=(("email",),)
    )
    enricher(world, provider).run(provider, "gita")
    ledger = world.app.ledger
    open_text = str([(e.body, e.subject) for e in ledger.entries() if e.kind.startswith(("enrichment", "record"))])
    assert "c1@alder.example" not in open_text and "Head of Sales" not in open_text
    theirs = RecordRef("scripted", "contact", "crm.c1")
    assert world.app.store.field(theirs, "title") is not None
    ledger.erase(str(theirs), Actor("ada"), "asked for")
    ledger.erase("crm/contact/c1", Actor("ada"), "asked for")
    gone = world.app.store.field(theirs, "title")
    assert gone is None or gone.value is None
    assert provider.asked[0].given == {"email": "c1@alder.example"}


def test_a_world_without_providers_says_what_to_do(world: World) -> None:
    app = world.app
    shown = status(app.ledger, app.enricher.knowledge, app.enricher.providers, world.clock.now())
    assert shown.providers == () and "enrichment/" in shown.note
    industry = next(each for each in shown.freshness if (each.object, each.field) == ("account", "industry"))
    assert (industry.records, industry.missing, industry.max_age_days) == (8, 8, 365)
    given = assemble(app.workspace, world.clock, enrichment=[ScriptedProvider()])
    assert [each.name for each in given.enricher.providers] == ["scripted"]
    given.close()
