"""`pilothouse calibration`: how often agents are right when they say how sure they are."""

from __future__ import annotations

from typing import Annotated

import typer

from pilothouse.surfaces.cli.context import HERE, As, Json, Where, opened, somebody
from pilothouse.surfaces.cli.output import emit, guarded, say, table, told

app = typer.Typer(no_args_is_help=True)


@app.command()
@guarded
def report(
    agent: Annotated[str | None, typer.Option(help="A name, or name@version.")] = None,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Show, by agent and action type, stated confidence against the share that people found right, each with its n."""
    with opened(where) as pilothouse:
        found = pilothouse.calibrating.report(agent)
    if json:
        emit([{"reliability": each, "published": published} for each, published in found])
        return
    if not found:
        say("Nothing that counts as evidence was decided yet: every agent is uncalibrated.")
    for each, published in found:
        line = f"{published.method}, n = {published.n}, by {published.by}" if published else "uncalibrated"
        say(f"{each.agent} · {each.action_type}: {each.right} of {each.n} right, {line}")
        say(f"  Brier {each.brier:.3f}, expected calibration error {each.ece:.3f}")
        rows = [(f"{b.low:.1f}–{b.high:.1f}", b.n, f"{b.stated:.2f}", f"{b.right:.2f}") for b in each.bins]
        table("  by confidence", ("confidence", "n", "stated", "right"), rows)


@app.command()
@guarded
def fit(agent: str, action_type: str, where: Where = HERE, person: As = "", json: Json = False) -> None:
    """Fit the line to the verdicts there are and publish it, such as: hygiene@1 crm.account.update."""
    with opened(where) as pilothouse:
        done, fitted = pilothouse.calibrating.publish(agent, action_type, somebody(person))
    told(
        json,
        {
            "calibration": done,
            "brier": fitted.brier,
            "brier_stated": fitted.brier_stated,
            "considered": fitted.considered,
        },
        f"{agent} · {action_type}: {fitted.method}, n = {fitted.n}, {fitted.right} right.",
        f"Brier {fitted.brier:.3f} (cross-validated) against {fitted.brier_stated:.3f} as stated.",
    )
