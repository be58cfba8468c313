"""`pilothouse policy thresholds | set-threshold`: the numbers people choose, tried on the past and proposed by themselves."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pilothouse.decision.publishing.content import diff
from pilothouse.decision.publishing.thresholds import Threshold, thresholds_of
from pilothouse.decision.replaying.report import Window
from pilothouse.decision.settings import shown
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, opened, somebody
from pilothouse.surfaces.cli.output import emit, guarded, say, table, told
from pilothouse.surfaces.cli.policy_replay import reader, tell
from pilothouse.surfaces.moments import when
from pilothouse.surfaces.plain import plain
from pilothouse.surfaces.proposing import propose_threshold
from pilothouse.surfaces.replaying import replaced, replay_of, with_changes
from pilothouse.surfaces.versions import replay_said, version_out


def add_to(app: typer.Typer) -> None:
    """Add the commands to `pilothouse policy`."""
    app.command("thresholds")(thresholds)
    app.command("set-threshold")(set_threshold)


@guarded
def thresholds(where: Where = HERE, json: Json = False) -> None:
    """List every threshold of what was published last: its value, what it means, and the rules and clauses that compare with it."""
    with opened(where) as pilothouse:
        text = replaced(pilothouse)
        found = thresholds_of(text.content, text.policy)
    if json:
        emit(plain(found))
        return
    rows = [(each.name, shown(each.value), each.meaning, each.where or "built in", _uses(each)) for each in found]
    table("Thresholds", ("name", "value", "what it is", "written at", "used by"), rows)


def _uses(threshold: Threshold) -> str:
    return ", ".join(f"{each.rule} ({each.where})" for each in threshold.uses)


@guarded
def set_threshold(
    name: Annotated[str, typer.Argument(help="As `policy thresholds` lists it; large_deal is enough.")],
    value: Annotated[str, typer.Argument(help="A number; for a list, words with commas between them.")],
    note_: Annotated[
        str, typer.Option("--note", help="What changes, and why: proposes it. Without, it is only tried.")
    ] = "",
    since: Annotated[str, typer.Option(help="Try it on decisions from: 30d, or 2026-01-31.")] = "30d",
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Show what another threshold would have done; with --note, propose it with that replay attached."""
    with opened(where) as pilothouse:
        window = Window(when(since, pilothouse.clock.now()))
        if not note_:
            reader(pilothouse, person)
            report = replay_of(pilothouse, window, with_changes(pilothouse, {name: value}))
            _tried({**report.as_json(), "digest": report.digest}, json=json)
            return
        done = propose_threshold(pilothouse, name, value, somebody(person), note_, window)
        changed = diff(pilothouse.versions.base_of(done.version), done.version.content)
    version = done.version
    out: dict[str, Any] = {**version_out(version, None, done.replay), "changed": plain(changed)}
    lines = [f"{version.id} is proposed.", *(line for each in changed for line in each.lines[2:])]
    lines += [replay_said(version, done.replay)]
    if done.replay is None:
        lines.append(
            f"Too many decisions to wait for: pilothouse policy replay v{version.number} --since {since} --attach"
        )
    lines.append(
        f"It counts once somebody else of RevOps approves it: pilothouse policy approve v{version.number} --by PERSON"
    )
    told(json, out, *lines)


def _tried(report: dict[str, Any], *, json: bool) -> None:
    if json:
        emit(report)
        return
    tell(report)
    say("Nothing is proposed; to do that, add --note with what changes and why.")
