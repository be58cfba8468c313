"""`pilothouse policy publish | approve | reject | versions | show | pull | rollback`: what is in force, and who said so."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from pilothouse.assembly import Desk, open_desk
from pilothouse.decision.publishing.content import diff
from pilothouse.decision.publishing.versions import Version, VersionStatus
from pilothouse.surfaces.cli.context import HERE, Json, Where, nobody_is_the_system, somebody
from pilothouse.surfaces.cli.output import emit, guarded, say, table, told
from pilothouse.surfaces.cli.policy import manifest_problems, tell_problems
from pilothouse.surfaces.following import pull as write_published
from pilothouse.surfaces.moments import when
from pilothouse.surfaces.plain import plain
from pilothouse.surfaces.proposing import Unsound, propose_files
from pilothouse.surfaces.versions import approve as approve_version
from pilothouse.surfaces.versions import replay_said, roll_back, state_of, version_out
from pilothouse.vocabulary.documents import DocumentError
from pilothouse.workspace.config import open_workspace

By = Annotated[
    str,
    typer.Option(
        "--by", "--as", envvar="PILOTHOUSE_PERSON", help="The person you act as.", callback=nobody_is_the_system
    ),
]
Named = Annotated[str, typer.Argument(metavar="VERSION", help="As v3, or the whole id.")]


@contextmanager
def desk(where: Path) -> Generator[Desk]:
    """Open what acts on versions need, and sign what was written when done."""
    opened = open_desk(open_workspace(where))
    try:
        yield opened
    finally:
        opened.close()


@guarded
def publish(
    note: Annotated[str, typer.Option(help="What changes, and why.")],
    effective: Annotated[str | None, typer.Option(help="The day from which it counts; at once unless given.")] = None,
    take_back: Annotated[
        bool, typer.Option("--take-back", help="Also where it takes back what was published since.")
    ] = False,
    where: Where = HERE,
    by: By = "",
    json: Json = False,
) -> None:
    """Propose the workspace's policy, definitions and contracts as the next version. Another person approves it."""
    with desk(where) as at:
        person, begins = somebody(by), when(effective, at.clock.now())
        try:
            problems: Sequence[DocumentError] = manifest_problems(at.workspace)
            version = None if problems else propose_files(at, person, note, effective=begins, take_back=take_back)
        except Unsound as error:
            problems, version = error.problems, None
        if version is None:
            tell_problems(problems, json=json)
            raise typer.Exit(1)
        changed = diff(at.versions.base_of(version), version.content)
    told(
        json,
        {
            **version_out(version, None),
            "changed": [{"path": e.path, "added": e.added, "removed": e.removed} for e in changed],
        },
        f"{version.id} is proposed: {', '.join(f'{e.path} (+{e.added} −{e.removed})' for e in changed)}.",
        f"Show what it would have done: pilothouse policy replay v{version.number} --since 30d --attach --as PERSON",
        f"It counts once somebody else of RevOps approves it: pilothouse policy approve v{version.number} --by PERSON",
    )


@guarded
def approve(version: Named, where: Where = HERE, by: By = "", json: Json = False) -> None:
    """Publish a version that somebody else proposed."""
    with desk(where) as at:
        done, left = approve_version(at.workspace, at.versions, version, somebody(by))
        standing, replay = at.versions.in_force(), at.versions.replay_of(done)
    begins = done.effective_from or datetime.now(UTC)
    lines = [f"{done.id} is published, in force from {begins:%Y-%m-%d %H:%M} UTC.", replay_said(done, replay)]
    if left:
        lines.append(f"Unpublished edits were left as they are: {', '.join(left)}.")
    told(json, {**version_out(done, standing, replay), "edits_left": left}, *lines)


@guarded
def reject(
    version: Named,
    reason: Annotated[str, typer.Option()],
    where: Where = HERE,
    by: By = "",
    json: Json = False,
) -> None:
    """Turn a proposed version down; its author takes it back in the same way."""
    with desk(where) as at:
        done = at.versions.reject(version, somebody(by), reason)
    told(json, version_out(done, None), f"{done.id} is rejected.")


