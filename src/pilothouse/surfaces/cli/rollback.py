"""`pilothouse rollback`: the plan first, then the deed."""

from __future__ import annotations

from typing import Annotated

import typer

from pilothouse.gateway.rollback import Fate, Plan, Scope, apply, need_right, plan
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, opened, somebody
from pilothouse.surfaces.cli.output import emit, guarded, say, table
from pilothouse.surfaces.moments import when
from pilothouse.vocabulary import values
from pilothouse.vocabulary.errors import WrongUse
from pilothouse.vocabulary.records import is_empty

NOTHING = "(no value)"


@guarded
def rollback(
    agent: Annotated[str | None, typer.Option(help="Name or name@version.")] = None,
    begin: Annotated[str | None, typer.Option("--from", help="From this moment: 24h, 7d, or a date.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Up to this moment.")] = None,
    field: Annotated[str | None, typer.Option(help="Only this field.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this action.")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Show the plan and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    reason: Annotated[str, typer.Option(help="Why; needed unless --preview.")] = "",
    severity: Annotated[
        int | None, typer.Option(min=1, max=4, help="How grave it was; 1 puts the action types into shadow at once.")
    ] = None,
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Undo what an agent did. What a person changed since stays as they left it."""
    if json and not (preview or yes):
        raise WrongUse("with --json nothing is asked.", hint="Look with --preview first, then add --yes.")
    with opened(where) as pilothouse:
        pilothouse.take_in()
        now = pilothouse.clock.now()
        since = when(begin, now)
        if since is not None and since > now:
            raise WrongUse(
                f"--from {begin} is still to come.", hint="Nothing was done after it; name a moment before now."
            )
        scope = Scope(agent, since, when(end, now), field, action)
        if not preview:
            need_right(pilothouse.gateway, somebody(person), reason)
        planned = plan(pilothouse.gateway, scope)
        if preview:
            emit(planned) if json else _show(planned)
            return
        if not json:
            _show(planned)
        if not planned.of(Fate.RESTORE) and not json and not yes:
            say("There is nothing to restore.")
            return
        if not yes and not typer.confirm(f"Restore {len(planned.of(Fate.RESTORE))} value(s)?"):
            raise typer.Exit(1)
        undone = apply(pilothouse.gateway, scope, somebody(person), reason, severity)
        failed = [result for result in undone.results if result.status.value != "executed"]
    if json:
        emit({"rollback": undone.id, "restored": undone.restored, "not_restored": [r.sentence for r in failed]})
    else:
        say(f"{undone.restored} record(s) restored ({undone.id}).")
        for result in failed:
            say(f"Not restored: {result.action.target}: {result.sentence}")
    if failed:
        raise typer.Exit(1)


def _show(planned: Plan) -> None:
    restored = [(i.record, i.field, i.agent, _shown(i.old)) for i in planned.of(Fate.RESTORE)]
    table("Will be restored", ("record", "field", "from the agent's", "back to"), restored)
    stays = [(i.record, i.field, _shown(i.old), i.agent, _shown(i.present), i.why) for i in planned.of(Fate.STAYS)]
    table("Stays", ("record", "field", "before", "agent's", "now", "why"), stays)
    table("Cannot be undone", ("record", "field", "why"), [(i.record, i.field, i.why) for i in planned.of(Fate.CANNOT)])
    records = len({i.record for i in planned.of(Fate.RESTORE)})
    say(f"{len(restored)} value(s) on {records} record(s) to restore, {len(stays)} to leave as they are.")


def _shown(value: values.Json) -> values.Json:
    return NOTHING if is_empty(value) else value
