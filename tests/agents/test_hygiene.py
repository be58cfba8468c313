"""The hygiene agent finds what was planted, says how sure it is, and proposes the same act at every run."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.world import World

from pilothouse.agents.hygiene.agent import HygieneAgent
from pilothouse.agents.hygiene.spelling import likely_meant
from pilothouse.assembly import SYSTEM
from pilothouse.data.importing.importer import import_files
from pilothouse.data.view import DataView
from pilothouse.demo.company import generate
from pilothouse.demo.stage import Stage, set_stage
from pilothouse.testing.clock import TestClock
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.findings import Finding

MAVEN = Path(__file__).resolve().parents[3] / "shared" / "data" / "maven_crm"
MAPPING = str(Path(__file__).resolve().parents[1] / "fixtures" / "maven_crm.yaml")


def findings(world: World, as_of: datetime) -> list[Finding]:
    app = world.app
    view = DataView(app.store, app.entities, app.contracts["hygiene"], app.definitions, as_of, SYSTEM)
    return list(HygieneAgent().propose(view, as_of))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return set_stage(tmp_path_factory.mktemp("demo") / "w", clock=TestClock())


def test_the_public_set_shows_its_defects_without_a_rule_for_it(world: World) -> None:
    if not MAVEN.exists():
        pytest.skip("the public sets are not beside this checkout")
    app = world.app
    report = import_files(
        app.ledger, app.store, [MAVEN], MAPPING, system="maven", actor=Actor("gita"), clock=world.clock
    )
    assert (report.objects["opportunity"], report.objects["account"], report.quarantined) == (8800, 85, 0)
    as_of = app.newest_day("maven")
    view = DataView(
        app.store, app.entities, app.contracts["hygiene"], app.definitions, as_of or world.clock.now(), "maven"
    )
    found = list(HygieneAgent().propose(view, view.as_of))
    counts = Counter(finding.kind for finding in found)
    assert (counts["missing_account"], counts["missing_engaged_date"], counts["orphan"]) == (1425, 500, 1480)
    assert counts["phantom"] == 1291
    orphans = [f.proposal for f in found if f.kind == "orphan"]
    assert {(p.arguments["product"], p.confidence) for p in orphans if p} == {("GTX Pro", 0.93)}
    mended = {
        p.arguments.get("industry", p.arguments.get("country"))
        for f in found
        if f.kind == "misspelt" and (p := f.proposal)
    }
    assert mended == {"technology", "Philippines"}


def test_values_that_nobody_confirmed_for_too_long_are_told_of(stage: Stage) -> None:
    outdated = {str(f.record): f for f in stage.run.findings if f.kind == "outdated"}
    store, now = stage.app.store, stage.app.clock.now()
    alone = [r for r in store.records("account", SYSTEM) if len(stage.app.golden.now(r.ref, now).members) == 1]
    for record in alone:
        told = [record.fields[n].at for n in ("employee_count", "annual_revenue") if record.value(n) is not None]
        old = any(stage.run.as_of - at > timedelta(days=365) for at in told)
        assert (str(record.ref) in outdated) == old
    assert all(f.proposal is None and "is good for" in f.sentence for f in outdated.values())


def test_everything_planted_in_the_generated_company_is_found(stage: Stage) -> None:
    seen = {(f.record.id, f.field): f for f in stage.run.findings}
    flagged = {(f.record.id, f.kind.partition("_")[0]) for f in stage.run.findings}
    missed = []
    for defect in stage.company.truth:
        if defect.kind in ("phantom", "stale", "contradiction"):
            found = (defect.record, defect.kind) in flagged or (defect.record, "contradiction") in flagged
        elif defect.kind == "empty":
            found = (defect.record, defect.field) in seen or defect.field == "phone"  # only billing knows phones
        else:
            found = (defect.record, defect.field) in seen
        missed += [] if found else [defect]
    assert missed == []


def test_what_it_proposes_is_right_and_never_certain(stage: Stage) -> None:
    right = {(d.record, d.field): d.right for d in stage.company.truth if d.right is not None}
    proposed = [f for f in stage.run.findings if f.kind in ("fill_empty", "misspelt", "orphan") and f.proposal]
    judged = [
        (right[(f.record.id, f.field)], f.proposal.arguments[f.field])
        for f in proposed
        if f.proposal and (f.record.id, f.field) in right
    ]
    assert len(judged) > 100 and all(wanted == got for wanted, got in judged)
    assert all(f.proposal.confidence < 1 and f.proposal.evidence for f in stage.run.findings if f.proposal)


def test_the_demo_shows_every_outcome_and_the_twin_agrees(stage: Stage) -> None:
    statuses = stage.run.statuses
    assert all(statuses[status] >= 3 for status in ("executed", "held", "refused", "shadowed")), statuses
    committed = [row for row in stage.app.twin.journal() if row["credential"] == "pilothouse" and row["committed"]]
    assert len(committed) == statuses["executed"]


def test_a_second_run_proposes_the_same_acts_and_does_nothing_twice(stage: Stage) -> None:
    from pilothouse.demo.stage import run_hygiene

    before = len(stage.app.twin.journal())
    again = run_hygiene(stage.app, "gita", stage.run.as_of)
    assert again.statuses["executed"] == sum(r.replayed for r in again.results if r.status == "executed")
    assert not [row for row in stage.app.twin.journal()[before:] if row["committed"]]


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    day = datetime(2026, 1, 14, tzinfo=UTC).date()
    for name in ("one", "two"):
        company = generate(tmp_path / name, seed=3, as_of=day)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.csv"))
    assert len(files) >= 8 and all(
        (tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files
    )
    deals = company.tables[("crm", "opportunities")]
    still_open = sum(row["IsClosed"] == "false" for row in deals)
    assert still_open >= 80 and len(deals) - still_open >= 400
    assert len(company.tables[("crm", "accounts")]) >= 200 and len(company.tables[("crm", "contacts")]) >= 600


@pytest.mark.parametrize(
    ("value", "field", "counts", "meant"),
    [
        ("technolgy", "industry", {"technolgy": 9, "retail": 9}, "technology"),
        ("Philipines", "country", {"Philipines": 1}, "Philippines"),
        ("GERMANY", "country", {"GERMANY": 1, "Germany": 5}, "Germany"),
        ("retail", "industry", {"retail": 3}, None),
        ("Marketo Inc", "kind", {"Marketo Inc": 1, "Marketa Inc": 2}, None),
        ("Calll", "kind", {"Calll": 1, "Call": 40}, "Call"),
    ],
)
def test_what_was_probably_meant(value: str, field: str, counts: dict[str, int], meant: str | None) -> None:
    answer = likely_meant(value, field, Counter(counts))
    assert (answer[0] if answer else None) == meant


def test_deals_that_contradict_themselves_are_flagged(world: World) -> None:
    from pilothouse.data.store import Observation
    from pilothouse.vocabulary.records import RecordRef, WriterKind

    deals = {
        "x1": {"name": "d", "stage": "Closed Won", "is_won": False, "close_date": "2026-01-02"},
        "x2": {"name": "d", "stage": "Closed Lost"},
        "x3": {"name": "d", "stage": "Won", "engaged_date": "2026-01-05", "close_date": "2026-01-01"},
        "x4": {"name": "d", "stage": "Prospecting", "is_closed": True, "close_date": "2026-01-01"},
        "x5": {"name": "d", "stage": "Prospecting"},
    }
    now = world.clock.now()
    told = [
        Observation(RecordRef("crm", "opportunity", ident), fields, now, WriterKind.IMPORT, "t")
        for ident, fields in deals.items()
    ]
    world.app.store.observe(told, Actor("gita"))
    flagged = {f.record.id for f in findings(world, now) if f.kind == "contradiction"}
    assert flagged == {"x1", "x2", "x3", "x4"}


def test_a_record_is_flagged_once_for_everything_and_not_again(world: World) -> None:
    """Two findings on one record do not overwrite each other's flag at every run."""
    now = world.clock.now()
    deals: list[tuple[str, str, dict[str, Any]]] = [
        ("opportunity", "odd", {"name": "Odd", "stage": "Closed Won", "is_closed": False, "close_date": "2025-12-01"})
    ]
    deals += [("opportunity", "fine", {"name": "Fine", "stage": "Proposal", "account": "a1", "owner": "rosa"})]
    world.app.twin.seed(deals)
    world.app.take_in()
    mine = [f for f in findings(world, now) if f.record.id == "odd"]
    [proposal] = [f.proposal for f in mine if f.proposal is not None]
    assert proposal.arguments["code"] == "contradiction, missing_required" and len({f.kind for f in mine}) > 2
    assert "owner" in str(proposal.arguments["note"]) and "says that it is closed (is_closed = no)" in str(
        proposal.arguments["note"]
    )
    text = f"{proposal.arguments['code']}: {proposal.arguments['note']}"
    world.app.twin.edit_as("rosa", "opportunity", "odd", {"flags": text})
    world.app.take_in()
    assert [f.proposal for f in findings(world, now) if f.record.id == "odd"] == [None] * len(mine)
    world.app.twin.edit_as("rosa", "opportunity", "odd", {"owner": "rosa", "account": "a1"})
    world.app.take_in()
    again = [f.proposal for f in findings(world, now) if f.record.id == "odd" and f.proposal]
    assert [each.arguments["code"] for each in again] == ["contradiction"]
