"""One account's timeline: signals, activities, changes of records, agents' acts, reviews and outcomes, newest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pilothouse.data.graph.happenings import Seen
from pilothouse.data.graph.knowing import Knowledge
from pilothouse.data.graph.nodes import Node
from pilothouse.data.signals.catalogue import Catalogue
from pilothouse.ledger.entries import Entry
from pilothouse.vocabulary.clock import unstamp
from pilothouse.vocabulary.values import Json


class ItemKind(StrEnum):
    """What an item of the timeline is."""

    SIGNAL = "signal"
    ACTIVITY = "activity"
    CHANGE = "change"
    ACTION = "action"
    REVIEW = "review"
    OUTCOME = "outcome"


OUTCOMES = frozenset({"is_won", "is_closed"})
LEFT_OUT = frozenset({"record.read", "signal.received", "action.intended", "identity.changed"})


@dataclass(frozen=True, slots=True)
class Item:
    """One item: when it happened, at which ledger position it stands, what it is, in words, who, and about which record."""

    at: datetime
    position: int
    kind: ItemKind
    type: str
    words: str
    who: str = ""
    record: str = ""
    action: str = ""
    weight: float | None = None


def timeline_of(
    known: Knowledge, catalogue: Catalogue, node: Node, seen: Sequence[Seen], moment: datetime
) -> list[Item]:
    """Return what happened around a node by a moment, as it was known, newest first."""
    items = [_signal(each, catalogue, moment) for each in seen if not each.action]
    items += [item for entry in known.entries([str(ref) for ref in node.refs], node.before) for item in _told(entry)]
    return sorted(
        (each for each in items if each.at <= moment), key=lambda each: (each.at, each.position), reverse=True
    )


def _signal(each: Seen, catalogue: Catalogue, moment: datetime) -> Item:
    known = catalogue.types.get(each.type)
    words = known.words if known else f"A signal of type {each.type}, which the catalogue no longer has."
    details = ", ".join(f"{name} {_shown(value)}" for name, value in each.attributes.items() if value not in (None, ""))
    activity = "/activity/" in each.id
    return Item(
        each.at,
        each.position,
        ItemKind.ACTIVITY if activity else ItemKind.SIGNAL,
        each.type,
        f"{words} {details}".strip(),
        each.who or each.source,
        each.contact,
        weight=round(each.weight(catalogue, moment), 3),
    )


def _told(entry: Entry) -> Iterator[Item]:
    group, _, what = entry.kind.partition(".")
    if entry.kind in LEFT_OUT:
        return
    if entry.kind == "record.observed":
        yield from _observed(entry)
        return
    kind = {"action": ItemKind.ACTION, "review": ItemKind.REVIEW, "opportunity": ItemKind.OUTCOME}.get(group)
    if kind is not None:
        words = str(entry.body.get("sentence") or entry.body.get("reason") or f"The review was {what}.")
        yield Item(entry.at, entry.position, kind, entry.kind, words, str(entry.actor), entry.subject, entry.action)


def _observed(entry: Entry) -> Iterator[Item]:
    fields: dict[str, Json] = entry.value("fields") or {}
    names: list[str] = entry.body["names"]
    at, who = unstamp(entry.body["at"]), str(entry.body["writer"])
    won = fields.get("is_won") is True
    if any(fields.get(name) is True for name in OUTCOMES):
        words = "The deal was won." if won else "The deal was lost."
        yield Item(at, entry.position, ItemKind.OUTCOME, "deal.won" if won else "deal.lost", words, who, entry.subject)
    yield Item(
        at, entry.position, ItemKind.CHANGE, "record.observed", f"told of {', '.join(names)}", who, entry.subject
    )


def _shown(value: Json) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
