"""Policy as files: read, checked, compiled and versioned.

A file that tries to relax what cannot be relaxed is an error, not a setting.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pilothouse.data.schema import OBJECTS
from pilothouse.decision.conditions import Condition, ConditionError, Conditions
from pilothouse.decision.facts import declared
from pilothouse.vocabulary.capabilities import Capability
from pilothouse.vocabulary.documents import Document, DocumentError, load_document
from pilothouse.vocabulary.verdicts import Treatment

TREATMENTS = {
    "auto": Treatment.AUTO,
    "review": Treatment.REVIEW,
    "person": Treatment.PERSON,
    "refuse": Treatment.REFUSE,
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RuleFile(_Strict):
    """A rule as it is written."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{1,80}$")
    applies_to: tuple[str, ...] = Field(min_length=1)
    when: str = "true"
    then: Literal["auto", "review", "person", "refuse"]
    reason: str = Field(min_length=8)
    author: str = ""
    effective_from: date | None = None

    @field_validator("when", mode="before")
    @classmethod
    def _always_or_never(cls, given: object) -> object:
        """YAML reads a bare `true` as a boolean; as a condition it means what it says."""
        return str(given).lower() if isinstance(given, bool) else given


class Band(_Strict):
    """Confidence strictly above `auto_above` may run by itself; below `block_below` is refused; between is reviewed."""

    auto_above: float = Field(default=0.85, ge=0, le=1)
    block_below: float = Field(default=0.50, ge=0, le=1)


class LimitsFile(_Strict):
    """Where many small acts become one big one. They can be made stricter than these, never laxer."""

    write_set_records: int = Field(default=5, ge=1, le=5)
    write_set_minutes: int = Field(default=10, ge=10, le=1440)
    recipients: int = Field(default=50, ge=1, le=50)


