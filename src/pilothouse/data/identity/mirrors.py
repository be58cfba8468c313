"""Which deals of several systems are one deal: those of one account that agree in two of amount, close date and name.

No two deals of one system are ever taken for one unless a person said so; what people said stands above everything. The
result is a function of the deals, their accounts and the judgements, whatever order they came in; every match says what
showed it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import combinations
from operator import attrgetter

from rapidfuzz.fuzz import token_set_ratio

from pilothouse.data.deals import amount_of, day
from pilothouse.data.identity.entities import Judgement
from pilothouse.data.store import Record
from pilothouse.vocabulary.records import RecordRef

AMOUNT_APART = 0.01
DAYS_APART = timedelta(days=14)
NAME_LIKE = 85
NEEDED, ASKED = 2, 3
"""How many of the things that are compared must agree, and how many are compared."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """Two records of one deal, and what showed it."""

    one: str
    other: str
    because: str


@dataclass(frozen=True, slots=True)
class Side:
    """What of a deal is compared with another, and the account it is of (empty: none, so that nothing mirrors it)."""

    ref: RecordRef
    account: str
    amount: float | None
    closes: date | None
    name: str


@dataclass
class Group:
    """The records of one deal, and what joined them.

    `sure` is the share of amount, close date and name that agree where they agree least; 1 where people said everything.
    """

    records: list[RecordRef]
    mirrors: list[Mirror] = field(default_factory=list[Mirror])
    sure: float = 1.0


@dataclass(frozen=True, slots=True)
class _Match:
    one: RecordRef
    other: RecordRef
    agree: int
    because: str
    apart: tuple[float, float]
    """Days and share of the amount between the two, so that of several mirrors the nearest is taken."""


def side_of(deal: Record, account: str) -> Side:
    """Return what of a deal is compared."""
    return Side(deal.ref, account, amount_of(deal), day(deal, "close_date"), deal.text("name").casefold())


def grouped(sides: Iterable[Side], said: Iterable[Judgement] = ()) -> list[Group]:
    """Group deals into one group a deal; `said` is what people said of any two of them."""
    groups = _Groups(sorted(sides, key=attrgetter("ref")), list(said))
    matches = [match for block in groups.blocks() for match in _matches(block)]
    for match in sorted(matches, key=lambda each: (-each.agree, each.apart, each.one, each.other)):
        groups.join(match)
    return groups.all()


def shown(deals: Iterable[Record], said: Iterable[Judgement] = ()) -> list[Mirror]:
    """Return what shows, by the values given, that these records of one deal are one."""
    every = list(deals)
    living = (side_of(deal, "one") for deal in every if not deal.merged_into)
    gone = [(deal.ref, deal.merged_into) for deal in every if deal.merged_into]
    merged = [Mirror(str(ref), str(RecordRef(ref.system, ref.object, into)), "it went into it") for ref, into in gone]
    return [*(each for group in grouped(living, said) for each in group.mirrors), *merged]


class _Groups:
    """Groups that grow; people's words first."""

    def __init__(self, sides: Sequence[Side], said: Sequence[Judgement]) -> None:
        self._sides = sides
        self._of = {each.ref: Group([each.ref]) for each in sides}
        self._apart = {frozenset((each.one, each.other)) for each in said if not each.same}
        for each in said:
            if each.same and each.one in self._of and each.other in self._of:
                self._merge(each.one, Mirror(str(each.one), str(each.other), f"{each.by} said so"), each.other)

    def blocks(self) -> Iterator[list[Side]]:
        by_account: dict[str, list[Side]] = {}
        for each in self._sides:
            if each.account:
                by_account.setdefault(each.account, []).append(each)
        yield from by_account.values()

    def join(self, match: _Match) -> None:
        mine, theirs = self._of[match.one], self._of[match.other]
        systems = {each.system for each in mine.records} & {each.system for each in theirs.records}
        if mine is theirs or systems or (self._apart and self._kept_apart(mine, theirs)):
            return
        self._merge(match.one, Mirror(str(match.one), str(match.other), match.because), match.other)
        mine.sure = min(mine.sure, round(match.agree / ASKED, 2))

    def _kept_apart(self, mine: Group, theirs: Group) -> bool:
        return any(frozenset((one, other)) in self._apart for one in mine.records for other in theirs.records)

    def _merge(self, one: RecordRef, mirror: Mirror, other: RecordRef) -> None:
        kept, gone = self._of[one], self._of[other]
        if kept is gone:
            return
        kept.records += gone.records
        kept.mirrors += [*gone.mirrors, mirror]
        kept.sure = min(kept.sure, gone.sure)
        self._of |= dict.fromkeys(gone.records, kept)

    def all(self) -> list[Group]:
        return list({id(group): group for group in self._of.values()}.values())


def _matches(sides: Sequence[Side]) -> Iterator[_Match]:
    for one, other in combinations(sides, 2):
        if one.ref.system != other.ref.system:
            told = _agreements(one, other)
            if len(told) >= NEEDED:
                yield _Match(one.ref, other.ref, len(told), "same account, " + ", ".join(told), _apart(one, other))


def _agreements(one: Side, other: Side) -> list[str]:
    told: list[str] = []
    if one.amount and other.amount and _difference(one.amount, other.amount) <= AMOUNT_APART:
        told.append(f"amount {one.amount:,.0f} and {other.amount:,.0f}")
    if one.closes and other.closes and abs(one.closes - other.closes) <= DAYS_APART:
        told.append(f"close date {one.closes} and {other.closes}")
    # A name alone is never enough, and it takes longest to compare.
    if told and one.name and other.name and (likeness := token_set_ratio(one.name, other.name)) >= NAME_LIKE:
        told.append(f"name alike to {likeness:.0f} %")
    return told


def _apart(one: Side, other: Side) -> tuple[float, float]:
    days = float(abs(one.closes - other.closes).days) if one.closes and other.closes else float("inf")
    return days, _difference(one.amount, other.amount) if one.amount and other.amount else 1.0


def _difference(one: float, other: float) -> float:
    return abs(one - other) / max(abs(one), abs(other))


def account_names(deals: Iterable[Record]) -> Mapping[RecordRef, str]:
    """Return, by deal, the record of its own system that it names as its account; those that name none are missing."""
    return {
        deal.ref: str(RecordRef(deal.ref.system, "account", name)) for deal in deals if (name := deal.text("account"))
    }
