"""The data audit: right numbers on data whose defects are known, a baseline that stays, and nothing unmeasured counted as met."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.world import World

from pilothouse.data.importing.importer import import_files
from pilothouse.data.quality import Audit, Measure, change
from pilothouse.data.store import Observation
from pilothouse.demo.stage import Stage, set_stage
from pilothouse.testing.clock import TestClock
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.records import RecordRef, WriterKind
from pilothouse.vocabulary.values import Json

MAVEN = Path(__file__).resolve().parents[3] / "shared" / "data" / "maven_crm"
MAPPING = str(Path(__file__).resolve().parents[1] / "fixtures" / "maven_crm.yaml")
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def missing(audit: Audit, key: str) -> int:
    measure = audit.by_key()[key]
    return measure.of - measure.sound


def tell(world: World, **records: Mapping[str, Json]) -> None:
    refs = {name: RecordRef("x", name.split("_")[0], name) for name in records}
    seen = [Observation(refs[name], fields, NOW, WriterKind.IMPORT, "t") for name, fields in records.items()]
    world.app.store.observe(seen, Actor("gita"))


def test_the_public_set_is_measured_as_it_is(world: World) -> None:
    if not MAVEN.exists():
        pytest.skip("the public sets are not beside this checkout")
    app = world.app
    import_files(app.ledger, app.store, [MAVEN], MAPPING, system="maven", actor=Actor("gita"), clock=world.clock)
    audit = app.quality.audit("maven", app.newest_day("maven") or NOW, Actor("gita"))
    assert missing(audit, "opportunity.filled.account") == 1425
    assert missing(audit, "opportunity.filled.engaged_date") == 500
    assert missing(audit, "opportunity.reference.product") == 1480
    assert missing(audit, "opportunity.pipeline.no phantoms") == 1291
    required = audit.by_key()["opportunity.complete.required fields"]
    assert required.of == 8800 and required.met is True
    duplicates = audit.by_key()["account.unique.no duplicates"]
    assert duplicates.share is None and duplicates.met is False and "resolve" in duplicates.sentence


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return set_stage(tmp_path_factory.mktemp("demo") / "w", clock=TestClock())


def test_the_generated_company_shows_its_planted_defects_and_what_the_agent_mended(stage: Stage) -> None:
    baseline, latest = stage.app.quality.baseline("crm"), stage.app.quality.latest("crm")
    assert baseline is not None and latest is not None and baseline.position != latest.position
    planted = stage.company.planted
    empty = [
        d for d in stage.company.truth if d.kind in ("empty", "disputed")
    ]  # what other sources dispute is empty here
    for field in ("industry", "employee_count"):
        assert missing(baseline, f"account.filled.{field}") == sum(d.field == field for d in empty)
    assert missing(latest, "opportunity.pipeline.no phantoms") == planted["phantom"]
    mended = change(latest.by_key()["account.filled.industry"], baseline.measures)
    assert mended is not None and mended > 0.05
    assert latest.by_key()["account.unique.no duplicates"].met is True


def test_the_baseline_is_the_first_audit_for_good(world_on_each_store: World) -> None:
    world = world_on_each_store
    tell(world, account_1={"name": "Alder", "industry": None, "country": "Germany"})
    first = world.app.quality.audit("x", NOW, Actor("gita"))
    tell(world, account_1={"industry": "foods"})
    second = world.app.quality.audit("x", NOW, Actor("gita"))
    assert world.app.quality.baseline("x") == first and world.app.quality.latest("x") == second
    now = second.by_key()["account.complete.required fields"]
    assert change(now, first.measures) == 1.0 and now.met is True
    assert first.by_key()["account.complete.required fields"].examples == ("x/account/account_1",)


@pytest.mark.parametrize(
    ("deal", "agrees"),
    [
        ({"stage": "Proposal", "close_date": "2026-07-01"}, True),
        ({"stage": "Proposal", "close_date": "2026-05-01"}, False),  # its day has passed, and it is still open
        ({"stage": "Proposal", "is_closed": True, "close_date": "2026-07-01"}, False),
        ({"stage": "Closed Lost", "close_date": "2026-05-01", "is_closed": False}, False),
        ({"stage": "Closed Lost", "close_date": "2026-05-01", "is_won": True}, False),
        ({"stage": "Closed Won"}, False),  # closed, and nobody knows when
        ({"stage": "Closed Won", "close_date": "2026-05-01", "is_won": True}, True),
        ({"stage": "Somewhere"}, False),
    ],
)
def test_a_stage_and_the_facts_agree_or_do_not(world: World, deal: dict[str, Json], agrees: bool) -> None:
    tell(world, opportunity_1=deal)
    audit = world.app.quality.audit("x", NOW, Actor("gita"))
    assert audit.by_key()["opportunity.definition.stage and facts agree"].sound == int(agrees)


def test_nothing_measured_is_never_met() -> None:
    assert Measure("g", "n", "o", 0, 0, 0.5, "nothing").met is False
    assert Measure("g", "n", "o", 0, 0, None, "nothing").met is None
    assert Measure("g", "n", "o", 1, 2, 0.5, "half").met is True
