"""Is the proposal itself sound? Arguments fit the schema, confidence is a probability, evidence is there, real and of an age."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from pilothouse.data.scope import breaches
from pilothouse.gateway.door import Door
from pilothouse.gateway.evidence import age_of
from pilothouse.gateway.passage import GO_ON, Answer, Passage, refuse
from pilothouse.gateway.registry import new_values
from pilothouse.vocabulary.capabilities import Effect
from pilothouse.vocabulary.values import Json, JsonObject


def validate(passage: Passage, door: Door) -> Answer:
    """Stop malformed input before anything is judged on it (R-098, R-160)."""
    assert passage.capability is not None
    action, capability = passage.action, passage.capability
    problem = door.registry.problem_with(capability.name, action.arguments)
    if problem:
        return refuse("invalid_arguments", f"{capability.name}: {problem}.")
    if not _finite(action.arguments):
        return refuse("invalid_arguments", "The arguments hold a number that is not finite; JSON knows no such number.")
    if not math.isfinite(action.confidence) or not 0 <= action.confidence <= 1:
        return refuse("invalid_confidence", f"Confidence {action.confidence} is not between 0 and 1.")
    broken = "; ".join(_breaches(passage))
    if broken:
        return refuse("contract_check", f"The data contract asks more of these values: {broken}.")
    changes_a_record = capability.effect is Effect.WRITE and bool(action.target.id) and bool(passage.fields)
    if changes_a_record and action.based_on is None and action.expects is None:
        return refuse(
            "no_read_basis",
            "The action does not say which state of the record it was decided on; give based_on or expects.",
        )
    passage.recipients = _recipients(passage)
    if passage.agent is not None and capability.effect is Effect.WRITE:
        return _evidence(passage, door)
    return GO_ON


def _breaches(passage: Passage) -> Iterator[str]:
    if passage.contract is not None and passage.fields:
        yield from breaches(passage.contract, passage.action.target.object, values_of(passage))


def _finite(value: Json) -> bool:
    """False when a NaN or an infinity hides anywhere: canonical JSON would read it as null, another payload."""
    match value:
        case float():
            return math.isfinite(value)
        case Mapping():
            return all(_finite(each) for each in value.values())
        case list() | tuple():
            return all(_finite(each) for each in value)
        case _:
            return True


def _recipients(passage: Passage) -> int:
    assert passage.capability is not None
    listed = passage.action.arguments.get(passage.capability.recipients_argument)
    return len(set(map(str, listed))) if isinstance(listed, list | tuple) else int(listed is not None)


def _evidence(passage: Passage, door: Door) -> Answer:
    if not passage.action.evidence:
        return refuse("no_evidence", "An agent's write must name the facts it rests on; this one names none.")
    size = passage.seen if passage.seen is not None else door.ledger.size()
    for fact in passage.action.evidence:
        if fact.position is not None and not 0 <= fact.position < size:
            return refuse("evidence_unknown", f"The evidence names ledger entry {fact.position}, which does not exist.")
    assert passage.rules is not None
    schedule = passage.rules.definitions.survivorship.schedule
    passage.evidence = age_of(passage.action.evidence, passage.action.target, door.data, schedule, door.clock.now())
    return GO_ON


def values_of(passage: Passage) -> JsonObject:
    """Return the new value of each touched field."""
    assert passage.capability is not None
    return new_values(passage.capability, passage.action.arguments)
