"""The pages about autonomy: readiness with its plan, one agent with its ramp and card, and the gate of one action type."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pilothouse.decision.autonomy.ceiling import LEVELS, STAGES
from pilothouse.decision.autonomy.ramp import SHARES
from pilothouse.surfaces.auth import Pilothouse, require
from pilothouse.surfaces.cards import card_of
from pilothouse.surfaces.console.pages import SignedIn, page
from pilothouse.vocabulary.actors import AgentRef
from pilothouse.vocabulary.errors import NotFound

router = APIRouter(include_in_schema=False)


@router.get("/readiness")
def readiness(request: Request, session: SignedIn, pilothouse: Pilothouse) -> Response:
    """The checklist, the stage and the ceiling as they are now, each with its evidence, and the 90-day plan."""
    require(session.person, "read_ledger")
    found = pilothouse.readiness.assess()
    return page(request, "readiness.html", session, found=found, LEVELS=LEVELS, STAGES=STAGES)


@router.get("/agents/{agent}")
def agent(request: Request, agent: str, session: SignedIn, pilothouse: Pilothouse) -> Response:
    """One agent: its ramp by action type, and the card of what it will and will not do."""
    require(session.person, "read_ledger")
    found = card_of(pilothouse, pilothouse.gateway.door.agents.get(_ref(agent)))
    reviews = list(pilothouse.ledger.entries(kinds={"ramp.reviewed", "agent.demoted"}, subject=f"agent/{agent}"))
    return page(
        request, "agent.html", session, card=found, history=reviews[::-1][:12], SHARES=SHARES,
        least=pilothouse.gates.limits.rate,
    )  # fmt: skip


@router.get("/agents/{agent}/gate")
def gate(request: Request, agent: str, session: SignedIn, pilothouse: Pilothouse, action_type: str = "") -> Response:
    """What the next step of an action type asks for, and what of it is met."""
    require(session.person, "read_ledger")
    return page(request, "gate.html", session, gate=pilothouse.gates.judge(_ref(agent), action_type))


def _ref(text: str) -> AgentRef:
    try:
        return AgentRef.parse(text)
    except ValueError as error:
        raise NotFound(str(error)) from None
