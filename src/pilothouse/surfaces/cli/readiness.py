"""`pilothouse readiness`: how far autonomy may go, worked out from evidence, and what is missing."""

from __future__ import annotations

from typing import Annotated

import typer

from pilothouse.observability.readiness.plan import Deliverable, Plan
from pilothouse.observability.readiness.readiness import Assessment
from pilothouse.surfaces.cli.context import HERE, As, Json, Where, opened
from pilothouse.surfaces.cli.output import emit, guarded, say, table
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor


@guarded
def readiness(
    plan: Annotated[bool, typer.Option("--plan", help="Show the 90-day plan and the day-90 report too.")] = False,
    where: Where = HERE,
    person: As = "",
    json: Json = False,
) -> None:
    """Assess readiness from the ledger: the checklist, the stage, the ceiling it sets. What changed is recorded."""
    with opened(where) as pilothouse:
        by = pilothouse.directory.person(person).id if person else SYSTEM_PERSON
        pilothouse.witness.checkpoint(pilothouse.ledger)  # item 1 is about what was signed
        found = pilothouse.readiness.record(Actor(by))
    if json:
        emit(found)
        return
    _tell(found)
    if plan:
        _plan(found.plan)


def _tell(found: Assessment) -> None:
    rows = [(each.code, _met(each.met), each.title, each.figures, each.next if not each.met else "; ".join(each.evidence))
            for each in found.items]  # fmt: skip
    table("Checklist", ("item", "", "what", "figures", "evidence, or how to get it"), rows)
    rows = [
        (f"stage {stage}", _met(each.met), each.title, each.figures)
        for stage, items in found.prerequisites.items()
        for each in items
    ]
    table("Stages: what each asks for", ("", "", "what", "figures"), rows)
    rated = [
        (each.ref, each.claimed, each.level, "yes" if each.shown else "not yet", each.reason) for each in found.ratings
    ]
    table("Agents by evidence", ("agent", "claims level", "held to", "level 4 log shown", "why"), rated)
    say(
        f"Ceiling: level {found.level} ({found.level_name}), stage {found.stage} ({found.stage_name}); {found.met} of 10 met."
    )
    say("A bootstrap promotion stands above this ceiling for its one action type, until the system lowers it.")


def _plan(plan: Plan) -> None:
    day = "has not begun" if plan.day is None else f"is at day {plan.day}"
    table(f"90-day plan; the programme {day}", ("days", "", "what", "figures"), _rows(plan.deliverables))
    table("Day-90 exit", ("day", "", "what", "figures"), _rows(plan.exit))


def _rows(due: tuple[Deliverable, ...]) -> list[tuple[str, str, str, str]]:
    return [
        (
            f"{each.begin}–{each.end}" if each.begin != each.end else str(each.end),
            _met(each.met),
            each.title,
            each.figures,
        )
        for each in due
    ]


def _met(met: bool) -> str:
    return "met" if met else "not met"
