"""The action projection: where every action stands, which fields it wrote, which fields are being written now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Index,
    Integer,
    Select,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Entry
from pilothouse.ledger.statements import Statement, given
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.errors import Conflict
from pilothouse.vocabulary.outcomes import ActionStatus
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.values import canonical

S = ActionStatus

actions = Table(
    "actions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("idempotency_key", Text, nullable=False, index=True),
    Column("agent", Text, nullable=False, index=True),
    Column("agent_name", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("capability", Text, nullable=False),
    Column("action_type", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("record_id", Text, nullable=False),
    Column("subject", Text, nullable=False, index=True),
    Column("status", Text, nullable=False, index=True),
    Column("tier", Text, nullable=False),
    Column("treatment", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("policy_version", Text, nullable=False),
    Column("confidence", Float),
    Column("mode", Text, nullable=False),
    Column("intent", Text, nullable=False),
    Column("run", Text, nullable=False, index=True),
    Column("proposed_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    Column("payload_hash", Text, nullable=False),
    Column("review", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("causes", Text, nullable=False),
    Column("fields", Text, nullable=False),
    Column("records", Integer, nullable=False),
    Column("recipients", Integer, nullable=False),
    Column("verified", Integer),
    Column("intent_position", Integer),
    Column("result_position", Integer),
    Column("last_position", Integer, nullable=False),
    Index("actions_tried", "agent_name", "proposed_at"),
    Index("actions_write_set", "agent_name", "capability", "updated_at", "status", "subject", "recipients"),
)
action_fields = Table(
    "action_fields",
    metadata,
    Column("action", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("system", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("record_id", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("executed_at", Text, nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("edited_by", Text, nullable=False),
    Column("undone_by", Text, nullable=False),
)
executions = Table(
    "executions",
    metadata,
    Column("idempotency_key", Text, primary_key=True),
    Column("action", Text, nullable=False),
)
claims = Table(
    "claims",
    metadata,
    Column("system", Text, primary_key=True),
    Column("object", Text, primary_key=True),
    Column("record_id", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("action", Text, nullable=False, index=True),
)

ActionRow = Any
"""A row of `actions`, by the names of its columns."""
EXECUTING = (S.INTENDED.value, S.EXECUTED.value, S.UNKNOWN.value, S.UNDONE.value)
"""Statuses of acts that took place or may have; only these count towards a write-set."""
STANDING = (
    S.SHADOWED.value, S.HELD.value, S.INTENDED.value, S.EXECUTED.value, S.UNKNOWN.value, S.REJECTED.value,
)  # fmt: skip
"""Where an act may be so that its key names it and no other, and asking again only tells how it stands.

Whether a shadowed one still stands is for `recall` to say. A refusal is not among them: it may be asked again.
"""


BEFORE_INTENT = frozenset({S.REFUSED, S.SHADOWED, S.HELD})

DECIDED = {"review.rejected": S.REJECTED, "review.expired": S.EXPIRED}
"""Decisions with which an action ends without ever being performed."""


class ActionProjector:
    """Follows every `action.*` entry, and the reviews that end an action."""

    name = "actions"
    kinds = frozenset({*(f"action.{status.value}" for status in S), *DECIDED})
    tables = (actions, action_fields, executions, claims)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Bring the action, its fields, its claims and its idempotency key up to date."""
        for entry in entries:
            if entry.kind in DECIDED:
                _decided(connection, entry, DECIDED[entry.kind])
                continue
            status = S(entry.kind.partition(".")[2])
            if status is S.UNDONE:
                _undone(connection, entry)
                continue
            _upsert(connection, entry, status)
            if status is S.INTENDED:
                _claim(connection, entry)
            elif status in (S.EXECUTED, S.FAILED):
                _RELEASE.run(connection, released=entry.action)
                _written(connection, entry, status)


_RELEASE = Statement(delete(claims).where(claims.c.action == given("released")))
_INSERT = Statement(insert(actions), actions.columns.keys())
_KNOWN = Statement(select(actions.c.status).where(actions.c.id == given("known")))
_STATE = (
    "status", "tier", "treatment", "code", "sentence", "rule", "policy_version", "updated_at", "review",
    "decided_by", "verified", "payload_hash", "last_position", "mode", "action_type",
)  # fmt: skip


def _updating(*columns: str) -> Statement:
    return Statement(update(actions).where(actions.c.id == given("known")).values({n: given(n) for n in columns}))


_UPDATE = _updating(*_STATE)
_UPDATE_AT = {
    S.INTENDED: ("intent_position", _updating(*_STATE, "intent_position")),
    S.EXECUTED: ("result_position", _updating(*_STATE, "result_position")),
    S.FAILED: ("result_position", _updating(*_STATE, "result_position")),
}


