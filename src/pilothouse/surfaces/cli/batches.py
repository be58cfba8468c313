"""`pilothouse reviews batch`: look at reviews that are alike, and decide them together."""

from __future__ import annotations

from typing import Annotated

import typer

from pilothouse.assembly import App
from pilothouse.gateway.batching import Row, decide_together
from pilothouse.handoff.batches import Batch, batch_named, batches_of, rows_to_decide
from pilothouse.surfaces.canaries import canary_said
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, opened, somebody
from pilothouse.surfaces.cli.output import emit, guarded, say, table
from pilothouse.surfaces.hasty import each_once

app = typer.Typer(no_args_is_help=True)
Seen = Annotated[str, typer.Option(help="The code that `show` printed: exactly these rows with these values.")]
Without = Annotated[list[str] | None, typer.Option("--without", help="A review to leave out; may be repeated.")]


@app.command("list")
@guarded
def list_(where: Where = HERE, json: Json = False) -> None:
    """Show the groups of open reviews that are alike, the largest first."""
    with opened(where) as pilothouse:
        found = batches_of(pilothouse.reviews.list())
    if json:
        emit([_told(each) for each in found])
        return
    rows = [
        (b.id, len(b.rows), b.agent, b.capability, ", ".join(b.fields), b.sentence, f"{b.deadline:%m-%d %H:%M}")
        for b in found
    ]
    table("Batches", ("batch", "n", "agent", "capability", "fields", "why a person", "due (UTC)"), rows)


def _told(batch: Batch) -> dict[str, object]:
    return {
        "batch": batch.id, "agent": batch.agent, "capability": batch.capability, "fields": batch.fields,
        "code": batch.code, "rule": batch.rule, "sentence": batch.sentence, "seen": batch.seen,
        "deadline": batch.deadline, "reviews": [each.id for each in batch.rows],
    }  # fmt: skip


@app.command()
@guarded
def show(batch: str, where: Where = HERE, person: As = "", json: Json = False) -> None:
    """Show every row with its values, and the code that deciding asks for."""
    with opened(where) as pilothouse:
        found = batch_named(pilothouse.reviews.list(), batch)
        if person:
            pilothouse.directory.person(person)
            pilothouse.reviews.show([each.id for each in found.rows], person)
    if json:
        emit({**_told(found), "rows": found.rows})
        return
    say(f"{found.agent} · {found.capability} · {found.sentence} (rule {found.rule or '–'})")
    rows = [
        (each.id, each.subject, c["field"], c["before"], c["after"], f"{each.confidence:.2f}")
        for each in found.rows
        for c in each.changes
    ]
    table(f"{len(found.rows)} alike", ("review", "record", "field", "now", "would become", "sure"), rows)
    say(f"Decide with --seen {found.seen}; leave rows out with --without REVIEW.")


@app.command()
@guarded
def approve(
    batch: str,
    seen: Seen,
    without: Without = None,
    note: Annotated[str, typer.Option()] = "",
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Approve the rows that were shown, but for those left out, and carry them out."""
    with opened(where) as pilothouse:
        _decide(pilothouse, batch, seen, without or [], somebody(person), True, note, json)


@app.command()
@guarded
def reject(
    batch: str,
    seen: Seen,
    reason: Annotated[str, typer.Option()],
    without: Without = None,
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Reject the rows that were shown, but for those left out, with one reason."""
    with opened(where) as pilothouse:
        _decide(pilothouse, batch, seen, without or [], somebody(person), False, reason, json)


def _decide(
    pilothouse: App, batch: str, seen: str, without: list[str], by: str, approving: bool, note: str, json: bool
) -> None:
    pilothouse.directory.person(by)
    chosen = rows_to_decide(batch_named(pilothouse.reviews.list(), batch), seen, without)
    done = decide_together(pilothouse.gateway, chosen, by, approve=approving, note=note)
    told = [(row.id, row.status, _said(pilothouse, row), _no_evidence(pilothouse, row)) for row in done]
    names = ("review", "status", "sentence", "no_evidence")
    if json:
        emit([dict(zip(names, each, strict=True)) for each in told])
    else:
        table("Decided", ("review", "status", ""), [each[:3] for each in told])
        for line in each_once([each[3] for each in told]):
            say(line)
    if any(row.review is None for row in done):
        raise typer.Exit(1)


def _said(pilothouse: App, row: Row) -> str:
    return (canary_said(pilothouse, row.review) if row.review else "") or row.sentence


def _no_evidence(pilothouse: App, row: Row) -> str:
    return pilothouse.reviews.why_no_evidence(row.review) if row.review else ""
