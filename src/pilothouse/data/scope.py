"""Is this record, this field, this value within a contract? For one record at a time, by the contract's conditions.

What must never happen here: a condition that cannot be judged read as a yes. What is not known to be inside is outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from pilothouse.conditions.conditions import Condition, ConditionError
from pilothouse.data.contracts import Contract, FieldRule
from pilothouse.data.field_checks import broken
from pilothouse.data.freshness import counted
from pilothouse.data.schema import field_spec
from pilothouse.data.store import Record
from pilothouse.data.typed import Value, record_conditions, record_value
from pilothouse.vocabulary.records import FieldValue, is_empty
from pilothouse.vocabulary.values import Json


@dataclass(frozen=True, slots=True)
class Stale:
    """A value older than the contract asks for."""

    field: str
    days: int
    most: int
    refused: bool


@lru_cache(maxsize=512)
def compiled(object_name: str, source: str) -> Condition:
    """Return a condition over a record; raises `ConditionError` when it does not compile."""
    return record_conditions(object_name).compile(source)


def against(object_name: str, source: str, fields: Mapping[str, Json]) -> str:
    """Return why a condition does not hold of a record, empty when it does or when there is none."""
    if not source:
        return ""
    try:
        condition = compiled(object_name, source)
        values: dict[str, Value] = {}
        for name in condition.needs:
            value = record_value(object_name, fields, name)
            if value is not None:
                values[name] = value
        holds = condition.holds(values, record_conditions(object_name).activation(values))
    except (ConditionError, KeyError) as error:
        return f"{source} cannot be judged: {error}"
    return "" if holds else f"{source} does not hold"


def outside(contract: Contract, object_name: str, fields: Mapping[str, Json]) -> str:
    """Return why a record is not in the contract's scope, empty when it is."""
    return against(object_name, contract.filter(object_name), fields)


def unwritable(contract: Contract, object_name: str, names: Iterable[str], fields: Mapping[str, Json]) -> str:
    """Return why one of these fields may not be written on a record, empty when all may."""
    for name in names:
        terms = contract.field_rule(object_name, name)
        if terms is None:
            return f"{object_name}.{name} is not in it"
        why = against(object_name, terms.when, fields)
        if why:
            return f"{object_name}.{name} only where {why}"
    return ""


def terms_here(contract: Contract, object_name: str, name: str, fields: Mapping[str, Json]) -> FieldRule | None:
    """Return the terms for writing a field of this record: with review always where `review_when` is not ruled out."""
    terms = contract.field_rule(object_name, name)
    if terms is None or not terms.review_when or terms.review == "always":
        return terms
    ruled_out = against(object_name, f"!({terms.review_when}\n)", fields) == ""
    return terms if ruled_out else terms.model_copy(update={"review": "always"})


def breaches(contract: Contract, object_name: str, values: Mapping[str, Json]) -> Iterator[str]:
    """Yield, for each new value that breaks the contract's checks, the field and the rules it breaks."""
    for name, check in contract.checks.get(object_name, {}).items():
        spec = field_spec(object_name, name)
        rules = list(broken(check, spec.type, values[name])) if spec and name in values else []
        if rules:
            yield f"{object_name}.{name} breaks {', '.join(rules)}"


def shown(contract: Contract, record: Record, as_of: datetime) -> Record | None:
    """Return a record reduced to what may be read of it, None when it is out of scope."""
    object_name = record.ref.object
    source = contract.filter(object_name)
    if source and outside(contract, object_name, {name: each.value for name, each in record.fields.items()}):
        return None
    readable = contract.readable(object_name)
    refused = {each.field for each in too_old(contract, object_name, record.fields, as_of) if each.refused}
    if readable == "*" and not refused:
        return record
    kept = {
        name: value
        for name, value in record.fields.items()
        if (readable == "*" or name in readable) and name not in refused
    }
    return Record(record.ref, kept)


def stale_values(contract: Contract, record: Record, as_of: datetime) -> list[Stale]:
    """Return the values of a record that are older than the contract asks for."""
    return list(too_old(contract, record.ref.object, record.fields, as_of))


def too_old(contract: Contract, object_name: str, fields: Mapping[str, FieldValue], as_of: datetime) -> Iterator[Stale]:
    """Yield the values that are older than the contract asks for, by when they were told or last repeated."""
    rule = contract.read.get(object_name)
    for name, demand in rule.fresh.items() if rule else ():
        told = fields.get(name)
        if told is None or is_empty(told.value):
            continue
        days = (as_of - counted(told, demand.counts_from)).days
        if days > demand.max_age_days:
            yield Stale(name, days, demand.max_age_days, demand.older == "refuse")
