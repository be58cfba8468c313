"""The page on which people say who is who: two records side by side, and what speaks for and against their being one.

What is said here is a judgement about the data. It changes no system of record; nothing here may.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from pilothouse.assembly import App
from pilothouse.data.identity.features import FIELDS
from pilothouse.surfaces.auth import Pilothouse, require
from pilothouse.surfaces.console.pages import Posted, SignedIn, Text, go, page
from pilothouse.vocabulary.errors import InvalidInput
from pilothouse.vocabulary.records import RecordRef

router = APIRouter(include_in_schema=False)
SHOWN = 500


@router.get("/identity/{object}")
def pairs(
    request: Request,
    object: str,
    session: SignedIn,
    pilothouse: Pilothouse,
    at: Annotated[int, Query(ge=0, le=SHOWN)] = 0,
    said: str = "",
) -> Response:
    """The pair most worth a look, and the way to the next."""
    require(session.person, "review")
    waiting = pilothouse.resolver.pairs(_known(object), SHOWN)
    at = at if at < len(waiting) else 0
    pair = waiting[at] if waiting else None
    refs = (pair.one, pair.other) if pair else ()
    records = [found for ref in refs if (found := pilothouse.store.record(ref)) is not None]
    told = {name for each in records for name in each.fields}
    return page(
        request, "identity.html", session, object=object, objects=list(FIELDS), pair=pair, records=records, at=at,
        count=len(waiting), fields=[*(n for n in FIELDS[object] if n in told), *sorted(told - set(FIELDS[object]))],
        pending=len(pilothouse.resolver.pending(object)), state=pilothouse.learner.state(object), said=said,
    )  # fmt: skip


@router.post("/identity/{object}")
def judge(
    object: str, session: Posted, pilothouse: Pilothouse, decision: Text = "", one: Text = "", other: Text = "",
    why: Text = "", at: Annotated[int, Form(ge=0, le=SHOWN)] = 0,
) -> Response:  # fmt: skip
    """Take a judgement down, or put those that were taken down into effect."""
    require(session.person, "review")
    if decision == "apply":
        return go(f"/identity/{_known(object)}", _applied(pilothouse, object))
    if decision not in ("same", "different"):
        raise InvalidInput("the form says neither same nor different.", hint="Use one of the buttons.")
    pilothouse.resolver.judge(_ref(one), _ref(other), same=decision == "same", by=session.person.id, why=why)
    said = f"Noted: {'the same' if decision == 'same' else 'not the same'}."
    # The pair that was judged is gone, so the next one stands in its place.
    return RedirectResponse(f"/identity/{_known(object)}?{urlencode({'at': at, 'said': said})}", 303)


def _applied(pilothouse: App, object_name: str) -> str:
    done = pilothouse.resolver.settle(object_name)
    return f"{done.changed} of {done.entities:,} {object_name}s changed."


def _known(object_name: str) -> str:
    if object_name not in FIELDS:
        raise InvalidInput(f"{object_name!r} is not resolved.", hint=f"There is: {', '.join(FIELDS)}.")
    return object_name


def _ref(text: str) -> RecordRef:
    try:
        return RecordRef.parse(text)
    except ValueError as error:
        raise InvalidInput(str(error)) from None
