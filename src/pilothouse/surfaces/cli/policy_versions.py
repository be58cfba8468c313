"""`pilothouse policy publish | approve | reject | versions | show | rollback`: what is in force, and who said so."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from pilothouse.assembly import Desk, open_desk
from pilothouse.decision.publishing.content import diff, gather
from pilothouse.decision.publishing.testing import every_case
from pilothouse.decision.publishing.versions import Version, VersionStatus
from pilothouse.decision.versions import version_of
from pilothouse.surfaces.cli.context import HERE, Json, Where, nobody_is_the_system, somebody
from pilothouse.surfaces.cli.output import emit, guarded, say, table, told
from pilothouse.surfaces.cli.policy import every_problem, tell_problems
from pilothouse.surfaces.moments import when
from pilothouse.surfaces.plain import plain
from pilothouse.surfaces.versions import roll_back, state_of, version_out
from pilothouse.vocabulary.errors import InvalidInput
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
    where: Where = HERE,
    by: By = "",
    json: Json = False,
) -> None:
    """Propose the workspace's policy, definitions and contracts as the next version. Another person approves it."""
    with desk(where) as at:
        problems = every_problem(at.workspace, at)
        if problems:
            tell_problems(problems, json=json)
            raise typer.Exit(1)
        results = every_case(at.workspace.root, at.registry.capabilities)
        failed = [each for each in results if each.problem]
        if failed:
            raise InvalidInput(
                f"{len(failed)} golden case(s) do not come out as wanted; the first at {failed[0].where}: {failed[0].problem}.",
                hint="`pilothouse policy test` shows them all.",
            )
        version = at.versions.propose(
            gather(at.workspace.root),
            somebody(by),
            note,
            commit=version_of(at.workspace.folder("policy")).partition("@")[2],
            effective=when(effective, at.clock.now()),
            cases=len(results),
        )
        changed = diff(at.versions.base_of(version), version.content)
    told(
        json,
        {
            **version_out(version, None),
            "changed": [{"path": e.path, "added": e.added, "removed": e.removed} for e in changed],
        },
        f"{version.id} is proposed: {', '.join(f'{e.path} (+{e.added} −{e.removed})' for e in changed)}.",
        f"It counts once somebody else of RevOps approves it: pilothouse policy approve v{version.number} --by PERSON",
    )


@guarded
def approve(version: Named, where: Where = HERE, by: By = "", json: Json = False) -> None:
    """Publish a version that somebody else proposed."""
    with desk(where) as at:
        done = at.versions.approve(version, somebody(by))
        standing = at.versions.in_force()
    begins = done.effective_from or datetime.now(UTC)
    told(json, version_out(done, standing), f"{done.id} is published, in force from {begins:%Y-%m-%d %H:%M} UTC.")


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
        state = state_of(found, standing, at.clock)
    if json:
        out: dict[str, Any] = {
            **version_out(found, standing),
            "content": dict(found.content),
            "changed": plain(changed),
        }
        emit(out)
        return
    say(f"{found.id} ({state}), by {found.author} on {found.proposed_at:%Y-%m-%d %H:%M} UTC: {found.note}")
    if found.decided_at:
        said = {"published": "Published", "rejected": "Rejected"}[found.status.value]
        say(f"{said} by {found.decided_by} on {found.decided_at:%Y-%m-%d %H:%M} UTC. {found.reason}".rstrip())
    for line in _lines(found, [line for each in changed for line in each.lines], whole=text):
        say(line)


def _lines(version: Version, changed: list[str], *, whole: bool) -> list[str]:
    if not whole:
        return changed
    return [line for path, text in sorted(version.content.items()) for line in (f"# {path}", *text.splitlines(), "")]


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
        lines.append(f"Unpublished edits were left as they are ({', '.join(left)}); --overwrite writes the files back.")
    told(json, {**version_out(done, standing), "edits_left": left}, *lines)
