"""Golden cases: an action, the verdict that is wanted, in a file that RevOps can read and extend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from pilothouse.data.contracts import PRECEDENCE, FieldRule
from pilothouse.decision.business.written import AskCase
from pilothouse.decision.engine import decide
from pilothouse.decision.facts import Facts
from pilothouse.decision.policy import TREATMENTS, Policy
from pilothouse.decision.settings import Setting, changed
from pilothouse.vocabulary.actors import AgentRef, Role
from pilothouse.vocabulary.capabilities import Capability
from pilothouse.vocabulary.clock import unstamp
from pilothouse.vocabulary.documents import Document, DocumentError, load_document
from pilothouse.vocabulary.errors import PilothouseError
from pilothouse.vocabulary.records import FieldChange, WriterKind
from pilothouse.vocabulary.verdicts import Mode, Tier, Verdict


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ChangeCase(_Strict):
    """One field that would change."""

    field: str
    before: Any = None
    after: Any = None
    written_by: WriterKind | None = None
    writer: str = ""
    written_at: str = ""


class Wanted(_Strict):
    """The verdict that is wanted; what is left out may be anything."""

    treatment: Literal["auto", "review", "person", "refuse"]
    tier: Tier | None = None
    code: str | None = None
    rule: str | None = None
    notify: bool | None = None
    batch: bool | None = None


class Case(_Strict):
    """One case with a sentence for a title."""

    title: str
    action: str
    object: str = ""
    by: Literal["agent", "person"] = "agent"
    role: Role = Role.REVOPS
    confidence: float = 0.95
    record: dict[str, Any] = {}
    changes: tuple[ChangeCase, ...] = ()
    arguments: dict[str, Any] = {}
    recipients: int = 0
    write_set_records: int = 1
    write_set_recipients: int = 0
    bulk_allowance: int = 0
    records: int = 1
    human_initiated: bool = False
    new_prospects: int = 0
    contract_related: bool = False
    evidence_age_days: int | None = None
    evidence_stale: bool = False
    evidence_undated: int = 0
    evidence_systems: tuple[str, ...] = ()
    stage_forward: bool = False
    bootstrap: bool = False
    rejected: str = ""
    ambiguity: str = ""
    account_id: str = ""
    account: dict[str, Any] = {}
    executives: int = 0
    countries: tuple[str, ...] = ()
    precedence: tuple[WriterKind, ...] = PRECEDENCE
    contract: dict[str, FieldRule] | None = None
    want: Wanted


class CaseFile(_Strict):
    """One file under `policy/cases/`: actions with their verdicts, and questions to business policy with their answers.

    `settings` are the numbers and lists that the cases presume, as `thresholds.large_deal: 100000`: a case about a rule
    stays right when RevOps chooses another number. All others are as the policy has them.
    """

    settings: dict[str, Setting] = {}
    cases: tuple[Case, ...] = ()
    asks: tuple[AskCase, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseResult:
    """A case with what came out; `problem` is empty when it is as wanted."""

    title: str
    where: str
    problem: str
    verdict: Verdict | None


def run_cases(folder: Path, policy: Policy, capabilities: Mapping[str, Capability]) -> list[CaseResult]:
    """Judge every case of a folder; raises `DocumentError` for a file that cannot be read."""
    results: list[CaseResult] = []
    for path in sorted(folder.glob("*.yaml")):
        document = load_document(path, CaseFile)
        beside = presumed(document, policy)
        for index, case in enumerate(document.model.cases):
            results.append(_run(document, index, case, beside, capabilities))
    return results


def presumed(document: Document[CaseFile], policy: Policy) -> Policy:
    """Return the policy with the numbers and lists that a file of cases presumes; raises `DocumentError`."""
    for name, value in document.model.settings.items():
        try:
            policy = changed(policy, name, ",".join(value) if isinstance(value, tuple) else str(value))
        except PilothouseError as error:
            raise document.error(str(error), "settings", name) from None
    return policy


def _run(
    document: Document[CaseFile], index: int, case: Case, policy: Policy, capabilities: Mapping[str, Capability]
) -> CaseResult:
    where = f"{document.path.name}:{document.line('cases', index)}"
    if case.action not in capabilities:
        raise document.error(f"no capability is called {case.action!r}", "cases", index, "action")
    verdict = decide(facts_of(case, capabilities[case.action]), policy)
    return CaseResult(case.title, where, _difference(case.want, verdict), verdict)


def facts_of(case: Case, capability: Capability) -> Facts:
    """Return the facts a case describes."""
    changes = tuple(_change(each) for each in case.changes)
    rules = case.contract if case.contract is not None else {each.field: FieldRule(review="never") for each in changes}
    return Facts(
        capability=capability,
        agent=AgentRef("case", "1") if case.by == "agent" else None,
        person="ana",
        role=case.role,
        mode=Mode.LIVE,
        confidence=case.confidence,
        object=case.object or capability.object,
        record={**{each.field: each.before for each in changes}, **case.record},
        changes=changes,
        now=datetime(2026, 1, 15, 12, tzinfo=UTC),
        arguments=case.arguments,
        recipients=case.recipients,
        records=case.records,
        write_set_records=case.write_set_records,
        write_set_recipients=max(case.write_set_recipients, case.recipients),
        bulk_allowance=case.bulk_allowance,
        human_initiated=case.human_initiated or case.by == "person",
        new_prospects=case.new_prospects,
        contract_related=case.contract_related,
        evidence_age_days=case.evidence_age_days,
        evidence_stale=case.evidence_stale,
        evidence_undated=case.evidence_undated,
        evidence_systems=case.evidence_systems,
        stage_forward=case.stage_forward,
        bootstrap=case.bootstrap,
        rejected=case.rejected,
        ambiguity=case.ambiguity,
        account_id=case.account_id,
        account=case.account,
        executives=case.executives,
        countries=case.countries,
        precedence=case.precedence,
        contract_rules=rules,
    )


def _change(case: ChangeCase) -> FieldChange:
    at = unstamp(case.written_at) if case.written_at else None
    return FieldChange(case.field, case.before, case.after, case.written_by, case.writer, at)


def _difference(want: Wanted, got: Verdict) -> str:
    found = {
        "treatment": (TREATMENTS[want.treatment], got.treatment),
        "tier": (want.tier, got.tier),
        "code": (want.code, got.code),
        "rule": (want.rule, got.rule),
        "notify": (want.notify, got.notify),
        "batch": (want.batch, got.batch),
    }
    wrong = [
        f"{name}: wanted {getattr(wanted, 'name', wanted)}, got {getattr(is_, 'name', is_)}"
        for name, (wanted, is_) in found.items()
        if wanted is not None and wanted != is_
    ]
    return "; ".join(wrong) + (f" ({got.sentence})" if wrong else "")


__all__ = ["Case", "CaseResult", "DocumentError", "facts_of", "run_cases"]
