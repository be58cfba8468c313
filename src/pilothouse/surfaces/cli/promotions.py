"""`pilothouse agents gate | promote | proposals | confirm | withdraw | demote`: how far an action type may go.

On the command line people are whoever they say with `--as`; the entries say so (`through`).
"""

from __future__ import annotations

from typing import Annotated

import typer

from pilothouse.decision.autonomy.gate import Condition
from pilothouse.gateway.promotions import SIDES
from pilothouse.gateway.proposals import Through
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, agent_ref, opened, somebody
from pilothouse.surfaces.cli.output import emit, guarded, say, table, told
from pilothouse.surfaces.promoting import proposal_out
from pilothouse.vocabulary.errors import InvalidInput
from pilothouse.vocabulary.verdicts import Mode

HERE_ON_THE_MACHINE = Through.COMMAND_LINE
Proposed = Annotated[str, typer.Argument(metavar="PROPOSAL", help="As `agents proposals` shows it.")]


@guarded
def gate(agent: str, action_type: str, where: Where = HERE, json: Json = False) -> None:
    """Show what the next step of an action type asks for, what is met, and where the evidence is."""
    with opened(where) as pilothouse:
        found = pilothouse.gates.judge(agent_ref(agent), action_type)
    if json:
        emit({"passed": found.passed, "conditions": found.conditions, "evidence": found.evidence})
        return
    step = found.evidence.step
    rows = [(each.title, "met" if each.met else "NOT MET", each.figures, _where(each)) for each in found.conditions]
    stands = found.evidence.standing.step
    way = found.unearned or (f"from {stands} to {step}" if step else f"at {stands}")
    title = f"{found.evidence.ref} {action_type}: {way}"
    table(title, ("condition", "", "figures", "evidence, or how to get it"), rows)
    if found.passed:
        say(f"Passed. `pilothouse agents promote {agent} {action_type}` proposes the step; another person confirms it.")
    elif step is not None:
        say(
            f"{len(found.missing)} condition(s) are not met. Two people who neither own nor wrote it are asked besides."
        )


def _where(condition: Condition) -> str:
    shown = condition.evidence if condition.met else (condition.next, *condition.evidence)
    return "; ".join(each for each in shown if each)


@guarded
def promote(
    agent: str,
    action_type: str,
    mode: Annotated[Mode | None, typer.Argument(help="With --bootstrap: shadow, assisted or live.")] = None,
    bootstrap: Annotated[bool, typer.Option("--bootstrap", help="Without a track record, and shown as that.")] = False,
    bulk_allowance: Annotated[int, typer.Option(min=0)] = 0,
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Propose the next step of an action type's ramp, if its gate is passed; with --bootstrap, to begin anywhere.

    Nothing changes until another person confirms it: one of the two is of RevOps, one of engineering.
    """
    if bootstrap != (mode is not None):
        raise InvalidInput(
            "the next step follows from the ramp; only a bootstrap promotion names a mode.",
            hint="Leave the mode out, or add --bootstrap.",
        )
    with opened(where) as pilothouse:
        proposed = pilothouse.gateway.door.promotions.propose(
            agent_ref(agent),
            action_type,
            somebody(person),
            HERE_ON_THE_MACHINE,
            bootstrap=mode,
            bulk_allowance=bulk_allowance,
        )
        out = proposal_out(pilothouse, proposed)
    told(
        json,
        out,
        f"{proposed.id}: {action_type} of {agent} to {proposed.step}, proposed by {person}. It waits for "
        f"{SIDES[proposed.waits_for]} until {proposed.expires_at:%Y-%m-%d %H:%M} UTC: "
        f"`pilothouse agents confirm {proposed.id} --as PERSON`.",
    )


@guarded
def proposals(
    every: Annotated[bool, typer.Option("--all", help="Those decided and expired, too.")] = False,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Show the promotions that wait for a second person."""
    with opened(where) as pilothouse:
        found = [proposal_out(pilothouse, each) for each in pilothouse.gateway.door.promotions.list(waiting=not every)]
    if json:
        emit(found)
        return
    heads = ("proposal", "agent", "action type", "to", "by", "waits for", "status", "until")
    names = ("id", "agent", "action_type", "step", "proposed_by", "waits_for", "status", "expires_at")
    table("Proposed promotions", heads, [[each[name] for name in names] for each in found])


@guarded
def confirm(proposal: Proposed, where: Where = HERE, person: As = "", json: Json = False) -> None:
    """Take the step that somebody else proposed; its gate is judged again."""
    with opened(where) as pilothouse:
        done = pilothouse.gateway.door.promotions.confirm(proposal, somebody(person), HERE_ON_THE_MACHINE)
        standing = pilothouse.gateway.door.agents.get(done.ref).standings[done.action_type]
        position = pilothouse.gates.tracks.promoted_at(done.ref)
        out = {**proposal_out(pilothouse, done), "promoted_by": standing.promoted_by, "position": position}
    how = "bootstrap, no track record" if done.bootstrap else "its gate was passed"
    told(
        json,
        out,
        f"{done.action_type} of {done.ref} is now {standing.step}, by {' and '.join(standing.promoted_by)} ({how}).",
    )


@guarded
def withdraw(
    proposal: Proposed,
    reason: Annotated[str, typer.Option()],
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Take a proposed promotion off the table."""
    with opened(where) as pilothouse:
        done = pilothouse.gateway.door.promotions.withdraw(proposal, somebody(person), reason, HERE_ON_THE_MACHINE)
        out = proposal_out(pilothouse, done)
    told(json, out, f"{proposal} is withdrawn.")


@guarded
def demote(
    agent: str,
    action_type: str,
    reason: Annotated[str, typer.Option()],
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Put an action type back into shadow."""
    with opened(where) as pilothouse:
        position = pilothouse.gateway.door.agents.demote(agent_ref(agent), action_type, somebody(person), reason)
    told(
        json,
        {"agent": agent, "action_type": action_type, "mode": Mode.SHADOW, "position": position},
        f"{action_type} of {agent} is in shadow again.",
    )
