"""Reads a workspace's contracts, and finds what is wrong in them: unknown fields, conditions that do not compile.

What must never happen here: a condition taken into use that was not understood.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pilothouse.conditions.conditions import ConditionError
from pilothouse.conditions.placing import placed
from pilothouse.data.contracts import Contract
from pilothouse.data.field_checks import problem_with
from pilothouse.data.schema import OBJECTS
from pilothouse.data.typed import record_conditions
from pilothouse.vocabulary.documents import Document, DocumentError, read_document


def load_contracts(folder: Path) -> dict[str, Contract]:
    """Read every contract of a workspace, by name; raises `DocumentError` for the first problem."""
    contracts, problems = read_contracts(folder)
    if problems:
        raise problems[0]
    return {name: document.model for name, document in contracts.items()}


def check_contracts(folder: Path) -> list[DocumentError]:
    """Return every problem in the contracts of a workspace."""
    return read_contracts(folder)[1]


def read_contracts(folder: Path) -> tuple[dict[str, Document[Contract]], list[DocumentError]]:
    """Read every contract of a workspace, by name, and every problem in them."""
    found: dict[str, Document[Contract]] = {}
    problems: list[DocumentError] = []
    for path in sorted(folder.glob("*.yaml")):
        document, unreadable = read_document(path, Contract)
        problems += unreadable
        if document is None:
            continue
        name = document.model.contract
        if name in found:
            problems.append(document.error(f"the contract {name!r} stands also in {found[name].path.name}", "contract"))
        found.setdefault(name, document)
        problems += problems_in(document)
    return found, problems


def problems_in(document: Document[Contract]) -> list[DocumentError]:
    """Return every problem of a contract, with its line."""
    return [*_unknown(document), *_conditions(document), *_checks(document)]


def _unknown(document: Document[Contract]) -> Iterator[DocumentError]:
    for keys, name, field in document.model.fields_named():
        spec = OBJECTS.get(name)
        if spec is None and not field:
            yield document.error(f"{name!r} is no object; known: {', '.join(sorted(OBJECTS))}", *keys)
        elif spec is not None and field and field not in spec.fields:
            yield document.error(f"{name} has no field {field!r}", *keys)


def _conditions(document: Document[Contract]) -> Iterator[DocumentError]:
    for keys, name, source in document.model.conditions():
        if name in OBJECTS:
            try:
                record_conditions(name).compile(source)
            except ConditionError as error:
                yield from placed(document, error, source, *keys, about=".".join(keys))


def _checks(document: Document[Contract]) -> Iterator[DocumentError]:
    for name, fields in document.model.checks.items():
        for field, check in fields.items():
            spec = OBJECTS[name].fields.get(field) if name in OBJECTS else None
            problem = problem_with(check, spec.type) if spec else ""
            if problem:
                yield document.error(f"{name}.{field}: {problem}", "checks", name, field)
