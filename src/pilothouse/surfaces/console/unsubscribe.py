"""The one page for people outside: whoever asks to be left alone is, without log-in and at once (RFC 8058).

What must never happen here: opening the page taken for the wish (mail scanners open every link); an answer that tells
whether an address is known.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response

from pilothouse.surfaces.auth import Pilothouse
from pilothouse.surfaces.console.pages import templates
from pilothouse.surfaces.intake import Bucket
from pilothouse.vocabulary.errors import InvalidInput

router = APIRouter(include_in_schema=False)
bucket = Bucket(per_second=1.0, burst=20.0)
Address = Annotated[str, Query(alias="a", max_length=254)]


@router.get("/unsubscribe")
def page(request: Request, address: Address = "") -> Response:
    """Show the form; nothing is done yet."""
    return _shown(request, address=address)


@router.post("/unsubscribe")
def unsubscribe(
    request: Request,
    pilothouse: Pilothouse,
    address: Address = "",
    typed: Annotated[str, Form(alias="address", max_length=254)] = "",
) -> Response:
    """Leave an address alone from now on: the one in the link (one click) or the one that was typed."""
    bucket.take(request.client.host if request.client else "")
    wanted = typed or address
    if wanted.strip().startswith("@"):
        return _shown(request, address=wanted, problem="Please write your whole address.", status=400)
    try:
        pilothouse.compliance.suppress(wanted, "asked for it on the page for that")
    except InvalidInput:
        return _shown(request, address=wanted, problem="That is not an e-mail address.", status=400)
    return _shown(request, address=wanted, done=True)


def _shown(request: Request, *, address: str, done: bool = False, problem: str = "", status: int = 200) -> HTMLResponse:
    shown = {"address": address, "done": done, "problem": problem}
    return templates.TemplateResponse(request, "unsubscribe.html", shown, status_code=status)
