"""Incidents: opening one, noting, containing, resolving and closing it, and the tasks that only people can do.

Everything is an entry under the subject `incident/ID`; a notifier reads `incident.*` entries, whose body names in
`notify` who is told and in `notify_by` until when. What people write stands in the private part.

What must never happen here: an incident closed with an open task; one opened twice for one finding of a detector.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from pilothouse.directory.people import Directory, Person
from pilothouse.directory.roles import permissions_of
from pilothouse.directory.suspensions import Reach, every_suspension
from pilothouse.handoff.incident_table import Incident, IncidentStatus, Task, get_incident, list_incidents, tasks_of
from pilothouse.handoff.playbook import Playbook
from pilothouse.ledger.actions import action_get
from pilothouse.ledger.entries import Draft, Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
from pilothouse.vocabulary.clock import new_id, stamp
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput, NotFound
from pilothouse.vocabulary.values import JsonObject

Owners = Callable[[Reach], Collection[str]]
"""Who owns the agents that a reach is about; the gateway's registry knows."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What somebody, or a detector, takes for an incident.

    `actions` are the suspected acts and `entries` the ledger positions it was seen by; without actions, everything in
    reach between `since` and `until` is suspected. `detected_at` is when it was noticed, None for now.
    """

    reach: Reach
    severity: int
    summary: str
    since: datetime | None = None
    until: datetime | None = None
    actions: tuple[str, ...] = ()
    entries: tuple[int, ...] = ()
    detected_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Matter:
    """Something that is to become a task: what a person has to see to, about which act, record and field."""

    action: str
    record: str
    field: str
    what: str
    owner: str


class Incidents:
    """The incidents of a workspace, as people and detectors use them."""

    def __init__(self, ledger: Ledger, directory: Directory, playbook: Playbook, owners: Owners) -> None:
        self._ledger, self._directory, self.playbook, self._owners = ledger, directory, playbook, owners

    def get(self, ident: str) -> Incident:
        """Return one incident; raises `NotFound`."""
        with self._ledger.engine.connect() as connection:
            return get_incident(connection, ident)

    def list(self, *, unclosed: bool = False) -> list[Incident]:
        """Return incidents, the unclosed first, then the newest."""
        with self._ledger.engine.connect() as connection:
            return list_incidents(connection, unclosed=unclosed)

    def tasks(self, *, incident: str | None = None, owner: str | None = None) -> Sequence[Task]:
        """Return the tasks of an incident, or the open ones of a person."""
        with self._ledger.engine.connect() as connection:
            return tasks_of(connection, incident=incident, owner=owner)

    def entries(self, ident: str) -> Sequence[Entry]:
        """Return what was written about an incident, in order."""
        return list(self._ledger.entries(subject=_subject(ident)))

    def open(self, finding: Finding, by: str) -> Incident:
        """Open an incident in a person's name; any active person may. Raises `InvalidInput` and `NotFound`."""
        self._person(by)
        return self._open(finding, Actor(by), "")

    def open_by_detector(self, finding: Finding, detector: str) -> Incident:
        """Open an incident for a detector, or return the unclosed one it opened about the same reach."""
        return self._open(finding, Actor(SYSTEM_PERSON), f"detector/{detector}")

    def _open(self, finding: Finding, actor: Actor, origin: str) -> Incident:
        now = self._ledger.clock.now()
        detected = finding.detected_at or now
        began = self._began(finding)
        _possible(finding, now, began, detected)
        told = self.playbook.told(finding.severity, self._directory.people(), self._owners(finding.reach))
        ident = new_id("inc")
        body: JsonObject = {
            "incident": ident,
            "severity": finding.severity,
            "agent": finding.reach.agent,
            "action_type": finding.reach.action_type,
            "since": stamp(finding.since) if finding.since else None,
            "until": stamp(finding.until) if finding.until else None,
            "actions": list(finding.actions),
            "entries": list(finding.entries),
            "origin": origin or "person",
            "began_at": stamp(began) if began else None,
            "detected_at": stamp(detected),
            "notify": told,
            "notify_by": stamp(now + self.playbook.tell_within),
        }
        draft = Draft(
            "incident.opened", actor, body, {"summary": finding.summary}, _subject(ident), "", _subject(ident)
        )

        def only_once(connection: Connection) -> None:
            for each in list_incidents(connection, unclosed=True) if origin else ():
                if each.origin == origin and each.reach == finding.reach:
                    raise _Known(each)

        try:
            self._ledger.append([draft], guard=only_once)
        except _Known as known:
            return known.incident
        return self.get(ident)

    def _began(self, finding: Finding) -> datetime | None:
        """Return when the first wrong act was done, as far as is known: the suspected acts', or the window's begin; else None."""
        with self._ledger.reading() as connection:
            rows = {each: action_get(connection, each) for each in finding.actions}
        unknown = [each for each, row in rows.items() if row is None]
        if unknown:
            raise NotFound(f"there is no action {unknown[0]!r}.", hint="`pilothouse actions list` shows them.")
        positions = [row.intent_position or row.last_position for row in rows.values() if row is not None]
        positions += finding.entries
        begun = [self._ledger.entry(position).at for position in positions]
        known = [*begun, *([finding.since] if finding.since else [])]
        return min(known, default=None)

    def note(self, ident: str, by: str, note: str) -> None:
        """Write something down about an incident; any active person may."""
        self._person(by)
        self.get(ident)
        self._append("incident.noted", ident, by, {}, {"note": _said(note)})

    def planned(self, ident: str, by: str, counts: JsonObject, matters: Iterable[Matter]) -> None:
        """Record a rollback plan with what it leaves to people. A matter that is a task already is not one again."""
        self.need(by, "suspend")
        incident = self.get(ident)
        known = {(task.action, task.record, task.field) for task in self.tasks(incident=ident)}
        every = {(each.action, each.record, each.field): each for each in matters}
        fresh = [each for key, each in every.items() if key not in known]
        if incident.status is IncidentStatus.CLOSED and fresh:
            raise Conflict(f"incident {ident} is closed.", hint="Open another.")
        plan = self._draft("incident.planned", ident, by, {**counts, "tasks": len(fresh)})
        self._ledger.append([plan, *(_task(ident, by, each) for each in fresh)])

    def contain(self, ident: str, by: str, note: str = "") -> Incident:
        """Say that it spreads no further: all in its reach is suspended. Raises `Conflict` when it is not."""
        self.need(by, "suspend")
        incident = self.get(ident)

        def all_is_suspended(connection: Connection) -> None:
            if not any(each.reach.contains(incident.reach) for each in every_suspension(connection)):
                raise Conflict(
                    f"{incident.reach} is not suspended, so incident {ident} is not contained.",
                    hint="`pilothouse suspend` it first.",
                    code="not_suspended",
                )

        private = {"note": note} if note.strip() else None
        self._append("incident.contained", ident, by, {"notify": list(incident.notify)}, private, all_is_suspended)
        return self.get(ident)

    def recover(self, ident: str, by: str, note: str, *, left: int = 0) -> Incident:
        """Say that the records are right again; `left` counts the wrong values that are knowingly left."""
        self.need(by, "suspend")
        incident = self.get(ident)
        body: JsonObject = {"left": left, "notify": list(incident.notify)}
        self._append("incident.recovered", ident, by, body, {"note": _said(note)})
        return self.get(ident)

    def close(self, ident: str, by: str, note: str) -> Incident:
        """Close a resolved incident; raises `Conflict` while a task is open."""
        self.need(by, "suspend")
        incident = self.get(ident)
        self._append("incident.closed", ident, by, {"notify": list(incident.notify)}, {"note": _said(note)})
        return self.get(ident)

    def tick(self, task: str, by: str, note: str) -> None:
        """Tick a task off with a note of what was done: its owner may, and whoever may suspend."""
        person = self._person(by)
        with self._ledger.engine.connect() as connection:
            found = next((each for each in tasks_of(connection) if each.id == task), None)
        if found is None:
            raise NotFound(f"there is no task {task!r}.", hint="`pilothouse incidents show INCIDENT` lists them.")
        if found.owner != by and "suspend" not in permissions_of(person.role).may:
            raise Forbidden(f"task {task} is {found.owner}'s.", hint="Its owner ticks it off, or RevOps.")
        self._append("incident.task_done", found.incident, by, {"task": task}, {"note": _said(note)})

    def rolled_back(self, ident: str, by: str, body: JsonObject) -> None:
        """Link a rollback that was carried out for an incident."""
        self._append("incident.rolled_back", ident, by, body, None)

    def need(self, by: str, verb: str) -> None:
        """Raise `Forbidden` unless a person is active and may do something."""
        person = self._person(by)
        if verb not in permissions_of(person.role).may:
            raise Forbidden(f"{by} ({person.role}) may not do this.", hint=f"It takes the permission {verb!r}.")

    def _person(self, by: str) -> Person:
        person = self._directory.person(by)
        if not person.active:
            raise Forbidden(f"{person.name} is no longer active.")
        return person

    def _draft(self, kind: str, ident: str, by: str, body: JsonObject, private: JsonObject | None = None) -> Draft:
        subject = _subject(ident)
        return Draft(kind, Actor(by), {"incident": ident, **body}, private, subject, "", subject)

    def _append(
        self,
        kind: str,
        ident: str,
        by: str,
        body: JsonObject,
        private: JsonObject | None,
        guard: Callable[[Connection], None] | None = None,
    ) -> None:
        self._ledger.append([self._draft(kind, ident, by, body, private)], guard=guard)


