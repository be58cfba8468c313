"""Which deals of several systems are one deal: those of one account that agree in two of amount, close date and name.

No two deals of one system are ever taken for one, and every match says what showed it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations

from rapidfuzz.fuzz import token_set_ratio

from pilothouse.data.deals import day
from pilothouse.data.graph.features import amount_of
from pilothouse.data.store import Record

AMOUNT_APART = 0.01
DAYS_APART = timedelta(days=14)
NAME_LIKE = 85
NEEDED = 2


@dataclass(frozen=True, slots=True)
class Mirror:
    """Two records of one deal, and what showed it."""

    one: str
    other: str
    because: str


def grouped(deals: Sequence[Record], leading: str) -> list[tuple[list[Record], list[Mirror]]]:
    """Group one account's deals into deals; the leading system's record stands first in its group."""
    group_of = {str(deal.ref): [deal] for deal in deals}
    reasons: dict[str, list[Mirror]] = {}
    for _, one, other, why in sorted(_pairs(deals), key=lambda pair: (-pair[0], str(pair[1].ref), str(pair[2].ref))):
        mine, theirs = group_of[str(one.ref)], group_of[str(other.ref)]
        if mine is theirs or {each.ref.system for each in mine} & {each.ref.system for each in theirs}:
            continue
        mine += theirs
        group_of |= {str(each.ref): mine for each in theirs}
        reasons.setdefault(str(one.ref), []).append(Mirror(str(one.ref), str(other.ref), why))
    groups = {id(group): group for group in group_of.values()}.values()
    return [
        (
            sorted(group, key=lambda each: (each.ref.system != leading, each.ref)),
            [mirror for each in group for mirror in reasons.get(str(each.ref), [])],
        )
        for group in groups
    ]


def _pairs(deals: Sequence[Record]) -> list[tuple[int, Record, Record, str]]:
    found: list[tuple[int, Record, Record, str]] = []
    for one, other in combinations(sorted(deals, key=lambda deal: deal.ref), 2):
        if one.ref.system != other.ref.system:
            shown = _agreements(one, other)
            if len(shown) >= NEEDED:
                found.append((len(shown), one, other, "same account, " + ", ".join(shown)))
    return found


def _agreements(one: Record, other: Record) -> list[str]:
    shown: list[str] = []
    mine, theirs = amount_of(one), amount_of(other)
    if mine and theirs and abs(mine - theirs) <= AMOUNT_APART * max(abs(mine), abs(theirs)):
        shown.append(f"amount {mine:,.0f} and {theirs:,.0f}")
    first, second = day(one, "close_date"), day(other, "close_date")
    if first and second and abs(first - second) <= DAYS_APART:
        shown.append(f"close date {first} and {second}")
    names = one.text("name").casefold(), other.text("name").casefold()
    if all(names) and (likeness := token_set_ratio(*names)) >= NAME_LIKE:
        shown.append(f"name alike to {likeness:.0f} %")
    return shown
