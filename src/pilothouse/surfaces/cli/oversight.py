"""`pilothouse reviews report` and `reviews spot-checks`: how well people oversee, and acts looked at again."""

from __future__ import annotations

from typing import Annotated

import typer

from pilothouse.handoff.oversight import Overseen
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, opened, somebody
from pilothouse.surfaces.cli.output import emit, guarded, say, table, told

checks = typer.Typer(no_args_is_help=True)
COLUMNS = ("", "n", "approved", "hasty", "median s (n)", "canaries caught", "warnings")


@guarded
def report(
    days: Annotated[int, typer.Option(min=1, help="Over reviews opened within so many days.")] = 30,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Show how long reviewers look, how often they say yes, what they miss, and whether the queue grows."""
    with opened(where) as pilothouse:
        found = pilothouse.oversight(days)
    if json:
        emit(found)
        return
    queue = found.queue
    say(
        f"Since {queue.since:%Y-%m-%d}: {queue.opened} opened, {queue.decided} decided, {queue.expired} ran out of time."
    )
    say(f"Open now: {queue.open}" + (f", the oldest {queue.oldest_hours:.0f} h." if queue.oldest_hours else "."))
    for warning in queue.warnings:
        say(f"  ! {warning}")
    table("Reviewers", COLUMNS, [_row(each) for each in found.reviewers])
    table("Gates", COLUMNS, [_row(each) for each in found.gates])
    rows = [
        (r.agent, r.action_type, r.origin, f"{r.failed} of {r.n}", "–" if r.rate is None else f"{r.rate:.1%}", r.open)
        for r in found.spot_checks
    ]
    table("Spot checks", ("agent", "action type", "ran", "wrong", "error rate", "open"), rows)


def _row(each: Overseen) -> tuple[str, ...]:
    seconds = "–" if each.seconds is None else f"{each.seconds:.0f} ({each.timed})"
    planted = f"{each.caught} of {each.canaries}" if each.canaries else "–"
    return each.name, str(each.n), str(each.approved), str(each.hasty), seconds, planted, " ".join(each.warnings)


@checks.command("list")
@guarded
def list_(
    every: Annotated[bool, typer.Option("--all", help="Show those that were judged, too.")] = False,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Show the acts that chance chose to be looked at again."""
    with opened(where) as pilothouse:
        found = pilothouse.spot_checks.list(waiting=not every)
    if json:
        emit(found)
        return
    rows = [
        (
            c.id,
            c.agent,
            c.action_type,
            c.subject,
            c.origin,
            "" if c.passed is None else "right" if c.passed else "wrong",
        )
        for c in found
    ]
    table("Spot checks", ("check", "agent", "action type", "record", "ran", "found"), rows)


@checks.command("pass")
@guarded
def pass_(check: str, where: Where = HERE, person: As = "", json: Json = False) -> None:
    """Say that the act was right."""
    with opened(where) as pilothouse:
        done = pilothouse.spot_checks.decide(check, somebody(person), passed=True)
    told(json, done, f"{check}: right.")


@checks.command()
@guarded
def fail(
    check: str, note: Annotated[str, typer.Option()], where: Where = HERE, person: As = "", json: Json = False
) -> None:
    """Say that the act was wrong, and why."""
    with opened(where) as pilothouse:
        done = pilothouse.spot_checks.decide(check, somebody(person), passed=False, note=note)
    told(json, done, f"{check}: wrong. `pilothouse rollback --action {done.action}` undoes it.")
