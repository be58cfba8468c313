"""The pages about autonomy: readiness with its plan, one agent with its ramp and card, and the gate of one action type.

Who proposes and who confirms a promotion are the people of their own log-ins; no form names somebody else.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from pilothouse.assembly import App
from pilothouse.decision.autonomy.ceiling import LEVELS, STAGES
from pilothouse.decision.autonomy.ramp import SHARES
from pilothouse.directory.credentials import Session
from pilothouse.directory.roles import permissions_of
from pilothouse.gateway.agents import need_granted
from pilothouse.gateway.promotions import SIDES
from pilothouse.gateway.proposals import Through
from pilothouse.surfaces.auth import Pilothouse, require
from pilothouse.surfaces.cards import card_of
from pilothouse.surfaces.console.pages import Posted, SignedIn, Text, go, page
from pilothouse.surfaces.granting import revoke_token
from pilothouse.surfaces.promoting import evidence_of, proposal_out
from pilothouse.vocabulary.actors import Actor, AgentRef
from pilothouse.vocabulary.errors import InvalidInput, NotFound
from pilothouse.vocabulary.verdicts import Mode

router = APIRouter(include_in_schema=False)
HISTORY = frozenset({"ramp.reviewed", "agent.promoted", "agent.demoted", "promotion.withdrawn"})


@router.get("/readiness")
def readiness(request: Request, session: SignedIn, pilothouse: Pilothouse) -> Response:
    """The checklist, the stage and the ceiling as they are now, each with its evidence, and the 90-day plan."""
    require(session.person, "read_ledger")
    found = pilothouse.readiness.assess()
    return page(request, "readiness.html", session, found=found, LEVELS=LEVELS, STAGES=STAGES)


@router.get("/agents/{agent}")
def agent(request: Request, agent: str, session: SignedIn, pilothouse: Pilothouse, said: str = "") -> Response:
    """One agent: its ramp by action type, the card of what it will and will not do, and the tokens it acts with."""
    return _agent_page(request, agent, session, pilothouse, said)


def _agent_page(
    request: Request, agent: str, session: Session, pilothouse: App, said: str = "", token: str = ""
) -> Response:
    require(session.person, "read_ledger")
    ref = _ref(agent)
    found = card_of(pilothouse, pilothouse.gateway.door.agents.get(ref))
    told = list(pilothouse.ledger.entries(kinds=HISTORY, subject=f"agent/{agent}"))
    waiting = [proposal_out(pilothouse, each) for each in pilothouse.gateway.door.promotions.list(ref, waiting=True)]
    return page(
        request, "agent.html", session, card=found, history=told[::-1][:12], SHARES=SHARES, waiting=waiting,
        least=pilothouse.gates.limits.rate, said=said, token=token, tokens=pilothouse.gateway.door.tokens.good(ref),
    )  # fmt: skip


@router.post("/agents/{agent}/tokens")
def issue(
    request: Request, agent: str, session: Posted, pilothouse: Pilothouse, minutes: Annotated[int, Form(ge=1, le=720)]
) -> Response:
    """Issue a token with which the agent acts for whoever is logged in; the page shows it this once."""
    require(session.person, "issue_token")
    ref, by = pilothouse.gateway.door.agents.get(_ref(agent)).ref, session.person.id
    token, _ = pilothouse.gateway.door.tokens.issue(ref, by, by=Actor(by), life=timedelta(minutes=minutes))
    return _agent_page(request, agent, session, pilothouse, token=token)


@router.post("/tokens/{token}")
def revoke(token: str, session: Posted, pilothouse: Pilothouse, reason: Text = "") -> Response:
    """Make a token useless at once."""
    agent = pilothouse.gateway.door.tokens.get(token).agent
    revoke_token(pilothouse, token, session.person, reason)
    return go(f"/agents/{agent}", f"{token} is revoked.")


@router.get("/agents/{agent}/gate")
def gate(
    request: Request, agent: str, session: SignedIn, pilothouse: Pilothouse, action_type: str = "", said: str = ""
) -> Response:
    """What the next step of an action type asks for, what of it is met, and what somebody proposed."""
    require(session.person, "read_ledger")
    ref = _ref(agent)
    manifest = pilothouse.gateway.door.agents.get(ref).manifest
    need_granted(manifest, action_type)
    promotions = pilothouse.gateway.door.promotions
    waiting = [each for each in promotions.list(ref, waiting=True) if each.action_type == action_type]
    found = pilothouse.gates.judge(ref, action_type)
    return page(
        request, "gate.html", session, gate=found, evidence_of=evidence_of, said=said,
        proposal=proposal_out(pilothouse, waiting[0]) if waiting else None,
        barred=pilothouse.gates.barred(ref, action_type),
        eligible="promote" in permissions_of(session.person.role).may
        and session.person.id not in {manifest.owner, *manifest.authors},
    )  # fmt: skip


@router.post("/agents/{agent}/promotions")
def propose(
    agent: str,
    session: Posted,
    pilothouse: Pilothouse,
    action_type: Text = "",
    bootstrap: Text = "",
    bulk_allowance: Annotated[int, Form(ge=0, le=100_000)] = 0,
) -> Response:
    """Propose the next step or, with a mode, to begin there without a track record."""
    ref, mode = _ref(agent), Mode(bootstrap) if bootstrap in set(Mode) else None
    done = pilothouse.gateway.door.promotions.propose(
        ref, action_type, session.person.id, Through.LOG_IN, bootstrap=mode, bulk_allowance=bulk_allowance
    )
    return go(f"/agents/{agent}", f"{action_type} to {done.step} is proposed; it waits for {SIDES[done.waits_for]}.")


@router.post("/promotions/{proposal}")
def decide(proposal: str, session: Posted, pilothouse: Pilothouse, decision: Text = "", reason: Text = "") -> Response:
    """Confirm what somebody else proposed, under one's own log-in, or withdraw it."""
    promotions, by = pilothouse.gateway.door.promotions, session.person.id
    if decision == "confirm":
        done = promotions.confirm(proposal, by, Through.LOG_IN)
        return go(f"/agents/{done.ref}", f"{done.action_type} is now {done.step}, by {done.proposed_by} and {by}.")
    if decision == "withdraw":
        done = promotions.withdraw(proposal, by, reason, Through.LOG_IN)
        return go(f"/agents/{done.ref}", f"The proposal about {done.action_type} is withdrawn.")
    raise InvalidInput("the form says nothing to do.", hint="Use one of the buttons.")


@router.post("/agents/{agent}/demote")
def demote(agent: str, session: Posted, pilothouse: Pilothouse, action_type: Text = "", reason: Text = "") -> Response:
    """Put an action type back into shadow, at once."""
    pilothouse.gateway.door.agents.demote(_ref(agent), action_type, session.person.id, reason)
    return go(f"/agents/{agent}", f"{action_type} is in shadow again.")


def _ref(text: str) -> AgentRef:
    try:
        return AgentRef.parse(text)
    except ValueError as error:
        raise NotFound(str(error)) from None
