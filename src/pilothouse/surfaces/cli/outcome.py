"""What became of an action, for both faces."""

from __future__ import annotations

import typer

from pilothouse.gateway.passage import Result
from pilothouse.surfaces.cli.output import told
from pilothouse.vocabulary.outcomes import ActionStatus


def outcome(result: Result) -> dict[str, object]:
    """Return an action's id, status, code, sentence and review, as JSON holds them."""
    return {
        "action": result.action.id,
        "status": result.status,
        "code": result.code,
        "sentence": result.sentence,
        "review": result.review,
    }


def tell_outcome(result: Result, json: bool, no_evidence: str = "") -> None:
    """Tell it, and end with exit code 1 unless the action was executed.

    `no_evidence` says to who approved why that does not count for the agent.
    """
    said = [f"{result.status.value}: {result.sentence}", *([no_evidence] if no_evidence else [])]
    told(json, {**outcome(result), "no_evidence": no_evidence}, *said)
    if result.status is not ActionStatus.EXECUTED:
        raise typer.Exit(1)
