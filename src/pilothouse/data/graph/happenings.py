"""What happened around an account, as typed signals with their weight: those taken in, CRM activities, and agents' acts.

Activities and acts are read where they stand, in their records and in the ledger; nothing is copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import select

from pilothouse.data.graph.knowing import Knowledge
from pilothouse.data.graph.nodes import ACCOUNT, ADDRESS, Node, holders
from pilothouse.data.signals.catalogue import Catalogue, SignalType
from pilothouse.data.signals.model import DOMAIN, EMAIL
from pilothouse.data.signals.projection import signal_handles, signals
from pilothouse.vocabulary.clock import unstamp
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.values import Json, parse_json

ACTED = frozenset({"action.executed"})
PART = 500


@dataclass(frozen=True, slots=True)
class Seen:
    """One signal around an account: when it happened, where it stands in the ledger, who at the account was part of it."""

    position: int
    type: str
    kind: str
    at: datetime
    source: str
    id: str
    attributes: Mapping[str, Json]
    contact: str = ""
    engagement: bool = False
    action: str = ""
    who: str = ""

    def weight(self, catalogue: Catalogue, moment: datetime) -> float:
        """Return what it weighs at a moment; 0 for a type that the catalogue no longer has."""
        known = catalogue.types.get(self.type)
        return known.weight(self.attributes, (moment - self.at).total_seconds() / 86_400) if known else 0.0


def seen_around(known: Knowledge, catalogue: Catalogue, node: Node) -> list[Seen]:
    """Return everything that counts as a signal around a node, by time and position."""
    every = [*_received(known, catalogue, node), *_active(catalogue, node), *_acted(known, catalogue, node)]
    return sorted(every, key=lambda each: (each.at, each.position))


def _received(known: Knowledge, catalogue: Catalogue, node: Node) -> Iterator[Seen]:
    rows = _rows(known, node)
    elsewhere = _placed_elsewhere(known, rows.values(), node)
    people = {str(record.ref): str(person.ref) for person in node.people for record in person.records}
    by_address = {
        record.text("email").casefold(): str(person.ref) for person in node.people for record in person.records
    }
    for row in rows.values():
        if row.email and not row.contact and row.email in elsewhere:
            continue
        kind = catalogue.types.get(row.type)
        yield Seen(
            row.position, row.type, kind.kind.value if kind else "", unstamp(row.occurred_at), row.source, row.id,
            cast("dict[str, Json]", parse_json(row.attributes)),
            people.get(row.contact, row.contact) or by_address.get(row.email, ""),
            kind.engagement if kind else False,
        )  # fmt: skip


def _rows(known: Knowledge, node: Node) -> dict[int, Any]:
    handles, found = sorted(node.handles), dict[int, Any]()
    with known.ledger.engine.connect() as connection:
        for start in range(0, len(handles), PART):
            part = signal_handles.c.handle.in_(handles[start : start + PART])
            query = (
                select(signals, signal_handles.c.handle)
                .join(signal_handles, signal_handles.c.position == signals.c.position)
                .where(part, signal_handles.c.position < node.before)
            )
            found.update({row.position: row for row in connection.execute(query)})
    return found


def _placed_elsewhere(known: Knowledge, rows: Any, node: Node) -> set[str]:
    """Return the addresses that a known contact of another account holds: their domain alone does not bring them here."""
    strangers = {row.email for row in rows if row.handle.startswith(DOMAIN) and row.email} - {
        handle.removeprefix(EMAIL) for handle in node.handles if handle.startswith(EMAIL)
    }
    found = known.holders(strangers, ADDRESS, node.before)
    mine = holders(known, [str(each.ref) for each in node.accounts], ACCOUNT, node.before)
    placed = known.targets({each for records in found.values() for each in records}, ACCOUNT, node.before)
    return {value for value, records in found.items() if (records & placed.keys()) - mine}


def _active(catalogue: Catalogue, node: Node) -> Iterator[Seen]:
    people = {str(record.ref): str(person.ref) for person in node.people for record in person.records}
    for activity in node.activities:
        kind, at = catalogue.of_activity(activity.text("kind")), activity.text("at")
        if kind is None or not at:
            continue
        contact = activity.text("contact")
        named = f"{activity.ref.system}/contact/{contact}" if contact else ""
        yield Seen(
            max(value.position or 0 for value in activity.fields.values()), kind.type, kind.kind.value,
            unstamp(at).astimezone(UTC), activity.ref.system, str(activity.ref), {"subject": activity.text("subject")},
            people.get(named, named), kind.engagement, who=activity.text("owner"),
        )  # fmt: skip


def _acted(known: Knowledge, catalogue: Catalogue, node: Node) -> Iterator[Seen]:
    """Yield what agents did to the node's records: every act of theirs is a signal like any other."""
    kind: SignalType | None = catalogue.agent_action
    if kind is None:
        return
    for entry in known.entries([str(ref) for ref in node.refs], node.before, ACTED):
        if entry.actor.agent is None:
            continue
        told: dict[str, Json] = {"capability": str(entry.body["capability"]), "agent": str(entry.actor.agent)}
        ref = RecordRef.parse(entry.subject)
        contact = entry.subject if ref.object == "contact" else ""
        yield Seen(
            entry.position, kind.type, kind.kind.value, entry.at, "pilothouse", entry.action, told,
            contact, kind.engagement, entry.action, str(entry.actor),
        )  # fmt: skip


def signals_after(known: Knowledge, position: int, limit: int = 1000) -> Sequence[Any]:
    """Return the signals received after a ledger position, in order of position: what a trigger reads on from.

    Rows have `position`, `source`, `id`, `type`, `occurred_at`, `received_at`, `account`, `contact`, `email` and
    `attributes` (JSON text). Positions are gapless and given under one lock, so that nothing ever appears before one
    that was read.
    """
    query = select(signals).where(signals.c.position > position).order_by(signals.c.position).limit(limit)
    with known.ledger.engine.connect() as connection:
        return connection.execute(query).all()
