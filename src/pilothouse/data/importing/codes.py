"""Codes and what they stand for, such as a CRM's stage ids and their labels.

A table of codes is remembered in the ledger: an export that comes without it is read with the last one, so that the
same deal is not told of once by its stage's name and once by its id.
"""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from pathlib import Path

from pilothouse.data.importing.mapping import Codes, Mapping, same_file
from pilothouse.data.importing.reading import SourceRow, plain, rows_of
from pilothouse.data.importing.source import inspect
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import Actor

Labels = AnyMapping[str, AnyMapping[str, str]]


def labels_for(ledger: Ledger, mapping: Mapping, system: str, files: Sequence[Path], actor: Actor) -> Labels:
    """Return the labels of each table of codes: from its file where it is at hand, else as last told."""
    subject = f"system/{system}"
    known: dict[str, dict[str, str]] = {}
    for entry in ledger.entries(kinds={"import.codes"}, subject=subject) if mapping.codes else ():
        known[entry.body["codes"]] = dict(entry.body["labels"])
    for name, codes in mapping.codes.items():
        told = {code: label for file in files if same_file(file, codes.files) for code, label in _read(file, codes)}
        labels = {**known.get(name, {}), **told}
        if labels != known.get(name, {}):
            ledger.append([Draft("import.codes", actor, {"codes": name, "labels": labels}, subject=subject)])
            known[name] = labels
    return known


def _read(file: Path, codes: Codes) -> list[tuple[str, str]]:
    rows = [row.values for row in rows_of(inspect(file)) if isinstance(row, SourceRow)]
    pairs = [(row.get(plain(codes.id), ""), row.get(plain(codes.label), "")) for row in rows]
    return [(code, label) for code, label in pairs if code and label]