def _upsert(connection: Connection, entry: Entry, status: ActionStatus) -> None:
    row = _columns(entry, status)
    # The first entry of an action is a refusal, a shadow, a hold or an intent; the rest follow one of these.
    known = _KNOWN.first(connection, known=entry.action)
    if known is None:
        _INSERT.run_many(connection, [row])
        return
    if known.status in EXECUTING and status in BEFORE_INTENT:
        return  # somebody came too late with the same act: that is in the ledger, and does not unmake what was done
    state = {name: row[name] for name in _STATE}
    if status in _UPDATE_AT:
        place, statement = _UPDATE_AT[status]
        statement.run(connection, known=entry.action, **state, **{place: entry.position})
    else:
        _UPDATE.run(connection, known=entry.action, **state)


def _columns(entry: Entry, status: ActionStatus) -> dict[str, Any]:
    body = entry.body
    verdict: dict[str, Any] = body.get("verdict") or {}
    return {
        "id": entry.action,
        "idempotency_key": body["idempotency_key"],
        "agent": str(entry.actor.agent or ""),
        "agent_name": entry.actor.agent.name if entry.actor.agent else "",
        "person": entry.actor.person,
        "capability": body["capability"],
        "action_type": body["action_type"],
        "system": body["system"],
        "object": body["object"],
        "record_id": body["record_id"],
        "subject": entry.subject,
        "status": status.value,
        "tier": verdict.get("tier", ""),
        "treatment": verdict.get("treatment", ""),
        "code": body["code"],
        "sentence": body["sentence"],
        "rule": verdict.get("rule", ""),
        "policy_version": verdict.get("policy_version", ""),
        "confidence": body["confidence"],
        "mode": body["mode"],
        "intent": body["intent"],
        "run": body["run"],
        "proposed_at": stamp(entry.at),
        "updated_at": stamp(entry.at),
        "payload_hash": body["payload_hash"],
        "review": body["review"],
        "decided_by": body["decided_by"],
        "causes": canonical(body["causes"]),
        "fields": canonical(body["fields"]),
        "records": body["records"],
        "recipients": body["recipients"],
        "verified": None if body.get("verified") is None else int(body["verified"]),
        "intent_position": entry.position if status is S.INTENDED else None,
        "result_position": entry.position if status in (S.EXECUTED, S.FAILED) else None,
        "last_position": entry.position,
    }


_EXECUTE = Statement(insert(executions), executions.columns.keys())
_FORGET = Statement(delete(executions).where(executions.c.action == given("known")))
_CLAIM = Statement(insert(claims), claims.columns.keys())
_CLAIMED = Statement(
    select(claims.c.field).where(
        claims.c.system == given("system"), claims.c.object == given("object"), claims.c.record_id == given("record_id")
    )
)
_WRITE_FIELD = Statement(insert(action_fields), action_fields.columns.keys())


def _claim(connection: Connection, entry: Entry) -> None:
    """Take the act's key and its fields. The ledger's write lock is held, so asking first is enough."""
    body = entry.body
    _EXECUTE.run_many(connection, [{"idempotency_key": body["idempotency_key"], "action": entry.action}])
    if not body["record_id"]:
        return
    record = {"system": body["system"], "object": body["object"], "record_id": body["record_id"]}
    if {row.field for row in _CLAIMED.all(connection, **record)} & set(body["fields"]):
        raise Conflict(
            f"another action is writing the same field of {entry.subject} now.",
            hint="Propose again when it is done.",
            code="field_claimed",
        )
    _CLAIM.run_many(connection, [{**record, "field": name, "action": entry.action} for name in body["fields"]])


def _written(connection: Connection, entry: Entry, status: ActionStatus) -> None:
    if status is S.FAILED:
        # It did not happen, so the act may be taken up again under the same key.
        _FORGET.run(connection, known=entry.action)
        return
    body = entry.body
    before: dict[str, Any] = entry.value("before") or {}
    after: dict[str, Any] = entry.value("after") or {}
    record_id = RecordRef.parse(body["created"]).id if body.get("created") else body["record_id"]
    rows = [
        {
            "action": entry.action,
            "field": name,
            "system": body["system"],
            "object": body["object"],
            "record_id": record_id,
            "before": canonical(before.get(name)),
            "after": canonical(after.get(name)),
            "executed_at": stamp(entry.at),
            "position": entry.position,
            "edited_by": body.get("edited_by", ""),
            "undone_by": "",
        }
        for name in body["fields"]
    ]
    _WRITE_FIELD.run_many(connection, rows)


