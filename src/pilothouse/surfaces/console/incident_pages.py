"""The pages on which agents are stopped and incidents are worked. They work without JavaScript, as all pages do."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from pilothouse.assembly import App
from pilothouse.demo.drill import KIND
from pilothouse.directory.roles import permissions_of
from pilothouse.directory.suspensions import EVERY, Reach
from pilothouse.gateway.rollback import Fate
from pilothouse.handoff.incidents import Finding
from pilothouse.handoff.playbook import who_may_suspend
from pilothouse.observability.cascade import downstream
from pilothouse.surfaces.auth import Pilothouse, require
from pilothouse.surfaces.console.pages import Posted, SignedIn, Text, go, page
from pilothouse.surfaces.moments import when
from pilothouse.vocabulary.errors import InvalidInput

router = APIRouter(include_in_schema=False)
LEAVES_SHOWN = 10
"""Suspected acts on which nothing drew that the cascade shows; those with a following are shown all."""


def _names(pilothouse: App) -> list[str]:
    every = pilothouse.gateway.door.agents.all()
    return sorted({each.ref.name for each in every} | {str(each.ref) for each in every})


def _types(pilothouse: App) -> list[str]:
    return sorted(pilothouse.gateway.door.registry.capabilities)


@router.get("/suspend")
def suspend_page(request: Request, session: SignedIn, pilothouse: Pilothouse, said: str = "") -> Response:
    """What is suspended, and the forms that stop and resume."""
    names, types = _names(pilothouse), _types(pilothouse)
    return page(request, "suspend.html", session, names=names, types=types, said=said)


@router.post("/suspend")
def suspend(
    session: Posted,
    pilothouse: Pilothouse,
    decision: Text = "",
    agent: Text = EVERY,
    action_type: Text = EVERY,
    reason: Text = "",
    back: Text = "/suspend",
) -> Response:
    """Suspend, or end a suspension."""
    reach, agents = Reach(agent or EVERY, action_type or EVERY), pilothouse.gateway.door.agents
    if decision == "suspend":
        agents.suspend(reach, session.person.id, reason)
        return go(_inside(back), f"Suspended: {reach}.")
    if decision != "resume":
        raise InvalidInput("the form says neither suspend nor resume.", hint="Use one of the buttons.")
    agents.resume(reach, session.person.id, reason)
    return go("/suspend", f"No longer suspended: {reach}.")


def _inside(path: str) -> str:
    """Return a path of ours to go back to; a form must lead nowhere else."""
    return path if path.startswith("/incidents/") else "/suspend" if path == "/suspend" else "/incidents"


@router.get("/incidents")
def incidents(
    request: Request, session: SignedIn, pilothouse: Pilothouse, agent: str = "", actions: str = "", said: str = ""
) -> Response:
    """The incidents, the person's own tasks, and the playbook."""
    desk = pilothouse.incidents.incidents
    drills = list(pilothouse.ledger.entries(kinds={KIND}))
    return page(
        request,
        "incidents.html",
        session,
        incidents=desk.list(),
        mine=desk.tasks(owner=session.person.id),
        names=_names(pilothouse),
        types=_types(pilothouse),
        playbook=desk.playbook,
        may_suspend=who_may_suspend(),
        drilled=drills[-1] if drills else None,
        chosen=agent,
        suspected=actions,
        said=said,
    )


@router.post("/incidents")
def open_incident(
    session: Posted,
    pilothouse: Pilothouse,
    summary: Text = "",
    severity: Annotated[int, Form()] = 2,
    agent: Text = EVERY,
    action_type: Text = EVERY,
    since: Text = "",
    until: Text = "",
    actions: Text = "",
) -> Response:
    """Open an incident."""
    now = pilothouse.clock.now()
    finding = Finding(
        reach=Reach(agent or EVERY, action_type or EVERY),
        severity=severity,
        summary=summary,
        since=when(since or None, now),
        until=when(until or None, now),
        actions=tuple(actions.replace(",", " ").split()),
    )
    done = pilothouse.incidents.incidents.open(finding, session.person.id)
    sees = "read_ledger" in permissions_of(session.person.role).may
    return go(f"/incidents/{done.id}" if sees else "/incidents", f"Open; told: {', '.join(done.notify) or 'nobody'}.")


@router.get("/incidents/{incident}")
def incident(request: Request, incident: str, session: SignedIn, pilothouse: Pilothouse, said: str = "") -> Response:
    """One incident with everything around it."""
    require(session.person, "read_ledger")
    pilothouse.take_in()
    found = pilothouse.incidents.dossier(incident)
    leaves = [node for node in found.cascade if not node.children]
    hidden = {node.action for node in leaves[LEAVES_SHOWN:]}
    return page(
        request,
        "incident.html",
        session,
        it=found.incident,
        milestones=found.milestones,
        ours=pilothouse.incidents.incidents.playbook.ours,
        stopped=any(s.reach.contains(found.incident.reach) for s in pilothouse.gateway.door.agents.suspensions()),
        affected=[*found.affected, *(each for each in found.plan.items if not each.field)],
        restore=found.plan.of(Fate.RESTORE),
        tasks=found.tasks,
        roots=[node for node in found.cascade if node.action not in hidden],
        more=len(hidden),
        below=len(downstream(found.cascade)),
        direct=found.direct,
        entries=found.entries,
        said=said,
    )


@router.post("/incidents/{incident}")
def work(
    incident: str, session: Posted, pilothouse: Pilothouse, decision: Text = "", note: Text = "", leave: Text = ""
) -> Response:
    """Take the next step with an incident."""
    desk, by = pilothouse.incidents, session.person.id
    pilothouse.take_in()
    match decision:
        case "note":
            desk.incidents.note(incident, by, note)
            said = "Written down."
        case "contain":
            desk.contain(incident, by, note)
            said = "Contained."
        case "plan":
            desk.plan(incident, by)
            said = "The plan is recorded."
        case "rollback":
            undone = desk.roll_back(incident, by, note)
            left = [result for result in undone.results if result.status.value != "executed"]
            said = f"{undone.restored} record(s) restored." + (f" Not restored: {left[0].sentence}" if left else "")
        case "resolve":
            desk.resolve(incident, by, note, leave=leave == "yes")
            said = "Resolved."
        case "close":
            desk.incidents.close(incident, by, note)
            said = "Closed."
        case _:
            raise InvalidInput("the form does not say what to do.", hint="Use one of the buttons.")
    return go(f"/incidents/{incident}", said)


@router.post("/incident-tasks/{task}")
def tick(task: str, session: Posted, pilothouse: Pilothouse, note: Text = "", back: Text = "/incidents") -> Response:
    """Tick a task off."""
    pilothouse.incidents.incidents.tick(task, session.person.id, note)
    return go(_inside(back), "Done.")