class PolicyFile(_Strict):
    """One file under `policy/`."""

    rules: tuple[RuleFile, ...] = ()
    bands: dict[str, Band] = {}
    limits: LimitsFile | None = None
    discount_authority: float | None = Field(default=None, ge=0, le=100)


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled rule."""

    id: str
    condition: Condition
    treatment: Treatment
    reason: str
    effective_from: date | None
    where: str


@dataclass(frozen=True)
class Policy:
    """Everything decided in writing, ready to be asked. `version` names the exact text it was made from."""

    version: str
    rules: Mapping[str, Sequence[Rule]]
    bands: Mapping[str, Band]
    limits: LimitsFile
    discount_authority: float
    closed_stages: frozenset[str]
    conditions: Conditions

    def band(self, capability: str) -> Band:
        """Return the confidence band of an action type."""
        return self.bands.get(capability) or self.bands.get("default") or Band()


def load_policy(
    folder: Path, capabilities: Mapping[str, Capability], closed_stages: frozenset[str] = frozenset()
) -> Policy:
    """Read and compile a policy folder; raises the first `DocumentError`."""
    policy, problems = _read(folder, capabilities, closed_stages)
    if problems:
        raise problems[0]
    return policy


def check_policy(folder: Path, capabilities: Mapping[str, Capability]) -> list[DocumentError]:
    """Return every problem in a policy folder, in file and line order."""
    return _read(folder, capabilities, frozenset())[1]


def _read(
    folder: Path, capabilities: Mapping[str, Capability], closed_stages: frozenset[str]
) -> tuple[Policy, list[DocumentError]]:
    problems: list[DocumentError] = []
    documents: list[Document[PolicyFile]] = []
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        problems.append(
            DocumentError(folder, 0, "there is no policy file; where policy is silent everything is refused")
        )
    for path in paths:
        try:
            documents.append(load_document(path, PolicyFile))
        except DocumentError as error:
            problems.append(error)
    conditions = Conditions(_every_variable())
    rules: dict[str, list[Rule]] = {}
    seen: dict[str, str] = {}
    bands: dict[str, Band] = {}
    limits, discount = LimitsFile(), 0.0
    for document in documents:
        problems += _rules(document, capabilities, conditions, rules, seen)
        problems += _bands(document, capabilities, bands)
        limits = document.model.limits or limits
        discount = document.model.discount_authority if document.model.discount_authority is not None else discount
    # A rule that does not compile leaves its action type uncovered; that follows from the first problem.
    problems += _uncovered(folder, capabilities, rules) if not problems else []
    policy = Policy(version_of(folder), rules, bands, limits, discount, closed_stages, conditions)
    return policy, sorted(problems, key=lambda error: (str(error.path), error.line))


def _every_variable() -> dict[str, str]:
    # A field that two objects declare with different types can be mentioned by rules of neither.
    variables: dict[str, str] = {}
    clash: set[str] = set()
    for name in OBJECTS:
        for variable, kind in declared(frozenset({name})).items():
            if variables.setdefault(variable, kind) != kind:
                clash.add(variable)
    return {name: kind for name, kind in variables.items() if name not in clash}


def _rules(
    document: Document[PolicyFile],
    capabilities: Mapping[str, Capability],
    conditions: Conditions,
    rules: dict[str, list[Rule]],
    seen: dict[str, str],
) -> list[DocumentError]:
    problems: list[DocumentError] = []
    for index, written in enumerate(document.model.rules):
        where = f"{document.path.name}:{document.line('rules', index)}"
        if written.id in seen:
            problems.append(
                document.error(f"the rule id {written.id!r} stands also at {seen[written.id]}", "rules", index)
            )
        seen[written.id] = where
        names = {name for pattern in written.applies_to for name in capabilities if fnmatchcase(name, pattern)}
        for number, pattern in enumerate(written.applies_to):
            if not any(fnmatchcase(name, pattern) for name in capabilities):
                place = ("rules", index, "applies_to", number)
                problems.append(document.error(f"no capability is called {pattern!r}", *place))
        try:
            condition = conditions.compile(written.when)
            problems += _wrong_object(document, index, condition, names, capabilities)
        except ConditionError as error:
            problems.append(document.error(f"rule {written.id}: {error}", "rules", index, "when"))
            continue
        if written.then == "auto":
            problems += _cannot_be_auto(document, index, names, capabilities)
        rule = Rule(written.id, condition, TREATMENTS[written.then], written.reason, written.effective_from, where)
        for name in names:
            rules.setdefault(name, []).append(rule)
    return problems


def _wrong_object(
    document: Document[PolicyFile],
    index: int,
    condition: Condition,
    names: set[str],
    capabilities: Mapping[str, Capability],
) -> list[DocumentError]:
    objects = {capabilities[name].object for name in names} - {"*"}
    for object_name in sorted(objects):
        known = declared(frozenset({object_name}))
        foreign = sorted(condition.needs - known.keys())
        if foreign:
            problem = f"{foreign[0]!r} does not exist on {object_name}, to which this rule applies"
            return [document.error(problem, "rules", index, "when")]
    return []


def _cannot_be_auto(
    document: Document[PolicyFile], index: int, names: set[str], capabilities: Mapping[str, Capability]
) -> list[DocumentError]:
    return [
        document.error(
            f"{name} cannot be undone or reaches people outside; no rule can make it run by itself",
            "rules",
            index,
            "then",
            hint="Write `person`.",
        )
        for name in sorted(names)
        if not capabilities[name].reversible or capabilities[name].external
    ]


def _bands(
    document: Document[PolicyFile], capabilities: Mapping[str, Capability], bands: dict[str, Band]
) -> list[DocumentError]:
    problems: list[DocumentError] = []
    for name, band in document.model.bands.items():
        if name != "default" and name not in capabilities:
            problems.append(document.error(f"no capability is called {name!r}", "bands", name))
        if band.block_below > band.auto_above:
            problems.append(document.error("block_below lies above auto_above", "bands", name))
        bands[name] = band
    return problems


def _uncovered(
    folder: Path, capabilities: Mapping[str, Capability], rules: Mapping[str, Sequence[Rule]]
) -> list[DocumentError]:
    silent = sorted(name for name in capabilities if name not in rules)
    return [
        DocumentError(
            folder, 0, f"policy is silent on {name}: it will be refused", hint="Add a rule, `refuse` if so meant."
        )
        for name in silent
    ]


def version_of(folder: Path) -> str:
    """Return the hash of the policy's text and, where there is one, the git commit it stands in ("+" when edited)."""
    content = hashlib.sha256()
    for path in sorted(folder.rglob("*.yaml")):
        content.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    commit = _git(folder, "rev-parse", "--short=10", "HEAD")
    edited = "+" if commit and _git(folder, "status", "--porcelain", "--", ".") else ""
    return content.hexdigest()[:16] + (f"@{commit}{edited}" if commit else "")


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