def _undone(connection: Connection, entry: Entry) -> None:
    """An `action.undone` entry names the action it concerns, the fields restored, and the action that did it."""
    fields = update(action_fields).where(
        action_fields.c.action == entry.action, action_fields.c.field.in_(entry.body["fields"])
    )
    connection.execute(fields.values(undone_by=entry.body["by_action"]))
    left = connection.execute(
        select(func.count()).where(action_fields.c.action == entry.action, action_fields.c.undone_by == "")
    ).scalar_one()
    if left == 0:
        sentence = f"{entry.actor.person} undid it on {entry.at:%Y-%m-%d %H:%M} UTC."
        values = {"status": S.UNDONE.value, "code": "undone", "sentence": sentence, "updated_at": stamp(entry.at)}
        mine = update(actions).where(actions.c.id == entry.action)
        connection.execute(mine.values(**values, last_position=entry.position))
        # The same act may be asked for again; that it was undone before is then a reason for a person to decide.
        _FORGET.run(connection, known=entry.action)


def _decided(connection: Connection, entry: Entry, status: ActionStatus) -> None:
    by = entry.body["by"]
    late = status is S.EXPIRED
    sentence = "Nobody decided in time, which counts as a rejection." if late else f"{by} rejected it."
    values = {"status": status.value, "code": status.value, "sentence": sentence, "updated_at": stamp(entry.at)}
    values |= {"decided_by": by}
    mine = update(actions).where(actions.c.id == entry.action)
    connection.execute(mine.values(**values, last_position=entry.position))


_GET = Statement(select(actions).where(actions.c.id == given("known")))


def action_get(connection: Connection, action_id: str) -> ActionRow | None:
    """Return one action's row, or None."""
    return _GET.first(connection, known=action_id)


def actions_list(
    connection: Connection,
    *,
    agent: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    type: str | None = None,
    record: str | None = None,
    status: str | None = None,
    run: str | None = None,
    limit: int | None = None,
) -> Sequence[ActionRow]:
    """Return actions, newest first. `agent` is a name or name@version; `type` a capability or action type."""
    query = select(actions).order_by(actions.c.last_position.desc())
    query = _chosen(query, agent, since, until, type, record, status, run)
    return connection.execute(query.limit(limit) if limit is not None else query).all()


def actions_count(
    connection: Connection,
    *,
    agent: str | None = None,
    since: datetime | None = None,
    type: str | None = None,
    record: str | None = None,
    status: str | None = None,
) -> int:
    """Return how many actions `actions_list` has without a limit."""
    query = select(func.count()).select_from(actions)
    return connection.execute(_chosen(query, agent, since, None, type, record, status, None)).scalar_one()


def _chosen(
    query: Select[Any],
    agent: str | None,
    since: datetime | None,
    until: datetime | None,
    type: str | None,
    record: str | None,
    status: str | None,
    run: str | None,
) -> Select[Any]:
    if agent is not None:
        query = query.where((actions.c.agent == agent) | (actions.c.agent_name == agent))
    if type is not None:
        query = query.where((actions.c.capability == type) | (actions.c.action_type == type))
    query = _between(query, since, until)
    for column, wanted in (("subject", record), ("status", status), ("run", run)):
        if wanted is not None:
            query = query.where(actions.c[column] == wanted)
    return query


def _between(query: Select[Any], since: datetime | None, until: datetime | None) -> Select[Any]:
    if since is not None:
        query = query.where(actions.c.updated_at >= stamp(since))
    if until is not None:
        query = query.where(actions.c.updated_at < stamp(until))
    return query


_OF_KEY = Statement(
    select(actions)
    .where(actions.c.idempotency_key == given("wanted"), actions.c.status.in_(STANDING))
    .order_by(actions.c.last_position.desc())
    .limit(1)
)
_DECIDED_OF_KEY = Statement(
    select(actions)
    .where(
        actions.c.idempotency_key == given("wanted"),
        actions.c.status.in_([S.REJECTED.value, S.EXECUTED.value, S.UNDONE.value]),
    )
    .order_by(actions.c.last_position.desc())
    .limit(1)
)
_UNDONE = Statement(
    select(actions)
    .where(
        actions.c.subject == given("subject"),
        actions.c.payload_hash == given("payload"),
        actions.c.agent_name == given("agent"),
        actions.c.status == S.UNDONE.value,
    )
    .order_by(actions.c.last_position.desc())
    .limit(1)
)
_REJECTED = Statement(
    select(actions)
    .where(
        actions.c.subject == given("subject"),
        actions.c.agent_name == given("agent"),
        actions.c.capability == given("what"),
        actions.c.status == S.REJECTED.value,
    )
    .order_by(actions.c.last_position.desc())
    .limit(20)
)
_EXECUTION = Statement(select(executions.c.action).where(executions.c.idempotency_key == given("wanted")))


