"""The endpoints. Each translates, calls one thing, and translates back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import structlog
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AwareDatetime

from pilothouse import __version__
from pilothouse.assembly import App
from pilothouse.data.enrichment.status import status as enrichment_status
from pilothouse.data.identity.entities import Doubt
from pilothouse.directory.roles import permissions_of
from pilothouse.gateway.rollback import Scope, apply, plan
from pilothouse.handoff.queue import Review
from pilothouse.ledger.actions import actions_list
from pilothouse.observability.story import story_of
from pilothouse.surfaces.auth import COOKIE, AgentToken, CurrentPerson, Pilothouse, require, session_of
from pilothouse.surfaces.canaries import canary_said
from pilothouse.surfaces.intake import Bucket
from pilothouse.surfaces.plain import plain
from pilothouse.surfaces.rest.models import (
    ActionIn,
    Approve,
    Edit,
    JudgementIn,
    LogIn,
    Me,
    Problem,
    Reason,
    Reassign,
    ResultOut,
    RollbackIn,
    RollbackScope,
    Status,
    result_out,
)
from pilothouse.vocabulary.actors import AgentRef
from pilothouse.vocabulary.errors import Conflict, InvalidInput, NotFound, Unauthenticated
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.values import Json

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": text}
    for status, text in (
        (400, "Not usable as it is"),
        (401, "Not authenticated"),
        (403, "Not permitted"),
        (404, "Not there"),
        (409, "The world moved"),
        (422, "Does not fit the schema"),
        (429, "Too many requests"),
        (503, "The ledger cannot be written"),
    )
}
router = APIRouter(prefix="/v1", responses=PROBLEMS)
log = structlog.get_logger()
strangers = Bucket(per_second=1.0, burst=60.0)
"""How often it is heard out, and logged, that a token was never ours."""
Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_@.+-]+$", max_length=100)]
Filter = Annotated[str | None, Query(max_length=600, pattern=r"^[^\x00]+$")]


@router.get("/health")
def health(pilothouse: Pilothouse) -> dict[str, Any]:
    """Tell that the server runs and the ledger can be read."""
    return {"version": __version__, "entries": pilothouse.ledger.size()}


@router.post("/session")
def log_in(given: LogIn, pilothouse: Pilothouse, request: Request, response: Response) -> Me:
    """Log a person in; the session comes as a cookie."""
    session = pilothouse.credentials.log_in(given.email, given.password)
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, session.cookie, httponly=True, samesite="strict", secure=secure)
    person = session.person
    return Me(person=person.id, name=person.name, role=person.role.value, csrf=session.csrf)


@router.get("/session")
def me(request: Request) -> Me:
    """Tell who is logged in."""
    session = session_of(request)
    if session is None:
        raise Unauthenticated("nobody is logged in.", hint="POST /v1/session first.")
    person = session.person
    return Me(person=person.id, name=person.name, role=person.role.value, csrf=session.csrf)


@router.delete("/session", status_code=204)
def log_out(person: CurrentPerson, pilothouse: Pilothouse, request: Request, response: Response) -> None:
    """End the session."""
    pilothouse.credentials.log_out(request.cookies.get(COOKIE, ""))
    response.delete_cookie(COOKIE)


@router.post("/actions")
def submit(given: ActionIn, token: AgentToken, pilothouse: Pilothouse) -> ResultOut:
    """Hand an action in as an agent. It always answers with what became of it and why; refusals are answers too.

    Only a token that is not good answers 401: it is forged, has expired or was revoked.
    """
    try:
        result = pilothouse.gateway.submit(given.action(), token)
    except Unauthenticated as error:
        strangers.take("all of them")
        log.warning("an action came with a token that cannot be verified", why=error.message)
        raise
    if result.code == Unauthenticated.code:
        raise Unauthenticated(result.sentence, hint=f"It is recorded as {result.action.id}.")
    return result_out(result)


@router.get("/actions")
def list_actions(
    person: CurrentPerson,
    pilothouse: Pilothouse,
    agent: Filter = None,
    since: Annotated[AwareDatetime | None, Query()] = None,
    until: Annotated[AwareDatetime | None, Query()] = None,
    type: Filter = None,
    record: Filter = None,
    status: Filter = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[dict[str, Any]]:
    """Return actions, newest first."""
    require(person, "read_ledger")
    with pilothouse.ledger.engine.connect() as connection:
        rows = actions_list(
            connection, agent=agent, since=since, until=until, type=type, record=record, status=status, limit=limit
        )
    return plain(rows)


@router.get("/actions/{action}")
def show_action(action: Id, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Tell the whole story of one action."""
    require(person, "read_ledger")
    return plain(story_of(pilothouse.ledger, action))


