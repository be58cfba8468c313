"""`pilothouse schedules`: what runs by the clock, when it ran last and when it runs next."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import typer

from pilothouse.orchestration.schedules.scheduler import DONE, Run, Standing
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, opened, somebody
from pilothouse.surfaces.cli.output import emit, fail, guarded, say, table
from pilothouse.surfaces.schedules import standing_json

app = typer.Typer(invoke_without_command=True)


@app.callback()
@guarded
def schedules(context: typer.Context, where: Where = HERE, json: Json = False) -> None:
    """Show every schedule of the workspace with its last run and its next time."""
    if context.invoked_subcommand is not None:
        return
    with opened(where) as pilothouse:
        found = pilothouse.scheduler.standing()
    if json:
        emit([standing_json(each) for each in found])
        return
    if not found:
        say("Nothing is scheduled: schedules/schedules.yaml shows how.")
        return
    columns = ("schedule", "does", "when", "as", "last run", "", "next")
    table("Schedules (UTC); `pilothouse up` runs them", columns, [_row(each) for each in found])


@app.command("run")
@guarded
def run(name: str, where: Where = HERE, person: As = "", json: Json = False) -> None:
    """Run one now, in the name of the person it is declared for."""
    with opened(where) as pilothouse:
        done = pilothouse.scheduler.run_now(name, somebody(person))
    if json:
        emit(done)
    elif done.outcome == DONE:
        say(f"{name}: {done.sentence}")
    if done.outcome != DONE:
        fail(f"{name} {done.outcome}: {done.sentence}")


def _row(each: Standing) -> tuple[Any, ...]:
    schedule = each.schedule
    does = f"{schedule.job} {schedule.argument}".strip()
    following = "paused" if each.next is None else _minute(each.next)
    return schedule.name, does, schedule.words, schedule.person, *_last(each.last), following


def _last(run: Run | None) -> tuple[str, str]:
    if run is None:
        return "never", ""
    return _minute(run.begun_at), f"{run.outcome or 'running'}: {run.sentence}" if run.outcome else "running"


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
