"""`pilothouse actions`: what was done, refused, held, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from pilothouse.ledger.actions import ActionRow, actions_count, actions_list
from pilothouse.observability.story import audit_line, story_of
from pilothouse.surfaces.cli.context import HERE, Json, Where, opened, record_ref
from pilothouse.surfaces.cli.output import console, emit, guarded, say, table
from pilothouse.surfaces.moments import when
from pilothouse.vocabulary.outcomes import ActionStatus

app = typer.Typer(no_args_is_help=True)
ROOM = 160
"""Columns that it takes to show an action on one line, its reason beside it."""


@app.command("list")
@guarded
def list_(
    agent: Annotated[str | None, typer.Option(help="Name or name@version.")] = None,
    since: Annotated[str | None, typer.Option(help="48h, 7d, or a date.")] = None,
    type: Annotated[str | None, typer.Option(help="A capability or action type.")] = None,
    record: Annotated[str | None, typer.Option(help="system/object/id")] = None,
    status: Annotated[ActionStatus | None, typer.Option()] = None,
    limit: Annotated[int, typer.Option(min=1)] = 100,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Show actions, newest first."""
    with opened(where) as pilothouse:
        if agent is not None:
            pilothouse.gateway.door.agents.need(agent)
        if record is not None:
            record = str(record_ref(record))
        begin = when(since, pilothouse.clock.now())
        with pilothouse.ledger.engine.connect() as connection:
            rows = actions_list(
                connection, agent=agent, since=begin, type=type, record=record, status=status, limit=limit
            )
            count = actions_count(connection, agent=agent, since=begin, type=type, record=record, status=status)
    if json:
        emit(rows)
        return
    _tell(rows)
    if count > len(rows):
        say(f"The newest {len(rows)} of {count:,}; --limit shows more.")


def _tell(rows: Sequence[ActionRow]) -> None:
    """Print a table where there is room for it, else two lines an action: an identifier in pieces is none."""
    shown = [
        (r.id, r.status, r.action_type, r.subject, "–" if r.confidence is None else f"{r.confidence:.2f}", r.sentence)
        for r in rows
    ]
    if console.width >= ROOM or not shown:
        table("Actions", ("action", "status", "what", "record", "sure", "why"), shown)
        return
    for ident, status, what, record, sure, why in shown:
        say(f"{ident} {status} {what} {record} {sure}")
        say(f"    {why}")


@app.command()
@guarded
def show(action: str, where: Where = HERE, json: Json = False) -> None:
    """Tell the whole story of one action."""
    with opened(where) as pilothouse:
        story = story_of(pilothouse.ledger, action)
    if json:
        emit(story)
        return
    say(audit_line(story))
    for step in story.steps:
        say(f"  {step.at:%Y-%m-%d %H:%M:%S}  #{step.position}  {step.kind}: {step.sentence}")
    rows = [(c["field"], c["before"], c["last_writer"] or "–", c["after"]) for c in story.changes]
    table("Change", ("field", "before", "written by", "after"), rows)
    table("Evidence", ("record", "field", "value", "what it shows"), [
        (e["record"], e["field"], e["value"], e["note"]) for e in story.evidence
    ])  # fmt: skip
    say(
        f"Policy {story.policy_version or '–'}, rule {story.rule or '–'}, tier {story.tier or '–'}, confidence {story.confidence}"
    )
