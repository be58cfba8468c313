"""Versions of policy in words, for command line, REST and console."""

from __future__ import annotations

from typing import Any

from pilothouse.decision.publishing.content import diff, gather, write_back
from pilothouse.decision.publishing.publishing import PolicyVersions
from pilothouse.decision.publishing.versions import Version, VersionStatus
from pilothouse.surfaces.plain import plain
from pilothouse.vocabulary.clock import Clock
from pilothouse.workspace.config import Workspace


def version_out(version: Version, standing: Version | None) -> dict[str, Any]:
    """Return a version without its text, and whether it is in force."""
    return {**plain(version.summary()), "in_force": standing is not None and standing.id == version.id}


def state_of(version: Version, standing: Version | None, clock: Clock) -> str:
    """Return in a word or two how a version stands."""
    if standing is not None and standing.id == version.id:
        return "in force"
    if version.status is not VersionStatus.PUBLISHED:
        return "waits for approval" if version.status is VersionStatus.PROPOSED else version.status.value
    began, begins = standing.published_position if standing else None, version.effective_from
    later = began is None or (version.published_position or 0) > began
    return f"from {begins:%Y-%m-%d %H:%M} UTC" if later and begins and begins > clock.now() else "replaced"


def differs(workspace: Workspace, standing: Version | None) -> list[dict[str, Any]]:
    """Return how the workspace's files differ from what is in force; nothing when the folder itself is."""
    if standing is None:
        return []
    changed = diff(standing.content, gather(workspace.root))
    return [{"path": each.path, "added": each.added, "removed": each.removed} for each in changed]


def roll_back(
    workspace: Workspace, versions: PolicyVersions, named: str, by: str, reason: str, *, overwrite: bool
) -> tuple[Version, list[str]]:
    """Roll back, and bring the files along; return the new version and the files whose unpublished edits were left.

    What decides changes in any case. Files are written only where the folder holds no unpublished edits, or when told.
    """
    before = versions.in_force()
    edits = [each["path"] for each in differs(workspace, before)]
    version = versions.rollback(named, by, reason)
    if edits and not overwrite:
        return version, [each["path"] for each in differs(workspace, version)]
    write_back(workspace.root, version.content, before.content if before else {})
    return version, []
