"""Values as people type them on a command line."""

from __future__ import annotations

from typing import Any

import orjson

from pilothouse.data.schema import FieldType, field_spec
from pilothouse.vocabulary.errors import WrongUse
from pilothouse.vocabulary.values import Json

AS_TEXT = frozenset({FieldType.TEXT, FieldType.REFERENCE, FieldType.DATE, FieldType.DATETIME})


def pair(text: str, object_name: str) -> tuple[str, Json]:
    """Read field=value; raises `WrongUse` for anything else.

    For a text field of the object the value is taken as it was typed (`null` empties it); else it is read as JSON.
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise WrongUse(f"{text!r} sets nothing.", hint="Write field=value.")
    spec = field_spec(object_name, name)
    if spec is not None and spec.type in AS_TEXT and value != "null":
        return name, value
    try:
        parsed: Any = orjson.loads(value)
    except ValueError:
        parsed = value
    return name, parsed
