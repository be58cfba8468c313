"""`pilothouse policy diff | replay | report`: what changed between two policies, and what it would have done."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from pilothouse.assembly import App
from pilothouse.decision.replaying.attached import attach, replay_at
from pilothouse.decision.replaying.differences import differences
from pilothouse.decision.replaying.report import Window
from pilothouse.directory.people import Person
from pilothouse.directory.roles import permissions_of
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, opened, somebody
from pilothouse.surfaces.cli.output import emit, guarded, say, table, write_text
from pilothouse.surfaces.moments import when
from pilothouse.surfaces.replaying import named, proposed, replay_of, setting_of, too_many
from pilothouse.surfaces.reports.replay import replay_report
from pilothouse.vocabulary.errors import Forbidden, WrongUse

TOLD = 20


def add_to(app: typer.Typer) -> None:
    """Add the commands to `pilothouse policy`."""
    app.command("diff")(diff)
    app.command("replay")(replay_)
    app.command("report")(report_)


@guarded
def diff(
    one: Annotated[str, typer.Argument(help="A folder or a version; default: the policy in force.")] = "in-force",
    other: Annotated[str, typer.Argument(help="A folder or a version; default: the workspace's own.")] = "",
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Say in words what changed between two policies: rules, thresholds, bands, limits. One folder alone is held against
    the policy in force."""
    if one != "in-force" and not other:
        one, other = "in-force", one
    with opened(where) as pilothouse:
        old, new = named(pilothouse, one).policy, named(pilothouse, other).policy
        found = differences(old, new)
    if json:
        emit({"old": old.version, "new": new.version, "differences": [each.as_json() for each in found]})
        return
    say(f"From {old.version} to {new.version}: {len(found)} difference(s).")
    for each in found:
        say(f"  {each.sentence}" + (f" ({each.direction})" if each.direction else ""))


@guarded
def replay_(
    folder: Annotated[
        str, typer.Argument(help="The proposed policy's folder or version; default: the workspace's own.")
    ] = "",
    change: Annotated[
        list[str] | None, typer.Option("--set", help="A threshold changed in what is published, as large_deal=50000.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="From: 30d, or 2026-01-31.")] = None,
    until: Annotated[str | None, typer.Option(help="Up to, not including.")] = None,
    agent: Annotated[str, typer.Option(help="Only this agent's.")] = "",
    action_type: Annotated[str, typer.Option("--type", help="Only this action type.")] = "",
    report: Annotated[Path | None, typer.Option(help="Write a report with charts, to print or mail, here.")] = None,
    attach_: Annotated[bool, typer.Option("--attach", help="Write it down for whoever decides on this text.")] = False,
    workers: Annotated[
        int, typer.Option(min=0, max=32, help="Processes to use; 0: all processors where there is much to do.")
    ] = 0,
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Decide every recorded decision again under a proposed policy, from its facts as of then. Nothing is carried out."""
    if change and folder:
        raise WrongUse("--set changes what was published last.", hint="Leave out the folder or version.")
    with opened(where) as pilothouse:
        by, now = reader(pilothouse, person), pilothouse.clock.now()
        changes = dict(setting_of(each) for each in change or ())
        window = Window(when(since, now), when(until, now), agent, action_type)
        processes = workers or (os.cpu_count() or 1 if too_many(pilothouse, window) else 1)
        found = replay_of(pilothouse, window, proposed(pilothouse, folder, changes), processes)
        attached = attach(pilothouse.ledger, found, by.id) if attach_ else None
    told = found.as_json()
    if report is not None:
        write_text(report, replay_report(told, found.digest, now))
    if json:
        emit({**told, "digest": found.digest, "attached": attached.position if attached else None})
        return
    tell(told)
    if attached is not None:
        say(f"Written down as entry {attached.position} for whoever decides on this text ({found.text}).")
    if report is not None:
        say(f"The report is {report}; open it in a browser, and print it from there.")


@guarded
def report_(
    position: Annotated[int, typer.Argument(help="The entry, as `policy show` names it.")],
    report: Annotated[Path | None, typer.Option(help="Write it with charts, to print or mail, here.")] = None,
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Show a replay that was attached to a text, as it was seen then."""
    with opened(where) as pilothouse:
        reader(pilothouse, person)
        found = replay_at(pilothouse.ledger, position)
    if report is not None:
        write_text(report, replay_report(found.report, found.digest, found.at))
    if json:
        emit({**found.report, "digest": found.digest, "by": found.by, "at": found.at})
        return
    say(f"Attached by {found.by} on {found.at:%Y-%m-%d %H:%M} UTC to {found.report['text']}.")
    tell(found.report)


def reader(pilothouse: App, person: str) -> Person:
    """Return the person if they may read the ledger; raises `Forbidden`."""
    by = pilothouse.directory.person(somebody(person))
    if not by.active or "read_ledger" not in permissions_of(by.role).may:
        raise Forbidden(f"{by.id} ({by.role}) may not read the ledger.", hint="Ask RevOps, an auditor or an admin.")
    return by


def tell(told: dict[str, Any]) -> None:
    """Print what a replay came to."""
    flips, reviews = told["flips"], told["reviews"]
    for each in told["changes"]:
        say(each["sentence"])
    say(f"{told['decisions']:,} decisions, {told['replayed']:,} made again under {told['proposed']}.")
    say(f"{flips['count']:,} flip; {flips['effective']:,} of these change what happens in the mode the agent had.")
    pairs = [(f"{e['before']} → {e['after']}", f"{e['count']:,}", f"{e['effective']:,}") for e in flips["pairs"]]
    table("By treatment", ("from → to", "decisions", "with an effect"), pairs)
    rules = [
        (f"{e['before']} → {e['after']}", e["rule_before"], e["rule_after"], f"{e['count']:,}") for e in flips["rules"]
    ]
    table("By rule", ("from → to", "decided by", "would be decided by", "decisions"), rules[:TOLD])
    hours = "not measured" if reviews["hours_saved"] is None else f"{reviews['hours_saved']:+,.1f} h"
    say(f"Reviews: {reviews['saved']:,} fewer, {reviews['added']:,} more; from asking to deciding, saved: {hours}.")
    if reviews["not_measured"]:
        say(f"For {reviews['not_measured']:,} of them too few were decided to measure how long one takes.")
    spoken = told["people"]
    rows = [
        (
            e["review"] or e["action"],
            f"{e['before']} → {e['after']}",
            "undone" if e["undone"] else e["decision"],
            e["by"],
            e["subject"],
        )
        for e in spoken["listed"][:TOLD]
    ]
    table(
        f"Flips about which people had spoken: {spoken['count']:,}",
        ("review or action", "from → to", "was", "by", "record"),
        rows,
    )
    for each in told["not_replayed"]:
        say(f"{each['count']:,} could not be made again: {each['sentence']}")
    if told["policy_errors"]["count"]:
        say(f"{told['policy_errors']['count']:,} cannot be judged under the proposed policy and are refused.")
    _reproduced(told["reproduction"])
    for each in told["notes"]:
        say(each)


def _reproduced(told: dict[str, Any]) -> None:
    say(f"Under the policy in force, {told['reproduced']:,} of {told['checked']:,} come out as recorded.")
    for each in told["examples"]:
        say(f"  Not so: entry {each['position']}, {each['action']} on {each['subject']}.")
    others = sum(each["count"] for each in told["other_versions"])
    if others:
        say(
            f"{others:,} were decided under {len(told['other_versions'])} other version(s); held against what is replaced."
        )
