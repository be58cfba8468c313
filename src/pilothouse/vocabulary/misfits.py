"""What does not fit a model, in a sentence for whoever wrote it: which entry, what is wrong, what was probably meant.

What must never happen here: a problem left out. Several about one value are one sentence only where they are the forms
that the value may have.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import groupby
from typing import Any, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError

Key = str | int
FORMS: Mapping[str, str] = {
    "bool": "true or false",
    "date": "a date",
    "float": "a number",
    "int": "a whole number",
    "list": "a list of texts",
    "str": "a text",
    "tuple": "a list of texts",
}
"""The forms a value may have, by the first word of what pydantic calls them."""
BOUNDS = {
    "greater_than": "more than",
    "greater_than_equal": "at least",
    "less_than": "less than",
    "less_than_equal": "at most",
}


@dataclass(frozen=True, slots=True)
class Misfit:
    """One problem: the keys that lead to the value, their names with dots between, and what is wrong."""

    keys: tuple[Key, ...]
    named: str
    said: str

    @property
    def sentence(self) -> str:
        """What is wrong, and where."""
        return f"{self.named}: {self.said}" if self.named else self.said


def misfits(error: ValidationError, data: object, model: type[BaseModel]) -> list[Misfit]:
    """Return what is wrong with data, in the order it was found; names come from the data and from the model."""
    found = [(_reached(each, data), each) for each in cast("list[Mapping[str, Any]]", error.errors())]
    out: list[Misfit] = []
    for keys, group in groupby(found, key=lambda each: each[0]):
        problems = [each for _, each in group]
        forms = [each for each in problems if each["loc"] and each["loc"][-1] not in (*keys[-1:], "[key]")]
        if len(forms) > 1:
            problems = [each for each in problems if each not in forms]
        said = [_forms(forms)] if len(forms) > 1 else []
        said += [_said(each, keys, model) for each in problems]
        unknown = any(each["type"] == "extra_forbidden" for each in problems)
        out += [Misfit(keys, _named(keys[:-1] if unknown else keys, data), each) for each in said]
    return out


def _reached(problem: Mapping[str, Any], data: object) -> tuple[Key, ...]:
    """Return the keys that lead to something in the data, or to what is missing in it.

    Where a value may have several forms, pydantic names the form behind the keys of the value; it is left out.
    """
    keys: list[Key] = []
    for key in cast("tuple[Key, ...]", problem["loc"]):
        if isinstance(data, Mapping) and key in data:
            data = cast("Mapping[Any, Any]", data)[key]
            keys.append(key)
        elif isinstance(data, list) and isinstance(key, int) and key < len(cast("list[Any]", data)):
            data = cast("list[Any]", data)[key]
            keys.append(key)
    last = problem["loc"][-1:]
    return (*keys, *last) if problem["type"] == "missing" else tuple(keys)


def _named(keys: Sequence[Key], data: object) -> str:
    """Return the keys with dots between them; an entry of a list that has an id is called by it."""
    parts: list[str] = []
    for key in keys:
        data = cast("Any", data)[key] if isinstance(key, int) or (isinstance(data, Mapping) and key in data) else None
        ident = (
            cast("Mapping[Any, Any]", data).get("id") if isinstance(key, int) and isinstance(data, Mapping) else None
        )
        parts.append(ident if isinstance(ident, str) and ident else str(key))
    return ".".join(parts)


def _forms(problems: Sequence[Mapping[str, Any]]) -> str:
    names = [FORMS.get(str(tuple(each["loc"])[-1]).partition("[")[0], str(tuple(each["loc"])[-1])) for each in problems]
    return f"{' or '.join(dict.fromkeys(names))} is needed, not {problems[0]['input']!r}"


def _said(problem: Mapping[str, Any], keys: Sequence[Key], model: type[BaseModel]) -> str:
    kind = str(problem["type"])
    if kind == "extra_forbidden":
        known = sorted({name for each in _models(model, keys[:-1]) for name in each.model_fields})
        near = get_close_matches(str(keys[-1]), known, 1)
        return f"unknown field {str(keys[-1])!r}" + (f"; did you mean {near[0]!r}?" if near else "")
    if kind == "missing":
        return "this field is missing"
    if kind in BOUNDS:
        return f"{problem['input']!r} is out of bounds; it {_bounds(problem, keys, model)}"
    return str(problem["msg"]).removeprefix("Value error, ")


def _bounds(problem: Mapping[str, Any], keys: Sequence[Key], model: type[BaseModel]) -> str:
    for each in _models(model, keys[:-1]):
        field = each.model_fields.get(str(keys[-1])) if keys else None
        known = {
            name: getattr(e, name)
            for e in (field.metadata if field else ())
            for name in ("ge", "le")
            if hasattr(e, name)
        }
        if len(known) == 2:
            return f"lies between {known['ge']} and {known['le']}"
    [limit] = problem["ctx"].values()
    return f"is {BOUNDS[str(problem['type'])]} {limit}"


def _models(model: type[BaseModel], keys: Sequence[Key]) -> Iterator[type[BaseModel]]:
    """Yield the models that the mapping under these keys may be one of."""
    if not keys:
        yield model
        return
    field = model.model_fields.get(str(keys[0]))
    for inner, depth in _within(field.annotation, 1) if field else ():
        yield from _models(inner, keys[depth:])


def _within(annotation: object, depth: int) -> Iterator[tuple[type[BaseModel], int]]:
    """Yield the models in an annotation, each with the number of keys that lead to it: lists and mappings take one more."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, depth
        return
    origin = get_origin(annotation)
    deeper = depth + (isinstance(origin, type) and issubclass(origin, Collection))
    for each in get_args(annotation):
        yield from _within(each, deeper)