class _Known(Exception):
    """The detector opened this one already."""

    def __init__(self, incident: Incident) -> None:
        super().__init__(incident.id)
        self.incident = incident


def _subject(ident: str) -> str:
    return f"incident/{ident}"


def _said(note: str) -> str:
    if not note.strip():
        raise InvalidInput("a note is needed.", hint="Say in a sentence what was done and why.")
    return note


def _possible(finding: Finding, now: datetime, began: datetime | None, detected: datetime) -> None:
    if finding.severity not in (1, 2, 3):
        raise InvalidInput(f"severity {finding.severity} is none.", hint="1 is worst, 3 is a near miss.")
    if not finding.summary.strip():
        raise InvalidInput("an incident needs a summary.", hint="Say in a sentence what is wrong.")
    if finding.since and finding.until and finding.since >= finding.until:
        raise InvalidInput("the window ends before it begins.", hint="Give an earlier begin or a later end.")
    if detected > now or (began is not None and began > detected):
        raise InvalidInput(
            f"it was detected {stamp(detected)}, which is not between its begin and now.",
            hint="Give times that have come.",
        )


def _task(ident: str, by: str, matter: Matter) -> Draft:
    body: JsonObject = {
        "incident": ident,
        "task": new_id("tsk"),
        "action": matter.action,
        "record": matter.record,
        "field": matter.field,
        "owner": matter.owner,
        "notify": [matter.owner],
    }
    return Draft("incident.task_added", Actor(by), body, {"what": matter.what}, matter.record, "", _subject(ident))