@guarded
def versions(where: Where = HERE, json: Json = False) -> None:
    """List every version: who wrote and approved it, from when it counts, its commit and note."""
    with desk(where) as at:
        found, standing = at.versions.list(), at.versions.in_force()
        clock = at.clock
    if json:
        emit([version_out(each, standing) for each in found])
        return
    columns = ("version", "how it stands", "author", "approved by", "effective from (UTC)", "commit", "note")
    rows = [
        (
            each.id,
            state_of(each, standing, clock),
            each.author,
            _approver(each),
            f"{each.effective_from:%Y-%m-%d %H:%M}" if each.effective_from else "",
            each.commit,
            each.note,
        )
        for each in found
    ]
    table("Policy versions", columns, rows)
    if standing is None:
        say("Nothing was published yet: the files in the folder are in force.")


def _approver(version: Version) -> str:
    if version.bootstrap:
        return "nobody: as shipped"
    if version.restores:
        return f"{version.decided_by} alone: back to {version.restores}"
    return version.decided_by if version.status is VersionStatus.PUBLISHED else ""


@guarded
def show(
    version: Named,
    text: Annotated[bool, typer.Option("--text", help="The whole text instead of what changed.")] = False,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Show a version as the ledger holds it: who and when, and what changed, or the whole text."""
    with desk(where) as at:
        found, standing = at.versions.get(version), at.versions.in_force()
        changed = diff(at.versions.base_of(found), found.content)
        state, replay = state_of(found, standing, at.clock), at.versions.replay_of(found)
    if json:
        out: dict[str, Any] = {
            **version_out(found, standing, replay),
            "content": dict(found.content),
            "changed": plain(changed),
        }
        emit(out)
        return
    say(f"{found.id} ({state}), by {found.author} on {found.proposed_at:%Y-%m-%d %H:%M} UTC: {found.note}")
    if found.decided_at:
        said = {"published": "Published", "rejected": "Rejected"}[found.status.value]
        say(f"{said} by {found.decided_by} on {found.decided_at:%Y-%m-%d %H:%M} UTC. {found.reason}".rstrip())
    say(replay_said(found, replay))
    if replay is not None:
        say(f"The report is entry {replay.position}, by {replay.by}: pilothouse policy report {replay.position}")
    elif found.status is VersionStatus.PROPOSED:
        say(f"To attach one: pilothouse policy replay v{found.number} --since 30d --attach --as PERSON")
    for line in _lines(found, [line for each in changed for line in each.lines], whole=text):
        say(line)


def _lines(version: Version, changed: list[str], *, whole: bool) -> list[str]:
    if not whole:
        return changed
    return [line for path, text in sorted(version.content.items()) for line in (f"# {path}", *text.splitlines(), "")]


@guarded
def pull(
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Also over edits that are not published.")] = False,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Write what was published last into the workspace's files; files with unpublished edits are left."""
    with desk(where) as at:
        version, done = write_published(at.workspace, at.versions, overwrite=overwrite)
    lines = [f"Written: {', '.join(done.written)}." if done.written else "No file was behind."]
    if done.left:
        lines.append(f"Unpublished edits were left as they are: {', '.join(done.left)}; --overwrite writes over them.")
    if version is None:
        lines = ["Nothing was published yet: the files in the folder are in force."]
    out = {"version": version.id if version else None, "written": done.written, "edits_left": done.left}
    told(json, out, *lines)


@guarded
def rollback(
    version: Named,
    reason: Annotated[str, typer.Option()],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Write the files back over unpublished edits.")
    ] = False,
    where: Where = HERE,
    by: By = "",
    json: Json = False,
) -> None:
    """Put an earlier version back in force, at once and by one person, and write its files back into the folder."""
    with desk(where) as at:
        done, left = roll_back(at.workspace, at.versions, version, somebody(by), reason, overwrite=overwrite)
        standing = at.versions.in_force()
    lines = [f"{done.id} is in force: the text of {done.restores or done.id}."]
    if left:
        lines.append(
            f"Unpublished edits were left as they are ({', '.join(left)}); `pilothouse policy pull --overwrite` writes the files back."
        )
    told(json, {**version_out(done, standing), "edits_left": left}, *lines)
