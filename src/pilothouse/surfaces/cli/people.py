"""`pilothouse people`: who is known, and how they log in the first time."""

from __future__ import annotations

from typing import Annotated

import typer

from pilothouse.directory.people import Person
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, opened, somebody
from pilothouse.surfaces.cli.output import emit, guarded, table, told
from pilothouse.surfaces.moments import when
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Role

app = typer.Typer(no_args_is_help=True)


@app.command("list")
@guarded
def list_(where: Where = HERE, json: Json = False) -> None:
    """Show who is known."""
    with opened(where) as pilothouse:
        everybody = pilothouse.directory.people()
    if json:
        emit(everybody)
        return
    rows = [(p.id, p.name, p.email, p.role, "" if p.active else "inactive") for p in everybody]
    table("People", ("id", "name", "e-mail", "role", ""), rows)


@app.command()
@guarded
def add(
    id: str,
    name: Annotated[str, typer.Option()],
    email: Annotated[str, typer.Option()],
    role: Annotated[Role, typer.Option()],
    territory: Annotated[str, typer.Option()] = "",
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Add somebody. The first person is added without --as; later ones by an admin."""
    with opened(where) as pilothouse:
        first = not pilothouse.directory.people()
        by = person or (SYSTEM_PERSON if first else "")
        pilothouse.directory.add(Person(id, name, email, role, territory), by)
        added = pilothouse.directory.person(id)
    told(json, added, f"{id} is known as {role}. `pilothouse people link {id}` gives their first log-in.")


@app.command()
@guarded
def link(
    id: str,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Where `pilothouse up --port` listens.")] = None,
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Print a one-time link with which somebody sets their password; good for 24 hours."""
    with opened(where) as pilothouse:
        server = pilothouse.workspace.config.server
        token = pilothouse.credentials.issue_link(id, person or SYSTEM_PERSON)
    address = f"http://{server.host}:{port or server.port}/welcome?token={token}"
    told(json, {"person": id, "link": address}, address)


@app.command()
@guarded
def away(
    id: str,
    until: Annotated[str, typer.Option(help="The first moment back, as 2026-02-02.")],
    begins: Annotated[str | None, typer.Option("--from", help="Default: now.")] = None,
    deputy: Annotated[str, typer.Option(help="Who is asked meanwhile; default: whoever else may decide.")] = "",
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Write down that somebody is away; your own absence, or anybody's as an admin."""
    with opened(where) as pilothouse:
        now = pilothouse.clock.now()
        ends = when(until, now)
        assert ends is not None
        absence = pilothouse.availability.away(id, when(begins, now) or now, ends, deputy, somebody(person))
    told(json, absence, f"{id} is away until {ends:%Y-%m-%d %H:%M} UTC ({absence.id}).")


@app.command()
@guarded
def back(absence: str, where: Where = HERE, person: As = "", json: Json = False) -> None:
    """End or strike an absence."""
    with opened(where) as pilothouse:
        pilothouse.availability.returned(absence, somebody(person))
    told(json, {"absence": absence, "state": "ended"}, f"{absence} is over.")


@app.command()
@guarded
def absences(where: Where = HERE, json: Json = False) -> None:
    """Show who is away, or will be."""
    with opened(where) as pilothouse:
        found = pilothouse.availability.list(pilothouse.clock.now())
    if json:
        emit(found)
        return
    rows = [(a.id, a.person, f"{a.begins:%Y-%m-%d %H:%M}", f"{a.ends:%Y-%m-%d %H:%M}", a.deputy) for a in found]
    table("Away", ("absence", "person", "from (UTC)", "until (UTC)", "deputy"), rows)


@app.command()
@guarded
def manager(
    id: str,
    is_: Annotated[str, typer.Option("--is", help="Whom they answer to; empty for nobody.")],
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Say whom somebody answers to, for rules that ask the manager."""
    with opened(where) as pilothouse:
        pilothouse.availability.set_manager(id, is_, somebody(person))
    told(json, {"person": id, "manager": is_}, f"{id} answers to {is_ or 'nobody'}.")
