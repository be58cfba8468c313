"""The workspace's files and what is published: how they differ, which lag behind, and bringing them along.

What must never happen here: somebody's unpublished edit overwritten without being told to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pilothouse.decision.publishing.content import Content, FileDiff, diff, gather, write_back
from pilothouse.decision.publishing.publishing import PolicyVersions
from pilothouse.decision.publishing.versions import Version
from pilothouse.vocabulary.errors import InvalidInput
from pilothouse.workspace.config import Workspace


@dataclass(frozen=True, slots=True)
class Pulled:
    """What bringing files along did: which were written or removed, and which hold edits and were left."""

    written: list[str]
    left: list[str]


def differs(workspace: Workspace, versions: PolicyVersions) -> list[dict[str, Any]]:
    """Return how the workspace's files differ from what was published last; nothing when nothing ever was.

    A file that is `behind` is as some earlier version had it; any other holds edits that nobody published.
    """
    last = versions.last()
    if last is None:
        return []
    files = gather(workspace.root)
    changed = diff(last.content, files)
    earlier = _earlier(versions, last) if changed else []
    return [
        {"path": e.path, "added": e.added, "removed": e.removed, "behind": _was_published(e.path, files, earlier)}
        for e in changed
    ]


def bring_along(workspace: Workspace, before: Version | None, now: Version, *, overwrite: bool = False) -> list[str]:
    """Write what a new version changed into the files; return those that hold edits, or cannot be written, and were
    left. A server may hold no files of its own to write: what decides has changed in any case."""
    old: Content = before.content if before else {}
    try:
        files = gather(workspace.root)
        if overwrite:
            wanted = {path for path in files.keys() | now.content.keys() if files.get(path) != now.content.get(path)}
            _write(workspace, now.content, wanted)
            return []
        moved = {path for path in old.keys() | now.content.keys() if old.get(path) != now.content.get(path)}
        stale = {path for path in moved if files.get(path) != now.content.get(path)}
        clean = {path for path in stale if files.get(path) == old.get(path)}
        _write(workspace, now.content, clean)
        return sorted(stale - clean)
    except (OSError, InvalidInput):
        return sorted(path for path in old.keys() | now.content.keys() if old.get(path) != now.content.get(path))


def pull(workspace: Workspace, versions: PolicyVersions, *, overwrite: bool) -> tuple[Version | None, Pulled]:
    """Write what was published last into the files that lag behind; files with edits are left unless told otherwise."""
    last = versions.last()
    if last is None:
        return None, Pulled([], [])
    files, known = gather(workspace.root), _earlier(versions, last)
    stale = {path for path in files.keys() | last.content.keys() if files.get(path) != last.content.get(path)}
    written = {path for path in stale if overwrite or _was_published(path, files, known)}
    _write(workspace, last.content, written)
    return last, Pulled(sorted(written), sorted(stale - written))


def taken_back(versions: PolicyVersions, content: Content) -> list[str]:
    """Return in words what a text would take back of what was published: files as they were before, and lines put back.

    A text is written against what its author had before them. Where that was an older version, its other files and lines
    are old as well, and nobody meant to bring them back.
    """
    published = _published(versions)
    if not published:
        return []
    last, found = published[-1], list[str]()
    for file in diff(last.content, content):
        for before, version in zip([None, *published], published, strict=False):
            old, new = before.content.get(file.path) if before else None, version.content.get(file.path)
            if old == new or before is None:
                continue
            if content.get(file.path) == old or _put_back(file, old or "", new or ""):
                found.append(f"{file.path} as it was before {version.id} by {version.author}")
                break
    return found


def _put_back(file: FileDiff, old: str, new: str) -> bool:
    """True when lines that a version replaced stand again as they were before it."""
    came, went = _lines(file)
    [step] = diff({file.path: old}, {file.path: new})
    brought, dropped = _lines(step)
    return bool(went & brought) and bool(came & dropped)


def _lines(file: FileDiff) -> tuple[set[str], set[str]]:
    changes = [line for line in file.lines if not line.startswith(("+++", "---", "@@"))]
    added = {line[1:].strip() for line in changes if line.startswith("+")} - {""}
    return added, {line[1:].strip() for line in changes if line.startswith("-")} - {""}


def _published(versions: PolicyVersions) -> list[Version]:
    found = [each for each in versions.list() if each.published_position is not None]
    return sorted(found, key=lambda each: each.published_position or 0)


def _earlier(versions: PolicyVersions, last: Version) -> list[Version]:
    return [each for each in _published(versions) if each.id != last.id]


def _was_published(path: str, files: Mapping[str, str], earlier: list[Version]) -> bool:
    return any(each.content.get(path) == files.get(path) for each in earlier)


def _write(workspace: Workspace, content: Content, paths: set[str]) -> None:
    texts = {path: content[path] for path in paths if path in content}
    write_back(workspace.root, texts, dict.fromkeys(paths, ""))
