"""The page that asks: had policy been another, what would have happened? Nothing is changed by asking."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from pilothouse.assembly import App
from pilothouse.decision.replaying.changing import Setting, settings_of
from pilothouse.decision.replaying.differences import differences
from pilothouse.decision.replaying.report import Report, Window
from pilothouse.surfaces.auth import Pilothouse, require
from pilothouse.surfaces.console.pages import SignedIn, page
from pilothouse.surfaces.moments import when
from pilothouse.surfaces.replaying import MOST_IN_A_REQUEST, Proposed, proposed, replay_within, within_workspace
from pilothouse.surfaces.reports.replay import flips_chart, replay_report

router = APIRouter(include_in_schema=False)
ALONE = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}


@router.get("/policy/replay")
def what_if(
    request: Request,
    session: SignedIn,
    pilothouse: Pilothouse,
    setting: str = "",
    value: str = "",
    folder: str = "",
    since: str = "",
    until: str = "",
    agent: str = "",
    type: str = "",
) -> Response:
    """The form, and what a change would have done."""
    require(session.person, "read_ledger")
    given = {"setting": setting, "value": value, "folder": folder, "since": since or "30d", "until": until,
             "agent": agent, "type": type}  # fmt: skip
    answer: dict[str, Any] = {}
    if setting or folder:
        new, report = _asked(pilothouse, given)
        told = report.as_json()
        changes = differences(pilothouse.policy, new.policy)
        answer = {"told": told, "changes": changes, "chart": flips_chart(told), "query": request.url.query}
    settings = {name: _shown(now) for name, now in settings_of(pilothouse.policy).items()}
    return page(
        request, "replay.html", session, given=given, settings=settings, version=pilothouse.policy.version,
        most=MOST_IN_A_REQUEST, **answer,
    )  # fmt: skip


@router.get("/policy/replay/report")
def printed(
    session: SignedIn,
    pilothouse: Pilothouse,
    setting: str = "",
    value: str = "",
    folder: str = "",
    since: str = "30d",
    until: str = "",
    agent: str = "",
    type: str = "",
) -> Response:
    """The same as a page to print."""
    require(session.person, "read_ledger")
    given = {"setting": setting, "value": value, "folder": folder, "since": since, "until": until, "agent": agent}
    _, report = _asked(pilothouse, {**given, "type": type})
    return HTMLResponse(replay_report(report.as_json(), report.digest, pilothouse.clock.now()), headers=ALONE)


def _asked(pilothouse: App, given: dict[str, str]) -> tuple[Proposed, Report]:
    now = pilothouse.clock.now()
    window = Window(when(given["since"] or None, now), when(given["until"] or None, now), given["agent"], given["type"])
    if given["setting"]:
        new = proposed(pilothouse, changes={given["setting"]: given["value"]})
    else:
        new = proposed(pilothouse, within_workspace(pilothouse, given["folder"]))
    return new, replay_within(pilothouse, window, new)


def _shown(value: Setting) -> str:
    return ", ".join(value) if isinstance(value, tuple) else f"{value:.10g}"
