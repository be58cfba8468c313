"""Do two sources say the same? "+49 30 1234567" and "030/1234567" do, "Germany" and "DE" do, "GmbH" and "Inc." do not.

The rules are those by which records are compared (`identity/features.py`), so that what joins two records does not
then divide them.
"""

from __future__ import annotations

import re
import unicodedata

from pilothouse.data.identity.countries import COUNTRIES
from pilothouse.data.identity.names import read
from pilothouse.data.schema import FieldType, field_spec
from pilothouse.vocabulary.clock import unstamp
from pilothouse.vocabulary.values import Json, canonical

SHORTEST_PHONE, COMPARED_DIGITS = 7, 8
HOST = re.compile(r"^(?:[a-z][a-z0-9+.-]*://)?(?:[^@/]*@)?(?:www\.)?([^/?#:\s]+)(?::\d+)?(/[^?#\s]*)?")


def agree(object_name: str, field: str, one: Json, other: Json) -> bool:
    """True when two values of a field mean the same."""
    if isinstance(one, str) and isinstance(other, str):
        if object_name == "account" and field == "name":
            return _same_company(one, other)
        return _key(object_name, field, one) == _key(object_name, field, other)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == other
    return canonical(one) == canonical(other)


def _same_company(one: str, other: str) -> bool:
    """One name but for its spelling; a legal form that only one of them tells does not divide them."""
    left, right = read(one), read(other)
    same_form = not left.form or not right.form or left.form == right.form
    return left.joined == right.joined and same_form and bool(left.joined or one.strip() == other.strip())


def _key(object_name: str, field: str, text: str) -> str:
    spec = field_spec(object_name, field)
    if spec is not None and spec.type in (FieldType.DATE, FieldType.DATETIME):
        return _moment(text)
    match field:
        case "country":
            words = " ".join(re.sub(r"[.'’]", "", text.casefold()).replace("-", " ").split())
            return COUNTRIES.get(words, words)
        case "phone":
            digits = re.sub(r"\D", "", text)
            return digits[-COMPARED_DIGITS:] if len(digits) >= SHORTEST_PHONE else text
        case "domain" | "website":
            found = HOST.match(text.strip().casefold())
            path = (found[2] or "").rstrip("/") if found and field == "website" else ""
            return found[1].rstrip(".") + path if found else text
        case _:
            return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _moment(text: str) -> str:
    try:
        return unstamp(text).isoformat()
    except ValueError:
        return text.strip()
