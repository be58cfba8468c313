"""JSON values, their one canonical text, and digests over it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import orjson

JsonScalar: TypeAlias = str | int | float | bool | None
Json: TypeAlias = "JsonScalar | Sequence[Json] | Mapping[str, Json]"
JsonObject: TypeAlias = Mapping[str, Json]


def canonical(value: Json) -> str:
    """Return the canonical JSON text of `value`: keys sorted, no white space, UTF-8.

    Two values are equal for Pilothouse exactly when their canonical texts are equal. Raises `TypeError` for a value
    that JSON cannot hold (NaN becomes null, as in every JSON writer; callers validate numbers before this).
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def parse_json(text: str | bytes) -> Json:
    """Parse JSON text; raises `ValueError` with the position when it is malformed."""
    return orjson.loads(text)


def digest(value: Json) -> str:
    """Return the SHA-256 of the canonical text, as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()
