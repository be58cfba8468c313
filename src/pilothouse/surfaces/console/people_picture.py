"""The picture of an account's people, drawn as SVG by hand: levels down, departments across, open deals at the right.

What must never happen here: a contact or a deal left out without a word; anything told by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from math import sqrt

from pilothouse.data.graph.department import NAMES
from pilothouse.data.graph.relations import Relation, Relations
from pilothouse.data.graph.seniority import Seniority
from pilothouse.vocabulary.records import RecordRef

LEFT, TOP, COLUMN, LINE, GAP, DEAL, FOOT = 112, 30, 168, 44, 84, 232, 10
MOST_COLUMNS, MOST_IN_CELL, MOST_DEALS, LETTERS = 4, 4, 8, 17
RADIUS, LARGEST = 6.0, 15.0
LETTER = 7.1
"""About how wide a letter of a name is."""
AGES = ((30, "warm"), (60, "cool"))


@dataclass(frozen=True, slots=True)
class Dot:
    """A contact: where, how large (engagements in 90 days), the class of its last touch's age, what it says."""

    x: float
    y: float
    r: float
    age: str
    name: str
    champion: bool
    href: str
    says: str


@dataclass(frozen=True, slots=True)
class Box:
    """An open deal."""

    x: float
    y: float
    name: str
    under: str
    href: str
    says: str


