"""Golden cases of definitions: a record, the answer that is wanted, in a file that RevOps can read and extend.

What must never happen here: a case that counts as passed because it could not be run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, cast

from pilothouse.data.defining.evaluating import Evaluator
from pilothouse.data.defining.facts import FACTS
from pilothouse.data.defining.variables import STAGED
from pilothouse.data.defining.written import CaseFile, CasesFile, GivenFile
from pilothouse.data.definitions import Definitions
from pilothouse.data.schema import OBJECTS
from pilothouse.data.store import Record
from pilothouse.vocabulary.documents import Document, Key, load_document
from pilothouse.vocabulary.records import FieldValue, RecordRef, WriterKind
from pilothouse.vocabulary.values import Json

SYSTEM, IDENT = "case", "this"
TYPES = {"INT": int, "BOOL": bool, "STRING": str}


@dataclass(frozen=True, slots=True)
class CaseResult:
    """A case with what came out; `problem` is empty when it is as wanted."""

    title: str
    where: str
    problem: str


class Given:
    """A source that holds the record of a case and those it points at, as the only ones there are."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records

    def records_of(self, object_name: str, system: str) -> Sequence[Record]:
        """Return those of an object."""
        return [each for each in self._records if each.ref.object == object_name]

    def histories(self, object_name: str, field: str, system: str) -> Mapping[str, Sequence[FieldValue]]:
        """Return the present value of a field as all that it ever had."""
        return {each.ref.id: [each.fields[field]] for each in self._records if field in each.fields}


def run_cases(folder: Path, definitions: Definitions) -> list[CaseResult]:
    """Ask every case of a folder; raises `DocumentError` for one that cannot be asked."""
    results: list[CaseResult] = []
    for path in sorted(folder.glob("*.yaml")):
        document = load_document(path, CasesFile)
        for index, case in enumerate(document.model.cases):
            where = f"{path.name}:{document.line('cases', index)}"
            results.append(CaseResult(case.title, where, _problem(document, index, case, definitions)))
    return results


def _problem(document: Document[CasesFile], index: int, case: CaseFile, definitions: Definitions) -> str:
    if case.term is not None and not definitions.has(case.term):
        raise document.error(f"no term {case.term!r} is defined", "cases", index, "term")
    home = definitions.term(case.term).object if case.term is not None else STAGED
    need_sound(document, case, home, "cases", index)
    as_of = datetime.combine(case.as_of, time(12), UTC)
    record, others = given_records(case, home, as_of)
    evaluator = Evaluator(definitions, Given([record, *others]), as_of, case.facts)
    if case.term is None:
        check = evaluator.stage_check(record)
        told = [each.sentence for each in check.open]
        return _difference(case, check.answer.value, (), "; ".join([*check.sentences, *told]))
    found = evaluator.evaluate(case.term, record)
    return _difference(case, found.answer.value, found.missing, found.reason)


def _difference(case: CaseFile, answer: str, missing: Sequence[str], reason: str) -> str:
    if answer != case.want:
        return f"wanted {case.want}, got {answer} ({reason})"
    if case.missing is not None and set(case.missing) != set(missing):
        return f"wanted {', '.join(case.missing)} to be missing, and it is {', '.join(missing) or 'nothing'}"
    return ""


def need_sound(document: Document[Any], case: GivenFile, home: str, *keys: Key) -> None:
    """Raise for a field or fact that does not exist, or that has another type: such a case would prove nothing."""
    for name in case.record:
        if name not in OBJECTS[home].fields:
            raise document.error(f"{home} has no field {name!r}", *keys, "record", name)
    for name in case.related:
        if name not in OBJECTS[home].fields or not OBJECTS[home].fields[name].to:
            raise document.error(f"{home} has no reference {name!r}", *keys, "related", name)
    for name, value in case.facts.items():
        fact = FACTS.get((home, name))
        if fact is None:
            raise document.error(f"{home} has no derived fact {name!r}", *keys, "facts", name)
        if type(value) is not TYPES[fact.type]:
            raise document.error(f"the fact {name} is {fact.type}", *keys, "facts", name)


def given_records(case: GivenFile, home: str, as_of: datetime) -> tuple[Record, list[Record]]:
    """Return the record of a case, and those it points at."""
    points = dict.fromkeys(case.related, IDENT)
    others = [_record(OBJECTS[home].fields[name].to, fields, as_of) for name, fields in case.related.items()]
    return _record(home, {**case.record, **points}, as_of), others


def _record(object_name: str, fields: Mapping[str, Any], as_of: datetime) -> Record:
    values = {
        name: cast(Json, getattr(value, "isoformat", lambda value=value: value)()) for name, value in fields.items()
    }
    told = {name: FieldValue(each, SYSTEM, as_of, WriterKind.PERSON, "case") for name, each in values.items()}
    return Record(RecordRef(SYSTEM, object_name, IDENT), told)
