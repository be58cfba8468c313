"""What a merge of two records changes in the twin, and what takes it apart, worked out before anything is written.

The winner gets what it lacks, references to the loser lead to the winner, and the loser stays as a void record that says
where it went. What must never happen here: a value of the winner replaced; a record deleted; an opt-out lost.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from pilothouse.data.schema import OBJECTS, FieldType
from pilothouse.vocabulary.records import is_empty, merged_into
from pilothouse.vocabulary.values import parse_json

Fields = Mapping[str, Any]
HAND = "merge"
"""Who the change log names for what a merge did to other records than the one it was asked for."""
PERSON = "user:"


@dataclass(frozen=True, slots=True)
class Edit:
    """Fields to set on one record, and who stands behind the values."""

    object: str
    id: str
    fields: Fields
    who: str


def refusal(loser: Fields, winner: Fields, loser_id: str, winner_id: str) -> str:
    """Return why two records cannot be merged, empty when they can."""
    if loser_id == winner_id:
        return "a record cannot be merged into itself"
    for ident, fields in ((loser_id, loser), (winner_id, winner)):
        if merged_into(fields.get("flags")):
            return f"{ident} was merged into {merged_into(fields.get('flags'))} before"
    if loser.get("opted_out") is True and winner.get("opted_out") is False:
        return f"{loser_id} opted out of messages and {winner_id} did not; merge the other way round"
    return ""


def edits(connection: sqlite3.Connection, loser: sqlite3.Row, winner: sqlite3.Row) -> Iterator[Edit]:
    """Yield what the merge changes beside the loser itself, at most one edit a field of a record."""
    object_name, gone, stays = str(loser["object"]), str(loser["id"]), str(winner["id"])
    have, writers = _read(loser["fields"]), _read(loser["writers"])
    lacking = {
        name: value
        for name, value in have.items()
        if name != "flags" and not is_empty(value) and is_empty(_read(winner["fields"]).get(name))
    }
    itself = {name for pointing, name in referring(object_name) if pointing == object_name}
    filled = {name: value for name, value in lacking.items() if name not in itself or value not in (gone, stays)}
    yield from by_hand(object_name, stays, filled, writers)
    for pointing, name in referring(object_name):
        query = f"SELECT * FROM record WHERE object = ? AND json_extract(fields, '$.{name}') = ? ORDER BY id"  # noqa: S608 - a name of the schema
        for row in connection.execute(query, (pointing, gone)).fetchall():
            to = None if (pointing, row["id"]) == (object_name, stays) else stays
            yield from by_hand(pointing, row["id"], {name: to}, _read(row["writers"]))


def apart(connection: sqlite3.Connection, request_id: str) -> Iterator[Edit]:
    """Yield what takes the merge of a request apart again, from what the change log says that it replaced.

    A field that was changed since, by anybody, stays as they left it; a later merge that was taken apart changed nothing.
    A value goes back to the hand that wrote it.
    """
    merges = "SELECT request_id FROM journal WHERE committed AND request_id <> '' AND (operation LIKE '%.merge' OR operation LIKE '%.unmerge')"
    ours = {str(each["request_id"]) for each in connection.execute(merges)}
    rows = connection.execute("SELECT * FROM change WHERE request_id = ? ORDER BY cursor", (request_id,)).fetchall()
    for row in rows:
        place = (row["object"], row["id"])
        log = connection.execute("SELECT * FROM change WHERE object = ? AND id = ? ORDER BY cursor", place).fetchall()
        record = "SELECT fields FROM record WHERE object = ? AND id = ?"
        now, left = _read(connection.execute(record, place).fetchone()["fields"]), _read(row["after"])
        later = [each for each in log if each["cursor"] > row["cursor"] and each["request_id"] not in ours]
        touched = {name for each in later for name in _read(each["after"])}
        earlier = [each for each in log if each["cursor"] < row["cursor"] and each["request_id"] != request_id]
        writers = {name: str(each["who"]) for each in earlier for name in _read(each["after"])}
        stands = {name for name in left if name not in touched and now.get(name) == left[name]}
        yield from by_hand(*place, {n: v for n, v in _read(row["before"]).items() if n in stands}, writers)


def referring(object_name: str) -> Iterator[tuple[str, str]]:
    """Yield every object and field that holds references to an object."""
    for name, spec in OBJECTS.items():
        for field, of in spec.fields.items():
            if of.type is FieldType.REFERENCE and of.to == object_name:
                yield name, field


def by_hand(object_name: str, record_id: str, fields: Fields, writers: Mapping[str, str]) -> Iterator[Edit]:
    """Yield edits, one for each hand behind the values: a person's value that a merge moves stays that person's."""
    hands: dict[str, dict[str, Any]] = {}
    for name, value in fields.items():
        writer = writers.get(name, "")
        hands.setdefault(writer if writer.startswith(PERSON) else HAND, {})[name] = value
    for who, values in sorted(hands.items()):
        yield Edit(object_name, record_id, values, who)


def _read(text: str) -> dict[str, Any]:
    return cast("dict[str, Any]", parse_json(text))
