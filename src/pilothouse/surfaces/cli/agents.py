"""`pilothouse agents` and `pilothouse token`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from pilothouse.directory.registered import Manifest, Registered
from pilothouse.surfaces.cards import card_of
from pilothouse.surfaces.cli import promotions
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, agent_ref, opened, somebody
from pilothouse.surfaces.cli.output import emit, guarded, note, say, table, told
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.documents import load_document

app = typer.Typer(no_args_is_help=True)
tokens = typer.Typer(no_args_is_help=True)
MARKS = {True: "shown", False: "NOT SHOWN", None: "not yet"}
for each in (
    promotions.gate,
    promotions.promote,
    promotions.proposals,
    promotions.confirm,
    promotions.withdraw,
    promotions.demote,
):
    app.command()(each)


@app.command("list")
@guarded
def list_(where: Where = HERE, json: Json = False) -> None:
    """Show every registered agent."""
    with opened(where) as pilothouse:
        every = pilothouse.gateway.door.agents.all()
    if json:
        emit([_as_json(each) for each in every])
        return
    rows = [
        (
            each.ref,
            each.manifest.owner,
            "active" if each.suspended_why is None else "suspended",
            _level(each),
            each.manifest.summary,
        )
        for each in every
    ]
    table("Agents", ("agent", "owner", "state", "level", "what it does"), rows)


@app.command()
@guarded
def show(agent: str, where: Where = HERE, json: Json = False) -> None:
    """Show what an agent will and will not do, and how far it has come; a name alone means its latest version."""
    with opened(where) as pilothouse:
        agents = pilothouse.gateway.door.agents
        found = agents.get(agent_ref(agent)) if "@" in agent else agents.latest(agent)
    if json:
        emit(_as_json(found))
        return
    manifest = found.manifest
    say(f"{found.ref} (owner {manifest.owner}): {manifest.summary}")
    table("Will do", ("",), [(line,) for line in manifest.will_do])
    table("Will not do", ("",), [(line,) for line in manifest.will_not_do])
    rows = [
        (
            name,
            s.step,
            s.bulk_allowance,
            s.demoted or ", ".join(s.promoted_by) + (" (bootstrap)" if s.bootstrap else ""),
        )
        for name, s in sorted(found.standings.items())
    ]
    table(
        "Standing (everything else is in shadow)",
        ("action type", "step", "bulk allowance", "promoted by, or why lowered"),
        rows,
    )


def _level(agent: Registered) -> str:
    claimed, rated = agent.manifest.level, agent.rated
    return f"{rated.level}, claims {claimed}" if rated is not None and rated.level < claimed else str(claimed)


def _as_json(found: Registered) -> dict[str, object]:
    return {
        "agent": str(found.ref),
        "suspended": found.suspended_why,
        "standings": found.standings,
        "rated": found.rated,
        **found.manifest.model_dump(),
    }


@app.command()
@guarded
def register(file: Path, where: Where = HERE, person: As = "", json: Json = False) -> None:
    """Register an agent from its file; it starts in shadow."""
    with opened(where) as pilothouse:
        document = load_document(file, Manifest)
        fresh = pilothouse.gateway.door.agents.register(document.model, somebody(person))
    agent = str(document.model.ref)
    told(
        json,
        {"agent": agent, "new": fresh},
        f"{agent} {'is registered, in shadow' if fresh else 'was registered already'}.",
    )


@app.command()
@guarded
def suspend(
    agent: str, reason: Annotated[str, typer.Option()], where: Where = HERE, person: As = "", json: Json = False
) -> None:
    """Stop an agent at once, its queued work included."""
    with opened(where) as pilothouse:
        position = pilothouse.gateway.door.agents.suspend(agent_ref(agent), somebody(person), reason)
    told(json, {"agent": agent, "state": "suspended", "position": position}, f"{agent} is suspended.")


@app.command()
@guarded
def resume(
    agent: str, reason: Annotated[str, typer.Option()], where: Where = HERE, person: As = "", json: Json = False
) -> None:
    """Let a suspended agent act again."""
    with opened(where) as pilothouse:
        position = pilothouse.gateway.door.agents.resume(agent_ref(agent), somebody(person), reason)
    told(json, {"agent": agent, "state": "active", "position": position}, f"{agent} may act again.")


@app.command()
@guarded
def card(agent: str, where: Where = HERE, json: Json = False) -> None:
    """Show what an agent will and will not do: from its manifest, its contract and its standing."""
    with opened(where) as pilothouse:
        agents = pilothouse.gateway.door.agents
        found = agents.get(agent_ref(agent)) if "@" in agent else agents.latest(agent)
        shown = card_of(pilothouse, found)
    if json:
        emit(shown)
        return
    say(f"{shown.agent} (owner {shown.owner}; level {shown.level}, {shown.level_name}): {shown.summary}")
    say(f"{shown.kind.capitalize()}. {shown.kind_told}")
    say(
        shown.rating.reason
        or f"Level {shown.rating.level} {'is shown by evidence' if shown.rating.shown else 'is a claim so far'}."
    )
    rows = [(each.title, MARKS[each.met], each.figures) for each in shown.rating.criteria]
    table("What it has shown of level 4", ("", "", "figures"), rows)
    table("Will do", ("",), [(line,) for line in shown.will_do])
    table("Will not do", ("",), [(line,) for line in shown.will_not_do])
    table("May write, under its contract", ("field", "terms"), shown.writes)
    rows = [(each.name, each.now, each.how, each.overrides) for each in shown.types]
    table("How far it has come", ("action type", "now", "by", "overridden in 30 days"), rows)


@tokens.command()
@guarded
def issue(
    agent: str,
    minutes: Annotated[int, typer.Option(min=1, max=720)] = 60,
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Issue a token with which an agent acts for the person; it is printed once."""
    with opened(where) as pilothouse:
        name = somebody(person)
        pilothouse.directory.person(name)
        pilothouse.gateway.door.agents.get(agent_ref(agent))
        life = timedelta(minutes=minutes)
        token, grant = pilothouse.gateway.door.tokens.issue(agent_ref(agent), name, by=Actor(name), life=life)
    if not json:
        note(f"{grant.id}, good until {grant.expires_at:%Y-%m-%d %H:%M} UTC")
    granted = {"id": grant.id, "agent": agent, "person": name, "expires_at": grant.expires_at}
    told(json, {**granted, "token": token}, token)


@tokens.command()
@guarded
def revoke(
    token_id: str, reason: Annotated[str, typer.Option()], where: Where = HERE, person: As = "", json: Json = False
) -> None:
    """Make a token useless at once."""
    with opened(where) as pilothouse:
        position = pilothouse.gateway.door.tokens.revoke(token_id, Actor(somebody(person)), reason)
    told(json, {"id": token_id, "state": "revoked", "position": position}, f"{token_id} is revoked.")
