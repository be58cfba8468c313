"""Proposed promotions as every surface shows them. No rule lives here."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from urllib.parse import urlencode

from pilothouse.assembly import App
from pilothouse.decision.autonomy.gate import Condition
from pilothouse.directory.roles import permissions_of
from pilothouse.gateway.promotions import SIDES
from pilothouse.gateway.proposals import Proposal
from pilothouse.surfaces.plain import plain
from pilothouse.vocabulary.values import JsonObject

LISTED = ("pilothouse", "actions", "list")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a condition's evidence is: in words, and the page of the console that shows it, empty where none does."""

    words: str
    page: str


def proposal_out(pilothouse: App, proposal: Proposal) -> JsonObject:
    """Return a proposal as it stands now: its status, the step in words, and who may confirm it."""
    same = plain(proposal)
    del same["ref"]
    return {
        **same,
        "agent": str(proposal.ref),
        "step": str(proposal.step),
        "mode": proposal.step.mode.value,
        "share": proposal.step.share,
        "status": proposal.as_of(pilothouse.clock.now()).value,
        "waits_for": SIDES[proposal.waits_for],
        "may_confirm": confirmers(pilothouse, proposal),
    }


def confirmers(pilothouse: App, proposal: Proposal) -> list[str]:
    """Return the people of the side a proposal waits for who do not own the agent."""
    manifest = pilothouse.gateway.door.agents.get(proposal.ref).manifest
    behind = {manifest.owner, *manifest.authors, proposal.proposed_by}
    return [
        each.id
        for each in pilothouse.directory.people()
        if each.active and each.id not in behind and proposal.waits_for in permissions_of(each.role).may
    ]


def evidence_of(condition: Condition) -> list[Evidence]:
    """Return where to look for what a condition rests on."""
    return [Evidence(each, _page(each)) for each in condition.evidence]


def _page(evidence: str) -> str:
    if evidence == "readiness":
        return "/readiness"
    if evidence.startswith("agent/"):
        return f"/agents/{evidence.removeprefix('agent/')}"
    if evidence.startswith("inc_"):
        return f"/incidents/{evidence}"
    words = shlex.split(evidence)
    if tuple(words[:3]) == LISTED:
        asked = dict(zip(words[3::2], words[4::2], strict=False))
        return f"/actions?{urlencode({name.removeprefix('--'): value for name, value in asked.items()})}"
    return ""
