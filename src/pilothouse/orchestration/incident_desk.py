"""An incident with everything around it: what was affected, what followed from it, how to put it right, and by whom.

The plan is made anew each time from the ledger and the present state, as every rollback is. It undoes the suspected
acts and every performed act that drew on them.

What must never happen here: something that cannot be undone left to nobody; an incident called recovered while the
plan still holds values to restore, unless a person says that they stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from pilothouse.directory.suspensions import RESUMED, SUSPENDED, Reach, reach_of, within
from pilothouse.gateway.gateway import Gateway
from pilothouse.gateway.rollback import Fate, Item, Plan, Scope, Undone, apply, plan
from pilothouse.handoff.incident_table import Incident, IncidentStatus, Task
from pilothouse.handoff.incidents import Incidents, Matter
from pilothouse.handoff.routing import Question, read_roster, route
from pilothouse.ledger.actions import ActionRow, action_fields, fields_written
from pilothouse.ledger.actions import actions as actions_table
from pilothouse.ledger.entries import Entry
from pilothouse.observability.cascade import Node, cascade, downstream
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.errors import Conflict, NotFound
from pilothouse.vocabulary.outcomes import ActionStatus
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.values import Json, JsonObject, parse_json
from pilothouse.vocabulary.verdicts import Tier

DONE = (ActionStatus.EXECUTED.value, ActionStatus.UNDONE.value)
UNDER_WAY = (ActionStatus.INTENDED.value, ActionStatus.UNKNOWN.value)


@dataclass(frozen=True, slots=True)
class Milestone:
    """One point of the timeline. `minutes` is what it took, or has taken so far, and `limit` what the playbook allows;
    `met` is None where there is no limit, or still time."""

    name: str
    at: datetime | None
    counted_from: str
    minutes: float | None
    limit: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether it came in time; False too for what is late already."""
        if self.limit is None or self.minutes is None:
            return None
        late = self.minutes > self.limit
        return False if late else (True if self.at is not None else None)


@dataclass(frozen=True, slots=True)
class Affected:
    """One field that was written: before, the agent's value, the present one, and its `fate` in the plan, or `restored`."""

    record: RecordRef
    field: str
    old: Json
    agent: Json
    present: Json
    fate: str
    why: str
    actions: tuple[str, ...]


@dataclass(frozen=True)
class Dossier:
    """Everything one page about an incident needs."""

    incident: Incident
    milestones: Sequence[Milestone]
    plan: Plan
    cascade: Sequence[Node]
    tasks: Sequence[Task]
    entries: Sequence[Entry]
    affected: Sequence[Affected]
    """Every field that they wrote, also what was undone since, by record."""
    direct: frozenset[str]
    """The suspected acts; every other act of the plan is downstream of them."""


