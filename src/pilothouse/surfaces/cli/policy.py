"""`pilothouse policy check | test | ask`: is it in order, does it do what is wanted, what does it say of a record?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

from pilothouse.assembly import open_desk
from pilothouse.connectors.twin.capabilities import CAPABILITIES
from pilothouse.decision.business.policy import Question
from pilothouse.decision.publishing.rules import text_at
from pilothouse.decision.publishing.testing import policy_cases
from pilothouse.gateway.agents import load_manifests
from pilothouse.surfaces.cli import policy_replay, policy_thresholds
from pilothouse.surfaces.cli.context import HERE, Json, Where, opened
from pilothouse.surfaces.cli.output import emit, errors, guarded, say, table
from pilothouse.surfaces.cli.policy_prove import prove
from pilothouse.surfaces.defined import record_of
from pilothouse.surfaces.following import differs
from pilothouse.surfaces.plain import plain
from pilothouse.surfaces.proposing import problems_in
from pilothouse.vocabulary.documents import DocumentError
from pilothouse.workspace.config import Workspace, open_workspace

app = typer.Typer(no_args_is_help=True)
app.command("prove")(prove)
policy_replay.add_to(app)
policy_thresholds.add_to(app)
_KNOWN = {capability.name: capability for capability in CAPABILITIES}


@app.command()
@guarded
def check(where: Where = HERE, json: Json = False) -> None:
    """Check every file of the workspace, and whether it is what is in force; each problem with file and line."""
    workspace = open_workspace(where)
    desk = open_desk(workspace)
    try:
        problems = [*problems_in(desk, workspace.root), *manifest_problems(workspace)]
        standing = desk.versions.in_force()
        changed = differs(workspace, desk.versions)
    finally:
        desk.close()
    if json:
        out: dict[str, Any] = {"problems": _plain(problems), "in_force": standing.id if standing else None}
        emit({**out, "unpublished": changed})
    else:
        tell_problems(problems, json=False)
        if not problems:
            say(f"Policy {text_at(workspace.root)} is in order.")
        if standing is None:
            say("Nothing was published yet: these files are in force.")
        elif changed:
            _tell_differing(changed)
        else:
            say(f"These files are what is in force: {standing.id}.")
    if problems:
        raise typer.Exit(1)


def _tell_differing(changed: Sequence[dict[str, Any]]) -> None:
    def named(*, behind: bool) -> str:
        return ", ".join(f"{e['path']} (+{e['added']} −{e['removed']})" for e in changed if e["behind"] is behind)

    edits, behind = named(behind=False), named(behind=True)
    if edits:
        say(f"Edits that are not published: {edits}.")
        say("They have no effect until they are: pilothouse policy publish --note …")
    if behind:
        say(f"Files as they were before what is published now: {behind}.")
        say("To bring them up to date: pilothouse policy pull")


def _plain(problems: Sequence[DocumentError]) -> list[dict[str, Any]]:
    return [{"file": str(p.path), "line": p.line, "problem": p.problem, "hint": p.hint} for p in problems]


def tell_problems(problems: Sequence[DocumentError], *, json: bool) -> None:
    """Print each problem with file, line and what is wrong."""
    if json:
        emit(_plain(problems))
    for problem in problems if not json else ():
        errors.print(str(problem), markup=False, soft_wrap=True)


def manifest_problems(workspace: Workspace) -> list[DocumentError]:
    """Return what is wrong with the manifests of agents."""
    try:
        documents = load_manifests(workspace.folder("agents"))
    except DocumentError as error:
        return [error]
    unknown = [(document, name) for document in documents for name in document.model.grants if name not in _KNOWN]
    return [document.error(f"no capability is called {name!r}", "grants") for document, name in unknown]


@app.command()
@guarded
def test(where: Where = HERE, json: Json = False) -> None:
    """Run the golden cases of policy/cases/ against the policy in the folder."""
    results = policy_cases(open_workspace(where).root, _KNOWN)
    failed = [result for result in results if result.problem]
    if json:
        emit(results)
    else:
        if failed:
            table("Not as wanted", ("case", "where", "what"), [(r.title, r.where, r.problem) for r in failed])
        say(f"{len(results) - len(failed)} of {len(results)} cases came out as wanted.")
    if failed:
        raise typer.Exit(1)


@app.command()
@guarded
def ask(question: Question, record: str, where: Where = HERE, json: Json = False) -> None:
    """Ask what the business policy in force says of a record, and which condition decides it."""
    with opened(where) as pilothouse:
        found = pilothouse.ask(question, record_of(pilothouse, record))
    if json:
        emit(plain(found))
        return
    sure = f" · confidence {found.confidence:.2f}" if found.confidence is not None else ""
    say(f"{found.answer}: {found.reason}")
    rows = [
        (e.id, e.answer, f"{e.points:+d}" if e.points else e.gives, e.because or e.reason, e.where)
        for e in found.findings
    ]
    table(f"What was asked of {found.asked_of}", ("rule", "holds", "gives", "because", "written at"), rows)
    say(f"Policy {found.version}{sure}")
