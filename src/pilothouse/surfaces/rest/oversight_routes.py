"""The endpoints about oversight: the report, batches of like reviews, and acts looked at again."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from pilothouse.handoff.batches import batches_of
from pilothouse.surfaces.auth import CurrentPerson, Pilothouse, require
from pilothouse.surfaces.plain import plain
from pilothouse.surfaces.rest.models import Verdict
from pilothouse.surfaces.rest.routes import PROBLEMS, Id

router = APIRouter(prefix="/v1/oversight", responses=PROBLEMS)


@router.get("")
def report(
    person: CurrentPerson, pilothouse: Pilothouse, days: Annotated[int, Query(ge=1, le=365)] = 30
) -> dict[str, Any]:
    """Return how long reviewers look, how often they say yes, what they miss, and whether the queue grows."""
    require(person, "read_ledger")
    return plain(pilothouse.oversight(days))


@router.get("/batches")
def batches(person: CurrentPerson, pilothouse: Pilothouse) -> list[dict[str, Any]]:
    """Return the groups of open reviews that are alike; each review in them is decided under /v1/reviews."""
    require(person, "review")
    return [{**plain(each), "seen": each.seen} for each in batches_of(pilothouse.reviews.list())]


@router.get("/spot-checks")
def spot_checks(person: CurrentPerson, pilothouse: Pilothouse, every: bool = False) -> list[dict[str, Any]]:
    """Return the acts that chance chose to be looked at again."""
    require(person, "read_ledger")
    return plain(pilothouse.spot_checks.list(waiting=not every))


@router.post("/spot-checks/{check}")
def judge(check: Id, given: Verdict, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Say whether an act was right; a note is needed where it was not."""
    return plain(pilothouse.spot_checks.decide(check, person.id, passed=given.passed, note=given.note))


@router.get("/calibration")
def calibration(person: CurrentPerson, pilothouse: Pilothouse) -> list[dict[str, Any]]:
    """Return, by agent and action type, stated confidence against the share found right, and what was published."""
    require(person, "read_ledger")
    found = pilothouse.calibrating.report()
    return [{"reliability": plain(each), "published": plain(published)} for each, published in found]
