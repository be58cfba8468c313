"""Definitions and what they answer, as command line, REST and console show them."""

from __future__ import annotations

from typing import Any

from pilothouse.assembly import App
from pilothouse.data.defining.answers import Evaluation, Judged, StageCheck
from pilothouse.data.defining.evaluating import Evaluator
from pilothouse.data.definitions import Term
from pilothouse.data.pauses import Pause
from pilothouse.data.store import Record
from pilothouse.vocabulary.errors import InvalidInput, NotFound
from pilothouse.vocabulary.records import RecordRef

USUAL_PAUSE = "fact.usual_pause_days"


def term_out(term: Term) -> dict[str, Any]:
    """Return a term as JSON."""
    return {
        "name": term.name,
        "object": term.object,
        "meaning": term.meaning,
        "owner": term.owner,
        "version": term.version,
        "condition": term.condition,
        "all": [{"when": each.source, "words": each.words} for each in term.all],
        "any": [{"when": each.source, "words": each.words} for each in term.any],
        "refers": sorted(term.refers),
        "where": term.where,
    }


def evaluation_out(found: Evaluation) -> dict[str, Any]:
    """Return what a term answers about a record as JSON."""
    return {
        "term": found.term,
        "record": found.record,
        "answer": found.answer.value,
        "reason": found.reason,
        "missing": list(found.missing),
        "deciding": [_judged(each) for each in found.deciding],
        "version": found.version,
    }


def stage_out(check: StageCheck) -> dict[str, Any]:
    """Return what came of holding a deal against its stage as JSON."""
    return {
        "stage": check.stage,
        "answer": check.answer.value,
        "against": list(check.sentences),
        "open": [each.sentence for each in check.open],
        "version": check.version,
    }


def _judged(each: Judged) -> dict[str, Any]:
    return {
        "when": each.criterion.source,
        "words": each.criterion.words,
        "where": each.criterion.where,
        "answer": each.answer.value,
        "values": dict(each.values),
        "bases": dict(each.bases),
        "missing": list(each.missing),
    }


def pauses_for(term: Term, evaluator: Evaluator, system: str) -> list[Pause]:
    """Return the usual pause of each open stage, for a term that asks for it; nothing for others."""
    asks = any(USUAL_PAUSE in each.condition.needs for each in term.criteria)
    return list((evaluator.surroundings(system).habits.pauses or {}).values()) if asks else []


def pause_out(pause: Pause) -> dict[str, Any]:
    """Return the usual pause of a stage as JSON."""
    return {
        "stage": pause.stage, "days": pause.days, "deals": pause.deals, "learned": pause.learned, "basis": pause.basis,
    }  # fmt: skip


def record_of(pilothouse: App, named: str) -> Record:
    """Return a record by its reference; raises `InvalidInput` or `NotFound`."""
    try:
        ref = RecordRef.parse(named)
    except ValueError as error:
        raise InvalidInput(str(error), hint="Write system/object/id, as in crm/account/A0010.") from None
    found = pilothouse.store.record(ref)
    if found is None:
        raise NotFound(f"there is no {ref}.", hint="No source told of it.")
    return found
