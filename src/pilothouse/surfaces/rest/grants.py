"""The endpoints about what an agent is granted: its registration with its grants, and the tokens it acts with.

A grant by itself lets nothing be written: every action type of a new version is in shadow. What must never happen here:
a token for somebody who did not ask for it themselves.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Response
from pydantic import Field

from pilothouse.directory.registered import Manifest
from pilothouse.surfaces.auth import CurrentPerson, Pilothouse, require
from pilothouse.surfaces.granting import revoke_token
from pilothouse.surfaces.plain import plain
from pilothouse.surfaces.rest.models import Model, Reason
from pilothouse.surfaces.rest.routes import PROBLEMS, Id, agent_ref
from pilothouse.vocabulary.actors import Actor

router = APIRouter(prefix="/v1", responses=PROBLEMS)


class TokenLife(Model):
    """For how many minutes a token is good."""

    minutes: int = Field(default=60, ge=1, le=720)


@router.post("/agents", status_code=201, responses={200: {"description": "Exactly this was registered before."}})
def register(given: Manifest, person: CurrentPerson, pilothouse: Pilothouse, response: Response) -> dict[str, Any]:
    """Register an agent with its grants; it starts in shadow. Answers 200 when exactly this was registered before."""
    fresh = pilothouse.gateway.door.agents.register(given, person.id)
    response.status_code = 201 if fresh else 200
    return {"agent": str(given.ref), "new": fresh}


@router.get("/agents/{agent}/tokens")
def tokens(agent: Id, person: CurrentPerson, pilothouse: Pilothouse) -> list[dict[str, Any]]:
    """Return an agent's tokens that are good now: for whom each acts, and until when. Never the token itself."""
    require(person, "read_ledger")
    return plain(pilothouse.gateway.door.tokens.good(pilothouse.gateway.door.agents.get(agent_ref(agent)).ref))


@router.post("/agents/{agent}/tokens", status_code=201)
def issue(agent: Id, given: TokenLife, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Issue a token with which an agent acts for whoever asks; it is told this once."""
    require(person, "issue_token")
    ref, life = pilothouse.gateway.door.agents.get(agent_ref(agent)).ref, timedelta(minutes=given.minutes)
    token, grant = pilothouse.gateway.door.tokens.issue(ref, person.id, by=Actor(person.id), life=life)
    return {"id": grant.id, "agent": agent, "person": person.id, "expires_at": plain(grant.expires_at), "token": token}


@router.post("/tokens/{token}/revoke")
def revoke(token: Id, given: Reason, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Make a token useless at once: one's own, or anybody's for who may suspend agents."""
    position = revoke_token(pilothouse, token, person, given.reason)
    return {"id": token, "state": "revoked", "position": position}
