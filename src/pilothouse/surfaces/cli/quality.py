"""`pilothouse quality`: how good the data is, beside the first time it was measured."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pilothouse.assembly import SYSTEM
from pilothouse.data.quality import Audit, Measure, change
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, known_system, opened, somebody
from pilothouse.surfaces.cli.output import emit, guarded, say, table, write_text
from pilothouse.surfaces.moments import as_of as judged_at
from pilothouse.surfaces.reports.quality import quality_report
from pilothouse.vocabulary.actors import Actor

DETAIL = ("filled", "fresh")


@guarded
def quality(
    system: Annotated[str, typer.Option(help="The system whose records are measured.")] = SYSTEM,
    as_of: Annotated[
        str | None, typer.Option(help="Judge ages as of this day; default: the newest date told of.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Show each field too.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write a report with charts, to print or mail, here.")] = None,
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Audit the data: completeness, duplicates, stages, phantoms, staleness, gaps. The first audit is kept as baseline."""
    with opened(where) as pilothouse:
        by = pilothouse.directory.person(somebody(person))
        now = pilothouse.clock.now()
        moment = judged_at(as_of, now) or pilothouse.newest_day(system) or now
        audit = pilothouse.quality.audit(known_system(pilothouse, system), moment, Actor(by.id))
        audits = list(pilothouse.quality.audits(system))
    if report is not None:
        write_text(report, quality_report(audits, now))
    if json:
        emit({"audit": audit, "baseline": audits[0], "report": str(report) if report else None})
        return
    _tell(audit, audits[0], every)
    if report is not None:
        say(f"The report is {report}; open it in a browser, and print it from there.")


def _tell(audit: Audit, baseline: Audit | None, every: bool) -> None:
    shown = [each for each in audit.measures if every or each.group not in DETAIL]
    before = baseline.measures if baseline is not None and baseline.position != audit.position else ()
    rows = [(each.object, each.sentence, *_numbers(each), _moved(each, before)) for each in shown]
    table(
        f"{audit.system}, as of {audit.as_of:%Y-%m-%d}",
        ("of", "how many", "share", "n", "needed", "", "since baseline"),
        rows,
    )
    missed = [each for each in audit.measures if each.met is False]
    for each in missed:
        if each.examples:
            more = " …" if each.of - each.sound > len(each.examples) else ""
            say(f"Below what is needed ({each.object}: {each.sentence}), such as {', '.join(each.examples)}{more}.")
    if not before:
        say("This is the first audit: it is kept, and every later one shows the change against it.")


def _numbers(measure: Measure) -> tuple[str, str, str, str]:
    share = "–" if measure.share is None else f"{measure.share:.1%}"
    needed = "" if measure.needed is None else f"{measure.needed:.0%}"
    met = {True: "met", False: "not met", None: ""}[measure.met]
    return share, f"{measure.sound:,}/{measure.of:,}", needed, met


def _moved(measure: Measure, before: tuple[Measure, ...]) -> str:
    moved = change(measure, before)
    return "" if moved is None or abs(moved) < 0.0005 else f"{moved:+.1%}"
