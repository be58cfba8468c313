"""The printable audit: it says the numbers it drew, needs nothing from anywhere, and a hostile name stays a name."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.world import World
from typer.testing import CliRunner

from pilothouse.data.quality import Audit, Measure
from pilothouse.data.store import Observation
from pilothouse.surfaces.cli.main import app
from pilothouse.surfaces.reports.quality import quality_report
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.records import RecordRef, WriterKind

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def audit(*measures: Measure, position: int = 7) -> Audit:
    return Audit("crm", NOW, measures, position, NOW)


def of(name: str, sound: int, needed: float | None, group: str = "complete") -> Measure:
    return Measure(group, name, "account", sound, 100, needed, f"have {name}", ("crm/account/1",))


def test_every_chart_says_in_words_what_it_shows_and_nothing_is_fetched_or_run() -> None:
    html = quality_report([audit(of("required fields", 70, 0.8), of("city", 33, None, "filled"))], NOW)
    charts = re.findall(r'<svg role="img" aria-label="([^"]*)"', html)
    assert any("account: required fields 70.0%" in said for said in charts)
    assert any("city 33.0%" in said for said in charts)
    assert len(charts) == html.count("<svg ")
    assert "<script" not in html and not re.search(r'(?:src|href)\s*=\s*"(?!#)', html)


def test_it_tells_what_is_missed_and_how_far_it_moved_since_the_baseline() -> None:
    first, last = audit(of("required fields", 70, 0.8)), audit(of("required fields", 75, 0.8), position=90)
    html = quality_report([first, last], NOW)
    assert "1 of the 1 thresholds are not met" in html and "30 of 100" not in html and "25 of 100" in html
    assert "entry 7" in html and "+5.0" in html and "crm/account/1" in html
    assert "This is the first audit" in quality_report([first], NOW)


def test_what_was_not_measured_is_not_drawn_as_met() -> None:
    html = quality_report([audit(Measure("unique", "no duplicates", "account", 0, 0, 0.97, "Not measured."))], NOW)
    assert "no duplicates not measured" in html and "Every threshold is met" not in html


def test_a_hostile_name_stays_text() -> None:
    html = quality_report([audit(of("<script>alert(1)</script>", 1, 0.5))], NOW)
    assert "<script>" not in html


def test_no_audit_no_report() -> None:
    with pytest.raises(ValueError, match="needs an audit"):
        quality_report([], NOW)


def test_the_command_writes_it(world: World, tmp_path: Path) -> None:
    ref = RecordRef("crm", "account", "a1")
    seen = Observation(ref, {"name": "Alder"}, NOW, WriterKind.IMPORT, "t")
    world.app.store.observe([seen], Actor("gita"))
    where = str(world.app.workspace.root)
    done = CliRunner().invoke(app, ["quality", "-w", where, "--as", "gita", "--report", str(tmp_path / "q.html")])
    assert done.exit_code == 0, done.output
    assert "Data audit of crm" in (tmp_path / "q.html").read_text()
    gone = CliRunner().invoke(
        app, ["quality", "-w", where, "--as", "gita", "--report", str(tmp_path / "no" / "q.html")]
    )
    assert gone.exit_code == 1
