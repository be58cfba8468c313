"""The page about the data itself: how good it is."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from pilothouse.assembly import SYSTEM
from pilothouse.data.enrichment.status import status as enrichment_status
from pilothouse.data.quality import change
from pilothouse.surfaces.auth import Pilothouse, require
from pilothouse.surfaces.console.pages import Posted, SignedIn, go, page
from pilothouse.surfaces.reports.quality import quality_report
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import NotFound

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
    enricher = pilothouse.enricher
    enrichment = enrichment_status(pilothouse.ledger, enricher.knowledge, enricher.providers, pilothouse.clock.now())
    return page(
        request, "quality.html", session, audit=audit, baseline=baseline, groups=groups, said=said,
        enrichment=enrichment,
    )  # fmt: skip


@router.get("/quality/report")
def report(session: SignedIn, pilothouse: Pilothouse) -> Response:
    """The audits as a page to print."""
    require(session.person, "read_ledger")
    audits = list(pilothouse.quality.audits(SYSTEM))
    if not audits:
        raise NotFound("nothing was measured yet.", hint="Measure on the page Data.")
    # It stands alone, as it does in a mail: its style is in it, and nothing else may be loaded or run.
    alone = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
    return HTMLResponse(quality_report(audits, pilothouse.clock.now()), headers=alone)


@router.post("/quality")
def measure_again(session: Posted, pilothouse: Pilothouse) -> Response:
    """Audit now."""
    require(session.person, "rollback")
    moment = pilothouse.newest_day(SYSTEM) or pilothouse.clock.now()
    audit = pilothouse.quality.audit(SYSTEM, moment, Actor(session.person.id))
    return go("/quality", f"Measured {len(audit.measures)} shares.")
