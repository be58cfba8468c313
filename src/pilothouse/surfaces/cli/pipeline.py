"""`pilothouse pipeline`: what was entered, what signals say for it, and what they make by themselves."""

from __future__ import annotations

from typing import Annotated

import typer

from pilothouse.assembly import SYSTEM
from pilothouse.data.pipeline.measured import Measured
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, opened, somebody
from pilothouse.surfaces.cli.output import emit, guarded, say, table
from pilothouse.surfaces.moments import when
from pilothouse.surfaces.pipelines import measured_out
from pilothouse.vocabulary.actors import Actor


@guarded
def pipeline(
    system: Annotated[str, typer.Option(help="The system that leads where several hold a deal.")] = SYSTEM,
    as_of: Annotated[
        str | None, typer.Option(help="Judge ages and weights as of this day; default: the newest day told of.")
    ] = None,
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Measure the pipeline: each deal once, its support by signals, derived opportunities. What was found is kept."""
    with opened(where) as pilothouse:
        by = pilothouse.directory.person(somebody(person))
        now = pilothouse.clock.now()
        moment = when(as_of, now) or pilothouse.newest_day(system) or now
        measured = pilothouse.measure_pipeline(system, moment, Actor(by.id))
    if json:
        emit(measured_out(measured))
    else:
        _tell(measured)


def _tell(measured: Measured) -> None:
    totals = measured.totals()
    day = f"{measured.as_of:%Y-%m-%d}"
    rows = [
        (name, f"{told['deals']:,.0f}", f"{told['amount']:,.0f}") for name, told in totals.items() if "amount" in told
    ]
    table(f"Open deals, as of {day}, each counted once", ("", "deals", "amount"), rows)
    say(f"{totals['mirrors']['records']:.0f} further record(s) of other systems are of these deals.")
    doubted = [deal for deal in measured.deals if not deal.supported]
    shown = [(deal.records[0], deal.name, f"{deal.amount or 0:,.0f}", "; ".join(deal.doubts)) for deal in doubted]
    table("Unsupported: candidates for phantoms", ("deal", "name", "amount", "why"), shown)
    derived = [
        (d.account, d.definition, f"{d.confidence:.2f}", len(d.evidence), d.since[:10]) for d in measured.derived
    ]
    table("Derived from signals alone", ("account", "definition", "confidence", "signals", "since"), derived)
