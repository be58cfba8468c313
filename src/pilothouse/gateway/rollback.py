"""Undoing what agents did: a plan first, then the plan carried out through the same pipeline by a named person.

What must never happen here: a value overwritten that a person changed since; a restore that is not itself an action
with intent, policy and result; the same field restored twice.

The plan is made anew from the ledger and the system of record every time, so an interrupted rollback is continued by
running it again: what was restored is no longer in the plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any

from sqlalchemy import Connection

from pilothouse.data.schema import OBJECTS
from pilothouse.decision.autonomy.demotion import system_demotion
from pilothouse.directory.roles import permissions_of
from pilothouse.gateway.gateway import Gateway
from pilothouse.gateway.passage import Result
from pilothouse.gateway.ports import CallRefused, CallUnknown
from pilothouse.ledger.actions import ActionRow, action_get, actions_list, actions_some, fields_written
from pilothouse.ledger.entries import Draft
from pilothouse.vocabulary.actions import Action
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.capabilities import ChangeKind
from pilothouse.vocabulary.clock import new_id, stamp
from pilothouse.vocabulary.errors import Forbidden, NotFound, WrongUse
from pilothouse.vocabulary.outcomes import ActionStatus
from pilothouse.vocabulary.records import RecordRef, Snapshot, WriterKind
from pilothouse.vocabulary.records import same_value as same
from pilothouse.vocabulary.values import Json, parse_json
from pilothouse.vocabulary.verdicts import Mode


@dataclass(frozen=True, slots=True)
class Scope:
    """What is to be undone: an agent's work, in a window, of one field, one single action, or a list of actions."""

    agent: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    field: str | None = None
    action: str | None = None
    actions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.agent is None and self.action is None and not self.actions:
            raise WrongUse("say what to undo.", hint="Name an agent or a single action.")

    @property
    def chosen(self) -> tuple[str, ...]:
        """The actions named one by one; empty when all of an agent's are meant."""
        return (self.action,) if self.action is not None else self.actions


class Fate(StrEnum):
    """What becomes of one field."""

    RESTORE = "restore"
    ALREADY = "already"
    STAYS = "stays"
    CANNOT = "cannot"


@dataclass(frozen=True, slots=True)
class Item:
    """One field of one record: its value before the agent, the agent's, the present one, and what becomes of it."""

    record: RecordRef
    field: str
    fate: Fate
    why: str
    old: Json = None
    agent: Json = None
    present: Json = None
    actions: tuple[str, ...] = ()
    by: str = ""
    """The capability that undoes it, given the action, where putting the field back would not (a merge)."""


@dataclass(frozen=True)
class Plan:
    """Everything a rollback would do, and everything it would leave alone."""

    scope: Scope
    items: Sequence[Item]

    def of(self, fate: Fate) -> list[Item]:
        """Return the items with one fate."""
        return [item for item in self.items if item.fate is fate]


@dataclass
class Undone:
    """What a rollback came to."""

    id: str
    plan: Plan
    results: list[Result] = field(default_factory=list[Result])

    @property
    def restored(self) -> int:
        """How many records were restored."""
        return sum(result.status is ActionStatus.EXECUTED for result in self.results)


def plan(gateway: Gateway, scope: Scope) -> Plan:
    """Work out what a rollback would do, changing nothing.

    Raises `NotFound` for an agent, an action or a field that nobody has heard of: a slip must not look like an all-clear.
    """
    _known(gateway, scope)
    with gateway.door.ledger.engine.connect() as connection:
        written = fields_written(
            connection,
            agent=scope.agent,
            since=scope.since,
            until=scope.until,
            field=scope.field,
            only=scope.chosen,
        )
        executed = _executed(connection, scope)
    open_writes = [row for row in written if row.undone_by == ""]
    items: list[Item] = []
    for ref, rows in groupby(sorted(open_writes, key=_place), key=lambda row: _place(row)[:3]):
        items += _record_items(gateway, RecordRef(*ref), list(rows), single=scope.action is not None)
    if scope.field is None:
        with_fields = {each.action for each in written}
        items += [_cannot(gateway, row) for row in executed if row.agent != "" and row.id not in with_fields]
    return Plan(scope, items)


def _known(gateway: Gateway, scope: Scope) -> None:
    if scope.agent is not None:
        gateway.door.agents.need(scope.agent)
    for action in scope.chosen:
        gateway.row(action)
    if scope.field is not None and all(scope.field not in spec.fields for spec in OBJECTS.values()):
        raise NotFound(f"no object has a field {scope.field!r}.", hint="Look at the action you mean to undo.")


