"""`pilothouse definitions`: what the company's words mean, which records they hold of, which deals contradict their stage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pilothouse.assembly import SYSTEM
from pilothouse.data.defining.answers import Answer
from pilothouse.data.defining.cases import run_cases
from pilothouse.data.defining.facts import CATALOGUE
from pilothouse.data.defining.judging import StageReport
from pilothouse.data.defining.reading import check_definitions, load_definitions
from pilothouse.data.definitions import Definitions
from pilothouse.surfaces.cli.context import HERE, Json, Where, known_system, opened
from pilothouse.surfaces.cli.output import emit, guarded, say, table
from pilothouse.surfaces.cli.policy import tell_problems
from pilothouse.surfaces.defined import evaluation_out, pause_out, pauses_for, record_of, term_out
from pilothouse.surfaces.moments import as_of as judged_at
from pilothouse.workspace.config import open_workspace

app = typer.Typer(no_args_is_help=True)
System = Annotated[str, typer.Option(help="The system whose records are asked about.")]
AsOf = Annotated[str | None, typer.Option(help="Judge ages as of this day; default: the newest date told of.")]


@app.command("list")
@guarded
def list_(where: Where = HERE, json: Json = False) -> None:
    """Show every term and stage."""
    definitions = _read(where)
    if json:
        emit({"terms": [term_out(each) for each in definitions.terms], "stages": _stages(definitions)})
        return
    rows = [(each.name, each.object, each.meaning, each.owner, each.version) for each in definitions.terms]
    table("Terms", ("term", "of", "meaning", "owner", "version"), rows)
    stages = [(each["name"], each["state"], len(each["entry"]), len(each["exit"])) for each in _stages(definitions)]
    table(f"Stages, in order ({definitions.stages_version})", ("stage", "state", "to be in it", "to leave it"), stages)


@app.command()
@guarded
def show(
    name: Annotated[str, typer.Argument(help="A term.")],
    record: Annotated[str, typer.Option(help="system/object/id: does it hold of this record, and why?")] = "",
    system: System = SYSTEM,
    as_of: AsOf = None,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Show one term: its meaning, its condition, how many records meet it, and what it says of one record."""
    with opened(where) as pilothouse:
        term = pilothouse.definitions.term(name)
        moment = judged_at(as_of, pilothouse.clock.now()) or pilothouse.judged_as_of(known_system(pilothouse, system))
        tally = pilothouse.judge.tally(name, system, moment)
        found = record_of(pilothouse, record) if record else None
        answer = pilothouse.judge.at(moment).evaluate(name, found) if found is not None else None
        pauses = pauses_for(term, pilothouse.judge.at(moment), system)
    if json:
        told: dict[str, Any] = {**term_out(term), "as_of": moment, "counts": tally.counts, "examples": tally.examples}
        told |= {"pauses": [pause_out(each) for each in pauses]} if pauses else {}
        emit({**told, "answer": evaluation_out(answer) if answer is not None else None})
        return
    say(f"{term.name} ({term.object}, version {term.version}, {term.owner}): {term.meaning}")
    rows = [("all", each.source, each.words) for each in term.all] + [("any", e.source, e.words) for e in term.any]
    table("It holds when", ("of", "condition", "in words"), rows)
    counts = ", ".join(f"{tally.counts[each]:,} {each}" for each in Answer)
    say(f"In {system}, as of {moment:%Y-%m-%d}: {counts}. {' '.join(tally.examples)}")
    if pauses:
        known = [(each.stage, f"{each.days}", f"{each.deals:,}", each.basis) for each in pauses]
        table("The usual pause by stage", ("stage", "days", "won deals", "what it rests on"), known)
    if answer is not None:
        say(f"{answer.record}: {answer.answer}. {answer.reason}")


@app.command()
@guarded
def check(system: System = SYSTEM, as_of: AsOf = None, where: Where = HERE, json: Json = False) -> None:
    """Check the files, then which deals contradict their stage; ends with 1 when something is wrong."""
    problems = check_definitions(open_workspace(where).folder("definitions"))
    if problems:
        tell_problems(problems, json=json)
        raise typer.Exit(1)
    with opened(where) as pilothouse:
        moment = judged_at(as_of, pilothouse.clock.now()) or pilothouse.judged_as_of(known_system(pilothouse, system))
        found = pilothouse.judge.stages(system, moment)
    if json:
        emit({"problems": [], "system": system, "as_of": moment, **vars(found)})
    else:
        _tell(found, system)
    if found.deals[Answer.NO]:
        raise typer.Exit(1)


def _tell(found: StageReport, system: str) -> None:
    rows = [
        (each.stage, each.kind, each.criterion, f"{each.against:,}", f"{each.open:,}", " ".join(r for r, _ in each.examples[:2]))
        for each in found.criteria
    ]  # fmt: skip
    columns = ("stage", "asked at", "what it asks", "contradicted", "open", "for example")
    table(f"Deals of {system} against their stages ({found.version})", columns, rows)
    counts = found.deals
    say(
        f"{counts[Answer.NO]:,} deals contradict their stage, {counts[Answer.YES]:,} agree with it, "
        f"and of {counts[Answer.CANNOT_TELL]:,} it cannot be told for lack of facts."
    )


@app.command()
@guarded
def test(where: Where = HERE, json: Json = False) -> None:
    """Run the golden cases of definitions/cases/."""
    folder = open_workspace(where).folder("definitions")
    results = run_cases(folder / "cases", load_definitions(folder))
    failed = [each for each in results if each.problem]
    if json:
        emit(results)
    else:
        if failed:
            table("Not as wanted", ("case", "where", "what"), [(e.title, e.where, e.problem) for e in failed])
        say(f"{len(results) - len(failed)} of {len(results)} cases came out as wanted.")
    if failed:
        raise typer.Exit(1)


@app.command()
@guarded
def facts(json: Json = False) -> None:
    """Show what a definition may ask beside a record's own fields."""
    rows = [(f"fact.{each.name}", each.object, each.type, each.unit, each.words) for each in CATALOGUE]
    if json:
        emit([dict(zip(("name", "object", "type", "unit", "words"), row, strict=True)) for row in rows])
    else:
        table("Derived facts", ("fact", "of", "type", "unit", "what it is"), rows)


def _read(where: Path) -> Definitions:
    return load_definitions(open_workspace(where).folder("definitions"))


def _stages(definitions: Definitions) -> list[dict[str, Any]]:
    return [
        {
            "name": each.name,
            "state": ("won" if each.won else "lost") if each.closed else "open",
            "also": each.also,
            "entry": [{"when": c.source, "words": c.words} for c in each.entry],
            "exit": [{"when": c.source, "words": c.words} for c in each.exit],
            "version": definitions.stages_version,
        }
        for each in definitions.stages
    ]
