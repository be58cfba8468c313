"""The endpoints about the pipeline: what was last measured, one deal of it, and measuring anew."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from pilothouse.assembly import SYSTEM, App
from pilothouse.data.pipeline.measured import Measured
from pilothouse.surfaces.auth import CurrentPerson, Pilothouse, require
from pilothouse.surfaces.defined import record_of
from pilothouse.surfaces.pipelines import measured_out
from pilothouse.surfaces.plain import plain
from pilothouse.surfaces.rest.routes import PROBLEMS, Id
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import NotFound

router = APIRouter(prefix="/v1/pipeline", responses=PROBLEMS)
Leading = Annotated[
    str,
    Query(
        pattern=r"^[A-Za-z0-9_@.+-]+$", max_length=100, description="The system that leads where several hold a deal."
    ),
]


@router.get("")
def show_pipeline(person: CurrentPerson, pilothouse: Pilothouse, system: Leading = SYSTEM) -> dict[str, Any]:
    """Return the pipeline as last measured: totals, each open deal once with its doubts, and derived opportunities."""
    require(person, "read_ledger")
    return measured_out(_latest(pilothouse, system))


@router.post("")
def measure_pipeline(person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Work out which deals are one, measure the pipeline as of the newest day told of, and keep what was found."""
    require(person, "rollback")
    moment = pilothouse.judged_as_of(SYSTEM)
    return measured_out(pilothouse.measure_pipeline(SYSTEM, moment, Actor(person.id)))


@router.get("/deals/{system}/{id}")
def show_deal(
    system: Id, id: Id, person: CurrentPerson, pilothouse: Pilothouse, leading: Leading = SYSTEM
) -> dict[str, Any]:
    """Return one open deal as last measured, by any of its records: all of them and why they are one, support, doubts."""
    require(person, "read_ledger")
    record = record_of(pilothouse, f"{system}/opportunity/{id}")
    found = next((each for each in _latest(pilothouse, leading).deals if str(record.ref) in each.records), None)
    if found is None:
        raise NotFound(f"{record.ref} was no open deal when last measured.", hint="POST /v1/pipeline measures anew.")
    return {**plain(found), "supported": found.supported}


def _latest(pilothouse: App, system: str) -> Measured:
    found = pilothouse.pipeline.latest(system)
    if found is None:
        raise NotFound(
            f"the pipeline of {system} was never measured.", hint="POST /v1/pipeline, or `pilothouse pipeline`."
        )
    return found
