"""`pilothouse sources`: who may send webhooks, and their secrets; `pilothouse signals`: what came in."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pilothouse.assembly import App
from pilothouse.data.graph.happenings import signals_after
from pilothouse.directory.roles import permissions_of
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, opened, somebody
from pilothouse.surfaces.cli.output import emit, guarded, say, table
from pilothouse.vocabulary.errors import Forbidden

app = typer.Typer(no_args_is_help=True)


@app.command("add")
@guarded
def add(name: str, where: Where = HERE, person: As = "", json: Json = False) -> None:
    """Add a source and print its secret, which is shown this once."""
    with opened(where) as pilothouse:
        secret = pilothouse.sources.add(name, _allowed(pilothouse, person))
    _tell(name, secret, json)


@app.command("rotate")
@guarded
def rotate(name: str, where: Where = HERE, person: As = "", json: Json = False) -> None:
    """Make a new secret; the old one stays good until `sources retire`."""
    with opened(where) as pilothouse:
        secret = pilothouse.sources.rotate(name, _allowed(pilothouse, person))
    _tell(name, secret, json)


@app.command("retire")
@guarded
def retire(name: str, where: Where = HERE, person: As = "", json: Json = False) -> None:
    """Let only the newest secret of a source be good."""
    with opened(where) as pilothouse:
        gone = pilothouse.sources.retire(name, _allowed(pilothouse, person))
    emit({"source": name, "retired": gone}) if json else say(f"{gone} old secret(s) of {name} are good no more.")


@app.command("list")
@guarded
def list_(where: Where = HERE, json: Json = False) -> None:
    """List the sources."""
    with opened(where) as pilothouse:
        rows = [
            {"source": name, "secrets": len(pilothouse.sources.secrets(name))} for name in pilothouse.sources.names()
        ]
    emit(rows) if json else table("Sources", ("source", "good secrets"), [(r["source"], r["secrets"]) for r in rows])


@app.command("types")
@guarded
def types(where: Where = HERE, json: Json = False) -> None:
    """Show the types of signal that are taken in, and what the data of each holds."""
    with opened(where) as pilothouse:
        known = pilothouse.signals.catalogue.types
    if json:
        emit(known)
        return
    rows = [
        (
            name,
            ", ".join(f"{field}{' (needed)' if spec.required else ''}" for field, spec in each.attributes.items()),
            each.words,
        )
        for name, each in known.items()
    ]
    table("Types of signal", ("type", "data", "in words"), rows)


@guarded
def signals(
    after: Annotated[int, typer.Option(help="Only what was received after this ledger position.")] = -1,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Show the signals received after a ledger position, in order."""
    with opened(where) as pilothouse:
        rows = signals_after(pilothouse.graph.known, after, limit)
    if json:
        emit([dict(row._mapping) for row in rows])
        return
    table("Signals", ("position", "type", "happened", "source", "about"), [_row(row) for row in rows])


def _row(row: Any) -> tuple[Any, ...]:
    return row.position, row.type, row.occurred_at[:16], row.source, row.account or row.contact or row.email


def _allowed(pilothouse: App, person: str) -> str:
    who = pilothouse.directory.person(somebody(person))
    if not who.active or "manage_sources" not in permissions_of(who.role).may:
        raise Forbidden(f"{who.id} ({who.role}) may not manage sources.", hint="Ask engineering or an admin.")
    return who.id


def _tell(name: str, secret: str, json: bool) -> None:
    if json:
        emit({"source": name, "secret": secret, "path": f"/v1/webhooks/{name}"})
        return
    say(f"POST to /v1/webhooks/{name}, signed as Standard Webhooks say, with this secret (shown this once):")
    say(secret)
