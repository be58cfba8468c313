"""The variables that a definition may mention, and how each gets its value for a record.

    record.<field>, known.record.<field>        the record's own fields
    fact.<name>, known.fact.<name>              the catalogue in `facts.py`
    defined.<term>                              another term of the same object
    defined.<reference field>.<term>            a term of the record that a reference points at
    today                                       the day of judgement, as 2026-01-31

What must never happen here: a variable that is declared and has no getter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from pilothouse.data.defining.facts import FACTS, facts_of
from pilothouse.data.schema import OBJECTS, FieldType
from pilothouse.data.store import Record
from pilothouse.data.typed import KNOWN, RECORD, Value, record_variables, typed

if TYPE_CHECKING:
    from pilothouse.data.defining.evaluating import Evaluator

Getter: TypeAlias = "Callable[[Evaluator, Record], Value | None]"
FACT, DEFINED, TODAY = "fact.", "defined.", "today"
STAGED = "opportunity"


def declared(object_name: str, terms: Mapping[str, str]) -> dict[str, str]:
    """Return the variables, with type names, for a term of an object; `terms` names the object of every term."""
    variables = {**record_variables(object_name), TODAY: "STRING"}
    for fact in facts_of(object_name):
        variables[f"{FACT}{fact.name}"] = fact.type
        variables[f"{KNOWN}{FACT}{fact.name}"] = "BOOL"
    targets = {"": object_name}
    for name, spec in OBJECTS[object_name].fields.items():
        if spec.type is FieldType.REFERENCE:
            targets[f"{name}."] = spec.to
    for prefix, target in targets.items():
        variables |= {f"{DEFINED}{prefix}{term}": "BOOL" for term, home in terms.items() if home == target}
    return variables


def terms_in(needs: Iterable[str]) -> frozenset[str]:
    """Return the names of the terms that a condition's variables refer to."""
    return frozenset(name.rpartition(".")[2] for name in needs if name.startswith(DEFINED))


def getter(object_name: str, variable: str) -> Getter:
    """Return how a declared variable gets its value; the getter answers None where there is none."""
    if variable.startswith(KNOWN):
        inner = getter(object_name, variable.removeprefix(KNOWN))
        return lambda evaluator, record: inner(evaluator, record) is not None
    if variable == TODAY:
        return lambda evaluator, record: evaluator.as_of.date().isoformat()
    if variable.startswith(RECORD):
        return _field(object_name, variable.removeprefix(RECORD))
    if variable.startswith(FACT):
        return _fact(object_name, variable.removeprefix(FACT))
    return _defined(object_name, variable.removeprefix(DEFINED))


def _field(object_name: str, name: str) -> Getter:
    kind = OBJECTS[object_name].fields[name].type

    def get(evaluator: Evaluator, record: Record) -> Value | None:
        found = record.fields.get(name)
        return typed(found.value, kind) if found is not None else None

    return get


def _fact(object_name: str, name: str) -> Getter:
    fact = FACTS[object_name, name]
    return lambda evaluator, record: evaluator.fact(fact, record)


def _defined(object_name: str, path: str) -> Getter:
    reference, _, term = path.rpartition(".")
    if not reference:
        return lambda evaluator, record: evaluator.truth(term, record)
    target = OBJECTS[object_name].fields[reference].to

    def get(evaluator: Evaluator, record: Record) -> Value | None:
        other = evaluator.around(record).record(target, record.text(reference))
        return evaluator.truth(term, other) if other is not None else None

    return get
