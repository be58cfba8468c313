"""The pages about thresholds: what they are and who uses them, another value tried on the past, and proposed."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pilothouse.assembly import App
from pilothouse.decision.publishing.thresholds import Threshold, threshold_of, thresholds_of
from pilothouse.decision.settings import shown
from pilothouse.directory.credentials import Session
from pilothouse.surfaces.auth import Pilothouse, require
from pilothouse.surfaces.console.pages import Posted, SignedIn, Text, go, page
from pilothouse.surfaces.console.replay_pages import Asked, Given, answered, asked
from pilothouse.surfaces.proposing import propose_threshold
from pilothouse.surfaces.replaying import replaced
from pilothouse.vocabulary.errors import InvalidInput

router = APIRouter(include_in_schema=False)


@router.get("/policy/thresholds")
def thresholds(request: Request, session: SignedIn, pilothouse: Pilothouse) -> Response:
    """Every threshold with its value, its meaning, and what compares with it."""
    require(session.person, "read_ledger")
    text = replaced(pilothouse)
    found = thresholds_of(text.content, text.policy)
    return page(request, "thresholds.html", session, thresholds=found, version=text.policy.version, shown=shown)


@router.get("/policy/thresholds/{name}")
def threshold(request: Request, name: str, session: SignedIn, pilothouse: Pilothouse, given: Given) -> Response:
    """One threshold: what another value would have done, and the form that proposes it."""
    require(session.person, "read_ledger")
    text = replaced(pilothouse)
    found = threshold_of(text.content, text.policy, name)
    given, answer = given.model_copy(update={"setting": found.name}), dict[str, Any]()
    error: InvalidInput | None = None
    if given.value:
        try:
            answer = answered(asked(pilothouse, given))
        except InvalidInput as wrong:
            error = wrong
    return _threshold_page(request, session, pilothouse, found, given, error=error, **answer)


def _threshold_page(
    request: Request,
    session: Session,
    pilothouse: App,
    found: Threshold,
    given: Asked,
    *,
    error: InvalidInput | None = None,
    **more: Any,
) -> Response:
    return page(
        request, "threshold.html", session, 400 if error else 200, threshold=found, now=shown(found.value), given=given,
        last=pilothouse.versions.last(), version=replaced(pilothouse).policy.version,
        report=f"/policy/replay/report?{given.query}", error=error, **more,
    )  # fmt: skip


@router.post("/policy/thresholds/{name}")
def propose(
    request: Request,
    name: str,
    session: Posted,
    pilothouse: Pilothouse,
    value: Text = "",
    note: Text = "",
    seen: Text = "",
    since: Text = "30d",
    until: Text = "",
) -> Response:
    """Propose another value; what it would have done is attached."""
    given = Asked(setting=name, value=value, since=since, until=until)
    try:
        window = given.window(pilothouse)
        done = propose_threshold(pilothouse, name, value, session.person.id, note, window, seen=seen)
    except InvalidInput as wrong:
        text = replaced(pilothouse)
        found = threshold_of(text.content, text.policy, name)
        return _threshold_page(request, session, pilothouse, found, given, error=wrong)
    more = "" if done.replay else " There were too many decisions to attach its replay; run it on the command line."
    return go(
        f"/policy/{done.version.id}", f"{done.version.id} is proposed; somebody else of RevOps approves it.{more}"
    )
