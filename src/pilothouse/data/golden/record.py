"""Choosing among what members of one entity tell: a pure function, with the reason of every choice in words.

A value counts before another when it is one that always wins; then by the hand that wrote it (a person's first), by its
source, by its date. What is left equal is settled by the record's name, so that order of reading never matters. An empty
value is no value: it neither counts nor speaks against one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pilothouse.data.freshness import Freshness, freshness, said_at
from pilothouse.data.golden.agreement import agree
from pilothouse.data.golden.survivorship import Survivorship
from pilothouse.vocabulary.records import FieldValue, RecordRef, WriterKind, is_empty
from pilothouse.vocabulary.values import Json, canonical

OWN = frozenset({"flags"})
"""Fields that tell about a record and not about what it stands for."""
HANDS = {
    WriterKind.PERSON: "a person's value",
    WriterKind.SYSTEM: "a system's own value",
    WriterKind.AGENT: "an agent's value",
    WriterKind.ENRICHMENT: "an enrichment's value",
    WriterKind.IMPORT: "an imported value",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What one member says about one field. `stands_for` names what a reference leads to, the same in every system."""

    ref: RecordRef
    field: str
    value: FieldValue
    stands_for: str = ""


@dataclass(frozen=True, slots=True)
class GoldenValue:
    """The value that counts for a field.

    `source` is who told it, `why` the reason in a sentence that quotes no value. `agreeing` are the others that say the
    same, `losing` those that say otherwise, strongest first. `confirmed_at` is the newest date of the source and of those
    that agree, counted as the field's rule says (told, or last repeated); `freshness` is reckoned from it.
    """

    field: str
    value: Json
    source: Told
    why: str
    agreeing: tuple[Told, ...]
    losing: tuple[Told, ...]
    confirmed_at: datetime
    freshness: Freshness

    @property
    def told_at(self) -> datetime:
        """When the source told it."""
        return self.source.value.at

    @property
    def repeated_at(self) -> datetime | None:
        """When the source last said it again since, None when it did not."""
        last = self.source.value.last_said
        return last if last > self.told_at else None

    @property
    def stale(self) -> bool:
        """True when nobody confirmed the value for longer than values of this field are good."""
        return self.freshness.stale


@dataclass(frozen=True, slots=True)
class GoldenRecord:
    """One account, contact or deal as it counts: its members' values reduced to one a field, ages reckoned to `as_of`.

    `entity` is empty when nobody worked out who is who; the record then stands alone.
    """

    object: str
    entity: str
    members: tuple[RecordRef, ...]
    as_of: datetime
    fields: Mapping[str, GoldenValue]

    @property
    def stale(self) -> tuple[str, ...]:
        """The fields whose value is older than it may be."""
        return tuple(name for name, each in self.fields.items() if each.stale)

    def usable(self, field: str) -> GoldenValue | None:
        """Return a field's value unless there is none or it is stale: what must not rest on stale data asks here."""
        found = self.fields.get(field)
        return None if found is None or found.stale else found


def golden(told: Iterable[Told], rules: Survivorship, as_of: datetime) -> dict[str, GoldenValue]:
    """Return the value that counts for every field that anybody fills, by field name in order."""
    by_field: dict[str, list[Told]] = {}
    for each in told:
        if each.field not in OWN and not is_empty(each.value.value):
            by_field.setdefault(each.field, []).append(each)
    return {name: _choose(by_field[name], rules, as_of) for name in sorted(by_field)}


def _choose(told: Sequence[Told], rules: Survivorship, as_of: datetime) -> GoldenValue:
    ranked = sorted(told, key=lambda each: (*_rank(each, rules), -each.value.at.timestamp(), *_last(each)))
    first, others = ranked[0], ranked[1:]
    agreeing = tuple(each for each in others if same(first, each))
    losing = tuple(each for each in others if not same(first, each))
    confirmed = max(said_at(each.ref.object, each.field, each.value, rules.schedule) for each in (first, *agreeing))
    fresh = freshness(first.ref.object, first.field, confirmed, as_of, rules.schedule)
    why = _why(first, agreeing, losing, rules)
    return GoldenValue(first.field, first.value.value, first, why, agreeing, losing, confirmed, fresh)


def same(one: Told, other: Told) -> bool:
    """True when two members say the same of a field."""
    if one.stands_for and other.stands_for:
        return one.stands_for == other.stands_for
    return agree(one.ref.object, one.field, one.value.value, other.value.value)


def _rank(each: Told, rules: Survivorship) -> tuple[bool, int, int]:
    """Return how strong a value is without its age: less is stronger."""
    rule = rules.rule(each.ref.object, each.field)
    order = rules.order(each.ref.object, each.field)
    wins = rule.always_wins is not None and canonical(each.value.value) == canonical(rule.always_wins)
    kind, system = each.value.writer_kind, each.ref.system
    hand = order.index(kind) if kind in order else len(order)
    return not wins, hand, rule.systems.index(system) if system in rule.systems else len(rule.systems)


def _last(each: Told) -> tuple[str, str, str]:
    return str(each.ref), canonical(each.value.value), each.value.writer


def _why(first: Told, agreeing: Sequence[Told], losing: Sequence[Told], rules: Survivorship) -> str:
    again = first.value.last_said
    since = f", last repeated on {again.day} {again:%b %Y}" if again > first.value.at else ""
    parts = [f"{first.value.writer or 'Somebody'} wrote it in {first.ref.system} on {_day(first)}{since}"]
    if agreeing:
        parts.append(f"{_listed(each.ref.system for each in agreeing)} {'agree' if len(agreeing) > 1 else 'agrees'}")
    reasons: dict[str, list[Told]] = {}
    for each in losing:
        reasons.setdefault(_because(first, each, rules), []).append(each)
    for reason, beaten in reasons.items():
        who = _listed(f"{each.ref.system} of {_day(each)}" for each in beaten)
        parts.append(f"{who} {'say' if len(beaten) > 1 else 'says'} otherwise, {reason}")
    return "; ".join(parts) + "."


def _because(first: Told, other: Told, rules: Survivorship) -> str:
    one, two = _rank(first, rules), _rank(other, rules)
    if one[0] != two[0]:
        return "this value counts whoever wrote it"
    if one[1] != two[1]:
        person = first.value.writer_kind is WriterKind.PERSON
        hand = HANDS[first.value.writer_kind]
        return f"{hand} wins" if person else f"{hand} goes before {HANDS[other.value.writer_kind]}"
    if one[2] != two[2]:
        return f"{first.ref.system} goes before {other.ref.system} for {first.field}"
    if first.value.at != other.value.at:
        return "the newer value counts"
    return "and nothing sets them apart, so the record named first in order counts"


def _day(each: Told) -> str:
    return f"{each.value.at.day} {each.value.at:%b %Y}"


def _listed(words: Iterable[str]) -> str:
    each = list(dict.fromkeys(words))
    return each[0] if len(each) == 1 else f"{', '.join(each[:-1])} and {each[-1]}"
