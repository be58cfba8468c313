"""`pilothouse people`: who is known, and how they log in the first time."""

from __future__ import annotations

from typing import Annotated

import typer

from pilothouse.directory.people import Person
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, opened
from pilothouse.surfaces.cli.output import emit, guarded, table, told
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