@dataclass(frozen=True, slots=True)
class Line:
    """A contact's part in a deal: its curve, how thick, dashed where the contact is only active on it."""

    path: str
    width: float
    dashed: bool
    says: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything to draw, in units of the view box."""

    width: float
    height: float
    columns: tuple[tuple[float, str], ...]
    rows: tuple[tuple[float, str, float], ...]
    dots: tuple[Dot, ...]
    more: tuple[tuple[float, float, str], ...]
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    says: str
    deal_x: float = 0.0


def picture(relations: Relations, moment: datetime) -> Picture | None:
    """Return the picture; None where nobody is known."""
    if not relations.people:
        return None
    columns = _columns(relations)
    cells: dict[tuple[Seniority, str], list[Relation]] = {}
    for each in relations.people:
        column = each.department if each.department in columns else columns[-1]
        cells.setdefault((each.level, column), []).append(each)
    dots, more, rows, places, bottom = _placed(cells, columns, moment)
    deal_x = LEFT + COLUMN * len(columns) + GAP
    boxes, corners = _boxes(relations, deal_x)
    height = max(bottom, TOP + 56.0 * len(boxes) + 14) + FOOT
    lines = tuple(_lines(relations, places, corners))
    heads = tuple((LEFT + COLUMN * number + 4.0, name) for number, name in enumerate(columns))
    return Picture(deal_x + DEAL + 2.0, height, heads, rows, dots, more, boxes, lines, _says(relations, moment), deal_x)


def _columns(relations: Relations) -> list[str]:
    """Return the departments to show: the fullest ones, in a fixed order; the rest go into a last one."""
    counts = {name: sum(each.department == name for each in relations.people) for name in NAMES}
    present = [name for name in NAMES if counts[name]]
    if len(present) <= MOST_COLUMNS:
        return present
    kept = sorted(present, key=lambda name: -counts[name])[: MOST_COLUMNS - 1]
    return [*(name for name in present if name in kept), "all others"]


def _placed(
    cells: dict[tuple[Seniority, str], list[Relation]], columns: list[str], moment: datetime
) -> tuple[
    tuple[Dot, ...],
    tuple[tuple[float, float, str], ...],
    tuple[tuple[float, str, float], ...],
    dict[RecordRef, tuple[float, float]],
    float,
]:
    dots: list[Dot] = []
    more: list[tuple[float, float, str]] = []
    rows: list[tuple[float, str, float]] = []
    places: dict[RecordRef, tuple[float, float]] = {}
    y = float(TOP)
    # The top stands there even when nobody of it is known: that is what one looks for.
    levels = sorted({level for level, _ in cells} | {Seniority.EXECUTIVE}, reverse=True)
    for level in levels:
        here = [(number, cells.get((level, name), [])) for number, name in enumerate(columns)]
        tall = max(1, *(min(len(people), MOST_IN_CELL) + (len(people) > MOST_IN_CELL) for _, people in here)) * LINE
        words = "level unknown" if level is Seniority.UNKNOWN else level.words
        rows.append((y, words, y + tall))
        for number, people in here:
            x = LEFT + COLUMN * number + 18.0
            for place, each in enumerate(people[:MOST_IN_CELL]):
                dot = _dot(each, x, y + LINE * place + LINE / 2, moment)
                dots.append(dot)
                # From where the name ends, so that no line crosses out whom it belongs to.
                places[each.person.ref] = (dot.x + 25 + LETTER * len(dot.name), dot.y)
            if len(people) > MOST_IN_CELL:
                at = y + LINE * MOST_IN_CELL + LINE / 2
                more.append((x - 6, at, f"and {len(people) - MOST_IN_CELL} more, below"))
                places |= {each.person.ref: (x, at) for each in people[MOST_IN_CELL:]}
        y += tall
    return tuple(dots), tuple(more), tuple(rows), places, y


def _dot(each: Relation, x: float, y: float, moment: datetime) -> Dot:
    radius = min(LARGEST, RADIUS + 2.2 * sqrt(each.lately))
    person = each.person
    return Dot(
        x, y, round(radius, 1), age_of(each.last, moment), _short(person.name), each.champion,
        f"/records/{person.ref}", _person(each, moment),
    )  # fmt: skip


def age_of(last: datetime | None, moment: datetime) -> str:
    """Return the class of a last touch: `warm` within 30 days, `cool` within 60, `cold` before, `never`."""
    if last is None:
        return "never"
    return next((name for days, name in AGES if (moment - last).days <= days), "cold")


def _boxes(relations: Relations, x: float) -> tuple[tuple[Box, ...], dict[RecordRef, tuple[float, float]]]:
    boxes: list[Box] = []
    corners: dict[RecordRef, tuple[float, float]] = {}
    for number, deal in enumerate(relations.deals[:MOST_DEALS]):
        y = TOP + 56.0 * number
        amount = deal.value("amount")
        worth = f"{amount:,.0f}" if isinstance(amount, int | float) else "no amount"
        under = f"{deal.text('stage') or 'no stage'} · {worth}"
        name = deal.text("name") or str(deal.ref)
        boxes.append(Box(x, y, _middle(name, 28), _short(under, 32), f"/records/{deal.ref}", f"{name}: {under}"))
        corners[deal.ref] = (x, y + 23)
    return tuple(boxes), corners


def _lines(
    relations: Relations, places: dict[RecordRef, tuple[float, float]], corners: dict[RecordRef, tuple[float, float]]
) -> Iterator[Line]:
    lately = {each.person.ref: each.lately for each in relations.people}
    names = {each.person.ref: each.person.name for each in relations.people}
    for tie in relations.ties:
        if tie.deal not in corners:
            continue
        (x, y), (to_x, to_y) = places[tie.person], corners[tie.deal]
        bend = to_x - GAP
        path = f"M{x:.1f} {y:.1f} C{bend:.1f} {y:.1f} {bend:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
        width = round(min(6.0, 1.2 + 0.8 * sqrt(lately[tie.person])), 1)
        yield Line(path, width, not tie.named, f"{names[tie.person]}: {tie.role}")


def _person(each: Relation, moment: datetime) -> str:
    title = each.person.text("title") or "no title"
    when = f"last {(moment - each.last).days} days ago" if each.last else "never engaged"
    champion = ", champion" if each.champion else ""
    return f"{each.person.name}, {title}{champion}: {each.lately} times in 90 days, {when}"


def _says(relations: Relations, moment: datetime) -> str:
    """Return the picture in words."""
    people = "; ".join(_person(each, moment) for each in relations.people)
    names = {each.person.ref: each.person.name for each in relations.people}
    deals = {each.ref: each.text("name") or str(each.ref) for each in relations.deals}
    ties = "; ".join(f"{names[tie.person]} and {deals[tie.deal]}: {tie.role}" for tie in relations.ties)
    gaps = ", ".join(relations.gaps) or "none"
    return f"People by level and department. {people}. Parts in open deals: {ties or 'none'}. Gaps: {gaps}."


def _short(text: str, most: int = LETTERS) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _middle(text: str, most: int) -> str:
    """Shorten in the middle: deals of one account mostly begin alike."""
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[:half].rstrip()}…{text[-half:].lstrip()}"
