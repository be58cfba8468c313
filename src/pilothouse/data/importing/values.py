"""Turning cells into values of the schema's types. A cell that cannot be its type is an error, not a guess."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

from pilothouse.data.importing.mapping import FieldMap
from pilothouse.data.schema import FieldType
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.values import Json

TRUE = frozenset({"true", "t", "yes", "y", "1"})
FALSE = frozenset({"false", "f", "no", "n", "0"})
YEARS = range(1900, 2101)
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
QUOTED = 80
EXACT = 2**53
"""Below this a floating-point number holds every whole number."""


def convert(cell: str, kind: FieldType, rule: FieldMap) -> Json:
    """Return a cell's value, None for an empty one; raises `ValueError` with a sentence when it does not fit."""
    if rule.values and cell in rule.values:
        return rule.values[cell]
    if not cell:
        return None
    match kind:
        case FieldType.NUMBER:
            return _number(cell)
        case FieldType.INTEGER:
            return _whole(cell)
        case FieldType.BOOLEAN:
            return _flag(cell)
        case FieldType.DATE:
            return moment(cell, rule.formats).date().isoformat()
        case FieldType.DATETIME:
            return stamp(moment(cell, rule.formats))
        case _:
            return cell.casefold() if rule.lower else cell


def moment(cell: str, formats: tuple[str, ...] = ()) -> datetime:
    """Return a date or time as an aware moment, UTC where it does not say; raises `ValueError`."""
    readings = {found for pattern in formats if (found := _by(cell, pattern)) is not None}
    if len(readings) > 1:
        either = " or ".join(sorted(f"{each:%Y-%m-%d}" for each in readings))
        raise ValueError(f"{_short(cell)} may be {either}: the mapping's formats read it differently")
    found = readings.pop() if readings else _iso(cell)
    if found.year not in YEARS:
        raise ValueError(f"{_short(cell)} lies outside the years 1900 to 2100")
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _by(cell: str, pattern: str) -> datetime | None:
    try:
        found = datetime.strptime(cell, pattern)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _iso(cell: str) -> datetime:
    text = re.sub(r"^(\d{4}-\d{2}-\d{2})[ T](\d):", r"\1 0\2:", cell.strip())
    text = re.sub(r"(\.\d{1,9})", lambda part: (part.group()[1:] + "000000")[:6].join((".", "")), text)
    if re.fullmatch(r"\d{13}", text):
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{_short(cell)} is not a date: write 2026-12-31, or say in the mapping how dates are written (`formats:`)"
        ) from None


def _short(cell: str) -> str:
    """Quote a cell in a sentence; the row is kept whole beside it."""
    return repr(cell if len(cell) <= QUOTED else cell[:QUOTED] + "…")


def _digits(cell: str) -> str:
    """Return a number's text without currency sign and thousands separators, where these stand as they should."""
    text = re.sub(r"^([+-]?)\s*[$€£]\s*|\s*[$€£]$", r"\1", cell)
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", text):
        return text.replace(",", "")
    if re.fullmatch(r"[+-]?\d{1,3}([ \u00a0\u202f]\d{3})+(\.\d+)?", text):
        return re.sub(r"[ \u00a0\u202f]", "", text)
    return text


def _number(cell: str) -> float:
    text = _digits(cell)
    if not NUMBER.fullmatch(text):
        word = "a finite number" if text.casefold().lstrip("+-") in ("nan", "inf", "infinity") else "a number"
        raise ValueError(f"{_short(cell)} is not {word}")
    number = float(text)
    if abs(number) == float("inf"):
        raise ValueError(f"{_short(cell)} is not a finite number")
    if abs(number) >= EXACT and "e" not in text.casefold() and Decimal(text) != Decimal(number):
        raise ValueError(f"{_short(cell)} has more digits than can be kept")
    return number


def _whole(cell: str) -> int:
    number = _number(cell)
    if number != int(number):
        raise ValueError(f"{_short(cell)} is not a whole number")
    if abs(number) >= 2**63:
        raise ValueError(f"{_short(cell)} is too large a number")
    return int(number)


def _flag(cell: str) -> bool:
    if cell.casefold() in TRUE:
        return True
    if cell.casefold() in FALSE:
        return False
    raise ValueError(f"{_short(cell)} is neither true nor false")


__all__ = ["convert", "moment"]
