"""The page about the data itself: how good it is."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pilothouse.assembly import SYSTEM
from pilothouse.data.quality import change
from pilothouse.surfaces.auth import Pilothouse, require
from pilothouse.surfaces.console.pages import Posted, SignedIn, go, page
from pilothouse.vocabulary.actors import Actor

router = APIRouter(include_in_schema=False)


@router.get("/quality")
def quality(request: Request, session: SignedIn, pilothouse: Pilothouse, said: str = "") -> Response:
    """How good the data is, beside the baseline."""
    require(session.person, "read_ledger")
    audit, baseline = pilothouse.quality.latest(SYSTEM), pilothouse.quality.baseline(SYSTEM)
    before = baseline.measures if audit and baseline and baseline.position != audit.position else ()
    groups: dict[str, list[object]] = {}
    for measure in audit.measures if audit else ():
        groups.setdefault(measure.group, []).append((measure, change(measure, before)))
    return page(request, "quality.html", session, audit=audit, baseline=baseline, groups=groups, said=said)


@router.post("/quality")
def measure_again(session: Posted, pilothouse: Pilothouse) -> Response:
    """Audit now."""
    require(session.person, "rollback")
    moment = pilothouse.newest_day(SYSTEM) or pilothouse.clock.now()
    audit = pilothouse.quality.audit(SYSTEM, moment, Actor(session.person.id))
    return go("/quality", f"Measured {len(audit.measures)} shares.")
