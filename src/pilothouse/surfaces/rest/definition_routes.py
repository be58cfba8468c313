"""The endpoints about definitions: what a term means, which records it holds of, what it says of one, and why.

A person who may read the ledger asks about everything. An agent asks within its contract and what its person may see:
terms of objects it may read, and records in its reach, judged by what it may see of them.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from pilothouse.assembly import SYSTEM
from pilothouse.data.defining.answers import Answer
from pilothouse.gateway.asking import Asker, answer_for, term_for
from pilothouse.surfaces.auth import Caller, Pilothouse, require
from pilothouse.surfaces.defined import evaluation_out, pause_out, pauses_for, record_of, stage_out, term_out
from pilothouse.surfaces.rest.routes import PROBLEMS, Id
from pilothouse.vocabulary.records import RecordRef

router = APIRouter(prefix="/v1/definitions", responses=PROBLEMS)
AsOf = Annotated[AwareDatetime | None, Query()]


@router.get("")
def list_definitions(caller: Caller, pilothouse: Pilothouse) -> dict[str, Any]:
    """Return every term, and the stages in order; to an agent the terms of the objects that it may read.

    An agent that may read no opportunities is shown no stages.
    """
    definitions = pilothouse.definitions
    if not isinstance(caller, Asker):
        require(caller, "read_ledger")
    terms = [each for each in definitions.terms if not isinstance(caller, Asker) or caller.fields(each.object)]
    staged = not isinstance(caller, Asker) or caller.fields("opportunity")
    return {
        "terms": [term_out(each) for each in terms],
        "stages": [{"name": e.name, "closed": e.closed, "won": e.won} for e in definitions.stages if staged],
        "stages_version": definitions.stages_version,
    }


@router.get("/{name}")
def show_definition(
    name: Id, caller: Caller, pilothouse: Pilothouse, system: Id = SYSTEM, as_of: AsOf = None
) -> dict[str, Any]:
    """Return one term; to a person also how many of a system's records give each answer, and the first it holds of."""
    if isinstance(caller, Asker):
        return term_out(term_for(pilothouse.definitions, name, caller))
    require(caller, "read_ledger")
    term = pilothouse.definitions.term(name)
    moment = as_of or pilothouse.judged_as_of(system)
    tally = pilothouse.judge.tally(name, system, moment)
    counts = {each.value: tally.counts[each] for each in Answer}
    pauses = [pause_out(each) for each in pauses_for(term, pilothouse.judge.at(moment), system)]
    told = {"as_of": moment.isoformat(), "counts": counts, "examples": tally.examples}
    return {**term_out(term), **told, **({"pauses": pauses} if pauses else {})}


@router.get("/{name}/evaluate/{system}/{object}/{id}")
def evaluate_definition(
    name: Id, system: Id, object: Id, id: Id, caller: Caller, pilothouse: Pilothouse, as_of: AsOf = None
) -> dict[str, Any]:
    """Return whether a term holds of a record: yes, no or cannot tell, with the reason and the version.

    For a deal, `stage` tells whether it meets what its stage asks. An agent asks of a record in its reach and is answered
    from what it may see: a value it may not read is missing.
    """
    moment = as_of or pilothouse.judged_as_of(system)
    if isinstance(caller, Asker):
        ref = RecordRef(system, object, id)
        found, check = answer_for(pilothouse.gateway.door, pilothouse.definitions, name, ref, caller, moment)
    else:
        require(caller, "read_ledger")
        record = record_of(pilothouse, f"{system}/{object}/{id}")
        evaluator = pilothouse.judge.at(moment)
        found = evaluator.evaluate(name, record)
        check = evaluator.stage_check(record) if object == "opportunity" else None
    stage = stage_out(check) if check is not None else None
    return {**evaluation_out(found), "as_of": moment.isoformat(), "stage": stage}
