"""Data contracts: what an agent may read, what it may write and how sure it must be, what it may only flag.

No contract, no access (R-017): the gateway refuses an agent whose contract is not here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pilothouse.data.schema import OBJECTS
from pilothouse.vocabulary.documents import Document, load_document
from pilothouse.vocabulary.records import WriterKind

Readable: TypeAlias = frozenset[str] | Literal["*"]


PRECEDENCE = (
    WriterKind.PERSON,
    WriterKind.SYSTEM,
    WriterKind.AGENT,
    WriterKind.ENRICHMENT,
    WriterKind.IMPORT,
)
"""Whose value outranks whose, strongest first, unless a contract says otherwise."""


class FieldRule(BaseModel):
    """The terms on which one field may be written.

    `min_confidence` must be exceeded, not reached, for an automatic write. `review` asks for a person always, when a
    value would be overwritten, or never.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_confidence: float = Field(default=0.85, ge=0, le=1)
    review: Literal["never", "overwrite", "always"] = "overwrite"


class Contract(BaseModel):
    """One contract file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    contract: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    version: int = Field(ge=1)
    summary: str
    read: dict[str, tuple[str, ...] | Literal["*"]]
    write: dict[str, dict[str, FieldRule]] = {}
    flag: dict[str, tuple[str, ...]] = {}
    precedence: tuple[WriterKind, ...] = PRECEDENCE

    @field_validator("precedence")
    @classmethod
    def _names_agents(cls, order: tuple[WriterKind, ...]) -> tuple[WriterKind, ...]:
        if WriterKind.AGENT not in order or order[0] is not WriterKind.PERSON:
            raise ValueError("precedence must begin with person and name agent")
        return order

    def field_rule(self, object_name: str, field: str) -> FieldRule | None:
        """Return the terms for a field; None means that it may not be written.

        A field to flag may be proposed, and a person decides every time.
        """
        if field in self.flag.get(object_name, ()):
            return FieldRule(min_confidence=0, review="always")
        return self.write.get(object_name, {}).get(field)

    def readable(self, object_name: str) -> Readable:
        """Return the readable fields of an object: "*" for all, the empty set for none."""
        fields = self.read.get(object_name, ())
        return "*" if fields == "*" else frozenset(fields)


def load_contracts(folder: Path) -> dict[str, Contract]:
    """Read every contract of a workspace, by name; raises `DocumentError` for the first problem."""
    contracts: dict[str, Contract] = {}
    for path in sorted(folder.glob("*.yaml")):
        document = load_document(path, Contract)
        problems = problems_in(document)
        if problems:
            raise problems[0]
        contracts[document.model.contract] = document.model
    return contracts


def problems_in(document: Document[Contract]) -> list[Exception]:
    """Return an error for every object or field that the schema does not know."""
    found: list[Exception] = []
    contract = document.model
    for section, content in (("read", contract.read), ("write", contract.write), ("flag", contract.flag)):
        for object_name, fields in content.items():
            spec = OBJECTS.get(object_name)
            if spec is None:
                known = ", ".join(sorted(OBJECTS))
                found.append(document.error(f"{object_name!r} is no object; known: {known}", section, object_name))
                continue
            for name in () if fields == "*" else fields:
                if name not in spec.fields:
                    found.append(document.error(f"{object_name} has no field {name!r}", section, object_name, name))
    return found
