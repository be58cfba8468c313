"""From a provider's record to our fields: places, transforms, the schema's types, dates, and how sure the match is.

A value that does not fit its field is left out and named; the others stand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as AnyMapping
from datetime import datetime
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from pilothouse.connectors.enrichment.mapping import Likelihood, Mapping, Place
from pilothouse.data.enrichment.answers import Answer, Lookup, Outcome
from pilothouse.data.enrichment.due import domain_of
from pilothouse.data.identity.names import likeness
from pilothouse.data.importing.mapping import FieldMap
from pilothouse.data.importing.values import convert, moment
from pilothouse.data.schema import OBJECTS
from pilothouse.vocabulary.values import Json

LONGEST = 2_000
"""Characters of one value."""
OTHER_DOMAIN = 0.5
"""The most that a match counts for whose domain is not the one that was asked for: companies move, data errs."""
PLAUSIBLE_MATCH = 0.9
"""What a provider's match counts for that tells no likelihood and whose mapping sets none."""


def read_record(mapping: Mapping, lookup: Lookup, record: Any, *, whole: Any) -> Answer:
    """Return what a found record tells; `whole` is the answer it stands in."""
    fields: dict[str, Json] = {}
    dates: dict[str, datetime] = {}
    unusable: dict[str, str] = {}
    for name, place in mapping.places().items():
        try:
            value = _value(mapping.object, name, place, _at(place.at, record))
        except ValueError as error:
            unusable[name] = _without_value(str(error))
            continue
        if value is not None:
            fields[name] = value
            if place.date and (dated := _date(_at(place.date, record))) is not None:
                dates[name] = dated
    return Answer(
        Outcome.FOUND,
        charged=True,
        fields=fields,
        at=_date(_at(mapping.date, record)) if mapping.date else None,
        dates=dates,
        likelihood=how_sure(mapping.likelihood, lookup, fields, _at(mapping.likelihood.at, whole)),
        id=_identifier(_at(mapping.id, record)),
        unusable=unusable,
    )


def how_sure(rule: Likelihood, lookup: Lookup, fields: AnyMapping[str, Json], told: Any) -> float:
    """Return how likely (0 to 1) the record is what was asked for: the provider's word, tempered by what it shows.

    A record asked for by name counts for as much as the names are alike; one asked for by domain that has another domain
    for at most half.
    """
    sure = rule.by.get(lookup.by, PLAUSIBLE_MATCH)
    if isinstance(told, int | float) and not isinstance(told, bool):
        sure = rule.table.get(f"{told:g}", told if not rule.table and 0 <= told <= 1 else 0.0)
    elif rule.at and rule.table:
        sure = rule.table.get(str(told), 0.0)
    if "domain" in lookup.given:
        shown = domain_of(str(fields.get("domain") or fields.get("website") or ""))
        return min(sure, OTHER_DOMAIN) if shown and shown != domain_of(lookup.given["domain"]) else sure
    if "name" in lookup.given and fields.get("name"):
        return sure * likeness(lookup.given["name"], str(fields["name"]))
    return sure


def found_in(mapping: Mapping, whole: Any) -> AnyMapping[str, Any] | None:
    """Return the record of an answer, None when it holds none; raises `ValueError` when what stands there is none."""
    if not isinstance(whole, dict) or (mapping.understood and _at(mapping.understood, whole) is not True):
        raise ValueError("what it should show first is not there")
    record = _at(mapping.found, whole)  # pyright: ignore[reportUnknownArgumentType]
    if not record:
        return None
    if not isinstance(record, dict):
        raise ValueError("what should be the record is no object")
    return record  # pyright: ignore[reportUnknownVariableType]


def _at(place: str, inside: Any) -> Any:
    try:
        return jmespath.search(place, inside) if place else None
    except JMESPathError:
        return None  # A function met another type than it takes: as if nothing stood there.


def _value(object_name: str, name: str, place: Place, raw: Any) -> Json:
    if raw is None or raw == "":
        return None
    if not isinstance(raw, str | int | float | bool):
        raise ValueError("not a single value")
    text = ("true" if raw else "false") if isinstance(raw, bool) else str(raw).strip()
    if len(text) > LONGEST:
        raise ValueError(f"longer than {LONGEST} characters")
    match place.transform:
        case "domain":
            text = domain_of(text)
        case "lower":
            text = text.casefold()
        case "title":
            text = text.title()
        case "words":
            text = text.replace("_", " ").casefold()
        case None:
            pass
    return convert(text, OBJECTS[object_name].fields[name].type, FieldMap(values=place.values))


def _without_value(sentence: str) -> str:
    """Drop the quoted value: it may tell about a person."""
    return re.sub(r"""^(['"]).*\1 """, "", sentence)


def _date(raw: Any) -> datetime | None:
    try:
        return moment(str(raw)) if raw else None
    except ValueError:
        return None


def _identifier(raw: Any) -> str:
    return str(raw)[:200] if isinstance(raw, str | int) and not isinstance(raw, bool) else ""
