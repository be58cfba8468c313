"""What runs by the clock: each time once, in a person's name, made up for once, and recorded with how it ended."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from tests.world import World
from typer.testing import CliRunner

from pilothouse.assembly import App, assemble
from pilothouse.data.enrichment.answers import Budget, Terms
from pilothouse.orchestration.schedules.jobs import Done, Jobs
from pilothouse.orchestration.schedules.projection import BEGUN, ENDED, ScheduleProjector
from pilothouse.orchestration.schedules.reading import load_schedules
from pilothouse.orchestration.schedules.times import cron, every
from pilothouse.surfaces import server
from pilothouse.surfaces.cli.main import app as cli
from pilothouse.testing.scripted_provider import ScriptedProvider
from pilothouse.vocabulary.actors import SYSTEM_PERSON
from pilothouse.vocabulary.documents import DocumentError
from pilothouse.vocabulary.errors import Forbidden, NotFound

HOURLY = "  - {name: count, do: quality, as: gita, every: 1h}\n"


def declare(world: World, text: str, **more: object) -> App:
    """Write the schedules down and open the workspace anew."""
    (world.root / "schedules" / "schedules.yaml").write_text(f"version: 1\nschedules:\n{text}")
    return assemble(world.app.workspace, world.clock, **more)  # type: ignore[arg-type]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    done: list[str] = []

    def do(self: Jobs, schedule: object) -> Done:
        done.append(schedule.name)  # type: ignore[attr-defined]
        time.sleep(0.05)
        return Done({"n": len(done)}, "counted.")

    monkeypatch.setattr(Jobs, "do", do)
    yield done


def test_a_due_time_runs_once_and_is_recorded(world_on_each_store: World) -> None:
    world = world_on_each_store
    app = declare(world, HOURLY)
    assert app.scheduler.tend() == []  # new: it has missed nothing
    world.clock.advance(timedelta(minutes=59))
    assert app.scheduler.tend() == []
    world.clock.advance(timedelta(minutes=1))
    (run,) = app.scheduler.tend()
    assert (run.outcome, run.due, run.person) == ("done", datetime(2026, 1, 14, 10, tzinfo=UTC), "gita")
    assert app.scheduler.tend() == []
    begun, ended = app.ledger.entries(kinds={BEGUN, ENDED})
    assert begun.actor.person == "gita" and ended.body["outcome"] == "done"
    assert "measures are below" in str(ended.body["sentence"]) and app.quality.latest("crm") is not None

    def rows() -> list[object]:
        with app.ledger.engine.connect() as connection:
            return [tuple(row) for t in ScheduleProjector.tables for row in connection.execute(select(t))]

    before = rows()
    app.ledger.rebuild()
    assert rows() == before
    app.close()


def test_missed_times_are_made_up_for_once(world: World, counted: list[str]) -> None:
    declare(world, HOURLY).scheduler.tend()
    world.clock.advance(timedelta(days=3))  # nobody was there
    app = declare(world, HOURLY)
    assert len(app.scheduler.tend()) == 1 and app.scheduler.tend() == []
    # Other times begin anew, and so does a pause that ends.
    for text in (HOURLY.replace("1h", "2h"), HOURLY.replace("1h}", "2h, paused: true}"), HOURLY.replace("1h", "2h")):
        world.clock.advance(timedelta(days=1))
        assert declare(world, text).scheduler.tend() == []
    assert counted == ["count"]


def test_two_servers_do_not_both_run_a_time(world_on_each_store: World, counted: list[str]) -> None:
    world = world_on_each_store
    servers = [declare(world, HOURLY), *(assemble(world.app.workspace, world.clock) for _ in range(2))]
    servers[0].scheduler.tend()
    for hours in range(1, 4):
        world.clock.advance(timedelta(hours=1))
        threads = [threading.Thread(target=each.scheduler.tend) for each in servers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(counted) == hours
    assert [run.outcome for run in servers[0].scheduler.runs("count")] == ["done"] * 3
    for each in servers:
        each.close()


def test_a_run_that_was_cut_off_is_told_and_not_run_again(
    world_on_each_store: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_on_each_store
    app = declare(world, HOURLY)
    app.scheduler.tend()
    world.clock.advance(timedelta(hours=1))

    def killed(*_: object) -> Done:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Jobs, "do", killed)
        with pytest.raises(KeyboardInterrupt):
            app.scheduler.tend()
    assert next(app.scheduler.runs("count")).outcome == ""
    again = declare(world, HOURLY)
    again.scheduler.close_cut_off()
    assert next(again.scheduler.runs("count")).outcome == "cut off"
    assert again.scheduler.tend() == []
    world.clock.advance(timedelta(hours=1))
    assert [run.outcome for run in again.scheduler.tend()] == ["done"]
    again.close()


def test_a_run_that_lasts_is_not_told_as_cut_off(world_on_each_store: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_on_each_store
    app, other = declare(world, HOURLY), declare(world, HOURLY)
    app.scheduler.tend()
    world.clock.advance(timedelta(hours=1))
    seen: list[str] = []

    def lasting(*_: object) -> Done:
        world.clock.advance(timedelta(hours=2))  # the next time comes while it runs
        other.scheduler.close_cut_off()
        assert other.scheduler.tend() == []
        seen.append(next(other.scheduler.runs("count")).outcome)
        return Done({}, "it lasted.")

    monkeypatch.setattr(Jobs, "do", lasting)
    assert [run.outcome for run in app.scheduler.tend()] == ["done"] and seen == [""]
    app.close()
    other.close()


def test_a_job_runs_in_its_persons_name_and_with_their_rights(world: World) -> None:
    provider = ScriptedProvider({}, name="vendor", terms=Terms(1, Budget(3, "month")))
    text = (
        "  - {name: mine, do: enrich vendor, as: gita, every: 1d}\n"
        "  - {name: theirs, do: enrich vendor, as: rosa, every: 1d}\n"
        "  - {name: nobodys, do: pipeline, as: zoe, every: 1d}\n"
    )
    app = declare(world, text, enrichment=[provider])
    app.scheduler.tend()
    world.clock.advance(timedelta(days=1))
    runs = {run.schedule: run for run in app.scheduler.tend()}
    assert runs["mine"].outcome == "done" and runs["mine"].result["outcomes"]  # type: ignore[index, call-overload]
    asked = next(iter(app.ledger.entries(kinds={"enrichment.requested"})))
    assert asked.actor.person == "gita"
    assert runs["theirs"].outcome == "failed" and "may not have enrich done" in runs["theirs"].sentence
    assert runs["nobodys"].outcome == "failed" and "no person 'zoe'" in runs["nobodys"].sentence
    # Who may not have it done cannot have it done in another's name either.
    with pytest.raises(Forbidden):
        app.scheduler.run_now("mine", "rosa")
    assert app.scheduler.run_now("mine", "noah").asked_by == "noah"
    with pytest.raises(NotFound, match="no schedule 'else'"):
        app.scheduler.run_now("else", "noah")
    app.close()


def test_every_job_does_what_the_command_does(world: World) -> None:
    jobs = ("resolve", "quality", "pipeline", "run hygiene")
    app = declare(world, "".join(f"  - {{name: j{n}, do: {do}, as: gita, every: 1d}}\n" for n, do in enumerate(jobs)))
    from pilothouse.gateway.agents import load_manifests

    for document in load_manifests(world.root / "agents"):
        app.gateway.door.agents.register(document.model, by="ada")
    outcomes = {
        each.schedule.job: app.scheduler.run_now(each.schedule.name, "gita") for each in app.scheduler.standing()
    }
    assert {job: run.outcome for job, run in outcomes.items()} == dict.fromkeys(outcomes, "done"), outcomes
    kinds = {entry.kind for entry in app.ledger.entries()}
    assert {"quality.audited", "pipeline.measured", "run.finished"} <= kinds
    app.close()


@pytest.mark.parametrize(
    ("line", "says", "at"),
    [
        ("{name: a, do: dance, as: gita, every: 1h}", "nothing is called 'dance'", 3),
        ("{name: a, do: quality now, as: gita, every: 1h}", "quality takes no name", 3),
        ("{name: a, do: run nobody, as: gita, every: 1h}", "run knows no 'nobody'; there is: hygiene", 3),
        ("{name: a, do: enrich x, as: gita, every: 1h}", "enrich knows no 'x'; there is: none is set up", 3),
        ("{name: a, do: quality, as: system, every: 1h}", "system's name", 3),
        ("{name: a, do: quality, every: 1h}", "as: this field is missing", 3),
        ("{name: a, do: quality, as: gita}", "either cron or every", 3),
        ("{name: a, do: quality, as: gita, every: 0h}", "'0h' is no interval", 3),
        ('{name: a, do: quality, as: gita, cron: "99 2 * * *"}', "is no cron time", 3),
        ('{name: a, do: quality, as: gita, cron: "* * * * * *"}', "it has five fields", 3),
        ('{name: a, do: quality, as: gita, cron: "0 0 31 2 *"}', "cron", 3),
        (
            "{name: a, do: quality, as: gita, every: 1h}\n  - {name: a, do: quality, as: gita, every: 2h}",
            "stands twice",
            4,
        ),
    ],
)
def test_a_broken_file_keeps_everything_from_starting(world: World, line: str, says: str, at: int) -> None:
    with pytest.raises(DocumentError, match=says) as caught:
        declare(world, f"  - {line}\n")
    assert caught.value.line == at and caught.value.path.name == "schedules.yaml"


def test_an_unknown_time_zone_is_named(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("version: 1\ntimezone: Mars/Olympus\n")
    with pytest.raises(DocumentError, match="no time zone 'Mars/Olympus'") as caught:
        load_schedules(tmp_path, {})
    assert caught.value.line == 2


MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1)).map(lambda each: each.replace(tzinfo=UTC))
TIMES = [
    every("7m"),
    every("6h"),
    every("3d"),
    cron("15 2 * * *", ZoneInfo("UTC")),
    cron("30 2 * * *", ZoneInfo("Europe/Berlin")),
    cron("*/20 9-17 * * 1-5", ZoneInfo("America/New_York")),
]


@given(st.sampled_from(TIMES), MOMENTS)
def test_the_last_time_has_come_and_the_next_has_not(times: object, now: datetime) -> None:
    last, following = times.last(now), times.next(now)  # type: ignore[attr-defined]
    assert last <= now < following
    assert times.last(following) == following  # type: ignore[attr-defined]
    # Nothing lies between the two.
    assert times.next(last) == following  # type: ignore[attr-defined]


def test_cron_times_are_those_of_the_zone() -> None:
    berlin = cron("15 2 * * *", ZoneInfo("Europe/Berlin"))
    assert berlin.next(datetime(2026, 1, 14, 9, tzinfo=UTC)) == datetime(2026, 1, 15, 1, 15, tzinfo=UTC)
    assert berlin.next(datetime(2026, 7, 14, 9, tzinfo=UTC)) == datetime(2026, 7, 15, 0, 15, tzinfo=UTC)


def test_the_command_line_lists_and_runs(world: World) -> None:
    declare(world, HOURLY).close()
    where = ["-w", str(world.root)]
    listed = CliRunner().invoke(cli, ["schedules", *where, "--json"])
    (told,) = json.loads(listed.stdout)
    assert (told["name"], told["person"], told["when"], told["last"]) == ("count", "gita", "every 1h", None)
    ran = CliRunner().invoke(cli, ["schedules", "run", "count", *where, "--as", "noah", "--json"])
    assert ran.exit_code == 0 and json.loads(ran.stdout)["asked_by"] == "noah"
    refused = CliRunner().invoke(cli, ["schedules", "run", "count", *where, "--as", "iris"])
    assert refused.exit_code == 1
    (told,) = json.loads(CliRunner().invoke(cli, ["schedules", *where, "--json"]).stdout)
    assert told["last"]["outcome"] == "done" and told["next"] > told["last"]["begun_at"]
    assert "count" in CliRunner().invoke(cli, ["schedules", *where]).stdout


def test_the_server_runs_what_is_due_and_the_overview_shows_what_failed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "EVERY_SECONDS", 0.02)
    app = declare(world, HOURLY.replace("gita", "rosa"))
    with TestClient(server.build(app), follow_redirects=False) as client:
        _until(lambda: list(app.ledger.entries(kinds={"schedule.seen"})))
        world.clock.advance(timedelta(hours=1))
        _until(lambda: any(run.outcome for run in app.scheduler.runs("count")))
        link = app.credentials.issue_link("gita", SYSTEM_PERSON)
        client.cookies = client.get(f"/enter?token={link}").cookies
        page = client.get("/").text
    assert "Scheduled runs that failed" in page and "may not have quality done" in page
    app.close()


def _until(holds: Callable[[], object]) -> None:
    for _ in range(500):
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError("it never came to be")
