"""Mapping files: how a provider is asked over HTTP, and where in its answer our fields stand.

Places in answers are JMESPath (jmespath.org). `{domain}`, `{name}`, `{country}` and `{email}` in path, query and body
stand for what is asked by; a query or body entry whose value is not known is left out. `${NAME}` stands for a credential and
may appear in headers alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as AnyMapping
from pathlib import Path
from typing import Any, Literal, cast

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import BaseModel, ConfigDict, Field

from pilothouse.data.schema import OBJECTS
from pilothouse.vocabulary.documents import Document, load_document
from pilothouse.vocabulary.errors import InvalidInput

BUILT_IN = Path(__file__).parent / "mappings"
ASKED_BY = frozenset({"domain", "name", "country", "email"})
PLACE, SECRET = re.compile(r"\{(\w+)\}"), re.compile(r"\$\{(\w+)\}")
Transform = Literal["domain", "lower", "title", "words"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Request(_Strict):
    """One request. `body` is JSON, its placeholders are replaced in its leaves and never in its text."""

    method: Literal["GET", "POST"] = "GET"
    path: str = Field(pattern=r"^/")
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    body: dict[str, Any] | None = None


class Place(_Strict):
    """Where a field stands, and what is done to it: a `transform`, or a table of `values` that translates it.

    `date` is where the provider's own date of this value stands.
    """

    at: str
    transform: Transform | None = None
    values: dict[str, str | bool | float] = {}
    date: str = ""


class Likelihood(_Strict):
    """How sure a match is, 0 to 1: from a place in the answer, by a table of its values, else by what was asked by."""

    at: str = ""
    table: dict[str, float] = {}
    by: dict[str, float] = {}


class Mapping(_Strict):
    """A mapping file. `found` is where the record stands in an answer; nothing there means that it was not found.

    `understood`, where set, must be true of every answer: one of another shape is broken, and not "not found".
    """

    mapping: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    summary: str
    object: Literal["account", "contact"]
    base_url: str
    asks_by: tuple[tuple[str, ...], ...] = Field(min_length=1)
    requests: dict[str, Request] = Field(min_length=1)
    understood: str = ""
    found: str = "@"
    not_found: tuple[int, ...] = (404,)
    id: str = ""
    date: str = ""
    likelihood: Likelihood = Likelihood()
    fields: dict[str, str | Place] = Field(min_length=1)
    cost: int = Field(default=1, ge=0)
    charged: Literal["found", "asked"] = "found"
    per_minute: int = Field(default=60, ge=1)

    def places(self) -> dict[str, Place]:
        """Return every field's place, short forms written out."""
        return {name: each if isinstance(each, Place) else Place(at=each) for name, each in self.fields.items()}

    def request_by(self, by: str) -> Request:
        """Return the request for what is asked by; the one called `any` serves where there is none of its own."""
        return self.requests.get(by) or self.requests["any"]


def load_mapping(name: str, folder: Path) -> Document[Mapping]:
    """Return a mapping from a file of `folder`, or a built-in one by name; raises `DocumentError` or `InvalidInput`."""
    own, built_in = folder / name, BUILT_IN / f"{name}.yaml"
    if not own.is_file() and not built_in.is_file():
        known = ", ".join(sorted(path.stem for path in BUILT_IN.glob("*.yaml")))
        raise InvalidInput(f"there is no mapping {name!r}.", hint=f"Built in: {known}; or name a file in {folder}.")
    document = load_document(own if own.is_file() else built_in, Mapping)
    _check(document)
    return document


def _check(document: Document[Mapping]) -> None:
    mapping = document.model
    known = OBJECTS[mapping.object].fields
    for name, place in mapping.places().items():
        if name not in known:
            raise document.error(f"{mapping.object} has no field {name!r}", "fields", name)
        for text in (place.at, place.date):
            _checked(document, text, "fields", name)
    for key in ("understood", "found", "id", "date"):
        _checked(document, getattr(mapping, key), key)
    _checked(document, mapping.likelihood.at, "likelihood", "at")
    for index, way in enumerate(mapping.asks_by):
        if not set(way) <= ASKED_BY or not way:
            raise document.error(f"asks_by takes {', '.join(sorted(ASKED_BY))}", "asks_by", index)
        if "+".join(sorted(way)) not in mapping.requests and "any" not in mapping.requests:
            raise document.error(f"no request says how to ask by {'+'.join(sorted(way))}", "asks_by", index)
    for name, request in mapping.requests.items():
        _check_request(document, name, request)


def _check_request(document: Document[Mapping], name: str, request: Request) -> None:
    for part, texts in (("path", [request.path]), ("query", _leaves(request.query)), ("body", _leaves(request.body))):
        for text in texts:
            if SECRET.search(text):
                problem = "a credential may stand in headers alone: addresses and bodies end up in logs"
                raise document.error(problem, "requests", name, part)
            if unknown := set(PLACE.findall(text)) - ASKED_BY:
                raise document.error(f"{{{min(unknown)}}} is nothing that is asked by", "requests", name, part)


def _checked(document: Document[Mapping], text: str, *keys: str | int) -> None:
    try:
        if text:
            jmespath.compile(text)
    except JMESPathError:
        raise document.error(f"{text!r} is not JMESPath", *keys, hint="jmespath.org has the grammar.") from None


def _leaves(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts: list[Any] = []
    if isinstance(value, dict):
        parts = list(cast("AnyMapping[str, Any]", value).values())
    elif isinstance(value, list):
        parts = cast("list[Any]", value)
    return [text for part in parts for text in _leaves(part)]
