"""What stands around an action: the account it belongs to, the people it concerns, what people said to the like before.

Policy escalates by these (R-079). What must never happen here: a record that is not known read as a harmless one; it is
left out, and a condition that mentions it cannot be judged.
"""

from __future__ import annotations

from typing import cast

from pilothouse.data.graph.seniority import Seniority, seniority
from pilothouse.gateway.door import Door
from pilothouse.gateway.passage import Passage
from pilothouse.ledger.actions import rejected_before
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.values import Json, parse_json


def surround(passage: Passage, door: Door) -> None:
    """Fill in the account and how the like was rejected before."""
    target = passage.action.target
    passage.account_id = _account_id(passage)
    if target.object == "account":
        passage.account = passage.snapshot.fields if passage.snapshot else {}
    elif passage.account_id:
        record = door.data.record(RecordRef(target.system, "account", passage.account_id))
        passage.account = {name: value.value for name, value in record.fields.items()} if record else {}
    if passage.agent is not None and passage.approval is None:
        passage.rejected = _rejected(passage, door)


def executives(passage: Passage) -> int:
    """Return how many of the people changed or addressed head their company, by their titles."""
    titles = [each.fields.get("title") for each in passage.addressed]
    if passage.action.target.object == "contact" and passage.snapshot is not None:
        titles.append(passage.snapshot.fields.get("title"))
    return sum(seniority(str(title or "")) is Seniority.EXECUTIVE for title in titles)


def countries(passage: Passage) -> tuple[str, ...]:
    """Return where the people addressed are, each country once; an empty text for somebody of whom nobody told."""
    return tuple(sorted({str(each.fields.get("country") or "") for each in passage.addressed}))


def _account_id(passage: Passage) -> str:
    target = passage.action.target
    if target.object == "account":
        return target.id
    pointed: list[Json] = [passage.action.arguments.get("account")]
    if passage.snapshot is not None:
        pointed.append(passage.snapshot.fields.get("account"))
    pointed += [each.fields.get("account") for each in passage.addressed]
    named = {str(each) for each in pointed if each}
    # People of several companies belong to no one account; which rules hold of it cannot be said.
    return named.pop() if len(named) == 1 else ""


def _rejected(passage: Passage, door: Door) -> str:
    action, fields = passage.action, set(passage.fields)
    assert passage.agent is not None
    with door.ledger.reading() as connection:
        rows = rejected_before(connection, passage.agent.ref.name, str(action.target), action.capability)
    for row in rows:
        overlaps = action.target.id and fields & set(cast("list[str]", parse_json(row.fields)))
        if overlaps or row.payload_hash == action.payload_hash:
            return str(row.sentence)
    return ""
