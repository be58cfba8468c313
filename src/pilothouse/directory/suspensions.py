"""What is suspended now: an agent by name or version, an action type, or everything that agents do.

A suspension stops agents and never people: what a person does in their own name, a rollback above all, goes on while
everything is suspended.

What must never happen here: a suspension that ends by itself; a narrower one that hides a wider one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Integer, Table, Text, and_, delete, insert, or_, select, true

from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Entry
from pilothouse.ledger.statements import Statement, given
from pilothouse.vocabulary.actors import AgentRef
from pilothouse.vocabulary.clock import stamp, unstamp

EVERY = "*"
SUSPENDED, RESUMED = "agent.suspended", "agent.resumed"

suspensions = Table(
    "suspensions",
    metadata,
    Column("agent", Text, primary_key=True),
    Column("action_type", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("position", Integer, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Reach:
    """What a suspension or an incident is about.

    `agent` is name@version, a name (every version of it) or `*`; `action_type` is a capability (all its action types),
    an action type such as `crm.account.update:fill-empty`, or `*`.
    """

    agent: str = EVERY
    action_type: str = EVERY

    def __str__(self) -> str:
        who = "every agent" if self.agent == EVERY else self.agent
        return who if self.action_type == EVERY else f"{self.action_type} of {who}"

    @property
    def everything(self) -> bool:
        """True when no agent may do anything."""
        return self.agent == EVERY and self.action_type == EVERY

    def covers(self, agent: AgentRef, *types: str) -> bool:
        """True for what this agent does with one of these action types; without types, for all that it does."""
        return self.agent in (EVERY, agent.name, str(agent)) and self.action_type in (EVERY, *types)

    def contains(self, other: Reach) -> bool:
        """True when everything the other is about lies within this one."""
        return _within(other.agent, self.agent, "@") and _within(other.action_type, self.action_type, ":")

    def touches(self, other: Reach) -> bool:
        """True when there may be an act that both are about."""
        return _meet(self.agent, other.agent, "@") and _meet(self.action_type, other.action_type, ":")


def _within(inner: str, outer: str, mark: str) -> bool:
    return outer in (EVERY, inner, inner.partition(mark)[0])


def _meet(one: str, other: str, mark: str) -> bool:
    return _within(one, other, mark) or _within(other, one, mark)


@dataclass(frozen=True, slots=True)
class Suspension:
    """One suspension in force: what, since when, by whom, why, and the entry that says so."""

    reach: Reach
    reason: str
    by: str
    at: datetime
    position: int

    def __str__(self) -> str:
        return f"{self.reach} is suspended since {self.at:%Y-%m-%d %H:%M} UTC by {self.by}: {self.reason}"


class SuspensionProjector:
    """Follows suspensions and their end."""

    name = "suspensions"
    kinds = frozenset({SUSPENDED, RESUMED})
    tables = (suspensions,)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Bring the table up to date; suspended twice, the later reason stands."""
        for entry in entries:
            reach = reach_of(entry)
            mine = (suspensions.c.agent == reach.agent, suspensions.c.action_type == reach.action_type)
            connection.execute(delete(suspensions).where(*mine))
            if entry.kind == SUSPENDED:
                told = {"reason": entry.body["reason"], "by": entry.actor.person, "at": stamp(entry.at)}
                where = {"agent": reach.agent, "action_type": reach.action_type, "position": entry.position}
                connection.execute(insert(suspensions), {**where, **told})


def reach_of(entry: Entry) -> Reach:
    """Return what an entry about a suspension or an incident is about."""
    return Reach(entry.body["agent"], entry.body.get("action_type", EVERY))


_C = suspensions.c
_OF_AGENT = Statement(
    select(suspensions)
    .where((_C.agent == given("exact")) | (_C.agent == given("every_version")) | (_C.agent == EVERY))
    .order_by(_C.agent, _C.action_type)
)
_ALL = Statement(select(suspensions).order_by(_C.agent, _C.action_type))


def suspensions_of(connection: Connection, agent: AgentRef) -> tuple[Suspension, ...]:
    """Return what is suspended of an agent, the widest first."""
    rows = _OF_AGENT.all(connection, exact=str(agent), every_version=agent.name)
    return tuple(_suspension(row) for row in rows)


def every_suspension(connection: Connection) -> tuple[Suspension, ...]:
    """Return every suspension in force, the widest first."""
    return tuple(_suspension(row) for row in _ALL.all(connection))


def stopping(found: Sequence[Suspension], agent: AgentRef, *types: str) -> Suspension | None:
    """Return the first suspension that stops an agent from doing this; without types, from doing anything."""
    return next((each for each in found if each.reach.covers(agent, *types)), None)


def stopped(connection: Connection, agent: AgentRef | None, *types: str) -> Suspension | None:
    """Return the suspension that stops an act now, None when there is none; nothing stops a person."""
    return stopping(suspensions_of(connection, agent), agent, *types) if agent else None


def within(reach: Reach, table: Table) -> ColumnElement[bool]:
    """Return the condition for rows of agents' acts, with columns `agent`, `capability` and `action_type`."""
    c = table.c
    whose = c.agent != "" if reach.agent == EVERY else _named(c.agent, reach.agent)
    what = (
        true()
        if reach.action_type == EVERY
        else or_(*(c[n] == reach.action_type for n in ("capability", "action_type")))
    )
    return and_(whose, what)


def _named(column: Any, agent: str) -> ColumnElement[bool]:
    return column == agent if "@" in agent else column.startswith(f"{agent}@", autoescape=True)


def _suspension(row: Any) -> Suspension:
    return Suspension(Reach(row.agent, row.action_type), row.reason, row.by, unstamp(row.at), row.position)
