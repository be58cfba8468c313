"""Mapping files: which column of which file becomes which field of which object."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pilothouse.data.schema import OBJECTS, FieldType
from pilothouse.vocabulary.documents import Document, load_document
from pilothouse.vocabulary.errors import InvalidInput

BUILT_IN = Path(__file__).parent / "mappings"
Kind = Literal["records", "history", "property_history", "links"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldMap(_Strict):
    """Where a field's value comes from.

    `column` may list several spellings; the first that is there counts. `join` puts several columns together. `lookup`
    turns a value into the id of the record of that object with this name, and keeps the raw text when there is none.
    `values` translates, and so does `code`, by a table of codes; a code that it lacks stays as it is. `formats` are strptime formats for dates, tried in turn before ISO 8601.
    """

    column: str | tuple[str, ...] = ()
    join: tuple[str, ...] = ()
    constant: str | bool | float | None = None
    lookup: str = ""
    code: str = ""
    values: dict[str, str | bool | float] = {}
    formats: tuple[str, ...] = ()
    lower: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column this field may be read from."""
        single = (self.column,) if isinstance(self.column, str) else self.column
        return tuple(each for each in (*single, *self.join) if each)


class Table(_Strict):
    """One kind of file.

    `records`: a row is a record. `history`: a row is a record as it stood from `at` on. `property_history`: a row is
    one property (`name`, `value`) from `at` on, translated by the fields of `like`. `links`: a row sets references on a
    record told of elsewhere.
    """

    files: tuple[str, ...] = Field(min_length=1)
    object: str
    kind: Kind = "records"
    id: str | tuple[str, ...]
    fields: dict[str, str | tuple[str, ...] | FieldMap] = {}
    like: str = ""
    name: str = "name"
    value: str = "value"
    at: str | tuple[str, ...] = ()
    writer: str = ""
    skip_if: dict[str, str] = {}

    @cached_property
    def field_maps(self) -> dict[str, FieldMap]:
        """Every field's map, short forms written out."""
        return {
            name: each if isinstance(each, FieldMap) else FieldMap(column=each) for name, each in self.fields.items()
        }

    @cached_property
    def id_columns(self) -> tuple[str, ...]:
        """The columns that make up a record's id."""
        return (self.id,) if isinstance(self.id, str) else self.id

    @cached_property
    def at_columns(self) -> tuple[str, ...]:
        """The columns that may hold the time of a row."""
        return (self.at,) if isinstance(self.at, str) and self.at else tuple(self.at)


class Codes(_Strict):
    """A file that tells what codes stand for: the column of the code and that of its label."""

    files: tuple[str, ...] = Field(min_length=1)
    id: str
    label: str = "label"


class Mapping(_Strict):
    """A mapping file."""

    mapping: str
    system: str = ""
    codes: dict[str, Codes] = {}
    tables: dict[str, Table] = Field(min_length=1)

    def table_for(self, file: Path) -> Table | None:
        """Return the table a file belongs to, by its name; None when no table wants it."""
        return next((table for table in self.tables.values() if same_file(file, table.files)), None)

    def known_files(self) -> str:
        """Return the file names the mapping knows, for an error message."""
        return ", ".join(sorted({each for table in self.tables.values() for each in table.files}))


def same_file(file: Path, names: Sequence[str]) -> bool:
    """True when a file has one of these names, however an export tool writes it."""
    return _plain(file.stem) in {_plain(each) for each in names}


def _plain(name: str) -> str:
    """Compare file names without case, separators, plural and the affixes of export tools."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")
    plain = re.sub(r"^(sf|salesforce|hubspot)_", "", plain)
    return re.sub(r"_data$", "", plain).replace("_", "")


def load_mapping(name: str) -> Document[Mapping]:
    """Return a built-in mapping by name, or one from a file; raises `DocumentError` or `InvalidInput`."""
    built_in = BUILT_IN / f"{name}.yaml"
    if built_in.exists():
        path = built_in
    elif Path(name).suffix in (".yaml", ".yml"):
        path = Path(name)
    else:
        known = ", ".join(sorted(each.stem for each in BUILT_IN.glob("*.yaml")))
        raise InvalidInput(f"there is no mapping {name!r}.", hint=f"Built in: {known}; or give a .yaml file.")
    document = load_document(path, Mapping)
    _check(document)
    return document


def mapping_text(name: str) -> str:
    """Return a built-in mapping as it is written, to begin one's own from; raises `InvalidInput`."""
    path = BUILT_IN / f"{name}.yaml"
    if not path.exists():
        known = ", ".join(sorted(each.stem for each in BUILT_IN.glob("*.yaml")))
        raise InvalidInput(f"there is no mapping {name!r}.", hint=f"Built in: {known}.")
    return path.read_text(encoding="utf-8")


def _check(document: Document[Mapping]) -> None:
    for name, table in document.model.tables.items():
        if table.object not in OBJECTS:
            raise document.error(
                f"{table.object!r} is no object; known: {', '.join(OBJECTS)}", "tables", name, "object"
            )
        for field, rule in table.field_maps.items():
            if rule.code and rule.code not in document.model.codes:
                raise document.error(f"there are no codes {rule.code!r}", "tables", name, "fields", field)
            if field not in OBJECTS[table.object].fields:
                raise document.error(f"{table.object} has no field {field!r}", "tables", name, "fields", field)
        if table.kind == "property_history" and table.like not in document.model.tables:
            raise document.error("property_history needs `like`: a table whose fields it shares", "tables", name)


def type_of(object_name: str, field: str) -> FieldType:
    """Return what a field's values must be."""
    return OBJECTS[object_name].fields[field].type
