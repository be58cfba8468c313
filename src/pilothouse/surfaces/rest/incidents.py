"""The endpoints of suspensions and incidents."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AwareDatetime, Field

from pilothouse.directory.suspensions import EVERY, Reach
from pilothouse.gateway.rollback import Fate
from pilothouse.handoff.incidents import Finding
from pilothouse.handoff.playbook import who_may_suspend
from pilothouse.surfaces.auth import CurrentPerson, Pilothouse, require
from pilothouse.surfaces.dossier import as_json
from pilothouse.surfaces.plain import plain
from pilothouse.surfaces.rest.models import Model, Named, Reason, Text, result_out
from pilothouse.surfaces.rest.routes import PROBLEMS, Id

router = APIRouter(prefix="/v1", responses=PROBLEMS)


class ReachIn(Model):
    """What to stop or to let act again: name@version, a name, or `*`; a capability, an action type, or `*`."""

    agent: Named = EVERY
    action_type: Named = EVERY
    reason: Named


class IncidentIn(Model):
    """An incident to open. Name the suspected actions, or everything in scope and window is suspected."""

    summary: Named
    severity: Annotated[int, Field(ge=1, le=3)]
    agent: Named = EVERY
    action_type: Named = EVERY
    since: AwareDatetime | None = Field(default=None, strict=False)
    until: AwareDatetime | None = Field(default=None, strict=False)
    actions: tuple[Named, ...] = Field(default=(), max_length=1000, strict=False)
    entries: tuple[Annotated[int, Field(ge=0, le=2**53)], ...] = Field(default=(), max_length=1000, strict=False)
    detected_at: AwareDatetime | None = Field(default=None, strict=False)


class NoteIn(Model):
    """What was done, in a sentence."""

    note: Named


class ContainIn(Model):
    """A note, which may be left out."""

    note: Text = ""


class ResolveIn(NoteIn):
    """A note; `leave` says that what is not restored is right as it is."""

    leave: bool = False


@router.get("/suspensions")
def suspensions(person: CurrentPerson, pilothouse: Pilothouse) -> list[dict[str, Any]]:
    """Return what is suspended now."""
    return plain(pilothouse.gateway.door.agents.suspensions())


@router.post("/suspensions", status_code=201)
def suspend(given: ReachIn, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Stop agents at once, queued work included."""
    reach = Reach(given.agent, given.action_type)
    position = pilothouse.gateway.door.agents.suspend(reach, person.id, given.reason)
    return {**plain(reach), "state": "suspended", "position": position}


@router.post("/suspensions/end")
def end(given: ReachIn, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """End exactly one suspension."""
    reach = Reach(given.agent, given.action_type)
    position = pilothouse.gateway.door.agents.resume(reach, person.id, given.reason)
    return {**plain(reach), "state": "resumed", "position": position}


@router.get("/incidents")
def incidents(person: CurrentPerson, pilothouse: Pilothouse, unclosed: bool = False) -> list[dict[str, Any]]:
    """Return incidents, the unclosed first, then the newest."""
    require(person, "read_ledger")
    return plain(pilothouse.incidents.incidents.list(unclosed=unclosed))


@router.get("/incidents/playbook")
def playbook(person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Return what is done about an incident; `ours` is true while these are our defaults."""
    found = pilothouse.incidents.incidents.playbook
    return {**plain(found), "ours": found.ours, "may_suspend": who_may_suspend()}


@router.post("/incidents", status_code=201)
def open_incident(given: IncidentIn, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Open an incident."""
    finding = Finding(
        reach=Reach(given.agent, given.action_type),
        severity=given.severity,
        summary=given.summary,
        since=given.since,
        until=given.until,
        actions=given.actions,
        entries=given.entries,
        detected_at=given.detected_at,
    )
    return plain(pilothouse.incidents.incidents.open(finding, person.id))


@router.get("/incidents/{incident}")
def show(incident: Id, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Return timeline, affected records, cascade, rollback plan and tasks."""
    require(person, "read_ledger")
    pilothouse.take_in()
    return as_json(pilothouse.incidents.dossier(incident))


@router.post("/incidents/{incident}/notes", status_code=201)
def note(incident: Id, given: NoteIn, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, str]:
    """Write something down."""
    pilothouse.incidents.incidents.note(incident, person.id, given.note)
    return {"incident": incident}


@router.post("/incidents/{incident}/contain")
def contain(incident: Id, given: ContainIn, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Say that it spreads no further."""
    return plain(pilothouse.incidents.contain(incident, person.id, given.note))


@router.post("/incidents/{incident}/plan")
def plan(incident: Id, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Record the rollback plan, and give what cannot be undone to named people."""
    pilothouse.take_in()
    return as_json(pilothouse.incidents.plan(incident, person.id))


@router.post("/incidents/{incident}/rollback")
def roll_back(incident: Id, given: Reason, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Carry the rollback plan out; safe to repeat."""
    pilothouse.take_in()
    undone = pilothouse.incidents.roll_back(incident, person.id, given.reason)
    results = [result_out(result).model_dump() for result in undone.results]
    planned = {fate.value: len(undone.plan.of(fate)) for fate in Fate}
    return {"rollback": undone.id, "restored": undone.restored, "plan": planned, "results": results}


@router.post("/incidents/{incident}/resolve")
def resolve(incident: Id, given: ResolveIn, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Say that the records are right again."""
    pilothouse.take_in()
    return plain(pilothouse.incidents.resolve(incident, person.id, given.note, leave=given.leave))


@router.post("/incidents/{incident}/close")
def close(incident: Id, given: NoteIn, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Close a resolved incident whose tasks are all done."""
    return plain(pilothouse.incidents.incidents.close(incident, person.id, given.note))


@router.post("/incident-tasks/{task}/done")
def tick(task: Id, given: NoteIn, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, str]:
    """Tick a task off."""
    pilothouse.incidents.incidents.tick(task, person.id, given.note)
    return {"task": task, "state": "done"}