def _place(row: ActionRow) -> tuple[str, str, str, str, int]:
    return (row.system, row.object, row.record_id, row.field, row.position)


def _executed(connection: Connection, scope: Scope) -> Sequence[ActionRow]:
    done = ActionStatus.EXECUTED.value
    if scope.chosen:
        return [row for row in actions_some(connection, scope.chosen) if row.status == done]
    return actions_list(connection, agent=scope.agent, since=scope.since, until=scope.until, status=done)


def _cannot(gateway: Gateway, row: ActionRow) -> Item:
    capability = gateway.door.registry.capabilities.get(row.capability)
    why = (capability.if_wrong if capability else "") or "It cannot be undone; a person has to put it right."
    return Item(RecordRef.parse(row.subject), "", Fate.CANNOT, f"{row.capability}: {why}", actions=(row.id,))


def _record_items(gateway: Gateway, ref: RecordRef, rows: list[ActionRow], *, single: bool) -> list[Item]:
    connector = gateway.door.registry.connector(ref.system)
    try:
        snapshot = connector.read(ref)
    except (CallRefused, CallUnknown) as error:
        snapshot, missing = None, f"{ref.system} did not show the record ({error}); try again."
    else:
        missing = "The record is no longer there."
    items: list[Item] = []
    for name, group in groupby(rows, key=lambda row: row.field):
        writes, by = _latest(gateway, list(group))
        item = _field_item(gateway, ref, name, writes, snapshot, missing, single=single)
        items.append(replace(item, by=by) if item.fate is Fate.RESTORE else item)
    return items


def _latest(gateway: Gateway, writes: list[ActionRow]) -> tuple[list[ActionRow], str]:
    """Return the writes of a field to undo together, and by which capability if not by putting the value back.

    A merge is undone by itself: first what came after it, then the merge, then what was before it, a run for each.
    """
    known = gateway.door.registry.capabilities
    for at in range(len(writes) - 1, -1, -1):
        capability = known.get(writes[at].capability)
        if capability is not None and capability.change is ChangeKind.MERGE:
            after = writes[at + 1 :]
            return (after, "") if after else ([writes[at]], capability.compensation)
    return writes, ""


def _field_item(
    gateway: Gateway,
    ref: RecordRef,
    name: str,
    writes: list[ActionRow],
    snapshot: Snapshot | None,
    missing: str,
    *,
    single: bool,
) -> Item:
    old, agent = parse_json(writes[0].before), parse_json(writes[-1].after)
    ids = tuple(row.action for row in writes)
    if snapshot is None:
        return Item(ref, name, Fate.CANNOT, missing, old, agent, None, ids)
    present = snapshot.fields.get(name)
    irreversible = [row.capability for row in writes if not _reversible(gateway, row.capability)]
    if irreversible:
        return Item(ref, name, Fate.CANNOT, f"{irreversible[0]} cannot be undone.", old, agent, present, ids)
    writer = snapshot.writers.get(name, "")
    if writer:
        why = f"{writer.removeprefix('user:')} changed it after the agent; it stays as they left it."
        return Item(ref, name, Fate.STAYS, why, old, agent, present, ids)
    chosen_by = writes[-1].edited_by
    if chosen_by and not single:
        why = f"{chosen_by} chose this value when approving; it stays. Undo that single action to take it back."
        return Item(ref, name, Fate.STAYS, why, old, agent, present, ids)
    if same(present, old):
        return Item(ref, name, Fate.ALREADY, "It holds its old value already.", old, agent, present, ids)
    if not same(present, agent):
        known = gateway.door.data.field(ref, name)
        by_person = known is not None and known.writer_kind is WriterKind.PERSON and same(known.value, present)
        why = (
            f"{known.writer} changed it after the agent; it stays as they left it."
            if known is not None and by_person
            else "It was changed again through the gateway after this; undo that first."
        )
        return Item(ref, name, Fate.STAYS, why, old, agent, present, ids)
    return Item(ref, name, Fate.RESTORE, "The agent's value is still there.", old, agent, present, ids)


def _reversible(gateway: Gateway, name: str) -> bool:
    capability = gateway.door.registry.capabilities.get(name)
    return capability is not None and capability.reversible


