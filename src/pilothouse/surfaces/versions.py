"""Versions of policy in words, for command line, REST and console."""

from __future__ import annotations

from typing import Any

from pilothouse.decision.publishing.publishing import PolicyVersions
from pilothouse.decision.publishing.versions import Version, VersionStatus
from pilothouse.decision.replaying.attached import Attached
from pilothouse.surfaces.following import bring_along
from pilothouse.surfaces.plain import plain
from pilothouse.vocabulary.clock import Clock
from pilothouse.workspace.config import Workspace


def version_out(version: Version, standing: Version | None, replay: Attached | None = None) -> dict[str, Any]:
    """Return a version without its text, whether it is in force, and as `replayed` the figures of a replay of it."""
    told = {**plain(version.summary()), "in_force": standing is not None and standing.id == version.id}
    return {**told, "replayed": plain(replay.figures())} if replay is not None else told


def state_of(version: Version, standing: Version | None, clock: Clock) -> str:
    """Return in a word or two how a version stands."""
    if standing is not None and standing.id == version.id:
        return "in force"
    if version.status is not VersionStatus.PUBLISHED:
        return "waits for approval" if version.status is VersionStatus.PROPOSED else version.status.value
    began, begins = standing.published_position if standing else None, version.effective_from
    later = began is None or (version.published_position or 0) > began
    return f"from {begins:%Y-%m-%d %H:%M} UTC" if later and begins and begins > clock.now() else "replaced"


def approve(
    workspace: Workspace, versions: PolicyVersions, named: str, by: str, content_hash: str = ""
) -> tuple[Version, list[str]]:
    """Publish a version, and bring the files along; return it and the files whose unpublished edits were left."""
    before = versions.last()
    version = versions.approve(named, by, content_hash)
    return version, bring_along(workspace, before, version)


def roll_back(
    workspace: Workspace, versions: PolicyVersions, named: str, by: str, reason: str, *, overwrite: bool
) -> tuple[Version, list[str]]:
    """Roll back, and bring the files along; return the new version and the files whose unpublished edits were left."""
    before = versions.last()
    version = versions.rollback(named, by, reason)
    return version, bring_along(workspace, before, version, overwrite=overwrite)


def replay_said(version: Version, replay: Attached | None) -> str:
    """Return in a sentence what whoever decides on a version could see of what it would have done."""
    if version.status is VersionStatus.PUBLISHED and version.bootstrap:
        return "The text as it is shipped."
    if replay is None:
        if version.restores:
            return "A rollback is not replayed."
        approved = version.status is VersionStatus.PUBLISHED
        return "Approved without a replay." if approved else "No replay of this text was attached yet."
    told = replay.figures()
    flips, reviews, window = told["flips"], told["reviews"], told["window"]
    pairs = ", ".join(f"{each['before']} → {each['after']}: {each['count']:,}" for each in flips["pairs"])
    hours = "hours not measured" if reviews["hours_saved"] is None else f"{reviews['hours_saved']:+,.1f} hours saved"
    return (
        f"From {_day(window['since'] or window['first'])} to {_day(window['until'] or window['last'])}, "
        f"{told['replayed']:,} decisions made again: {flips['count']:,} flip{f' ({pairs})' if pairs else ''}, "
        f"{flips['effective']:,} with an effect; people had overridden {told['overridden']:,} of these acts and let "
        f"{told['upheld']:,} stand; {reviews['saved']:,} reviews fewer, {reviews['added']:,} more, {hours}."
    )


def _day(moment: str | None) -> str:
    return moment[:10] if moment else "the first on"
