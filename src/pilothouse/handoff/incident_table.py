"""The tables of incidents and of their tasks, drawn from the entries.

The projector guards the life of an incident: open → contained → recovered → closed, where containment may be left out
and nothing else; and it refuses to close what has open tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import Column, Connection, Index, Integer, Table, Text, func, insert, select, update

from pilothouse.directory.suspensions import Reach
from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Entry
from pilothouse.vocabulary.clock import stamp, unstamp
from pilothouse.vocabulary.errors import Conflict, NotFound
from pilothouse.vocabulary.values import canonical, parse_json

incidents = Table(
    "incidents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("status", Text, nullable=False, index=True),
    Column("severity", Integer, nullable=False),
    Column("agent", Text, nullable=False),
    Column("action_type", Text, nullable=False),
    Column("since", Text),
    Column("until", Text),
    Column("actions", Text, nullable=False),
    Column("entries", Text, nullable=False),
    Column("summary", Text),
    Column("origin", Text, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("notify", Text, nullable=False),
    Column("began_at", Text),
    Column("detected_at", Text, nullable=False),
    Column("opened_at", Text, nullable=False),
    Column("planned_at", Text),
    Column("contained_at", Text),
    Column("recovered_at", Text),
    Column("closed_at", Text),
)
incident_tasks = Table(
    "incident_tasks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("incident", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("what", Text),
    Column("owner", Text, nullable=False, index=True),
    Column("added_at", Text, nullable=False),
    Column("done_at", Text),
    Column("done_by", Text, nullable=False),
    Column("note", Text),
    Index("one_task_a_matter", "incident", "action", "record", "field", unique=True),
)


class IncidentStatus(StrEnum):
    """How far an incident has come."""

    OPEN = "open"
    CONTAINED = "contained"
    RECOVERED = "recovered"
    CLOSED = "closed"


S = IncidentStatus
FROM = {S.CONTAINED: (S.OPEN,), S.RECOVERED: (S.OPEN, S.CONTAINED), S.CLOSED: (S.RECOVERED,)}


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident. `summary` is None when it was erased; `actions` are the suspected acts, empty for all in reach."""

    id: str
    status: IncidentStatus
    severity: int
    reach: Reach
    since: datetime | None
    until: datetime | None
    actions: tuple[str, ...]
    entries: tuple[int, ...]
    summary: str | None
    origin: str
    opened_by: str
    notify: tuple[str, ...]
    began_at: datetime | None
    """When the first wrong act was done; None when nobody could say."""
    detected_at: datetime
    opened_at: datetime
    planned_at: datetime | None
    contained_at: datetime | None
    recovered_at: datetime | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Task:
    """Something that only a person can put right; `what` and `note` are None when they were erased."""

    id: str
    incident: str
    action: str
    record: str
    field: str
    what: str | None
    owner: str
    added_at: datetime
    done_at: datetime | None
    done_by: str
    note: str | None


