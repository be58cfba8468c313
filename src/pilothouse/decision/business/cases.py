"""Golden cases of business policy: a record, a question, the answer that is wanted; under `asks:` in `policy/cases/`.

What must never happen here: a case that counts as passed because it could not be asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time
from pathlib import Path

from pilothouse.data.defining.cases import CaseResult, Given, given_records, need_sound
from pilothouse.data.defining.evaluating import Evaluator
from pilothouse.data.schema import OBJECTS
from pilothouse.decision.business.asking import Asker, BusinessAnswer
from pilothouse.decision.business.policy import BusinessPolicy
from pilothouse.decision.business.written import AskCase, AskWanted
from pilothouse.decision.cases import CaseFile, presumed
from pilothouse.decision.policy import Policy
from pilothouse.vocabulary.documents import Document, load_document
from pilothouse.vocabulary.errors import InvalidInput


def run_asks(folder: Path, policy: Policy, business: BusinessPolicy) -> list[CaseResult]:
    """Ask every case of a folder; raises `DocumentError` for one that cannot be asked."""
    results: list[CaseResult] = []
    for path in sorted(folder.glob("*.yaml")):
        document = load_document(path, CaseFile)
        presuming = business.presuming(presumed(document, policy))
        for index, case in enumerate(document.model.asks):
            where = f"{path.name}:{document.line('asks', index)}"
            results.append(CaseResult(case.title, where, _problem(document, index, case, presuming)))
    return results


def _problem(document: Document[CaseFile], index: int, case: AskCase, policy: BusinessPolicy) -> str:
    if case.object not in OBJECTS:
        raise document.error(f"{case.object!r} is no object", "asks", index, "object")
    need_sound(document, case, case.object, "asks", index)
    as_of = datetime.combine(case.as_of, time(12), UTC)
    record, others = given_records(case, case.object, as_of)
    evaluator = Evaluator(policy.definitions, Given([record, *others]), as_of, case.facts)
    try:
        return "; ".join(_differences(case.want, Asker(policy, evaluator).ask(case.ask, record)))
    except InvalidInput as error:
        return str(error)


def _differences(want: AskWanted, got: BusinessAnswer) -> Iterator[str]:
    if want.answer != got.answer:
        yield f"wanted {want.answer}, got {got.answer} ({got.reason})"
    if want.confidence is not None and want.confidence != got.confidence:
        yield f"wanted confidence {want.confidence}, got {got.confidence}"
    if want.by is not None and want.by != got.by:
        yield f"wanted it decided by {want.by}, and it was by {got.by}"
    if want.missing is not None and set(want.missing) != set(got.missing):
        yield f"wanted {', '.join(want.missing)} to be missing, and it is {', '.join(got.missing) or 'nothing'}"
