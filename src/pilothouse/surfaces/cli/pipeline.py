"""`pilothouse pipeline`: what was entered, what signals say for it, and what they make by themselves."""

from __future__ import annotations

from typing import Annotated

import typer

from pilothouse.assembly import SYSTEM
from pilothouse.data.pipeline.measured import Measured
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, known_system, opened, somebody
from pilothouse.surfaces.cli.output import emit, guarded, say, table
from pilothouse.surfaces.moments import as_of as judged_at
from pilothouse.surfaces.pipelines import measured_out
from pilothouse.vocabulary.actors import Actor


@guarded
def pipeline(
    system: Annotated[str, typer.Option(help="The system that leads where several hold a deal.")] = SYSTEM,
    as_of: Annotated[
        str | None,
        typer.Option(help="Look at ages and weights as of this day, keeping nothing; default: the newest day told of."),
    ] = None,
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Measure the pipeline: each deal once, its support by signals, derived opportunities.

    What was found is kept, except with --as-of.
    """
    with opened(where) as pilothouse:
        by = pilothouse.directory.person(somebody(person))
        now = pilothouse.clock.now()
        moment = judged_at(as_of, now) or pilothouse.newest_day(system) or now
        known_system(pilothouse, system)
        if as_of is None:
            measured = pilothouse.measure_pipeline(system, moment, Actor(by.id))
        else:
            measured = pilothouse.pipeline.look(system, moment)
    if json:
        emit(measured_out(measured))
    else:
        _tell(measured)
        if as_of is not None:
            say("This is a look at another day: it is not kept, and the console goes on showing the last measurement.")


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
