"""Did the system of record do what it said? The record is read again and compared with what was asked."""

from __future__ import annotations

from pilothouse.gateway.door import Door
from pilothouse.gateway.passage import GO_ON, Answer, Passage
from pilothouse.gateway.ports import CallRefused, CallUnknown
from pilothouse.gateway.stages.validate import values_of
from pilothouse.vocabulary.records import same_value as same
from pilothouse.vocabulary.values import Json


def read_back(passage: Passage, door: Door) -> Answer:
    """Fill in the after-state. A difference is not hidden and not an error: it is part of the result."""
    assert passage.receipt is not None and passage.connector is not None
    wanted = values_of(passage)
    try:
        snapshot = passage.connector.read(passage.receipt.ref)
    except (CallRefused, CallUnknown) as error:
        passage.after, passage.verified = dict(wanted), False
        passage.note = ("not_read_back", f"Performed, but the record could not be read again: {error}")
        return GO_ON
    seen = snapshot.fields if snapshot else dict[str, Json]()
    passage.after = after = {name: seen.get(name) for name in passage.fields}
    passage.verified = all(same(after.get(name), value) for name, value in wanted.items())
    wrong = sorted(name for name, value in wanted.items() if not same(after.get(name), value))
    passage.note = (
        ("done", "Performed, and the record shows it.")
        if not wrong
        else (
            "wrong_value",
            f"Performed, but {', '.join(wrong)} reads back otherwise than asked. Roll it back or mend it.",
        )
    )
    return GO_ON
