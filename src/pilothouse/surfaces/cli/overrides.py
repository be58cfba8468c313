"""`pilothouse overrides`: where people keep overriding agents, and what policy would have to say about it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pilothouse.decision.policy import load_policy
from pilothouse.decision.replaying.report import Window
from pilothouse.directory.roles import permissions_of
from pilothouse.observability.override_patterns import Pattern, never_overridden, often_overridden, patterns_of
from pilothouse.observability.override_proposals import Proposal, Workbench
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, opened, somebody
from pilothouse.surfaces.cli.output import emit, guarded, say, table
from pilothouse.surfaces.moments import when
from pilothouse.vocabulary.errors import Forbidden, InvalidInput

TOLD = 30


@guarded
def overrides(
    since: Annotated[str | None, typer.Option(help="Reviews opened from: 30d, or 2026-01-31.")] = None,
    agent: Annotated[str | None, typer.Option(help="Only this agent's.")] = None,
    propose: Annotated[
        Path | None, typer.Option(help="Write a copy of the policy with every proposed change into this new folder.")
    ] = None,
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Show what people override by agent, action type, field and source, with rules proposed and tried on the past."""
    if propose is not None and propose.exists():
        raise InvalidInput(f"{propose} is there already.", hint="Name a new folder.")
    with opened(where) as pilothouse:
        by = pilothouse.directory.person(somebody(person))
        if not by.active or "read_ledger" not in permissions_of(by.role).may:
            raise Forbidden(f"{by.id} ({by.role}) may not read the ledger.", hint="Ask RevOps, an auditor or an admin.")
        begin = when(since, pilothouse.clock.now())
        known, closed = pilothouse.gateway.door.registry.capabilities, pilothouse.definitions.closed_stages
        bench = Workbench(
            pilothouse.ledger, pilothouse.workspace.folder("policy"), pilothouse.policy, known,
            lambda folder: load_policy(folder, known, closed), Window(begin),
        )  # fmt: skip
        found = patterns_of(pilothouse.reviews.decided(agent, begin))
        proposals = [bench.tighten(each) for each in often_overridden(found)]
        proposals += [bench.graduate(each) for each in never_overridden(found)]
        written = bench.write(proposals, propose).version if propose is not None else ""
    if json:
        told = {"patterns": [each.as_json() for each in found], "proposals": [each.as_json() for each in proposals]}
        emit({**told, "written": str(propose) if propose else None, "version": written})
        return
    _tell(found, proposals)
    if propose is not None:
        say(f"{propose} holds the policy with these changes ({written}); the one in force is as it was.")
        say(f"Look at it: `pilothouse policy diff {propose}`; try all of it: `pilothouse policy replay {propose}`.")


def _tell(found: list[Pattern], proposals: list[Proposal]) -> None:
    rows = [
        (
            each.key.agent, each.key.action_type, each.key.field, each.key.source, f"{each.overridden}/{each.n}",
            "{:.0%} to {:.0%}".format(*each.interval), ", ".join(word for word, _ in each.words.most_common(3)),
        )
        for each in found[:TOLD]
    ]  # fmt: skip
    columns = ("agent", "action type", "field", "source", "overridden", "share (95 %)", "words of the reasons")
    table("What people decided", columns, rows)
    for each in proposals:
        say(each.pattern.sentence + ".")
        for change in each.changes:
            say(change.text.rstrip())
        if each.changes:
            say(f"  Would have flipped {each.flips:,}: {each.right:,} as people decided, {each.wrong:,} against them, "
                f"{each.unjudged:,} that nobody judged.")  # fmt: skip
        else:
            say(f"  No rule is proposed. {each.why_none}")
    if not proposals:
        say("Nothing is overridden so often, or so seldom, that a rule follows from it.")