class IncidentDesk:
    """Works incidents with the gateway's means."""

    def __init__(self, gateway: Gateway, incidents: Incidents) -> None:
        self._gateway, self.incidents = gateway, incidents
        self._ledger, self._clock = gateway.door.ledger, gateway.door.clock

    def dossier(self, ident: str) -> Dossier:
        """Return an incident with everything around it, changing nothing; raises `NotFound`."""
        incident = self.incidents.get(ident)
        direct = self.suspected(incident)
        roots = self._cascade(direct)
        entries = self.incidents.entries(ident)
        planned = self._plan(incident, direct, roots)
        return Dossier(
            incident=incident,
            milestones=self._milestones(incident),
            plan=planned,
            affected=self._affected(planned),
            cascade=roots,
            tasks=self.incidents.tasks(incident=ident),
            entries=entries,
            direct=frozenset(direct),
        )

    def suspected(self, incident: Incident) -> list[str]:
        """Return the suspected acts: those named, else every one performed in reach and window; oldest first."""
        if incident.actions:
            return list(incident.actions)
        a, f = actions_table.c, action_fields.c
        executed = select(f.action, func.min(f.executed_at).label("at")).group_by(f.action).subquery()
        moment = func.coalesce(executed.c.at, a.updated_at)
        # What came after the containment is no part of it: resumed agents do other work.
        until = min((each for each in (incident.until, incident.contained_at) if each), default=None)
        window = [moment >= stamp(incident.since)] if incident.since else []
        window += [moment < stamp(until)] if until else []
        query = (
            select(a.id)
            .outerjoin(executed, executed.c.action == a.id)
            .where(within(incident.reach, actions_table), a.status.in_(DONE), *window)
            .order_by(a.result_position)
        )
        with self._ledger.engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def _cascade(self, direct: Sequence[str]) -> list[Node]:
        with self._ledger.engine.connect() as connection:
            return cascade(connection, direct)

    def _plan(self, incident: Incident, direct: Sequence[str], roots: Sequence[Node]) -> Plan:
        """Return the rollback plan over the suspected acts and every performed one that drew on them."""
        performed = [node.action for node in downstream(roots) if node.status in DONE]
        chosen = tuple(dict.fromkeys([*direct, *performed]))
        if not chosen:
            return Plan(Scope(agent=incident.reach.agent), ())
        return plan(self._gateway, Scope(actions=chosen))

    def _affected(self, planned: Plan) -> list[Affected]:
        """Return what the plan is about, and from the ledger what it no longer holds because it was undone."""
        found = {
            (i.record, i.field): Affected(i.record, i.field, i.old, i.agent, i.present, i.fate.value, i.why, i.actions)
            for i in planned.items
            if i.field
        }
        undone: dict[tuple[RecordRef, str], list[ActionRow]] = {}
        if planned.scope.actions:
            with self._ledger.engine.connect() as connection:
                rows = fields_written(connection, only=planned.scope.actions)
            for row in rows:
                place = RecordRef(row.system, row.object, row.record_id), row.field
                if row.undone_by and place not in found:
                    undone.setdefault(place, []).append(row)
        found |= {place: self._undone(*place, writes) for place, writes in undone.items()}
        return [found[place] for place in sorted(found, key=lambda each: (str(each[0]), each[1]))]

    def _undone(self, record: RecordRef, name: str, writes: Sequence[ActionRow]) -> Affected:
        old, agent = parse_json(writes[0].before), parse_json(writes[-1].after)
        known, by = self._gateway.door.data.field(record, name), writes[-1].undone_by
        why = "It held its old value already." if by == "already" else f"Restored by {by}."
        actions = tuple(row.action for row in writes)
        return Affected(record, name, old, agent, known.value if known else None, "restored", why, actions)

    def plan(self, ident: str, by: str) -> Dossier:
        """Record the rollback plan as it is now, and make tasks of what it leaves to people. Safe to repeat."""
        self.incidents.need(by, "suspend")
        found = self.dossier(ident)
        counts: JsonObject = {fate.value: len(found.plan.of(fate)) for fate in Fate}
        counts["downstream"] = len(downstream(found.cascade))
        self.incidents.planned(ident, by, counts, self._matters(found))
        return self.dossier(ident)

    def roll_back(self, ident: str, by: str, reason: str) -> Undone:
        """Carry the plan out as a named person, linked to the incident; raises `Forbidden` when they may not.

        What then still cannot be undone becomes a task.
        """
        self.incidents.need(by, "rollback")
        found = self.dossier(ident)
        if not found.plan.items:
            raise NotFound(f"incident {ident} has nothing to roll back.", hint="Its scope holds no performed act.")
        self.plan(ident, by)
        undone = apply(self._gateway, found.plan.scope, by, f"{reason} (incident {ident})")
        left = sum(result.status is not ActionStatus.EXECUTED for result in undone.results)
        body: JsonObject = {"rollback": undone.id, "restored": undone.restored, "not_restored": left}
        self.incidents.rolled_back(ident, by, body)
        return undone

    def contain(self, ident: str, by: str, note: str = "") -> Incident:
        """Say that it spreads no further: all in reach is suspended, and nothing of it is under way."""
        incident = self.incidents.get(ident)
        a = actions_table.c
        query = select(a.id).where(within(incident.reach, actions_table), a.status.in_(UNDER_WAY)).order_by(a.id)
        with self._ledger.engine.connect() as connection:
            under_way = list(connection.execute(query).scalars())
        if under_way:
            raise Conflict(
                f"{len(under_way)} act(s) in its reach have no result yet, {under_way[0]} among them.",
                hint="`pilothouse carry` asks the system of record what became of them.",
                code="under_way",
            )
        return self.incidents.contain(ident, by, note)

    def resolve(self, ident: str, by: str, note: str, *, leave: bool = False) -> Incident:
        """Say that the records are right again. Raises `Conflict` while values are left to restore, unless `leave`.

        With `leave` the person says that what is left is right as it is, as after a false alarm; no tasks are made.
        """
        self.incidents.need(by, "suspend")
        found = self.dossier(ident)
        left = len(found.plan.of(Fate.RESTORE))
        if left and not leave:
            raise Conflict(
                f"{left} value(s) of incident {ident} are still to be restored.",
                hint=f"`pilothouse incidents rollback {ident} --reason …`, or --leave when they are right as they are.",
                code="not_restored",
            )
        if not leave:
            self.plan(ident, by)
        return self.incidents.recover(ident, by, note, left=left)

    def _matters(self, found: Dossier) -> Iterator[Matter]:
        for item in found.plan.of(Fate.CANNOT):
            for action in item.actions:
                # One act is one matter, however many fields it had.
                yield self._matter(item, action, "", item.why)
        for item in found.plan.of(Fate.STAYS):
            yield self._matter(
                item, item.actions[-1], item.field, f"{item.field}: {item.why} Look whether it is right."
            )
        for node in downstream(found.cascade):
            if node.status == ActionStatus.HELD and node.review:
                owner = self._gateway.reviews.get(node.review).owner
                what = f"Review {node.review} was asked on a wrong value; reject it, or decide it knowing that."
                yield Matter(node.action, node.subject, "", what, owner)

    def _matter(self, item: Item, action: str, field: str, what: str) -> Matter:
        record = self._gateway.door.data.record(item.record)
        values = {name: value.value for name, value in record.fields.items()} if record else {}
        door = self._gateway.door
        with door.ledger.reading() as connection:
            roster = read_roster(connection, self._clock.now(), door.policy.handing)
        owner = route(Question(values, Tier.T2, frozenset()), roster).person
        return Matter(action, str(item.record), field, what, owner)

    def _milestones(self, incident: Incident) -> list[Milestone]:
        limits, now = self.incidents.playbook.timeframes, self._clock.now()
        opened = incident.opened_at

        def since(
            name: str, at: datetime | None, start: datetime | None, words: str, limit: float | None = None
        ) -> Milestone:
            running = None if at is None and incident.status is IncidentStatus.CLOSED else (at or now)
            minutes = max(0.0, (running - start).total_seconds() / 60) if running and start else None
            return Milestone(name, at, words, minutes, limit)

        return [
            since("detected", incident.detected_at, incident.began_at, "from the first wrong act", limits.detect),
            since("suspended", self._suspended_at(incident), opened, "from its opening", limits.suspend),
            since("rollback plan", incident.planned_at, opened, "from its opening", limits.rollback_plan),
            since("contained", incident.contained_at, opened, "from its opening"),
            since("recovered", incident.recovered_at, opened, "from its opening"),
            since("closed", incident.closed_at, opened, "from its opening"),
        ]

    def _suspended_at(self, incident: Incident) -> datetime | None:
        """Return since when all in reach was suspended: as it stood at the opening, else the first time after it."""
        standing: dict[Reach, datetime] = {}
        for entry in self._ledger.entries(kinds={SUSPENDED, RESUMED}):
            if entry.at > incident.opened_at and standing:
                break
            reach = reach_of(entry)
            if not reach.contains(incident.reach):
                continue
            if entry.kind == RESUMED:
                standing.pop(reach, None)
            else:
                standing.setdefault(reach, entry.at)
        return min(standing.values(), default=None)
