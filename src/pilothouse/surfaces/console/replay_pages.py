"""Had policy been another, what would have happened? Nothing is changed by asking; attaching a replay is a form of its own."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel

from pilothouse.assembly import App
from pilothouse.decision.replaying.attached import replay_at
from pilothouse.decision.replaying.report import Report, Window
from pilothouse.surfaces.auth import Pilothouse, require
from pilothouse.surfaces.console.pages import Posted, SignedIn, Text, go, page
from pilothouse.surfaces.moments import when
from pilothouse.surfaces.replaying import (
    MOST_IN_A_REQUEST,
    proposed,
    replay_version,
    replay_within,
    within_workspace,
)
from pilothouse.surfaces.reports.replay import flips_chart, replay_report

router = APIRouter(include_in_schema=False)
ALONE = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}


class Asked(BaseModel):
    """What is asked: a version or folder (`policy`), or a threshold with another value, and the decisions to try it on."""

    policy: str = ""
    setting: str = ""
    value: str = ""
    since: str = "30d"
    until: str = ""
    agent: str = ""
    type: str = ""

    @property
    def query(self) -> str:
        """The same as the query of an address."""
        return urlencode({name: value for name, value in self.model_dump().items() if value})

    def window(self, pilothouse: App) -> Window:
        """Return the decisions that are meant."""
        now = pilothouse.clock.now()
        return Window(when(self.since or None, now), when(self.until or None, now), self.agent, self.type)


Given = Annotated[Asked, Query()]


@router.get("/policy/replay")
def what_if(request: Request, session: SignedIn, pilothouse: Pilothouse, given: Given) -> Response:
    """The form, and what a version or a folder would have done."""
    require(session.person, "read_ledger")
    answer = answered(asked(pilothouse, given)) if given.policy else {}
    return page(
        request, "replay.html", session, given=given, version=pilothouse.policy.version, most=MOST_IN_A_REQUEST,
        versions=pilothouse.versions.list(), report=f"/policy/replay/report?{given.query}", **answer,
    )  # fmt: skip


@router.get("/policy/replay/report")
def printed(session: SignedIn, pilothouse: Pilothouse, given: Given) -> Response:
    """The same as a page to print."""
    require(session.person, "read_ledger")
    report = asked(pilothouse, given)
    return HTMLResponse(replay_report(report.as_json(), report.digest, pilothouse.clock.now()), headers=ALONE)


@router.get("/policy/replays/{position}")
def attached(position: int, session: SignedIn, pilothouse: Pilothouse) -> Response:
    """A replay that was attached to a text, as it was seen then."""
    require(session.person, "read_ledger")
    found = replay_at(pilothouse.ledger, position)
    return HTMLResponse(replay_report(found.report, found.digest, found.at), headers=ALONE)


@router.post("/policy/{version}/replay")
def attach_replay(
    version: str, session: Posted, pilothouse: Pilothouse, since: Text = "30d", until: Text = ""
) -> Response:
    """Replay a version, and attach it for whoever decides on it."""
    require(session.person, "read_ledger")
    replay_version(pilothouse, version, Asked(since=since, until=until).window(pilothouse), session.person.id)
    return go(f"/policy/{version}", "The replay is attached.")


def asked(pilothouse: App, given: Asked) -> Report:
    """Replay what was asked for; raises as `replay_within` and the reading of what it names do."""
    window = given.window(pilothouse)
    if given.setting:
        return replay_within(pilothouse, window, proposed(pilothouse, changes={given.setting: given.value}))
    return replay_within(pilothouse, window, proposed(pilothouse, within_workspace(pilothouse, given.policy or ".")))


def answered(report: Report) -> dict[str, Any]:
    """Return what the template `_replayed.html` shows."""
    told = report.as_json()
    return {"told": told, "chart": flips_chart(told)}
