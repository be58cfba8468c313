"""The endpoints about definitions: what a term means, which records it holds of, what it says of one, and why."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from pilothouse.assembly import SYSTEM
from pilothouse.data.defining.answers import Answer
from pilothouse.surfaces.auth import CurrentPerson, Pilothouse, require
from pilothouse.surfaces.defined import evaluation_out, record_of, stage_out, term_out
from pilothouse.surfaces.rest.routes import PROBLEMS, Id

router = APIRouter(prefix="/v1/definitions", responses=PROBLEMS)
AsOf = Annotated[AwareDatetime | None, Query()]


@router.get("")
def list_definitions(person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Return every term, and the stages in order."""
    require(person, "read_ledger")
    definitions = pilothouse.definitions
    stages = [{"name": each.name, "closed": each.closed, "won": each.won} for each in definitions.stages]
    return {
        "terms": [term_out(each) for each in definitions.terms],
        "stages": stages,
        "stages_version": definitions.stages_version,
    }


@router.get("/{name}")
def show_definition(
    name: Id, person: CurrentPerson, pilothouse: Pilothouse, system: Id = SYSTEM, as_of: AsOf = None
) -> dict[str, Any]:
    """Return one term, how many of a system's records give each answer, and the first that it holds of."""
    require(person, "read_ledger")
    term = pilothouse.definitions.term(name)
    moment = as_of or pilothouse.judged_as_of(system)
    tally = pilothouse.judge.tally(name, system, moment)
    counts = {each.value: tally.counts[each] for each in Answer}
    return {**term_out(term), "as_of": moment.isoformat(), "counts": counts, "examples": tally.examples}


@router.get("/{name}/evaluate/{system}/{object}/{id}")
def evaluate_definition(
    name: Id, system: Id, object: Id, id: Id, person: CurrentPerson, pilothouse: Pilothouse, as_of: AsOf = None
) -> dict[str, Any]:
    """Return whether a term holds of a record: yes, no or cannot tell, with the reason and the version.

    For a deal, `stage` tells whether it meets what its stage asks.
    """
    require(person, "read_ledger")
    record = record_of(pilothouse, f"{system}/{object}/{id}")
    moment = as_of or pilothouse.judged_as_of(system)
    evaluator = pilothouse.judge.at(moment)
    answer = evaluation_out(evaluator.evaluate(name, record))
    stage = stage_out(evaluator.stage_check(record)) if object == "opportunity" else None
    return {**answer, "as_of": moment.isoformat(), "stage": stage}
