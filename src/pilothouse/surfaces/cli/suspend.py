"""`pilothouse suspend` and `pilothouse resume`: one agent, every version of it, one action type, or everything."""

from __future__ import annotations

from typing import Annotated

import typer

from pilothouse.directory.suspensions import EVERY, Reach
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, opened, somebody
from pilothouse.surfaces.cli.output import emit, guarded, table, told
from pilothouse.vocabulary.errors import InvalidInput

Agent = Annotated[str | None, typer.Argument(help="Name (every version) or name@version.")]
Type = Annotated[str | None, typer.Option("--type", help="Only this capability or action type.")]
All = Annotated[bool, typer.Option("--all", help="Everything that every agent does.")]
Why = Annotated[str, typer.Option(help="Why, in a sentence.")]


def reach_of(agent: str | None, type: str | None, every: bool) -> Reach:
    """Return what was named; raises `InvalidInput` when nothing was, or both one thing and everything."""
    if every == bool(agent or type):
        raise InvalidInput("say what is meant.", hint="Name an agent, a --type, or --all.")
    return Reach(agent or EVERY, type or EVERY)


@guarded
def suspend(
    reason: Why,
    agent: Agent = None,
    type: Type = None,
    every: All = False,
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Stop agents at once, queued work included. What people do in their own name goes on, rollback above all."""
    reach = reach_of(agent, type, every)
    with opened(where) as pilothouse:
        position = pilothouse.gateway.door.agents.suspend(reach, somebody(person), reason)
    done = {"agent": reach.agent, "action_type": reach.action_type, "state": "suspended", "position": position}
    told(json, done, f"Suspended: {reach}.")


@guarded
def resume(
    reason: Why,
    agent: Agent = None,
    type: Type = None,
    every: All = False,
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """End exactly one suspension. After an incident it must be resolved first, and the agent's owner may not do it."""
    reach = reach_of(agent, type, every)
    with opened(where) as pilothouse:
        agents = pilothouse.gateway.door.agents
        position = agents.resume(reach, somebody(person), reason)
        still = [str(each) for each in agents.suspensions() if each.reach.touches(reach)]
    done = {"agent": reach.agent, "action_type": reach.action_type, "state": "resumed", "position": position}
    lines = [f"No longer suspended: {reach}.", *(f"Still in force: {each}" for each in still)]
    told(json, {**done, "still_suspended": still}, *lines)


@guarded
def suspensions(where: Where = HERE, json: Json = False) -> None:
    """Show what is suspended now."""
    with opened(where) as pilothouse:
        found = pilothouse.gateway.door.agents.suspensions()
    if json:
        emit(found)
        return
    rows = [(each.reach, f"{each.at:%Y-%m-%d %H:%M}", each.by, each.reason) for each in found]
    table("Suspended", ("what", "since (UTC)", "by", "why"), rows)
