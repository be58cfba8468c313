"""From wrong writes to every decision that drew on them, and on what those wrote, across agents.

An act drew on a write when its evidence names the ledger entry of that write, or names the record and field while the
written value was the latest one known. What an act that was performed wrote is followed in turn; one that was held,
refused or shadowed is shown and leads nowhere. What an agent took in without naming it as evidence is not seen here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, or_, select

from pilothouse.data.projection import field_history
from pilothouse.ledger.actions import ActionRow, action_fields, action_get
from pilothouse.ledger.consumed import action_evidence
from pilothouse.vocabulary.records import RecordRef


@dataclass(frozen=True, slots=True)
class Written:
    """A value that an act wrote, by its place: record, field, and the position of the entry that tells of it."""

    record: str
    field: str
    position: int
    undone: bool


@dataclass(slots=True)
class Node:
    """One act in the tree, what of its parent's writing it drew on, what it wrote, and who drew on that."""

    action: str
    agent: str
    capability: str
    subject: str
    status: str
    intent: str
    review: str
    drew_on: tuple[Written, ...] = ()
    wrote: tuple[Written, ...] = ()
    children: list[Node] = field(default_factory=list["Node"])

    def walk(self) -> Iterator[Node]:
        """Yield this act and all below it."""
        waiting: list[Node] = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))


def cascade(connection: Connection, actions: Iterable[str]) -> list[Node]:
    """Return a tree for each act, in the order given. An act stands once, below the first from which it is reached."""
    roots = [node for each in dict.fromkeys(actions) if (node := _node(connection, each)) is not None]
    seen = {each.action for each in roots}
    waiting = list(roots)
    while waiting:
        # Breadth first, so that an act stands below the nearest of those it drew on.
        node = waiting.pop(0)
        for action, drew_on in _readers(connection, node.wrote).items():
            if action not in seen and (child := _node(connection, action)) is not None:
                seen.add(action)
                child.drew_on = tuple(drew_on)
                node.children.append(child)
                waiting.append(child)
    return roots


def downstream(roots: Sequence[Node]) -> list[Node]:
    """Return every act below the roots, the roots themselves left out."""
    return [node for root in roots for child in root.children for node in child.walk()]


def _node(connection: Connection, action: str) -> Node | None:
    row: ActionRow | None = action_get(connection, action)
    if row is None:
        return None
    wrote = _wrote(connection, action)
    return Node(action, row.agent, row.capability, row.subject, row.status, row.intent, row.review, wrote=wrote)


def _wrote(connection: Connection, action: str) -> tuple[Written, ...]:
    c = action_fields.c
    rows = connection.execute(select(action_fields).where(c.action == action).order_by(c.field))
    return tuple(
        Written(str(RecordRef(row.system, row.object, row.record_id)), row.field, row.position, row.undone_by != "")
        for row in rows
    )


def _readers(connection: Connection, wrote: Sequence[Written]) -> dict[str, list[Written]]:
    """Return the acts that drew on what one act wrote, oldest first, each with what it drew on."""
    found: dict[str, list[Written]] = {}
    asked: dict[str, int] = {}
    for each in wrote:
        until = _replaced_at(connection, each)
        c = action_evidence.c
        by_entry = (c.position == each.position) & c.record.in_(("", each.record)) & c.field.in_(("", each.field))
        by_place = c.position.is_(None) & (c.record == each.record) & (c.field == each.field)
        current = c.asked_at > each.position if until is None else c.asked_at.between(each.position + 1, until)
        query = select(c.action, c.asked_at).where(or_(by_entry, by_place & current)).distinct()
        for row in connection.execute(query):
            found.setdefault(row.action, []).append(each)
            asked[row.action] = row.asked_at
    return {action: found[action] for action in sorted(found, key=lambda action: asked[action])}


def _replaced_at(connection: Connection, written: Written) -> int | None:
    """Return the entry with which somebody told another value, None when nobody did."""
    ref, c = RecordRef.parse(written.record), field_history.c
    place = (c.system == ref.system, c.object == ref.object, c.record_id == ref.id, c.field == written.field)
    query = select(func.min(c.position)).where(*place, c.position > written.position)
    return connection.execute(query).scalar_one()