def need_right(gateway: Gateway, by: str, reason: str) -> None:
    """Raise `Forbidden` unless somebody may roll back, and `InvalidInput` unless they say why."""
    person = gateway.door.directory.person(by)
    if not person.active or "rollback" not in permissions_of(person.role).may:
        raise Forbidden(f"{by} ({person.role}) may not roll back.", hint="Ask RevOps or an admin.")
    if not reason.strip():
        raise WrongUse("a rollback needs a reason.", hint="One sentence is enough.")


def apply(gateway: Gateway, scope: Scope, by: str, reason: str, severity: int | None = None) -> Undone:
    """Carry a rollback out as a named person; raises `Forbidden` when they may not.

    With `severity` 1 what the agents did was serious: in the same append the action types concerned go into shadow.

    Safe to run again after an interruption: it does what is left.
    """
    need_right(gateway, by, reason)
    planned = plan(gateway, scope)
    undone = Undone(new_id("rbk"), planned)
    head: dict[str, Json] = {
        "rollback": undone.id,
        "reason": reason,
        "severity": severity,
        **_scope_json(scope),
        **_counts(planned),
    }
    started = Draft("rollback.started", Actor(by), head, subject=f"rollback/{undone.id}")
    fallen = _to_shadow(gateway, planned, undone.id) if severity == 1 else []
    gateway.door.ledger.append([started, *fallen])
    restorable = sorted(planned.of(Fate.RESTORE), key=lambda item: (item.record, item.by))
    for (ref, _), group in groupby(restorable, key=lambda item: (item.record, item.by)):
        undone.results.append(_restore(gateway, undone.id, ref, list(group), by, reason))
    already = planned.of(Fate.ALREADY)
    if already:
        gateway.door.ledger.append(_marks(already, "already", undone.id, by))
    tail: dict[str, Json] = {"rollback": undone.id, "restored": undone.restored}
    gateway.door.ledger.append([Draft("rollback.finished", Actor(by), tail, subject=f"rollback/{undone.id}")])
    return undone


def _to_shadow(gateway: Gateway, planned: Plan, rollback: str) -> list[Draft]:
    """Put every version of the agents into shadow for the action types that are undone."""
    touched = {action for item in planned.items for action in item.actions}
    with gateway.door.ledger.engine.connect() as connection:
        rows = [row for action in sorted(touched) if (row := action_get(connection, action)) is not None]
    types = {(row.agent_name, row.action_type) for row in rows if row.agent_name}
    reason = f"An act of severity 1 was undone ({rollback})."
    return [
        system_demotion(each.ref, action_type, Mode.SHADOW, reason, cause="severity_1")
        for each in gateway.door.agents.all()
        for name, action_type in sorted(types)
        if each.ref.name == name and each.standing(action_type, action_type.partition(":")[0]).mode is not Mode.SHADOW
    ]


def _restore(gateway: Gateway, rollback: str, ref: RecordRef, items: list[Item], by: str, reason: str) -> Result:
    causes = tuple(dict.fromkeys(action for item in items for action in item.actions))
    compensation, fields = items[0].by, {item.field: item.old for item in items}
    action = Action(
        capability=compensation or f"{ref.system}.record.restore",
        target=ref,
        arguments={"merge": causes[0]} if compensation else {"fields": fields},
        intent=f"Undo {len(causes)} action(s): {reason}",
        expects={item.field: item.present for item in items},
        idempotency_key=f"{rollback}:{ref}:{compensation}" if compensation else f"{rollback}:{ref}",
        run=rollback,
        causes=causes,
    )
    result = gateway.submit_as_person(action, by)
    if result.status is ActionStatus.EXECUTED:
        # A crash before this leaves the value restored and the action not yet marked; the next run finds the old value
        # in place (`ALREADY`) and marks it.
        gateway.door.ledger.append(_marks(items, action.id, rollback, by))
    return result


def _marks(items: list[Item], by_action: str, rollback: str, by: str) -> list[Draft]:
    marks: list[Draft] = []
    for item in items:
        for each in item.actions:
            body: dict[str, Json] = {"fields": [item.field], "by_action": by_action, "rollback": rollback}
            marks.append(Draft("action.undone", Actor(by), body, action=each, subject=str(item.record)))
    return marks


def _scope_json(scope: Scope) -> dict[str, Json]:
    return {
        "agent": scope.agent,
        "since": stamp(scope.since) if scope.since else None,
        "until": stamp(scope.until) if scope.until else None,
        "field": scope.field,
        "action": scope.action,
        "actions": list(scope.actions),
    }


def _counts(planned: Plan) -> dict[str, Any]:
    return {fate.value: len(planned.of(fate)) for fate in Fate}
