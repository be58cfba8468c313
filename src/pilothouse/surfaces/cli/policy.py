"""`pilothouse policy`: check and test."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from pilothouse.connectors.twin.capabilities import CAPABILITIES
from pilothouse.data.contract_reading import check_contracts
from pilothouse.data.defining.reading import check_definitions, load_definitions
from pilothouse.decision.cases import run_cases
from pilothouse.decision.policy import check_policy, load_policy, version_of
from pilothouse.gateway.agents import load_manifests
from pilothouse.surfaces.cli import policy_replay
from pilothouse.surfaces.cli.context import HERE, Json, Where
from pilothouse.surfaces.cli.output import emit, errors, guarded, say, table
from pilothouse.vocabulary.documents import DocumentError
from pilothouse.workspace.config import Workspace, open_workspace

app = typer.Typer(no_args_is_help=True)
policy_replay.add_to(app)
_KNOWN = {capability.name: capability for capability in CAPABILITIES}


@app.command()
@guarded
def check(where: Where = HERE, json: Json = False) -> None:
    """Check every file of the workspace; each problem with file, line and what is wrong."""
    workspace = open_workspace(where)
    problems = [*check_policy(workspace.folder("policy"), _KNOWN), *_others(workspace)]
    tell_problems(problems, json=json)
    if problems:
        raise typer.Exit(1)
    if not json:
        say(f"Policy {version_of(workspace.folder('policy'))} is in order.")


def tell_problems(problems: Sequence[DocumentError], *, json: bool) -> None:
    """Print each problem with file, line and what is wrong."""
    if json:
        emit([{"file": str(p.path), "line": p.line, "problem": p.problem, "hint": p.hint} for p in problems])
    for problem in problems if not json else ():
        errors.print(str(problem), markup=False, soft_wrap=True)


def _others(workspace: Workspace) -> list[DocumentError]:
    found = check_contracts(workspace.folder("contracts"))
    found += check_definitions(workspace.folder("definitions"))
    try:
        load_manifests(workspace.folder("agents"))
    except DocumentError as error:
        found.append(error)
    for document in load_manifests(workspace.folder("agents")) if not found else ():
        unknown = [name for name in document.model.grants if name not in _KNOWN]
        found += [document.error(f"no capability is called {name!r}", "grants") for name in unknown]
    return found


@app.command()
@guarded
def test(where: Where = HERE, json: Json = False) -> None:
    """Run the golden cases of policy/cases/ against the policy."""
    workspace = open_workspace(where)
    closed = load_definitions(workspace.folder("definitions")).closed_stages
    policy = load_policy(workspace.folder("policy"), _KNOWN, closed)
    results = run_cases(workspace.folder("policy") / "cases", policy, _KNOWN)
    failed = [result for result in results if result.problem]
    if json:
        emit([{"title": r.title, "where": r.where, "problem": r.problem} for r in results])
    else:
        if failed:
            table("Not as wanted", ("case", "where", "what"), [(r.title, r.where, r.problem) for r in failed])
        say(f"{len(results) - len(failed)} of {len(results)} cases came out as wanted.")
    if failed:
        raise typer.Exit(1)
