"""A field's value as the type that conditions declare for it, or nothing.

What must never happen here: a value guessed from another type; what does not fit counts as missing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

from pilothouse.conditions.conditions import Conditions
from pilothouse.data.schema import OBJECTS, FieldType
from pilothouse.vocabulary.values import Json

TYPE_NAMES = {
    FieldType.TEXT: "STRING",
    FieldType.REFERENCE: "STRING",
    FieldType.DATE: "STRING",
    FieldType.DATETIME: "STRING",
    FieldType.NUMBER: "DOUBLE",
    FieldType.INTEGER: "INT",
    FieldType.BOOLEAN: "BOOL",
}
Value = str | int | float | bool | datetime | list[str]
RECORD, KNOWN = "record.", "known."
LARGEST = 2**63


def record_variables(object_name: str) -> dict[str, str]:
    """Return the variables, with type names, that a condition over one record of an object may mention.

    `record.<field>` is missing when the field is empty; `known.record.<field>` tells whether it is there.
    """
    variables: dict[str, str] = {}
    for name, spec in OBJECTS[object_name].fields.items():
        variables[f"{RECORD}{name}"] = TYPE_NAMES[spec.type]
        variables[f"{KNOWN}{RECORD}{name}"] = "BOOL"
    return variables


@lru_cache(maxsize=64)
def record_conditions(object_name: str) -> Conditions:
    """Return the compiler of conditions over one record of an object."""
    return Conditions(record_variables(object_name))


def record_value(object_name: str, fields: Mapping[str, Json], variable: str) -> Value | None:
    """Return the value of a variable of `record_variables`, None when it is missing or of another type."""
    name = variable.removeprefix(KNOWN).removeprefix(RECORD)
    spec = OBJECTS[object_name].fields.get(name)
    if spec is None:
        return None
    value = typed(fields.get(name), spec.type)
    return value is not None if variable.startswith(KNOWN) else value


def typed(value: Json, kind: FieldType) -> Value | None:
    """Return a value as its declared type, None when it is empty, something else, or beyond what a condition holds."""
    match kind:
        case FieldType.NUMBER:
            return _number(value)
        case FieldType.INTEGER:
            if isinstance(value, bool) or not isinstance(value, int):
                return None
            return value if -LARGEST <= value < LARGEST else None
        case FieldType.BOOLEAN:
            return value if isinstance(value, bool) else None
        case _:
            return value if isinstance(value, str) and value.strip() else None


def _number(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None
