"""Signals over REST: CloudEvents from people's systems and agents, and webhooks from sources with a secret.

The answer comes when what it says is durable. One event answers by its own fate; a list answers 200 with the fate of each.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from pilothouse.assembly import App
from pilothouse.data.signals.receiving import Fate, Receipt
from pilothouse.gateway.telling import teller
from pilothouse.surfaces.auth import Pilothouse, person_of, require, token_of
from pilothouse.surfaces.intake import LARGEST_BODY, ONE, SEVERAL, Bucket, body_of, events_of, parsed_json
from pilothouse.surfaces.rest.models import Problem
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
from pilothouse.vocabulary.errors import InvalidInput

FATES = {Fate.ACCEPTED: 200, Fate.KNOWN: 200, Fate.REFUSED: 409, Fate.QUARANTINED: 422}
SCHEMA: dict[str, Any] = {"type": "object", "required": ["specversion", "id", "source", "type", "time"]}
BODY: dict[str, Any] = {
    "required": True,
    "content": {ONE: {"schema": SCHEMA}, SEVERAL: {"schema": {"type": "array", "items": SCHEMA, "maxItems": 1000}}},
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": text}
    for status, text in (
        (400, "Not usable as it is"),
        (401, "Not authenticated"),
        (403, "Not permitted"),
        (413, f"More than {LARGEST_BODY:,} bytes, or too many events"),
        (415, "Not CloudEvents in JSON"),
        (429, "Too many requests"),
        (503, "The ledger cannot be written"),
    )
}
router = APIRouter(prefix="/v1", responses=PROBLEMS)
Source = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]*$", max_length=40)]
bucket = Bucket()


class SignalOut(BaseModel):
    """What became of one signal; `position` is its entry in the ledger, the first one's when it was known.

    `index` is its place among those sent. `source` and `id` are empty where they could not be read.
    """

    index: int
    source: str
    id: str
    fate: Fate
    position: int | None
    reason: str


class SignalsOut(BaseModel):
    """What became of each signal, in the order in which they were sent."""

    signals: list[SignalOut]


ANSWERS: dict[int | str, dict[str, Any]] = {
    409: {"model": SignalsOut, "description": "Known with other content; kept in quarantine"},
    422: {"model": SignalsOut, "description": "It does not fit its type; kept in quarantine with the reason"},
}


@router.post("/signals", responses=ANSWERS, openapi_extra={"requestBody": BODY})
async def receive(
    request: Request,
    response: Response,
    pilothouse: Pilothouse,
    content_type: Annotated[str, Header()] = "",
    authorization: Annotated[str, Header()] = "",
    x_csrf_token: Annotated[str, Header()] = "",
) -> SignalsOut:
    """Take signals in as CloudEvents 1.0, structured or batched. Sending one again answers with the first one's position."""
    actor, channel = await run_in_threadpool(_teller, request, pilothouse, authorization, x_csrf_token)
    bucket.take(str(actor))
    events = events_of(content_type, await body_of(request))
    receipts = await run_in_threadpool(pilothouse.signals.receive_events, events, actor, channel)
    return _answer(receipts, response, single=content_type.startswith(ONE))


@router.post("/webhooks/{source}", responses=ANSWERS, openapi_extra={"requestBody": BODY})
async def webhook(
    request: Request,
    response: Response,
    source: Source,
    pilothouse: Pilothouse,
    content_type: Annotated[str, Header()] = "",
) -> SignalsOut:
    """Take signals in from a source that signs its requests (Standard Webhooks): CloudEvents, or its own payload shape."""
    bucket.take(f"source/{source}")
    body = await body_of(request)
    ident = pilothouse.sources.verify(source, request.headers, body, pilothouse.clock.now())
    known = content_type.startswith((ONE, SEVERAL))
    events = events_of(content_type, body) if known else [_payload(parsed_json(body), ident, source)]
    receipts = await run_in_threadpool(pilothouse.signals.receive_events, events, Actor(SYSTEM_PERSON), source)
    return _answer(receipts, response, single=not content_type.startswith(SEVERAL))


def _teller(request: Request, pilothouse: App, authorization: str, csrf: str) -> tuple[Actor, str]:
    """Return who sends, and the channel: an agent's signals stand under its own name, whatever source it states."""
    if authorization:
        actor = teller(pilothouse.gateway.door, token_of(authorization))
        assert actor.agent is not None
        return actor, f"agent/{actor.agent.name}"
    person = person_of(request, csrf)
    require(person, "send_signals")
    return Actor(person.id), ""


def _payload(payload: Any, ident: str, source: str) -> dict[str, Any]:
    """Return a Standard Webhooks payload (`type`, `timestamp`, `data`) as an event; `data` says whom it is about too."""
    if not isinstance(payload, dict) or not isinstance(payload.get("data"), dict):  # pyright: ignore[reportUnknownMemberType]
        raise InvalidInput("the payload has no type, timestamp and data.", hint=f"Or send {ONE}.")
    if "specversion" in payload:
        return payload  # pyright: ignore[reportUnknownVariableType]
    data: dict[str, Any] = dict(payload["data"])  # pyright: ignore[reportUnknownArgumentType]
    about = {name: data.pop(name) for name in ("subject", "account", "contact", "email", "domain") if name in data}
    head = {"specversion": "1.0", "id": ident, "source": source}
    return {**head, "type": payload.get("type"), "time": payload.get("timestamp"), "data": data, **about}  # pyright: ignore[reportUnknownMemberType]


def _answer(receipts: list[Receipt], response: Response, *, single: bool) -> SignalsOut:
    if single and receipts:
        response.status_code = FATES[receipts[0].fate]
    told = [
        SignalOut(index=index, source=r.source, id=r.id, fate=r.fate, position=r.position, reason=r.reason)
        for index, r in enumerate(receipts)
    ]
    return SignalsOut(signals=told)
