"""The pages of reviews that are alike: the groups, and one group in one table, each row with a box to take it out."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pilothouse.gateway.batching import decide_together
from pilothouse.handoff.batches import batch_named, batches_of
from pilothouse.surfaces.auth import Pilothouse
from pilothouse.surfaces.canaries import canary_said
from pilothouse.surfaces.console.pages import Posted, SignedIn, go, page, waiting_for
from pilothouse.surfaces.hasty import each_once
from pilothouse.vocabulary.errors import Conflict, InvalidInput
from pilothouse.vocabulary.values import Json

router = APIRouter(include_in_schema=False)


@router.get("/batches")
def batches(request: Request, session: SignedIn, pilothouse: Pilothouse, said: str = "") -> Response:
    """The groups of open reviews that are alike."""
    return page(request, "batches.html", session, batches=batches_of(waiting_for(session, pilothouse)), said=said)


@router.get("/batches/{batch}")
def batch(request: Request, batch: str, session: SignedIn, pilothouse: Pilothouse) -> Response:
    """One group: every row with its values."""
    found = batch_named(waiting_for(session, pilothouse), batch)
    pilothouse.reviews.show([each.id for each in found.rows], session.person.id)
    return page(request, "batch.html", session, batch=found)


@router.post("/batches/{batch}")
async def decide(request: Request, batch: str, session: Posted, pilothouse: Pilothouse) -> Response:
    """Decide the rows that are ticked, each for the payload that the form carries."""
    form = await request.form()
    rows = dict(str(each).split(":", 1) for each in form.getlist("row") if ":" in str(each))
    decision, note = str(form.get("decision", "")), str(form.get("note", ""))
    if decision not in ("approve", "reject"):
        raise InvalidInput("the form says neither approve nor reject.", hint="Use one of the buttons.")
    if not rows:
        raise InvalidInput("no row is ticked.", hint="Tick what you decide on.")
    within = {each.id for each in batch_named(waiting_for(session, pilothouse), batch).rows}
    if not rows.keys() <= within:
        raise Conflict("some rows are not in this batch any more.", hint="Open it again and look.")
    done = decide_together(pilothouse.gateway, rows, session.person.id, approve=decision == "approve", note=note)
    counts: dict[str, int] = {}
    for row in done:
        counts[row.status] = counts.get(row.status, 0) + 1
    said = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in sorted(counts.items())) + "."
    told: list[Json] = [canary_said(pilothouse, row.review) if row.review else row.sentence for row in done]
    hasty = each_once([pilothouse.reviews.why_no_evidence(row.review) if row.review else "" for row in done])
    return go("/batches", " ".join([said, *(str(each) for each in told if each), *hasty]))
