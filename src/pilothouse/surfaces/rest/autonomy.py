"""The endpoints about autonomy: readiness, the gate of an action type, the card of an agent; promotions and demotions.

A promotion takes two log-ins: whoever proposes it and whoever confirms it are the people of their own sessions. No
field of a request names a person.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from pilothouse.gateway.proposals import Through
from pilothouse.surfaces.auth import CurrentPerson, Pilothouse, require
from pilothouse.surfaces.cards import card_of
from pilothouse.surfaces.plain import plain
from pilothouse.surfaces.promoting import proposal_out
from pilothouse.surfaces.rest.models import Model, Named, Reason
from pilothouse.surfaces.rest.routes import PROBLEMS, Id, agent_ref
from pilothouse.vocabulary.verdicts import Mode

router = APIRouter(prefix="/v1", responses=PROBLEMS)
PATTERN = r"^[a-z0-9_.:-]+$"
ActionType = Annotated[str, Query(pattern=PATTERN, max_length=100)]
ActionTypeName = Annotated[str, StringConstraints(pattern=PATTERN, max_length=100)]


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
    found = pilothouse.gates.judge(agent_ref(agent), action_type)
    return {"passed": found.passed, "conditions": plain(found.conditions), "evidence": plain(found.evidence)}


@router.get("/agents/{agent}/card")
def card(agent: Id, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Return what an agent will and will not do, what its contract lets it write, and how far it has come."""
    require(person, "read_ledger")
    return plain(card_of(pilothouse, pilothouse.gateway.door.agents.get(agent_ref(agent))))


class Promotion(Model):
    """The next step of an action type's ramp; with `bootstrap` the mode to begin in without a track record."""

    action_type: ActionTypeName
    bootstrap: Literal["shadow", "assisted", "live"] | None = None
    bulk_allowance: int = Field(default=0, ge=0, le=100_000)


class Demotion(Model):
    """An action type that goes back into shadow, and why."""

    action_type: ActionTypeName
    reason: Named


@router.post("/agents/{agent}/promotions", status_code=201)
def propose(agent: Id, given: Promotion, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Propose a promotion. It changes nothing until a second person confirms it, and lapses after seven days."""
    mode = Mode(given.bootstrap) if given.bootstrap else None
    done = pilothouse.gateway.door.promotions.propose(
        agent_ref(agent), given.action_type, person.id, Through.LOG_IN, bootstrap=mode,
        bulk_allowance=given.bulk_allowance,
    )  # fmt: skip
    return dict(proposal_out(pilothouse, done))


@router.get("/promotions")
def list_promotions(
    person: CurrentPerson,
    pilothouse: Pilothouse,
    waiting: bool = True,
    agent: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_.+-]+@[A-Za-z0-9_.+-]+$", max_length=100)] = None,
) -> list[dict[str, Any]]:
    """Return the promotions that wait for a second person, or every one that was ever proposed."""
    require(person, "read_ledger")
    ref = agent_ref(agent) if agent else None
    found = pilothouse.gateway.door.promotions.list(ref, waiting=waiting)
    return [dict(proposal_out(pilothouse, each)) for each in found]


@router.get("/promotions/{proposal}")
def show_promotion(proposal: Id, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Return one proposed promotion."""
    require(person, "read_ledger")
    return dict(proposal_out(pilothouse, pilothouse.gateway.door.promotions.get(proposal)))


@router.post("/promotions/{proposal}/confirm")
def confirm(proposal: Id, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Confirm what somebody else proposed. The gate is judged again; not passed, it answers 403 `gate_not_passed`."""
    done = pilothouse.gateway.door.promotions.confirm(proposal, person.id, Through.LOG_IN)
    return dict(proposal_out(pilothouse, done))


@router.post("/promotions/{proposal}/withdraw")
def withdraw(proposal: Id, given: Reason, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Take a proposed promotion off the table."""
    done = pilothouse.gateway.door.promotions.withdraw(proposal, person.id, given.reason, Through.LOG_IN)
    return dict(proposal_out(pilothouse, done))


@router.post("/agents/{agent}/demote")
def demote(agent: Id, given: Demotion, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Put an action type back into shadow, at once and by one person."""
    ref = agent_ref(agent)
    position = pilothouse.gateway.door.agents.demote(ref, given.action_type, person.id, given.reason)
    return {"agent": agent, "action_type": given.action_type, "mode": Mode.SHADOW.value, "position": position}
