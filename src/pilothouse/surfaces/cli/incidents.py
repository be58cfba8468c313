"""`pilothouse incidents`: open, look, contain, undo, hand over what cannot be undone, resolve, close, and drill."""

from __future__ import annotations

from typing import Annotated

import typer

from pilothouse.demo.drill import drill as run_drill
from pilothouse.directory.suspensions import EVERY, Reach
from pilothouse.gateway.rollback import Fate
from pilothouse.handoff.incident_table import IncidentStatus
from pilothouse.handoff.incidents import Finding
from pilothouse.handoff.playbook import who_may_suspend
from pilothouse.orchestration.incident_desk import Dossier, Milestone
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, opened, somebody
from pilothouse.surfaces.cli.output import emit, guarded, say, table, told
from pilothouse.surfaces.dossier import as_json, tree
from pilothouse.surfaces.moments import when
from pilothouse.vocabulary.errors import InvalidInput

STEPS = ("detected", "suspended", "contained", "rollback plan", "recovered", "closed")
"""The times of a drill, in the order in which they are read."""
app = typer.Typer(no_args_is_help=True)
Note = Annotated[str, typer.Option(help="What was done and why, in a sentence.")]


@app.command("list")
@guarded
def list_(
    every: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Show incidents that are not closed."""
    with opened(where) as pilothouse:
        found = pilothouse.incidents.incidents.list(unclosed=not every)
    if json:
        emit(found)
        return
    rows = [(e.id, e.severity, e.status, e.reach, f"{e.opened_at:%m-%d %H:%M}", e.opened_by, e.summary) for e in found]
    table("Incidents", ("incident", "severity", "status", "about", "opened (UTC)", "by", "what"), rows)


@app.command("open")
@guarded
def open_(
    summary: str,
    severity: Annotated[int, typer.Option(min=1, max=3, help="1 customers or money, 2 wrong records, 3 near miss.")],
    agent: Annotated[str | None, typer.Option(help="Name or name@version; default: every agent.")] = None,
    type: Annotated[str | None, typer.Option("--type", help="Only this capability or action type.")] = None,
    begin: Annotated[str | None, typer.Option("--from", help="From this moment: 24h, 7d, or a date.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Up to this moment.")] = None,
    action: Annotated[list[str] | None, typer.Option(help="A suspected action; may be repeated.")] = None,
    entry: Annotated[list[int] | None, typer.Option(help="A ledger entry that shows it; may be repeated.")] = None,
    detected: Annotated[str | None, typer.Option(help="When it was noticed; default: now.")] = None,
    suspend: Annotated[bool, typer.Option("--suspend", help="Suspend its scope at once.")] = False,
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Open an incident. Name the suspected actions, or everything in scope and window is suspected."""
    with opened(where) as pilothouse:
        now, by = pilothouse.clock.now(), somebody(person)
        reach = Reach(agent or EVERY, type or EVERY)
        if agent is not None:
            pilothouse.gateway.door.agents.need(agent)
        if suspend:
            pilothouse.gateway.door.agents.suspend(reach, by, summary)
        finding = Finding(
            reach=reach,
            severity=severity,
            summary=summary,
            since=when(begin, now),
            until=when(end, now),
            actions=tuple(action or ()),
            entries=tuple(entry or ()),
            detected_at=when(detected, now),
        )
        opened_one = pilothouse.incidents.incidents.open(finding, by)
    told(json, opened_one, f"{opened_one.id} is open; told: {', '.join(opened_one.notify) or 'nobody'}.")


@app.command()
@guarded
def show(incident: str, where: Where = HERE, json: Json = False) -> None:
    """Show timeline, affected records, cascade, rollback plan and tasks."""
    with opened(where) as pilothouse:
        pilothouse.take_in()
        found = pilothouse.incidents.dossier(incident)
        ours = pilothouse.incidents.incidents.playbook.ours
    if json:
        emit(as_json(found))
        return
    _show(found, ours=ours)


def _show(found: Dossier, *, ours: bool) -> None:
    it = found.incident
    say(f"{it.id}: {it.summary} (severity {it.severity}, {it.status}, about {it.reach}, told: {', '.join(it.notify)})")
    limits = "our default timeframes" if ours else "your timeframes"
    table(
        f"Timeline, against {limits}", ("what", "when (UTC)", "minutes", "counted", "allowed", "in time"), _rows(found)
    )
    shown = [(i.record, i.field, i.old, i.agent, i.present, i.fate) for i in found.affected]
    table("Affected records", ("record", "field", "before", "agent's", "now", "state"), shown)
    lines = [
        (
            "  " * depth + node.action,
            node.agent,
            node.capability,
            node.subject,
            node.status,
            ", ".join(f"{each.record}.{each.field}" for each in node.drew_on),
        )
        for depth, node in tree(found.cascade)
    ]
    table("Cascade", ("action", "agent", "capability", "record", "status", "drew on"), lines)
    tasks = [(t.id, t.owner, t.record, t.what, f"{t.done_by}: {t.note}" if t.done_at else "open") for t in found.tasks]
    table("For people to put right", ("task", "owner", "record", "what", "state"), tasks)
    counts = ", ".join(f"{len(found.plan.of(fate))} {fate}" for fate in Fate)
    restored = sum(each.fate == "restored" for each in found.affected)
    say(f"Rollback plan: {counts}. Restored so far: {restored} value(s).")
    if found.plan.of(Fate.RESTORE) and it.status is not IncidentStatus.CLOSED:
        say(f"`pilothouse incidents rollback {it.id} --reason …` carries the plan out.")


def _rows(found: Dossier) -> list[tuple[object, ...]]:
    return [
        (
            each.name,
            f"{each.at:%Y-%m-%d %H:%M:%S}" if each.at else "not yet",
            _minutes(each),
            each.counted_from,
            each.limit,
            "" if each.met is None else "yes" if each.met else "no",
        )
        for each in found.milestones
    ]


def _minutes(each: Milestone) -> str:
    return "" if each.minutes is None else f"{each.minutes:.1f}"


@app.command()
@guarded
def note(incident: str, text: str, where: Where = HERE, person: As = "", json: Json = False) -> None:
    """Write something down about an incident."""
    with opened(where) as pilothouse:
        pilothouse.incidents.incidents.note(incident, somebody(person), text)
    told(json, {"incident": incident}, "Noted.")


@app.command()
@guarded
def plan(incident: str, where: Where = HERE, person: As = "", json: Json = False) -> None:
    """Record the rollback plan as it is now, and give what cannot be undone to named people. Changes no record."""
    with opened(where) as pilothouse:
        pilothouse.take_in()
        found = pilothouse.incidents.plan(incident, somebody(person))
        ours = pilothouse.incidents.incidents.playbook.ours
    emit(as_json(found)) if json else _show(found, ours=ours)


@app.command()
@guarded
def rollback(
    incident: str,
    reason: Annotated[str, typer.Option(help="Why.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Carry the rollback plan of an incident out, downstream acts included."""
    if json and not yes:
        raise InvalidInput("with --json nothing is asked.", hint="Look with `incidents show` first, then add --yes.")
    with opened(where) as pilothouse:
        pilothouse.take_in()
        count = len(pilothouse.incidents.dossier(incident).plan.of(Fate.RESTORE))
        if not yes and not typer.confirm(f"Restore {count} value(s)?"):
            raise typer.Exit(1)
        undone = pilothouse.incidents.roll_back(incident, somebody(person), reason)
    failed = [result for result in undone.results if result.status.value != "executed"]
    body = {"rollback": undone.id, "restored": undone.restored, "not_restored": [r.sentence for r in failed]}
    lines = [f"Not restored: {result.action.target}: {result.sentence}" for result in failed]
    told(json, body, f"{undone.restored} record(s) restored ({undone.id}).", *lines)
    if failed:
        raise typer.Exit(1)


@app.command()
@guarded
def contain(incident: str, note: Note = "", where: Where = HERE, person: As = "", json: Json = False) -> None:
    """Say that it spreads no further: all in its scope is suspended and nothing is under way."""
    with opened(where) as pilothouse:
        done = pilothouse.incidents.contain(incident, somebody(person), note)
    told(json, done, f"{incident} is contained.")


@app.command()
@guarded
def task(task: str, note: Note, where: Where = HERE, person: As = "", json: Json = False) -> None:
    """Tick a task off."""
    with opened(where) as pilothouse:
        pilothouse.incidents.incidents.tick(task, somebody(person), note)
    told(json, {"task": task, "state": "done"}, f"{task} is done.")


@app.command()
@guarded
def resolve(
    incident: str,
    note: Note,
    leave: Annotated[bool, typer.Option("--leave", help="What is left is right as it is.")] = False,
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Say that the records are right again; from then on the agents may be resumed."""
    with opened(where) as pilothouse:
        pilothouse.take_in()
        done = pilothouse.incidents.resolve(incident, somebody(person), note, leave=leave)
    told(json, done, f"{incident} is resolved.")


@app.command()
@guarded
def close(incident: str, note: Note, where: Where = HERE, person: As = "", json: Json = False) -> None:
    """Close a resolved incident whose tasks are all done."""
    with opened(where) as pilothouse:
        done = pilothouse.incidents.incidents.close(incident, somebody(person), note)
    told(json, done, f"{incident} is closed.")


@app.command()
@guarded
def playbook(where: Where = HERE, json: Json = False) -> None:
    """Show what is done about an incident, by when, who hears of it, and who may suspend."""
    with opened(where) as pilothouse:
        found = pilothouse.incidents.incidents.playbook
    if json:
        emit({**found.model_dump(), "ours": found.ours, "may_suspend": who_may_suspend()})
        return
    say(
        "Our defaults; edit incidents/playbook.yaml to make them yours."
        if found.ours
        else "From incidents/playbook.yaml."
    )
    table("Steps", ("", "what"), list(enumerate(found.steps, 1)))
    table("Minutes", ("what", "allowed"), [*found.timeframes.model_dump().items(), ("notify", found.notify_within)])
    table("Told", ("severity", "who"), [(level, ", ".join(who)) for level, who in found.notify.items()])
    say(f"May suspend: {', '.join(who_may_suspend())}; one person is enough.")


@app.command()
@guarded
def drill(where: Where = HERE, person: As = "", json: Json = False) -> None:
    """Let an agent go wrong in a throw-away copy, and measure detection, containment and recovery. Touches no record."""
    with opened(where) as pilothouse:
        done = run_drill(pilothouse, somebody(person))
    if json:
        emit(done.as_json())
    else:
        table("Drill", ("what", "seconds"), [(step, done.seconds[step]) for step in STEPS if step in done.seconds])
        say("Passed." if done.passed else "Failed: " + "; ".join(done.failures))
    if not done.passed:
        raise typer.Exit(1)