def standing_of_key(connection: Connection, idempotency_key: str) -> ActionRow | None:
    """Return the act that stands under this key (shadowed, held, on its way, done, or rejected by a person), or None.

    A refusal under the same key never hides it.
    """
    return _OF_KEY.first(connection, wanted=idempotency_key)


def decided_of_key(connection: Connection, idempotency_key: str) -> ActionRow | None:
    """Return the last act under this key that a person rejected, or that was performed, undone since or not, or None."""
    return _DECIDED_OF_KEY.first(connection, wanted=idempotency_key)


def undone_before(connection: Connection, agent_name: str, subject: str, payload_hash: str) -> ActionRow | None:
    """Return the same act of an agent that was performed and undone since, under whatever key, or None."""
    return _UNDONE.first(connection, agent=agent_name, subject=subject, payload=payload_hash)


def rejected_before(connection: Connection, agent_name: str, subject: str, capability: str) -> Sequence[ActionRow]:
    """Return what people rejected of an agent's acts on a record with a capability, newest first, at most twenty."""
    return _REJECTED.all(connection, agent=agent_name, subject=subject, what=capability)


def execution_of(connection: Connection, idempotency_key: str) -> str | None:
    """Return the action that was taken up under this key, or None when none was."""
    row = _EXECUTION.first(connection, wanted=idempotency_key)
    return None if row is None else row.action


_WRITE_SET = Statement(
    select(
        func.count(actions.c.subject.distinct()).label("records"),
        func.coalesce(func.sum(actions.c.recipients), 0).label("recipients"),
    ).where(
        actions.c.agent_name == given("name"),
        actions.c.capability == given("what"),
        actions.c.status.in_(EXECUTING),
        actions.c.updated_at >= given("begin"),
        actions.c.subject != given("besides"),
    )
)
_TRIED = Statement(
    select(func.count().label("tried")).where(
        actions.c.agent_name == given("name"), actions.c.proposed_at >= given("begin")
    )
)


def tried(connection: Connection, agent_name: str, since: datetime) -> int:
    """Return how many actions an agent has handed in since a moment, whatever became of them."""
    return _TRIED.first(connection, name=agent_name, begin=stamp(since)).tried


def write_set(
    connection: Connection, agent_name: str, capability: str, since: datetime, *, besides: str = ""
) -> tuple[int, int]:
    """Return how many other records, and recipients in all, an agent reached with one capability since a moment.

    The agent counts by name, whatever its version: a new version does not start a new operation.
    """
    row = _WRITE_SET.first(connection, name=agent_name, what=capability, begin=stamp(since), besides=besides)
    return int(row.records), int(row.recipients)


def first_writes(connection: Connection, causes: Sequence[str], record: RecordRef) -> dict[str, int]:
    """Return, by field of a record, the ledger position of the first of these actions that wrote it."""
    columns = action_fields.c
    query = (
        select(columns.field, func.min(columns.position).label("position"))
        .where(columns.action.in_(list(causes)))
        .where(columns.system == record.system, columns.object == record.object, columns.record_id == record.id)
        .group_by(columns.field)
    )
    return {row.field: row.position for row in connection.execute(query)}


def fields_written(
    connection: Connection,
    *,
    agent: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    field: str | None = None,
    only: Sequence[str] = (),
) -> Sequence[ActionRow]:
    """Return the executed field writes of agents, oldest first, with the columns of their actions.

    `only` narrows them to the actions named; none named means all.
    """
    query = (
        select(action_fields, actions.c.agent, actions.c.agent_name, actions.c.capability, actions.c.person)
        .join(actions, actions.c.id == action_fields.c.action)
        .where(actions.c.agent != "")
    )
    if agent is not None:
        query = query.where((actions.c.agent == agent) | (actions.c.agent_name == agent))
    if since is not None:
        query = query.where(action_fields.c.executed_at >= stamp(since))
    if until is not None:
        query = query.where(action_fields.c.executed_at < stamp(until))
    if field is not None:
        query = query.where(action_fields.c.field == field)
    found = [row for page in _named(query, only) for row in connection.execute(page)]
    return sorted(found, key=lambda row: row.position)


def actions_some(connection: Connection, idents: Sequence[str]) -> Sequence[ActionRow]:
    """Return the actions named, oldest first; one that is not there is left out."""
    found = [row for page in _named(select(actions), idents) for row in connection.execute(page)] if idents else []
    return sorted(found, key=lambda row: row.last_position)


def _named(query: Select[Any], idents: Sequence[str]) -> Iterator[Select[Any]]:
    """Yield the query for so many identifiers at a time as every database takes; as it is when none are named."""
    if not idents:
        yield query
    for start in range(0, len(idents), 5000):
        yield query.where(actions.c.id.in_(idents[start : start + 5000]))
