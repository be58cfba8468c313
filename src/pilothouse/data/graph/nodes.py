"""One account (or contact) of the graph: all its records in all systems, its people and deals, and what signals find it by.

A domain or an address that records of several accounts hold finds none of them: nothing is attached on a guess.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pilothouse.data.graph.knowing import Knowledge
from pilothouse.data.identity.features import FREE_MAIL
from pilothouse.data.signals.model import DOMAIN, EMAIL, ENTITY
from pilothouse.data.store import Record
from pilothouse.vocabulary.records import RecordRef

FREE = frozenset(FREE_MAIL)
SITES, ADDRESS, ACCOUNT, CONTACT, DEAL = ("domain", "website"), ("email",), ("account",), ("contact",), ("opportunity",)


@dataclass(frozen=True, slots=True)
class Person:
    """One contact: its records in all systems, the one to show first."""

    records: tuple[Record, ...]

    def text(self, field: str) -> str:
        """Return the first value that any of the records has in a field."""
        return next((text for record in self.records if (text := record.text(field))), "")

    @property
    def ref(self) -> RecordRef:
        """The record by which the person is named."""
        return self.records[0].ref

    @property
    def name(self) -> str:
        """What the person is called."""
        return self.text("name") or f"{self.text('first_name')} {self.text('last_name')}".strip() or str(self.ref)


@dataclass(frozen=True, slots=True)
class Node:
    """An account or contact as it was known before a ledger position.

    `entity` is empty for a record that was never resolved; `mirrors` are those of its deals that are one with another of
    them; `handles` is what signals find it by.
    """

    ref: RecordRef
    before: int
    entity: str
    accounts: tuple[Record, ...]
    people: tuple[Person, ...]
    deals: tuple[Record, ...]
    mirrors: frozenset[RecordRef]
    activities: tuple[Record, ...]
    handles: frozenset[str]

    @property
    def refs(self) -> tuple[RecordRef, ...]:
        """Every record of the node but its activities."""
        contacts = [record for person in self.people for record in person.records]
        return tuple(record.ref for record in (*self.accounts, *contacts, *self.deals))

    @property
    def each_deal(self) -> tuple[Record, ...]:
        """Every deal once, however many systems hold it."""
        return tuple(record for record in self.deals if record.ref not in self.mirrors)

    @property
    def name(self) -> str:
        """What the account, or the person, is called."""
        called = next((text for record in self.accounts if (text := record.text("name"))), "")
        return called or (self.people[0].name if self.people else str(self.ref))


def node_of(known: Knowledge, ref: RecordRef, before: int) -> Node:
    """Return the node that a record belongs to, as it was known before a position."""
    whole, aliases = group_of(known, str(ref), before)
    entity = known.entities([str(ref)], before).get(str(ref), "")
    if ref.object == "account":
        accounts, contacts = whole, _contacts(known, whole, before)
        around = holders(known, [*accounts, *aliases], ACCOUNT, before)
    else:
        accounts, contacts = set[str](), whole if ref.object == "contact" else set[str]()
        around = holders(known, contacts, CONTACT, before)
    deals = {each for each in (*around, *whole) if _is(each, "opportunity")}
    active = around | holders(known, contacts, CONTACT, before) | holders(known, deals, DEAL, before)
    found = known.records([RecordRef.parse(each) for each in accounts | contacts | deals | active], before)
    # A record that went into another is shown to who asks for it, and counts nowhere.
    records = {each: record for each, record in found.items() if each == ref or not record.merged_into}
    deals = {each for each in deals if RecordRef.parse(each) in records}
    people = _people(
        known, [records[r] for each in sorted(contacts) if (r := RecordRef.parse(each)) in records], before
    )
    return Node(
        ref=ref,
        before=before,
        entity=entity,
        accounts=tuple(records[r] for each in _first(ref, accounts) if (r := RecordRef.parse(each)) in records),
        people=people,
        deals=tuple(records[r] for each in sorted(deals) if (r := RecordRef.parse(each)) in records),
        mirrors=_mirrors(known, ref, deals, before),
        activities=tuple(
            records[r] for each in sorted(active) if _is(each, "activity") and (r := RecordRef.parse(each)) in records
        ),
        handles=frozenset({*whole, *contacts, *aliases, *_found_by(known, accounts, contacts, before)}),
    )


def group_of(known: Knowledge, record: str, before: int) -> tuple[set[str], set[str]]:
    """Return the records of the entity a record is of (itself, where it was never resolved), and the entity's names."""
    entity = known.entities([record], before).get(record, "")
    if not entity:
        return {record}, set()
    records, aliases, open_ends = set[str](), set[str](), [entity]
    while open_ends:
        current = open_ends.pop()
        if f"{ENTITY}{current}" in aliases:
            continue
        aliases.add(f"{ENTITY}{current}")
        members = known.members(current, before)
        open_ends += [each.removeprefix(ENTITY) for each in members if each.startswith(ENTITY)]
        records |= {each for each in members if not each.startswith(ENTITY)}
    return records | {record}, aliases


def holders(known: Knowledge, values: Iterable[str], names: tuple[str, ...], before: int) -> set[str]:
    """Return the records with an edge of these names to any of the values."""
    return {record for records in known.holders(values, names, before).values() for record in records}


def _contacts(known: Knowledge, accounts: set[str], before: int) -> set[str]:
    """Return the contacts of an account, with their records in systems that do not say whose they are."""
    told = {each for each in holders(known, accounts, ACCOUNT, before) if _is(each, "contact")}
    every = set(told)
    for entity in set(known.entities(told, before).values()):
        every |= {each for each in known.members(entity, before) if not each.startswith(ENTITY)}
    return every


def _people(known: Knowledge, contacts: list[Record], before: int) -> tuple[Person, ...]:
    entities = known.entities([str(each.ref) for each in contacts], before)
    groups: dict[str, list[Record]] = {}
    for each in contacts:
        name = str(each.ref)
        groups.setdefault(entities.get(name) or each.text("email").casefold() or name, []).append(each)
    people = [Person(tuple(group)) for group in groups.values()]
    return tuple(sorted(people, key=lambda person: str(person.ref)))


def _found_by(known: Knowledge, accounts: set[str], contacts: set[str], before: int) -> Iterable[str]:
    """Yield the domains and addresses that only this account's records hold."""
    for names, prefix, own in ((SITES, DOMAIN, accounts), (ADDRESS, EMAIL, contacts)):
        held = {value for values in known.targets(own, names, before).values() for value in values}
        for value, records in known.holders(held - FREE, names, before).items():
            if records <= own:
                yield f"{prefix}{value}"


def _mirrors(known: Knowledge, ref: RecordRef, deals: set[str], before: int) -> frozenset[RecordRef]:
    """Return the deals that are one with another, which the system of the record that was asked for tells of first."""
    entities = known.entities(deals, before)
    told: dict[str, RecordRef] = {}
    for deal in sorted(map(RecordRef.parse, deals), key=lambda each: (each.system != ref.system, each)):
        told.setdefault(entities.get(str(deal), str(deal)), deal)
    return frozenset(map(RecordRef.parse, deals)) - frozenset(told.values())


def _first(ref: RecordRef, records: set[str]) -> list[str]:
    """Order records by system and id, the one that was asked for first."""
    return sorted(records, key=lambda each: (each != str(ref), each))


def _is(record: str, object_name: str) -> bool:
    return RecordRef.parse(record).object == object_name
