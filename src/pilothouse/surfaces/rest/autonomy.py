"""The endpoints about autonomy: readiness, the gate of an action type, the card of an agent."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from pilothouse.surfaces.auth import CurrentPerson, Pilothouse, require
from pilothouse.surfaces.cards import card_of
from pilothouse.surfaces.plain import plain
from pilothouse.surfaces.rest.routes import PROBLEMS, Id
from pilothouse.vocabulary.actors import AgentRef
from pilothouse.vocabulary.errors import InvalidInput

router = APIRouter(prefix="/v1", responses=PROBLEMS)
ActionType = Annotated[str, Query(pattern=r"^[a-z0-9_.:-]+$", max_length=100)]


@router.get("/readiness")
def readiness(person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Return the checklist, the stage, the ceiling and the plan as they are now. Nothing is recorded by asking."""
    require(person, "read_ledger")
    found = pilothouse.readiness.assess()
    return plain(found) | {"level_name": found.level_name, "stage_name": found.stage_name, "met": found.met}


@router.get("/agents/{agent}/gate")
def gate(agent: Id, action_type: ActionType, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Return the gate of an action type's next step: each condition, whether it is met, the figures, the evidence."""
    require(person, "read_ledger")
    found = pilothouse.gates.judge(_ref(agent), action_type)
    return {"passed": found.passed, "conditions": plain(found.conditions), "evidence": plain(found.evidence)}


@router.get("/agents/{agent}/card")
def card(agent: Id, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Return what an agent will and will not do, what its contract lets it write, and how far it has come."""
    require(person, "read_ledger")
    return plain(card_of(pilothouse, pilothouse.gateway.door.agents.get(_ref(agent))))


def _ref(text: str) -> AgentRef:
    try:
        return AgentRef.parse(text)
    except ValueError as error:
        raise InvalidInput(str(error)) from None
