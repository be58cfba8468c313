"""Who at an account stands where, who is part of which open deal, and what is missing between us and them.

What must never happen here: a tie that no record tells of; what happened after the moment that was asked about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pilothouse.data.graph.department import department
from pilothouse.data.graph.graph import Account
from pilothouse.data.graph.nodes import Person
from pilothouse.data.graph.seniority import Seniority, seniority
from pilothouse.data.store import Record
from pilothouse.vocabulary.clock import unstamp
from pilothouse.vocabulary.records import RecordRef

ENGAGED, TOUCHED = timedelta(days=90), timedelta(days=60)
OFTEN = 3
"""How often somebody on an open deal is engaged within 90 days to count as its champion."""
JOINED, LEFT = "champion.joined", "champion.left"


@dataclass(frozen=True, slots=True)
class Relation:
    """A contact: how senior, in which department, how often engaged (ever, and in 90 days), when last, champion or not."""

    person: Person
    level: Seniority
    department: str
    touches: int
    lately: int
    last: datetime | None
    champion: bool


@dataclass(frozen=True, slots=True)
class Tie:
    """A contact's part in an open deal: named on it as its contact, or only active on it; and how many activities tell so."""

    person: RecordRef
    deal: RecordRef
    named: bool
    activities: int

    @property
    def role(self) -> str:
        """The part in words."""
        told = f"{self.activities} activit{'y' if self.activities == 1 else 'ies'} on it"
        return f"its contact, {told}" if self.named else told


@dataclass(frozen=True, slots=True)
class Relations:
    """The contacts, the most senior first, their ties to open deals, and the gaps in words."""

    people: tuple[Relation, ...]
    deals: tuple[Record, ...]
    ties: tuple[Tie, ...]
    gaps: tuple[str, ...]


def relations_of(account: Account, deals: Sequence[Record], moment: datetime) -> Relations:
    """Return who is who at an account as of a moment; `deals` are those that are open."""
    ties = _ties(account, deals, moment)
    told = _told_champions(account)
    on_deals = {tie.person for tie in ties}
    people = [_relation(account, each, moment, told, on_deals) for each in account.node.people]
    people.sort(key=lambda each: (-each.level, -each.touches, each.person.name))
    gaps = tuple(_gaps(people, deals, ties, moment))
    return Relations(tuple(people), tuple(deals), tuple(ties), gaps)


def _relation(account: Account, person: Person, moment: datetime, told: set[str], on_deals: set[RecordRef]) -> Relation:
    touches = [each.at for each in account.seen if each.engagement and each.contact == str(person.ref)]
    lately = sum(moment - each <= ENGAGED for each in touches)
    title = person.text("title")
    champion = str(person.ref) in told or (person.ref in on_deals and lately >= OFTEN)
    last = max(touches, default=None)
    return Relation(person, seniority(title), department(title), len(touches), lately, last, champion)


def _told_champions(account: Account) -> set[str]:
    """Return the contacts whom the last signal about a champion calls one."""
    last = {each.contact: each.type for each in account.seen if each.type in (JOINED, LEFT) and each.contact}
    return {contact for contact, kind in last.items() if kind == JOINED}


def _ties(account: Account, deals: Sequence[Record], moment: datetime) -> list[Tie]:
    people = {record.ref: person.ref for person in account.node.people for record in person.records}
    open_deals = {each.ref for each in deals}
    named: set[tuple[RecordRef, RecordRef]] = set()
    active: Counter[tuple[RecordRef, RecordRef]] = Counter()
    for deal in deals:
        contact = RecordRef(deal.ref.system, "contact", deal.text("contact"))
        if contact in people:
            named.add((people[contact], deal.ref))
    for each in account.node.activities:
        contact = people.get(RecordRef(each.ref.system, "contact", each.text("contact")))
        deal = RecordRef(each.ref.system, "opportunity", each.text("opportunity"))
        at = each.text("at")
        if contact and deal in open_deals and at and unstamp(at).astimezone(UTC) <= moment:
            active[contact, deal] += 1
    pairs = sorted(named | set(active))
    return [Tie(*pair, pair in named, active[pair]) for pair in pairs]


def _gaps(people: Sequence[Relation], deals: Sequence[Record], ties: Sequence[Tie], moment: datetime) -> Iterator[str]:
    if not any(each.champion for each in people):
        yield "no champion"
    executives = [each for each in people if each.level is Seniority.EXECUTIVE]
    if not executives:
        yield "no executive is known"
    elif not any(each.last and moment - each.last <= TOUCHED for each in executives):
        yield f"no executive touched in {TOUCHED.days} days"
    if deals and sum(each.lately > 0 for each in people) == 1:
        yield f"only one person engaged in {ENGAGED.days} days"
    alone = [deal.text("name") or str(deal.ref) for deal in deals if not any(tie.deal == deal.ref for tie in ties)]
    if alone:
        yield f"nobody is part of {alone[0] if len(alone) == 1 else f'{len(alone)} open deals'}"
