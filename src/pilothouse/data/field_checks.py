"""What a contract may ask of a field's values, and the same asked of one value: type, presence, choices, range, pattern.

The rules are declared and not written as conditions, so that `compiled_checks.py` can turn them into SQL that says
exactly what is said here; a property test compares the two. Patterns are RE2 on both sides and must fit the whole
value. What must never happen here: a rule that the compiled form reads otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, Field

from pilothouse.conditions.conditions import ConditionError, Conditions
from pilothouse.data.schema import FieldType
from pilothouse.data.typed import typed
from pilothouse.vocabulary.records import is_empty
from pilothouse.vocabulary.values import Json

RANGED = {FieldType.NUMBER, FieldType.INTEGER, FieldType.DATE}
TEXTUAL = {FieldType.TEXT, FieldType.REFERENCE}
DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
DATETIME = (
    DATE + "([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?)?"
)
"""Dates as 2026-01-31; moments as that, or with a time to the minute or finer, or with its offset. Read alike by re and RE2."""
_MATCH = Conditions({"value": "STRING", "pattern": "STRING"})
_MATCHES = _MATCH.compile("value.matches(pattern)")


class FieldCheck(BaseModel):
    """What values of one field must be. An empty value breaks `required` and nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    required: bool = False
    one_of: tuple[str, ...] | None = Field(default=None, min_length=1)
    min: float | date | None = None
    max: float | date | None = None
    pattern: str = ""
    max_length: int | None = Field(default=None, ge=1)


def problem_with(check: FieldCheck, kind: FieldType) -> str:
    """Return why a check makes no sense for a field of this type, empty when it does."""
    bounds = [each for each in (check.min, check.max) if each is not None]
    if bounds and kind not in RANGED:
        return f"min and max are for numbers and dates, and this is {kind.value}"
    if any(isinstance(each, date) != (kind is FieldType.DATE) for each in bounds):
        return "min and max must be of the field's own type"
    if check.min is not None and check.max is not None and check.min > check.max:  # pyright: ignore[reportOperatorIssue]
        return "min lies above max"
    if kind not in TEXTUAL and (check.one_of is not None or check.pattern or check.max_length):
        return f"one_of, pattern and max_length are for text, and this is {kind.value}"
    try:
        fits("", check.pattern)
    except ConditionError:
        return f"{check.pattern!r} is no pattern that RE2 understands"
    return ""


def fits(value: str, pattern: str) -> bool:
    """Return whether a whole text fits an RE2 pattern; raises `ConditionError` for what is no pattern."""
    values = {"value": value, "pattern": _whole(pattern)}
    return _MATCHES.holds(values, _MATCH.activation(values))


@lru_cache(maxsize=256)
def _whole(pattern: str) -> str:
    return f"^(?:{pattern})$"


def broken(check: FieldCheck, kind: FieldType, value: Json) -> Iterator[str]:
    """Yield the name of each rule that one value breaks; `type` stands alone, since nothing else can be asked then."""
    if is_empty(value):
        if check.required:
            yield "required"
        return
    held = typed(value, kind)
    if held is None or not dated(held, kind):
        yield "type"
        return
    if isinstance(held, str) and kind in TEXTUAL:
        yield from _text(check, held)
    elif kind in RANGED:
        comparable = date.fromisoformat(str(held)) if kind is FieldType.DATE else held
        if check.min is not None and comparable < check.min:  # pyright: ignore[reportOperatorIssue]
            yield "min"
        if check.max is not None and comparable > check.max:  # pyright: ignore[reportOperatorIssue]
            yield "max"


def _text(check: FieldCheck, value: str) -> Iterator[str]:
    if check.one_of is not None and value not in check.one_of:
        yield "one_of"
    if check.max_length is not None and len(value) > check.max_length:
        yield "max_length"
    if check.pattern and not fits(value, check.pattern):
        yield "pattern"


def dated(held: object, kind: FieldType) -> bool:
    """Return False for a date or moment that is none; True for all else."""
    if kind not in (FieldType.DATE, FieldType.DATETIME):
        return True
    text = str(held)
    if not re.fullmatch(DATE if kind is FieldType.DATE else DATETIME, text):
        return False
    try:
        return bool(date.fromisoformat(text[:10]))
    except ValueError:
        return False
