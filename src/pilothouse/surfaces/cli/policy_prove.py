"""`pilothouse policy prove`: that no input whatever leads where none may lead, or an input that does."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pilothouse.connectors.twin.capabilities import CAPABILITIES
from pilothouse.data.defining.reading import load_definitions
from pilothouse.decision.policy import Policy, load_policy
from pilothouse.surfaces.cli.context import HERE, Json, Where
from pilothouse.surfaces.cli.output import emit, guarded, say, table
from pilothouse.workspace.config import open_workspace

if TYPE_CHECKING:
    from pilothouse.decision.proving.findings import Finding
    from pilothouse.decision.proving.telling import Claim

_KNOWN = {capability.name: capability for capability in CAPABILITIES}
Folder = Annotated[Path | None, typer.Argument(help="A policy folder; without one, the workspace's.")]


@guarded
def prove(folder: Folder = None, where: Where = HERE, json: Json = False) -> None:
    """Prove what no input may lead to, or show an input that does. Takes seconds; needs no network and no database."""
    # The solver takes a second to load, which no other command should pay for.
    from pilothouse.decision.proving import findings as idle
    from pilothouse.decision.proving import prove as proving
    from pilothouse.handoff.proving import prove_reviews

    workspace = open_workspace(where)
    closed = load_definitions(workspace.folder("definitions")).closed_stages
    policy = load_policy(folder or workspace.folder("policy"), _KNOWN, closed)
    start = time.perf_counter()
    claims = sorted([*proving.prove(policy, _KNOWN), *prove_reviews()], key=lambda each: each.letter)
    found = idle.findings(policy, _KNOWN)
    seconds = time.perf_counter() - start
    if json:
        emit(_as_json(policy, claims, found, proving.SCOPE, seconds))
    else:
        _tell(policy, claims, found, proving.SCOPE, seconds)
    if any(each.status != "proved" for each in claims):
        raise typer.Exit(1)


def _tell(policy: Policy, claims: list[Claim], found: list[Finding], scope: tuple[str, ...], seconds: float) -> None:
    rows = [(each.letter, each.status, each.situations, each.title) for each in claims]
    table(f"Policy {policy.version}", ("", "status", "asked", "claim"), rows)
    for each in claims:
        for shown in each.counterexamples:
            say(f"✗ ({each.letter}) {shown.sentence}")
        for doubt in each.doubts:
            say(f"? ({each.letter}) not shown either way: {doubt}")
    idle = [(f.rule, f.where, f.sentence) for f in found if f.kind != "waiting"]
    table("Rules that could be left out", ("rule", "where", "why"), idle)
    for each in found:
        if each.kind == "waiting":
            say(f"{each.sentence} ({each.where})")
    say("What the proof stands for:")
    for sentence in scope:
        say(f"  {sentence}")
    say(f"{len(claims)} claims and {_rules(policy)} rules in {seconds:.1f} s.")


def _rules(policy: Policy) -> int:
    return len({rule.id for rules in policy.rules.values() for rule in rules})


def _as_json(
    policy: Policy, claims: list[Claim], found: list[Finding], scope: tuple[str, ...], seconds: float
) -> dict[str, Any]:
    return {
        "policy": policy.version,
        "rules": _rules(policy),
        "seconds": round(seconds, 3),
        "claims": [
            {
                "claim": each.letter,
                "title": each.title,
                "status": each.status,
                "asked": each.situations,
                "counterexamples": [
                    {"sentence": shown.sentence, "action": shown.action, "rule": shown.rule, "where": shown.where}
                    for shown in each.counterexamples
                ],
                "doubts": list(each.doubts),
            }
            for each in claims
        ],
        "findings": [{"kind": f.kind, "rule": f.rule, "where": f.where, "sentence": f.sentence} for f in found],
        "scope": list(scope),
    }
