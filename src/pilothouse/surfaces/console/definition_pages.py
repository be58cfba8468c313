"""The pages about definitions: the list, and one term with its condition, its numbers and examples."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pilothouse.assembly import SYSTEM, App
from pilothouse.data.defining.answers import Answer, Evaluation, StageCheck
from pilothouse.data.defining.facts import FACTS
from pilothouse.data.defining.variables import FACT, STAGED
from pilothouse.data.store import Record
from pilothouse.surfaces.auth import Pilothouse, require
from pilothouse.surfaces.console.pages import SignedIn, page
from pilothouse.surfaces.defined import pauses_for
from pilothouse.vocabulary.records import RecordRef

router = APIRouter(include_in_schema=False)


@router.get("/definitions")
def definitions(request: Request, session: SignedIn, pilothouse: Pilothouse) -> Response:
    """Every term with how many records meet it, and the stages held against the deals in them."""
    require(session.person, "read_ledger")
    moment = pilothouse.judged_as_of(SYSTEM)
    tallies = [(term, pilothouse.judge.tally(term.name, SYSTEM, moment)) for term in pilothouse.definitions.terms]
    return page(
        request, "definitions.html", session, tallies=tallies, stages=pilothouse.definitions.stages,
        report=pilothouse.judge.stages(SYSTEM, moment), version=pilothouse.definitions.stages_version,
        as_of=moment, system=SYSTEM, Answer=Answer,
    )  # fmt: skip


@router.get("/definitions/{name}")
def definition(request: Request, name: str, session: SignedIn, pilothouse: Pilothouse) -> Response:
    """One term: what it means, when it holds, how many records meet it, and why the first ones do."""
    require(session.person, "read_ledger")
    term = pilothouse.definitions.term(name)
    moment = pilothouse.judged_as_of(SYSTEM)
    tally = pilothouse.judge.tally(name, SYSTEM, moment)
    evaluator = pilothouse.judge.at(moment)
    held = [found for each in tally.examples if (found := _record(pilothouse, each)) is not None]
    asked = sorted({each for criterion in term.criteria for each in criterion.condition.needs if each.startswith(FACT)})
    facts = [FACTS[term.object, each.removeprefix(FACT)] for each in asked]
    return page(
        request, "definition.html", session, term=term, tally=tally, as_of=moment, system=SYSTEM, Answer=Answer,
        examples=[evaluator.evaluate(name, each) for each in held], facts=facts, pauses=pauses_for(term, evaluator, SYSTEM),
    )  # fmt: skip


def said_of(pilothouse: App, record: Record) -> tuple[list[Evaluation], StageCheck | None]:
    """Return what every term says of a record, those that hold first, and whether a deal meets its stage."""
    evaluator = pilothouse.judge.at(pilothouse.judged_as_of(record.ref.system))
    order = (Answer.YES, Answer.CANNOT_TELL, Answer.NO)
    found = sorted(evaluator.evaluations(record), key=lambda each: order.index(each.answer))
    return found, evaluator.stage_check(record) if record.ref.object == STAGED else None


def _record(pilothouse: App, named: str) -> Record | None:
    return pilothouse.store.record(RecordRef.parse(named))