class IncidentProjector:
    """Follows every `incident.*` entry that moves an incident or one of its tasks."""

    name = "incidents"
    kinds = frozenset(
        {
            f"incident.{what}"
            for what in ("opened", "planned", "contained", "recovered", "closed", "task_added", "task_done")
        }
    )
    tables = (incidents, incident_tasks)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Bring both tables up to date, entry by entry."""
        for entry in entries:
            match entry.kind.partition(".")[2]:
                case "opened":
                    connection.execute(insert(incidents), _opened(entry))
                case "planned":
                    mine = update(incidents).where(incidents.c.id == entry.body["incident"])
                    connection.execute(mine.where(incidents.c.planned_at.is_(None)).values(planned_at=stamp(entry.at)))
                case "task_added":
                    connection.execute(insert(incident_tasks), _task(entry))
                case "task_done":
                    _tick(connection, entry)
                case status:
                    _move(connection, entry, S(status))


def _opened(entry: Entry) -> dict[str, Any]:
    body = entry.body
    same = ("severity", "agent", "action_type", "since", "until", "origin", "began_at", "detected_at")
    return {
        **{key: body[key] for key in same},
        "id": body["incident"],
        "status": S.OPEN.value,
        **{key: canonical(body[key]) for key in ("actions", "entries", "notify")},
        "summary": entry.value("summary"),
        "opened_by": entry.actor.person,
        "opened_at": stamp(entry.at),
    }


def _task(entry: Entry) -> dict[str, Any]:
    same = {key: entry.body[key] for key in ("incident", "action", "record", "field", "owner")}
    told = {"what": entry.value("what"), "added_at": stamp(entry.at), "done_by": ""}
    return {**same, "id": entry.body["task"], **told}


def _tick(connection: Connection, entry: Entry) -> None:
    mine = update(incident_tasks).where(incident_tasks.c.id == entry.body["task"], incident_tasks.c.done_at.is_(None))
    done = {"done_at": stamp(entry.at), "done_by": entry.actor.person, "note": entry.value("note")}
    if connection.execute(mine.values(**done)).rowcount != 1:
        raise Conflict(f"task {entry.body['task']} is done already.", hint="Nothing more is to be done.")


def _move(connection: Connection, entry: Entry, status: IncidentStatus) -> None:
    ident = entry.body["incident"]
    if status is S.CLOSED:
        _no_task_open(connection, ident)
    mine = update(incidents).where(
        incidents.c.id == ident, incidents.c.status.in_([each.value for each in FROM[status]])
    )
    if connection.execute(mine.values(status=status.value, **{f"{status}_at": stamp(entry.at)})).rowcount != 1:
        due = " or ".join(FROM[status])
        raise Conflict(f"incident {ident} is not {due}, so it cannot be {status} now.", hint="Look at how it stands.")


def _no_task_open(connection: Connection, ident: str) -> None:
    mine = (incident_tasks.c.incident == ident, incident_tasks.c.done_at.is_(None))
    left = connection.execute(select(func.count()).select_from(incident_tasks).where(*mine)).scalar_one()
    if left:
        raise Conflict(
            f"incident {ident} has {left} open task(s).",
            hint=f"`pilothouse incidents show {ident}` lists them; tick each off with a note.",
            code="open_tasks",
        )


def get_incident(connection: Connection, ident: str) -> Incident:
    """Return one incident; raises `NotFound`."""
    row = connection.execute(select(incidents).where(incidents.c.id == ident)).first()
    if row is None:
        raise NotFound(f"there is no incident {ident!r}.", hint="`pilothouse incidents list` shows them.")
    return _incident(row)


def list_incidents(connection: Connection, *, unclosed: bool = False) -> list[Incident]:
    """Return incidents, the unclosed first, then the newest."""
    query = select(incidents).order_by((incidents.c.status == S.CLOSED.value), incidents.c.opened_at.desc())
    if unclosed:
        query = query.where(incidents.c.status != S.CLOSED.value)
    return [_incident(row) for row in connection.execute(query)]


def about(connection: Connection, reach: Reach) -> list[Incident]:
    """Return every incident, closed ones too, about any act that a reach is about."""
    return [each for each in list_incidents(connection) if each.reach.touches(reach)]


def tasks_of(connection: Connection, *, incident: str | None = None, owner: str | None = None) -> list[Task]:
    """Return tasks, the open ones first; of an owner only the open ones."""
    c = incident_tasks.c
    query = select(incident_tasks).order_by(c.done_at.is_not(None), c.added_at, c.id)
    if incident is not None:
        query = query.where(c.incident == incident)
    if owner is not None:
        query = query.where(c.owner == owner, c.done_at.is_(None))
    return [_task_of(row) for row in connection.execute(query)]


def _moment(text: str | None) -> datetime | None:
    return unstamp(text) if text else None


def _incident(row: Any) -> Incident:
    return Incident(
        id=row.id,
        status=S(row.status),
        severity=row.severity,
        reach=Reach(row.agent, row.action_type),
        since=_moment(row.since),
        until=_moment(row.until),
        actions=tuple(cast("list[str]", parse_json(row.actions))),
        entries=tuple(cast("list[int]", parse_json(row.entries))),
        summary=row.summary,
        origin=row.origin,
        opened_by=row.opened_by,
        notify=tuple(cast("list[str]", parse_json(row.notify))),
        began_at=_moment(row.began_at),
        detected_at=unstamp(row.detected_at),
        opened_at=unstamp(row.opened_at),
        planned_at=_moment(row.planned_at),
        contained_at=_moment(row.contained_at),
        recovered_at=_moment(row.recovered_at),
        closed_at=_moment(row.closed_at),
    )


def _task_of(row: Any) -> Task:
    told = (row.id, row.incident, row.action, row.record, row.field, row.what, row.owner)
    return Task(*told, unstamp(row.added_at), _moment(row.done_at), row.done_by, row.note)
