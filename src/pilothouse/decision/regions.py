"""The few values of each variable that stand for all others, for conditions simple enough that there are such values.

A condition that only compares single variables with numbers and texts written in it changes its answer only at those
numbers and texts. One value at each, one between every two and one beyond each end therefore tell everything about it. Of any
other condition nothing is said. What must never happen here: a claim about a condition that was not understood whole.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, pairwise, product

from pilothouse.conditions.conditions import Condition
from pilothouse.data.typed import Value
from pilothouse.decision.written import THRESHOLD

MOST = 4000
"""The most combinations of values that are looked at; beyond it nothing is said."""
MOST_MEMBERS = 6
_TOKEN = re.compile(
    r"""\s*(?:(?P<T>'[^'\\\n]*'|"[^"\\\n]*")|(?P<N>-?\d+(?:\.\d+)?(?![\w.]))|(?P<V>[A-Za-z_][\w.]*)"""
    r"""|(?P<C>==|!=|<=|>=|<|>)|(?P<L>&&|\|\||[!()])|(?P<P>[\[\],]))"""
)
_ATOM = re.compile(r"D\(V\)C[NH]|VC[NHT]|[NHT]CV|VI\[T(?:,T)*\]|VIH|TIV|B|V")
_WORDS = {"true": "B", "false": "B", "in": "I", "double": "D"}
Token = tuple[str, str]


@dataclass
class Points:
    """The numbers and texts that a variable is compared with."""

    numbers: set[float] = field(default_factory=set[float])
    texts: set[str] = field(default_factory=set[str])


def points_of(
    condition: Condition, kinds: Mapping[str, str], thresholds: Mapping[str, Value]
) -> dict[str, Points] | None:
    """Return what each variable of a condition is compared with; None for a condition that is not simple."""
    tokens = _tokens(condition)
    if tokens is None:
        return None
    shape = "".join(kind for kind, _ in tokens)
    if _ATOM.sub("", shape).strip("&|!()"):
        return None
    found: dict[str, Points] = {}
    for atom in _ATOM.finditer(shape):
        if not _take(tokens[atom.start() : atom.end()], atom.group(), kinds, thresholds, found):
            return None
    return found


def _tokens(condition: Condition) -> list[Token] | None:
    found: list[Token] = []
    place, source = 0, condition.source.rstrip()
    while place < len(source):
        match = _TOKEN.match(source, place)
        if match is None:
            return None
        kind, text = str(match.lastgroup), match.group().strip()
        if kind == "V":
            known = text in condition.needs
            kind = _WORDS.get(text) or (("H" if text.startswith(THRESHOLD) else "V") if known else "?")
        # Each token is one character of the shape, so that places in both agree.
        found.append((text[0] if kind in "LP" else kind, text))
        place = match.end()
    return found


def _take(
    atom: list[Token], shape: str, kinds: Mapping[str, str], thresholds: Mapping[str, Value], found: dict[str, Points]
) -> bool:
    """Note what an atom compares; False for one whose variable is of a kind that it does not settle."""
    variable = next((text for kind, text in atom if kind == "V"), "")
    if not variable:
        return True
    kind, points = kinds[variable], found.setdefault(variable, Points())
    if shape == "V":
        return kind == "BOOL"
    against: list[Value] = []
    for sort, text in atom:
        against += [text[1:-1]] if sort == "T" else [float(text)] if sort == "N" else []
        if sort == "H":
            value = thresholds[text]
            if value == []:  # a list that waits to be filled in
                return False
            against += value if isinstance(value, list) else [value]
    compares = next((text for sort, text in atom if sort == "C"), "in")
    if kind in ("INT", "DOUBLE"):
        points.numbers |= {each for each in against if isinstance(each, float)}
        return all(isinstance(each, float) for each in against)
    points.texts |= {each for each in against if isinstance(each, str)}
    member = shape == "TIV"
    sound = (kind == "STRING" and compares in ("==", "!=", "in") and not member) or (kind == "LIST_STRING" and member)
    return sound and all(isinstance(each, str) for each in against)


def merged(every: Iterable[Mapping[str, Points]]) -> dict[str, Points]:
    """Return the points of several conditions together."""
    found: dict[str, Points] = {}
    for each in every:
        for name, points in each.items():
            here = found.setdefault(name, Points())
            here.numbers |= points.numbers
            here.texts |= points.texts
    return found


def combinations_of(
    points: Mapping[str, Points], kinds: Mapping[str, str], missing: Iterable[str] = ()
) -> Iterator[dict[str, Value]] | None:
    """Return every combination of values that could matter, those that may be missing left out in turn; None for too many."""
    absent = frozenset(missing)
    names = sorted(points)
    values: list[list[Value | None]] = []
    for name in names:
        some = _values(points[name], kinds[name])
        if some is None:
            return None
        values.append([*some, *([None] if name in absent else [])])
    if math.prod(map(len, values)) > MOST:
        return None
    return (
        {name: value for name, value in zip(names, chosen, strict=True) if value is not None}
        for chosen in product(*values)
    )


def _values(points: Points, kind: str) -> list[Value] | None:
    if kind == "BOOL":
        return [True, False]
    if kind == "STRING":
        return [*sorted(points.texts), "\0another"]
    if kind == "LIST_STRING":
        if len(points.texts) > MOST_MEMBERS:
            return None
        members = sorted(points.texts)
        return [list(some) for size in range(len(members) + 1) for some in combinations(members, size)]
    numbers = sorted(points.numbers)
    if kind == "INT":
        return sorted({math.floor(each) + step for each in numbers for step in (-1, 0, 1, 2)}) or [0]
    between = [low + (high - low) / 2 for low, high in pairwise(numbers)]
    ends = [math.nextafter(numbers[0], -math.inf), math.nextafter(numbers[-1], math.inf)] if numbers else [0.0]
    return sorted({*numbers, *between, *ends})
