"""Policy as it is written, and as it is asked: the shapes of the files, and what they come to.

What must never happen here: a number that a file may set laxer than what is settled (X-02, X-10).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pilothouse.conditions.conditions import Condition, Conditions, Together
from pilothouse.data.typed import Value
from pilothouse.decision.handing import ASK, CanariesFile, Handing, ReviewsFile, SpotChecksFile
from pilothouse.decision.outgoing import MessagesFile
from pilothouse.vocabulary.verdicts import Treatment

TREATMENTS = {
    "auto": Treatment.AUTO,
    "review": Treatment.REVIEW,
    "person": Treatment.PERSON,
    "refuse": Treatment.REFUSE,
}


THRESHOLD = "threshold."


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Threshold: TypeAlias = float | tuple[str, ...]
"""A number, or a list of words: what a rule compares with, where people who are no engineers change it."""
Trigger = Literal["", "deal_size", "strategic_account", "regulatory", "executive", "volume", "other"]


class RuleFile(_Strict):
    """A rule as it is written. `by` says whose acts it speaks about: an agent's, a person's own, or anybody's.

    `escalates` names what makes this rule hand an act to people. `if_missing` says what a value that `when` mentions and
    that is not there comes to: a refusal, a rule that holds, or a rule that does not speak. `ask` names who is asked where
    the rule hands over.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{1,80}$")
    applies_to: tuple[str, ...] = Field(min_length=1)
    when: str = "true"
    then: Literal["auto", "review", "person", "refuse"]
    reason: str = Field(min_length=8)
    by: Literal["anyone", "agent", "person"] = "anyone"
    author: str = ""
    effective_from: date | None = None
    escalates: Trigger = ""
    if_missing: Literal["refuse", "holds", "skip"] = "refuse"
    ask: str = Field(default="", pattern=rf"^$|{ASK}")

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
    messages: MessagesFile | None = None
    reviews: ReviewsFile | None = None
    canaries: CanariesFile | None = None
    spot_checks: SpotChecksFile | None = None
    teams: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,60}$")], tuple[str, ...]] | None = None
    thresholds: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,60}$")], Threshold] = {}


def kind_of(threshold: Threshold) -> str:
    """Return the type, as conditions call it, of a threshold."""
    return "LIST_STRING" if isinstance(threshold, tuple) else "DOUBLE"


def kinds_of(thresholds: Mapping[str, Threshold]) -> dict[str, str]:
    """Return the types of thresholds, by the names that conditions mention."""
    return {f"{THRESHOLD}{name}": kind_of(value) for name, value in thresholds.items()}


def values_of(thresholds: Mapping[str, Threshold]) -> dict[str, Value]:
    """Return the values of thresholds, by the names that conditions mention."""
    return {f"{THRESHOLD}{name}": _plain(value) for name, value in thresholds.items()}


def _plain(threshold: Threshold) -> Value:
    return list(threshold) if isinstance(threshold, tuple) else float(threshold)


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
    escalates: str = ""
    if_missing: str = "refuse"

    def concerns(self, by_agent: bool, today: date) -> bool:
        """True when the rule is in effect and speaks about acts of agents, or of people themselves."""
        if self.effective_from is not None and self.effective_from > today:
            return False
        return self.by == "anyone" or (self.by == "agent") is by_agent


@dataclass(frozen=True, slots=True)
class BusinessUse:
    """A clause of business policy that compares with a threshold. `where` is its file and line under `policy/business/`."""

    clause: str
    where: str
    object: str
    when: str
    reason: str


@dataclass(frozen=True)
class Policy:
    """Everything decided in writing, ready to be asked. `version` names the exact text it was made from.

    `rules`, and their conditions as one, are kept by capability; `closed_stages` are normal names; `thresholds` are values
    by the name that conditions mention as `threshold.<name>`, and `business` the clauses of business policy that mention each.
    """

    version: str
    rules: Mapping[str, Sequence[Rule]]
    together: Mapping[str, Together]
    bands: Mapping[str, Band]
    limits: LimitsFile
    discount_authority: float
    human_only: frozenset[str]
    notify_records: int
    notify_actions: frozenset[str]
    closed_stages: frozenset[str]
    conditions: Conditions
    thresholds: Mapping[str, Threshold] = field(default_factory=dict[str, Threshold])
    messages: MessagesFile | None = None
    handing: Handing = field(default_factory=Handing)
    business: Mapping[str, Sequence[BusinessUse]] = field(default_factory=dict[str, Sequence[BusinessUse]])

    @cached_property
    def named_thresholds(self) -> dict[str, Value]:
        """The thresholds as conditions mention them."""
        return values_of(self.thresholds)

    def band(self, capability: str) -> Band:
        """Return the confidence band of an action type."""
        return self.bands.get(capability) or self.bands.get("default") or Band()
