"""`/v1/policy/replay`: what a changed policy would have done. Nothing is changed by asking."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from pilothouse.decision.replaying.report import Window
from pilothouse.surfaces.auth import CurrentPerson, Pilothouse, require
from pilothouse.surfaces.moments import when
from pilothouse.surfaces.replaying import proposed, replay_within, setting_of, within_workspace
from pilothouse.surfaces.rest.routes import PROBLEMS

router = APIRouter(prefix="/v1", tags=["policy"], responses=PROBLEMS)


@router.get("/policy/replay")
def replay(
    person: CurrentPerson,
    pilothouse: Pilothouse,
    setting: Annotated[
        list[str] | None, Query(alias="set", description="name=value, as thresholds.large_deal=5")
    ] = None,
    folder: Annotated[str, Query(description="A policy folder in the workspace; default: its own.")] = "policy",
    since: str | None = None,
    until: str | None = None,
    agent: str = "",
    action_type: Annotated[str, Query(alias="type")] = "",
) -> dict[str, Any]:
    """Decide recorded decisions again under a folder's policy, or under the one in force with numbers changed."""
    require(person, "read_ledger")
    now = pilothouse.clock.now()
    changes = dict(setting_of(each) for each in setting or ())
    new = proposed(pilothouse, within_workspace(pilothouse, folder), changes)
    report = replay_within(pilothouse, Window(when(since, now), when(until, now), agent, action_type), new)
    return {**report.as_json(), "digest": report.digest}
