"""`/v1/policy/replay…` and `/v1/policy/thresholds…`: what a changed policy would have done, and proposing one number.

Asking changes nothing; attaching a replay and proposing a threshold each write what their names say.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from pilothouse.decision.publishing.thresholds import thresholds_of
from pilothouse.decision.replaying.attached import replay_at
from pilothouse.decision.replaying.report import Window
from pilothouse.surfaces.auth import CurrentPerson, Pilothouse, require
from pilothouse.surfaces.moments import when
from pilothouse.surfaces.plain import plain
from pilothouse.surfaces.proposing import propose_threshold
from pilothouse.surfaces.replaying import (
    proposed,
    replaced,
    replay_version,
    replay_within,
    setting_of,
    within_workspace,
)
from pilothouse.surfaces.rest.models import Model, Named
from pilothouse.surfaces.rest.routes import PROBLEMS, Id
from pilothouse.surfaces.versions import version_out

router = APIRouter(prefix="/v1", tags=["policy"], responses=PROBLEMS)


class ReplayIn(Model):
    """Which decisions are made again: from (30d, or a moment), up to."""

    since: str = "30d"
    until: str | None = None


class ThresholdIn(Model):
    """Another value for a threshold, what changes and why, and the decisions to try it on."""

    value: str
    note: Named
    since: str = "30d"


@router.get("/policy/replay")
def replay(
    person: CurrentPerson,
    pilothouse: Pilothouse,
    setting: Annotated[
        list[str] | None, Query(alias="set", description="name=value, as thresholds.large_deal=5")
    ] = None,
    policy: Annotated[str, Query(description="A version, or a folder in the workspace; default: its own files.")] = "",
    since: str | None = None,
    until: str | None = None,
    agent: str = "",
    action_type: Annotated[str, Query(alias="type")] = "",
) -> dict[str, Any]:
    """Decide recorded decisions again under a version's or folder's policy, or under what was published last with
    thresholds changed."""
    require(person, "read_ledger")
    now = pilothouse.clock.now()
    changes = dict(setting_of(each) for each in setting or ())
    new = proposed(pilothouse, within_workspace(pilothouse, policy) if policy else "", changes)
    report = replay_within(pilothouse, Window(when(since, now), when(until, now), agent, action_type), new)
    return {**report.as_json(), "digest": report.digest}


@router.get("/policy/replays/{position}")
def attached(position: int, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Return a replay that was attached to a text, whole and as it was seen then."""
    require(person, "read_ledger")
    found = replay_at(pilothouse.ledger, position)
    return {**found.report, "digest": found.digest, "by": found.by, "at": plain(found.at)}


@router.post("/policy/versions/{version}/replay")
def attach_replay(version: Id, given: ReplayIn, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Replay a version and write it down for whoever decides on it; returns its figures."""
    require(person, "read_ledger")
    now = pilothouse.clock.now()
    window = Window(when(given.since, now), when(given.until, now))
    return plain(replay_version(pilothouse, version, window, person.id).figures())


@router.get("/policy/thresholds")
def list_thresholds(person: CurrentPerson, pilothouse: Pilothouse) -> list[dict[str, Any]]:
    """Return every threshold of what was published last: value, meaning, where it stands, what compares with it."""
    require(person, "read_ledger")
    text = replaced(pilothouse)
    return plain(thresholds_of(text.content, text.policy))


@router.post("/policy/thresholds/{name}")
def change_threshold(name: Id, given: ThresholdIn, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Propose what was published last with one threshold changed, with its replay attached."""
    require(person, "propose_policy")
    window = Window(when(given.since, pilothouse.clock.now()))
    done = propose_threshold(pilothouse, name, given.value, person.id, given.note, window)
    return version_out(done.version, None, done.replay)
