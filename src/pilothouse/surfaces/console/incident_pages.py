"""The pages on which agents are stopped and incidents are worked. They work without JavaScript, as all pages do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pilothouse.assembly import App
from pilothouse.demo.drill import KIND
from pilothouse.directory.credentials import Session
from pilothouse.directory.roles import permissions_of
from pilothouse.directory.suspensions import EVERY, Reach
from pilothouse.gateway.rollback import Fate
from pilothouse.handoff.incidents import Finding
from pilothouse.handoff.playbook import who_may_suspend
from pilothouse.observability.cascade import downstream
from pilothouse.surfaces.auth import Pilothouse, require
from pilothouse.surfaces.console.pages import Posted, SignedIn, Text, go, page
from pilothouse.surfaces.moments import when
from pilothouse.vocabulary.errors import InvalidInput, NotFound, PilothouseError

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
    return _incidents_page(request, session, pilothouse, {"agent": agent, "actions": actions}, said=said)


def _incidents_page(
    request: Request,
    session: Session,
    pilothouse: App,
    typed: Mapping[str, str],
    *,
    said: str = "",
    error: PilothouseError | None = None,
) -> Response:
    desk = pilothouse.incidents.incidents
    drills = list(pilothouse.ledger.entries(kinds={KIND}))
    return page(
        request,
        "incidents.html",
        session,
        400 if error else 200,
        incidents=desk.list(),
        mine=desk.tasks(owner=session.person.id),
        names=_names(pilothouse),
        types=_types(pilothouse),
        playbook=desk.playbook,
        may_suspend=who_may_suspend(),
        drilled=drills[-1] if drills else None,
        typed=typed,
        said=said,
        error=error,
    )


@router.post("/incidents")
async def open_incident(request: Request, session: Posted, pilothouse: Pilothouse) -> Response:
    """Open an incident. What cannot be taken leads back to the form, with what was typed."""
    form = {name: str(value) for name, value in (await request.form()).items()}
    try:
        finding = _finding(form, pilothouse.clock.now())
        done = pilothouse.incidents.incidents.open(finding, session.person.id)
    except (InvalidInput, NotFound) as error:
        return _incidents_page(request, session, pilothouse, form, error=error)
    sees = "read_ledger" in permissions_of(session.person.role).may
    return go(f"/incidents/{done.id}" if sees else "/incidents", f"Open; told: {', '.join(done.notify) or 'nobody'}.")


def _finding(form: Mapping[str, str], now: datetime) -> Finding:
    severity = form.get("severity", "2")
    if severity not in ("1", "2", "3"):
        raise InvalidInput(f"{severity!r} is no severity.", hint="Choose 1, 2 or 3.")
    return Finding(
        reach=Reach(form.get("agent") or EVERY, form.get("action_type") or EVERY),
        severity=int(severity),
        summary=form.get("summary", ""),
        since=when(form.get("since") or None, now),
        until=when(form.get("until") or None, now),
        actions=tuple(form.get("actions", "").replace(",", " ").split()),
    )


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
