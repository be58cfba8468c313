"""The web application: REST, console, the loop that carries on what people decided and time closed, and the clock."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse

from pilothouse import __version__
from pilothouse.assembly import App
from pilothouse.orchestration.continuing import Patience, carry_on
from pilothouse.surfaces.console.pages import mount_console, problem_page
from pilothouse.surfaces.rest import accounts, autonomy, grants, incidents, notifications, signals
from pilothouse.surfaces.rest.contract_routes import router as contract_router
from pilothouse.surfaces.rest.definition_routes import router as definition_router
from pilothouse.surfaces.rest.oversight_routes import router as oversight_router
from pilothouse.surfaces.rest.pipeline_routes import router as pipeline_router
from pilothouse.surfaces.rest.policy_routes import router as policy_router
from pilothouse.surfaces.rest.question_routes import router as question_router
from pilothouse.surfaces.rest.replay_routes import router as replay_router
from pilothouse.surfaces.rest.routes import router
from pilothouse.vocabulary.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    LedgerUnavailable,
    NotFound,
    PilothouseError,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unsupported,
)

STATUS: tuple[tuple[type[PilothouseError], int], ...] = (
    (InvalidInput, 400),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (TooLarge, 413),
    (Unsupported, 415),
    (TooMany, 429),
    (Conflict, 409),
    (LedgerUnavailable, 503),
)
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
EVERY_SECONDS = 2.0


def build(pilothouse: App) -> FastAPI:
    """Return the web application for an assembled Pilothouse."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None, None]:
        stop = threading.Event()
        loops = [threading.Thread(target=each, args=(pilothouse, stop), daemon=True) for each in LOOPS]
        for loop in loops:
            loop.start()
        yield
        stop.set()
        for loop in loops:
            loop.join(timeout=10)

    web = FastAPI(title="Pilothouse", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    web.state.pilothouse = pilothouse
    web.include_router(router)
    web.include_router(definition_router)
    web.include_router(contract_router)
    web.include_router(pipeline_router)
    web.include_router(policy_router)
    web.include_router(replay_router)
    web.include_router(oversight_router)
    web.include_router(question_router)
    web.include_router(signals.router)
    web.include_router(accounts.router)
    web.include_router(incidents.router)
    web.include_router(notifications.router)
    web.include_router(autonomy.router)
    web.include_router(grants.router)
    mount_console(web)
    web.add_exception_handler(PilothouseError, _problem)
    web.add_exception_handler(RequestValidationError, _invalid)
    web.add_exception_handler(404, _nowhere)
    web.middleware("http")(_headers)
    return web


def _tend(pilothouse: App, stop: threading.Event) -> None:
    patience = Patience()
    while not stop.wait(EVERY_SECONDS):
        pilothouse.upkeep.run("take in", pilothouse.take_in)
        pilothouse.upkeep.run("carry on", lambda: carry_on(pilothouse.gateway, patience))
        pilothouse.upkeep.run("autonomy", pilothouse.autonomy.round)
        pilothouse.upkeep.run("checkpoint", lambda: pilothouse.witness.checkpoint(pilothouse.ledger))


def _notify(pilothouse: App, stop: threading.Event) -> None:
    while not stop.wait(EVERY_SECONDS):
        pilothouse.upkeep.run("notify", pilothouse.notifications.round)


def _by_the_clock(pilothouse: App, stop: threading.Event) -> None:
    """Run schedules, in a thread of their own: what takes minutes must not keep approved acts waiting."""
    begun = False
    while not stop.wait(EVERY_SECONDS):
        if not begun:
            begun = pilothouse.upkeep.run("cut-off schedules", pilothouse.scheduler.close_cut_off)
        pilothouse.upkeep.run("schedules", pilothouse.scheduler.tend)


LOOPS = (_tend, _notify, _by_the_clock)
"""Each in a thread of its own: what takes minutes, or waits for others' servers, must not keep approved acts waiting."""


async def _headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, PilothouseError)
    status = next((code for kind, code in STATUS if isinstance(error, kind)), 500)
    if request.url.path.startswith("/v1"):
        body = {"code": error.code, "message": error.message, "hint": error.hint}
        return JSONResponse(body, status, {"Retry-After": "1"} if status == 429 else None)
    if status == 401:
        # Back to where somebody wanted to, once they have logged in; a form that was sent must be sent anew.
        wanted = request.url.path if request.method == "GET" and request.url.path != "/" else ""
        return RedirectResponse(f"/login?{urlencode({'next': wanted})}" if wanted else "/login", 303)
    return problem_page(request, error, status)


async def _nowhere(request: Request, error: Exception) -> Response:
    missing = NotFound(f"there is nothing at {request.url.path}.", hint="Start from the overview.")
    return await _problem(request, missing)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors: Sequence[dict[str, Any]] = error.errors()
    first = errors[0] if errors else dict[str, Any]()
    where = ".".join(str(part) for part in first.get("loc", ()))
    body = {"code": "invalid_request", "message": f"{where}: {first.get('msg', '')}", "hint": "See /openapi.json."}
    return JSONResponse(body, 422)