@router.get("/records/{system}/{object}/{id}")
def read_record(system: Id, object: Id, id: Id, token: AgentToken, pilothouse: Pilothouse) -> dict[str, Any]:
    """Read a record as an agent, reduced to what its contract and its person allow."""
    return plain(pilothouse.gateway.read(RecordRef(system, object, id), token))


@router.get("/reviews")
def list_reviews(
    person: CurrentPerson, pilothouse: Pilothouse, status: Status = "open", owner: Filter = None
) -> list[dict[str, Any]]:
    """Return reviews, those due first on top; a rep sees their own."""
    mine = owner if "review" in permissions_of(person.role).may else person.id
    return plain(pilothouse.reviews.list(owner=mine, status=ReviewStatus(status)))


@router.get("/reviews/{review}")
def show_review(review: Id, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Return everything needed to decide."""
    found = pilothouse.reviews.get(review)
    if found.owner != person.id:
        require(person, "review")
    pilothouse.reviews.show([review], person.id)
    suspension = pilothouse.reviews.suspension(found)
    return {**plain(found), "suspended": f"{suspension}." if suspension else ""}


@router.post("/reviews/{review}/approve")
def approve(review: Id, given: Approve, person: CurrentPerson, pilothouse: Pilothouse) -> ResultOut:
    """Approve exactly the payload with this hash, and carry it out. A canary answers 409 with the code `canary`."""
    done = pilothouse.reviews.approve(review, person.id, given.payload_hash, given.note)
    return _taken_up(pilothouse, done)


@router.post("/reviews/{review}/edit")
def edit(review: Id, given: Edit, person: CurrentPerson, pilothouse: Pilothouse) -> ResultOut:
    """Approve with other values, and carry it out; both sets of values are kept. A canary answers as for approve."""
    done = pilothouse.gateway.edit(review, person.id, given.payload_hash, given.arguments, given.note)
    return _taken_up(pilothouse, done)


def _taken_up(pilothouse: App, done: Review) -> ResultOut:
    said = canary_said(pilothouse, done)
    if said:
        raise Conflict(said, hint="Your decision is written down; there is nothing to carry out.", code="canary")
    no_evidence = pilothouse.reviews.why_no_evidence(done)
    return result_out(pilothouse.gateway.resume(done.id), no_evidence)


@router.post("/reviews/{review}/reject")
def reject(review: Id, given: Reason, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Reject, with a reason."""
    done = pilothouse.reviews.reject(review, person.id, given.reason)
    return {**plain(done), "canary": canary_said(pilothouse, done)}


@router.post("/reviews/{review}/reassign")
def reassign(review: Id, given: Reassign, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Hand an open review to somebody else who may decide it, with a reason."""
    return plain(pilothouse.gateway.keeper.reassign(review, given.to, person.id, given.reason))


@router.post("/rollbacks/preview")
def preview_rollback(given: RollbackScope, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Work out what a rollback would do, changing nothing."""
    require(person, "rollback")
    pilothouse.take_in()
    return plain(plan(pilothouse.gateway, _scope(given)))


@router.post("/rollbacks")
def roll_back(given: RollbackIn, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Carry a rollback out; safe to repeat."""
    require(person, "rollback")
    pilothouse.take_in()
    undone = apply(pilothouse.gateway, _scope(given), person.id, given.reason, given.severity)
    results = [result_out(result).model_dump() for result in undone.results]
    return {"rollback": undone.id, "restored": undone.restored, "plan": plain(undone.plan), "results": results}


def _scope(given: RollbackScope) -> Scope:
    return Scope(given.agent, given.since, given.until, given.field, given.action)


@router.get("/entities/pairs")
def pairs(
    person: CurrentPerson,
    pilothouse: Pilothouse,
    object: Literal["account", "contact"] = "account",
    limit: Annotated[int, Query(ge=1, le=500)] = 20,
) -> list[dict[str, Any]]:
    """Return the pairs of records most worth a person's look, with both records and what speaks for and against."""
    require(person, "review")
    waiting = pilothouse.resolver.pairs(object, limit)
    told = {
        each.ref: each for each in pilothouse.store.some({ref for pair in waiting for ref in (pair.one, pair.other)})
    }
    values = {str(ref): {name: field.value for name, field in each.fields.items()} for ref, each in told.items()}
    return [_pair(pair, values) for pair in waiting]


def _pair(pair: Doubt, values: dict[str, dict[str, Json]]) -> dict[str, Any]:
    one, other = str(pair.one), str(pair.other)
    records = {ref: values.get(ref, {}) for ref in (one, other)}
    return {**plain(pair), "one": one, "other": other, "records": records}


@router.post("/entities/judgements", status_code=201)
def judge(given: JudgementIn, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Take down a person's word on two records. It wins over the numbers from the next run on, and changes no system of record."""
    one, other = RecordRef.parse(given.one), RecordRef.parse(given.other)
    pilothouse.resolver.judge(one, other, same=given.same, by=person.id, why=given.why)
    return {
        "one": given.one,
        "other": given.other,
        "same": given.same,
        "pending": len(pilothouse.resolver.pending(one.object)),
    }


@router.get("/entities/{system}/{object}/{id}")
def entity_of(system: Id, object: Id, id: Id, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Return the account or contact that a record is one of, with every record of it in any system."""
    require(person, "read_ledger")
    found = pilothouse.entities.of(RecordRef(system, object, id))
    if found is None:
        raise NotFound(f"{system}/{object}/{id} was never resolved.", hint="`pilothouse resolve` works out who is who.")
    return plain(found)


@router.get("/entities/{system}/{object}/{id}/golden")
def golden_record(
    system: Id,
    object: Id,
    id: Id,
    person: CurrentPerson,
    pilothouse: Pilothouse,
    as_of: Annotated[AwareDatetime | None, Query()] = None,
) -> dict[str, Any]:
    """Return the value that counts for each field, with source, age, reason and the values that lost.

    With `as_of`, as it stood then; else as it is known now.
    """
    require(person, "read_ledger")
    ref = RecordRef(system, object, id)
    if as_of is not None:
        return plain(pilothouse.golden.then(ref, as_of))
    return plain(pilothouse.golden.now(ref, pilothouse.clock.now()))


@router.get("/quality/{system}")
def data_quality(system: Id, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Return the latest data audit of a system and its baseline, the first one ever made."""
    require(person, "read_ledger")
    latest = pilothouse.quality.latest(system)
    if latest is None:
        raise NotFound(f"{system} was never audited.", hint="`pilothouse quality` measures it.")
    return {"audit": plain(latest), "baseline": plain(pilothouse.quality.baseline(system))}


@router.get("/enrichment")
def enrichment(person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Return how enrichment stands: providers with budgets and last errors, and how fresh what is held is."""
    require(person, "read_ledger")
    enricher = pilothouse.enricher
    return plain(enrichment_status(pilothouse.ledger, enricher.knowledge, enricher.providers, pilothouse.clock.now()))


@router.get("/agents")
def list_agents(person: CurrentPerson, pilothouse: Pilothouse) -> list[dict[str, Any]]:
    """Return every registered agent with its standing."""
    return plain(pilothouse.gateway.door.agents.all())


@router.post("/agents/{agent}/suspend")
def suspend(agent: Id, given: Reason, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, str]:
    """Stop an agent at once."""
    pilothouse.gateway.door.agents.suspend(agent_ref(agent), person.id, given.reason)
    return {"agent": agent, "state": "suspended"}


@router.post("/agents/{agent}/resume")
def resume(agent: Id, given: Reason, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, str]:
    """Let an agent act again."""
    pilothouse.gateway.door.agents.resume(agent_ref(agent), person.id, given.reason)
    return {"agent": agent, "state": "active"}


def agent_ref(text: str) -> AgentRef:
    """Read name@version; raises `InvalidInput`."""
    try:
        return AgentRef.parse(text)
    except ValueError as error:
        raise InvalidInput(str(error)) from None


@router.get("/capabilities")
def capabilities(person: CurrentPerson, pilothouse: Pilothouse) -> list[dict[str, Any]]:
    """Return everything that can be done to the connected systems, classified."""
    return plain(list(pilothouse.gateway.door.registry.capabilities.values()))
