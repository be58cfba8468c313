"""The pages for people outside: whoever asks to be left alone is, without log-in and at once (RFC 8058).

Each letter carries its recipient's own link (`handoff/ways_out.py`); the form is for who has no such link.

What must never happen here: opening a page taken for the wish (mail scanners open every link); an answer that tells
whether an address is known; an address in an address line.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from pilothouse.handoff.ways_out import ONE_CLICK
from pilothouse.surfaces.auth import Pilothouse
from pilothouse.surfaces.console.pages import templates
from pilothouse.surfaces.intake import Bucket
from pilothouse.vocabulary.errors import InvalidInput

router = APIRouter(include_in_schema=False)
bucket = Bucket(per_second=1.0, burst=20.0)


@router.get("/unsubscribe")
def page(request: Request) -> Response:
    """Show the form; nothing is done yet."""
    return _shown(request)


@router.post("/unsubscribe")
def unsubscribe(
    request: Request, pilothouse: Pilothouse, address: Annotated[str, Form(max_length=254)] = ""
) -> Response:
    """Leave the address that was typed alone from now on."""
    _take(request)
    if address.strip().startswith("@"):
        return _shown(request, address=address, problem="Please write your whole address.", status=400)
    try:
        pilothouse.compliance.suppress(address, "asked for it on the page for that")
    except InvalidInput:
        return _shown(request, address=address, problem="That is not an e-mail address.", status=400)
    return _shown(request, address=address, done=True)


@router.get("/unsubscribe/{token}")
def own_page(request: Request, pilothouse: Pilothouse, token: str) -> Response:
    """Show the one button of a recipient's own link; nothing is done yet."""
    try:
        address = pilothouse.gateway.door.ways_out.address(token)
    except InvalidInput as error:
        return _shown(request, broken=str(error), status=404)
    return _shown(request, address=_masked(address), own=True)


@router.post("/unsubscribe/{token}")
def one_click(
    request: Request, pilothouse: Pilothouse, token: str, wish: Annotated[str, Form(alias=ONE_CLICK[0])] = ""
) -> Response:
    """Leave the address of a recipient's own link alone: a mail program asks for it, or the button.

    Whoever comes with a link of ours is never turned away, as many as come from one mail provider: a link suppresses one
    address, once. Whoever tries others is slowed down.
    """
    try:
        address = pilothouse.gateway.door.ways_out.address(token)
    except InvalidInput as error:
        _take(request)
        return _shown(request, broken=str(error), status=404)
    if wish != ONE_CLICK[1]:
        return _shown(request, address=_masked(address), own=True, problem="Please press the button.", status=400)
    pilothouse.compliance.suppress(address, "asked for it by the link in a letter")
    return _shown(request, address=_masked(address), done=True)


def _take(request: Request) -> None:
    bucket.take(request.client.host if request.client else "")


def _masked(address: str) -> str:
    """Return as much of an address as tells its owner which of theirs it is; a letter may be passed on."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}"


def _shown(
    request: Request,
    *,
    address: str = "",
    own: bool = False,
    done: bool = False,
    problem: str = "",
    broken: str = "",
    status: int = 200,
) -> HTMLResponse:
    shown = {"address": address, "own": own, "done": done, "problem": problem, "broken": broken, "wish": ONE_CLICK}
    return templates.TemplateResponse(request, "unsubscribe.html", shown, status_code=status)
