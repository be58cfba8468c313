"""`pilothouse questions`: ask why something was done, say that it was wrong, answer, close."""

from __future__ import annotations

from typing import Annotated

import typer

from pilothouse.handoff.questions import Kind
from pilothouse.surfaces.asking import ask as ask_about
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, opened, somebody
from pilothouse.surfaces.cli.output import emit, guarded, table, told

app = typer.Typer(no_args_is_help=True)


@app.command("list")
@guarded
def list_(
    owner: Annotated[str | None, typer.Option(help="Only those this person answers.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Show closed ones, too.")] = False,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Show questions about past acts, those due first on top."""
    with opened(where) as pilothouse:
        found = pilothouse.questions.list(open_only=not every, owner=owner)
    if json:
        emit(found)
        return
    rows = [(q.id, q.kind, q.subject, q.words, q.asked_by, q.owner, q.status, f"{q.due:%m-%d %H:%M}") for q in found]
    table("Questions", ("question", "kind", "record", "words", "asked by", "answers", "status", "due (UTC)"), rows)


@app.command()
@guarded
def ask(
    action: str,
    words: str,
    wrong: Annotated[bool, typer.Option("--wrong", help="Say that it is wrong, not only ask why.")] = False,
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Ask about an act; the agent's owner answers."""
    with opened(where) as pilothouse:
        by = pilothouse.directory.person(somebody(person))
        done = ask_about(pilothouse, action, by, words, Kind.WRONG if wrong else Kind.WHY)
    told(json, done, f"{done.id}: {done.owner} answers by {done.due:%Y-%m-%d %H:%M} UTC.")


@app.command()
@guarded
def answer(question: str, words: str, where: Where = HERE, person: As = "", json: Json = False) -> None:
    """Answer a question."""
    with opened(where) as pilothouse:
        done = pilothouse.questions.answer(question, somebody(person), words)
    told(json, done, f"{question} is answered.")


@app.command()
@guarded
def close(question: str, where: Where = HERE, person: As = "", json: Json = False) -> None:
    """Close a question."""
    with opened(where) as pilothouse:
        done = pilothouse.questions.close(question, somebody(person))
    told(json, done, f"{question} is closed.")
