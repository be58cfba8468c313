"""Does a deal go on to its next stage with everything met that leaving its stage asks? (X-03)

Asked of the definitions in force, of the record as the system of record has it now. What must never happen here: a
criterion that cannot be told taken as met; a stage left out on the way; a closed stage left or entered.
"""

from __future__ import annotations

from pilothouse.data.defining.answers import Answer
from pilothouse.data.defining.evaluating import Evaluator
from pilothouse.data.defining.surroundings import StoreSource
from pilothouse.data.definitions import Definitions, Stage
from pilothouse.data.store import Record
from pilothouse.gateway.door import Door
from pilothouse.gateway.passage import Passage
from pilothouse.vocabulary.capabilities import ChangeKind
from pilothouse.vocabulary.records import FieldValue, WriterKind

STAGE = "stage"


def goes_forward(passage: Passage, door: Door) -> bool:
    """True only for a move of a deal to the very next open stage, with every exit criterion of the one it leaves met."""
    capability, snapshot, rules = passage.capability, passage.snapshot, passage.rules
    if capability is None or capability.change is not ChangeKind.STAGE_MOVE or snapshot is None or rules is None:
        return False
    if [each.field for each in passage.changes] != [STAGE]:
        return False
    now, definitions = door.clock.now(), rules.definitions
    told = {
        name: FieldValue(value, snapshot.ref.system, now, WriterKind.SYSTEM, snapshot.ref.system)
        for name, value in snapshot.fields.items()
        if value is not None
    }
    deal, [move] = Record(snapshot.ref, told), passage.changes
    leaving, entered = definitions.stage(deal.text(STAGE)), definitions.stage(str(move.after))
    if leaving is None or entered is None or snapshot.fields.get("is_closed") is True:
        return False
    if entered is not next_stage(definitions, leaving):
        return False
    return Evaluator(definitions, StoreSource(door.data), now).may_leave(leaving, deal) is Answer.YES


def next_stage(definitions: Definitions, stage: Stage) -> Stage | None:
    """Return the open stage that follows an open stage in the order of the file, None when there is none."""
    following = definitions.stages[definitions.stages.index(stage) + 1 :]
    return following[0] if following and not stage.closed and not following[0].closed else None
