"""Policy as files: read, checked, compiled and versioned.

A file that tries to relax what cannot be relaxed is an error, not a setting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pilothouse.data.schema import OBJECTS
from pilothouse.decision.conditions import Condition, ConditionError, Conditions
from pilothouse.decision.facts import declared
from pilothouse.decision.tiers import NEEDS_A_PERSON, PROHIBITED, REVIEWED, irreversible, normal_stage
from pilothouse.decision.versions import content_hash, version_of
from pilothouse.vocabulary.capabilities import Capability, Effect
from pilothouse.vocabulary.documents import Document, DocumentError, read_document
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
    """A rule as it is written. `by` says whose acts it speaks about: an agent's, a person's own, or anybody's."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{1,80}$")
    applies_to: tuple[str, ...] = Field(min_length=1)
    when: str = "true"
    then: Literal["auto", "review", "person", "refuse"]
    reason: str = Field(min_length=8)
    by: Literal["anyone", "agent", "person"] = "anyone"
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


class NotifyFile(_Strict):
    """When people hear of it at once (R-094). External communication is always told."""

    above_records: int = Field(default=5, ge=0, le=5)
    actions: tuple[str, ...] = ()


class PolicyFile(_Strict):
    """One file under `policy/`. All but the rules may stand in one file only."""

    rules: tuple[RuleFile, ...] = ()
    bands: dict[str, Band] = {}
    limits: LimitsFile | None = None
    notify: NotifyFile | None = None
    human_only: tuple[str, ...] | None = None
    discount_authority: float | None = Field(default=None, ge=0, le=100)


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled rule."""

    id: str
    condition: Condition
    treatment: Treatment
    reason: str
    by: str
    effective_from: date | None
    where: str

    def concerns(self, by_agent: bool, today: date) -> bool:
        """True when the rule is in effect and speaks about acts of agents, or of people themselves."""
        if self.effective_from is not None and self.effective_from > today:
            return False
        return self.by == "anyone" or (self.by == "agent") is by_agent


@dataclass(frozen=True)
class Policy:
    """Everything decided in writing, ready to be asked. `version` names the exact text it was made from.

    `rules` and `needs` (the variables those rules mention) are kept by capability; `closed_stages` are normal names.
    """

    version: str
    rules: Mapping[str, Sequence[Rule]]
    needs: Mapping[str, frozenset[str]]
    bands: Mapping[str, Band]
    limits: LimitsFile
    discount_authority: float
    human_only: frozenset[str]
    notify_records: int
    notify_actions: frozenset[str]
    closed_stages: frozenset[str]
    conditions: Conditions

    def band(self, capability: str) -> Band:
        """Return the confidence band of an action type."""
        return self.bands.get(capability) or self.bands.get("default") or Band()


def load_policy(
    folder: Path, capabilities: Mapping[str, Capability], closed_stages: frozenset[str] = frozenset()
) -> Policy:
    """Read and compile a policy folder; raises the first `DocumentError`.

    A capability on which the policy is silent is no error here: it is refused when somebody asks for it.
    """
    version = version_of(folder)
    reading = _Reading(folder, capabilities)
    if reading.problems:
        raise min(reading.problems, key=_place)
    if content_hash(folder) != version[:16]:
        raise DocumentError(folder, 0, "the policy was changed while it was read", hint="Load it again.")
    return reading.policy(version, closed_stages)


def check_policy(folder: Path, capabilities: Mapping[str, Capability]) -> list[DocumentError]:
    """Return every problem in a policy folder, in file and line order, gaps in what it covers among them."""
    reading = _Reading(folder, capabilities)
    # A rule that does not compile leaves its action type uncovered; that follows from the first problem.
    return sorted(reading.problems or reading.silences(), key=_place)


def _place(error: DocumentError) -> tuple[str, int]:
    return str(error.path), error.line


class _Reading:
    """One pass over a policy folder, gathering rules and problems."""

    def __init__(self, folder: Path, capabilities: Mapping[str, Capability]) -> None:
        self.folder, self.capabilities = folder, capabilities
        self.problems: list[DocumentError] = []
        self.conditions = Conditions(_every_variable())
        self.rules: dict[str, list[Rule]] = {}
        self.seen: dict[str, str] = {}
        self.single: dict[str, tuple[Document[PolicyFile], object]] = {}
        paths = sorted(folder.glob("*.yaml"))
        if not paths:
            self._note(
                DocumentError(folder, 0, "there is no policy file; where policy is silent everything is refused")
            )
        for path in paths:
            document, problems = read_document(path, PolicyFile)
            self.problems += problems
            if document is not None:
                self._take(document)

    def policy(self, version: str, closed_stages: frozenset[str]) -> Policy:
        """Return what was read."""
        parts = {name: value for name, (_, value) in self.single.items()}
        file = PolicyFile.model_validate(parts)
        notify = file.notify or NotifyFile()
        return Policy(
            version=version,
            rules=self.rules,
            needs={name: _needed(mine) for name, mine in self.rules.items()},
            bands=file.bands,
            limits=file.limits or LimitsFile(),
            discount_authority=file.discount_authority or 0.0,
            human_only=self._named(file.human_only or ()),
            notify_records=notify.above_records,
            notify_actions=self._named(notify.actions),
            closed_stages=frozenset(normal_stage(name) for name in closed_stages),
            conditions=self.conditions,
        )

    def silences(self) -> list[DocumentError]:
        """Return a problem for every capability that no rule speaks about."""
        hint = "Add a rule, `refuse` if so meant."
        return [
            DocumentError(self.folder, 0, f"policy is silent on {name}: it will be refused", hint=hint)
            for name in sorted(self.capabilities.keys() - self.rules.keys())
        ]

    def _note(self, *problems: DocumentError) -> None:
        self.problems += problems

    def _named(self, patterns: Sequence[str]) -> frozenset[str]:
        return frozenset(name for pattern in patterns for name in self.capabilities if fnmatchcase(name, pattern))

    def _take(self, document: Document[PolicyFile]) -> None:
        for index, written in enumerate(document.model.rules):
            self._rule(document, index, written)
        for section in ("bands", "limits", "notify", "human_only", "discount_authority"):
            if section in document.model.model_fields_set:
                self._section(document, section)
        self._bands(document)
        for keys, patterns in _pattern_lists(document.model):
            self._patterns(document, keys, patterns)

    def _section(self, document: Document[PolicyFile], section: str) -> None:
        """Take a section; a second one elsewhere would silently relax the first."""
        earlier = self.single.setdefault(section, (document, getattr(document.model, section)))[0]
        if earlier is not document:
            place = f"{earlier.path.name}:{earlier.line(section)}"
            self._note(document.error(f"{section} stands also at {place}; keep one", section))

    def _rule(self, document: Document[PolicyFile], index: int, written: RuleFile) -> None:
        where = f"{document.path.name}:{document.line('rules', index)}"
        if written.id in self.seen:
            problem = f"the rule id {written.id!r} stands also at {self.seen[written.id]}"
            self._note(document.error(problem, "rules", index))
        self.seen.setdefault(written.id, where)
        names = self._named(written.applies_to)
        self._patterns(document, ("rules", index, "applies_to"), written.applies_to)
        if written.then == "auto":
            self._cannot_be_auto(document, index, names, by_person=written.by == "person")
        condition = self._condition(document, index, written, names)
        if condition is None:
            return
        treatment = TREATMENTS[written.then]
        rule = Rule(written.id, condition, treatment, written.reason, written.by, written.effective_from, where)
        for name in names:
            self.rules.setdefault(name, []).append(rule)

    def _patterns(self, document: Document[PolicyFile], keys: tuple[str | int, ...], patterns: Sequence[str]) -> None:
        for number, pattern in enumerate(patterns):
            if not self._named([pattern]):
                near = get_close_matches(pattern, self.capabilities, 1)
                meant = f"; did you mean {near[0]!r}?" if near else ""
                self._note(document.error(f"no capability is called {pattern!r}{meant}", *keys, number))

    def _condition(
        self, document: Document[PolicyFile], index: int, written: RuleFile, names: frozenset[str]
    ) -> Condition | None:
        line = document.line("rules", index, "when")
        block = "\n" in written.when.strip()  # then its rows stand below the key, one a line
        try:
            condition = self.conditions.compile(written.when)
        except ConditionError as error:
            for row, problem in error.problems:
                at = line + row if block else line
                self._note(DocumentError(document.path, at, f"rule {written.id}: {problem}"))
            return None
        for object_name in sorted({self.capabilities[name].object for name in names} & OBJECTS.keys()):
            foreign = sorted(condition.needs - declared(frozenset({object_name})).keys())
            if foreign:
                problem = f"{foreign[0]!r} does not exist on {object_name}, to which this rule applies"
                self._note(document.error(problem, "rules", index, "when"))
        return condition

    def _cannot_be_auto(
        self, document: Document[PolicyFile], index: int, names: frozenset[str], *, by_person: bool
    ) -> None:
        for name in sorted(names):
            why = _never_auto(self.capabilities[name], by_person=by_person)
            if why:
                problem = f"{name} {why}; no rule can make it run by itself"
                self._note(document.error(problem, "rules", index, "then", hint="Write `person` or `review`."))

    def _bands(self, document: Document[PolicyFile]) -> None:
        for name, band in document.model.bands.items():
            if name != "default" and name not in self.capabilities:
                self._note(document.error(f"no capability is called {name!r}", "bands", name))
            if band.block_below > band.auto_above:
                self._note(document.error("block_below lies above auto_above", "bands", name))


def _needed(rules: Sequence[Rule]) -> frozenset[str]:
    return frozenset(name for rule in rules for name in rule.condition.needs)


def _pattern_lists(file: PolicyFile) -> Iterator[tuple[tuple[str, ...], Sequence[str]]]:
    yield ("human_only",), file.human_only or ()
    yield ("notify", "actions"), file.notify.actions if file.notify else ()


def _never_auto(capability: Capability, *, by_person: bool) -> str:
    if capability.effect is not Effect.WRITE and not capability.external:
        return ""
    if irreversible(capability):
        return "cannot be undone or reaches people outside"
    kinds = NEEDS_A_PERSON.keys() | REVIEWED.keys() | PROHIBITED.keys()
    return "" if by_person or capability.change not in kinds else f"is a {capability.change.value.replace('_', ' ')}"


def _every_variable() -> dict[str, str]:
    # A field that two objects declare with different types can be mentioned by rules of neither.
    variables: dict[str, str] = {}
    clash: set[str] = set()
    for name in OBJECTS:
        for variable, kind in declared(frozenset({name})).items():
            if variables.setdefault(variable, kind) != kind:
                clash.add(variable)
    return {name: kind for name, kind in variables.items() if name not in clash}


__all__ = ["Policy", "check_policy", "load_policy", "version_of"]
