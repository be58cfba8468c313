"""What policy says about an action: a treatment, and always the reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from pilothouse.vocabulary.values import Json


class Treatment(IntEnum):
    """What happens to an action, from freest to strictest, so that `max` is the strictest and nothing ever relaxes."""

    AUTO = 0
    REVIEW = 1
    PERSON = 2
    REFUSE = 3


class Tier(StrEnum):
    """The risk tier of an action (requirements X-06)."""

    T0 = "T0"
    T1 = "T1"
    T2 = "T2"
    T3 = "T3"
    TX = "TX"


class Mode(StrEnum):
    """How far an agent has come with one action type (X-16)."""

    SHADOW = "shadow"
    ASSISTED = "assisted"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Reason:
    """One consideration behind a verdict: a stable code, a sentence for people, the treatment it asks for."""

    code: str
    sentence: str
    treatment: Treatment
    rule: str = ""

    def as_json(self) -> dict[str, Json]:
        """Return the reason as it stands in the ledger."""
        return {
            "code": self.code,
            "sentence": self.sentence,
            "treatment": self.treatment.name.lower(),
            "rule": self.rule,
        }


def _strictness(reason: Reason) -> Treatment:
    return reason.treatment


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision on one action, with the version of the policy it was made under.

    `reasons` is never empty; `code`, `sentence` and `rule` are those of the strictest one.
    `batch` asks for review together with like proposals; `notify` for a message to a person at once.
    """

    treatment: Treatment
    tier: Tier
    reasons: tuple[Reason, ...]
    policy_version: str
    batch: bool = False
    notify: bool = False

    def __post_init__(self) -> None:
        if not self.reasons:
            raise ValueError("a verdict without a reason is not a verdict")

    @property
    def decisive(self) -> Reason:
        """The first of the strictest reasons."""
        return max(self.reasons, key=_strictness)  # of equally strict ones the first

    @property
    def code(self) -> str:
        """The decisive reason's code."""
        return self.decisive.code

    @property
    def sentence(self) -> str:
        """The decisive reason's sentence."""
        return self.decisive.sentence

    @property
    def rule(self) -> str:
        """The identifier of the rule behind the decisive reason; empty when no rule spoke."""
        return self.decisive.rule or next((r.rule for r in self.reasons if r.rule), "")

    def as_json(self) -> dict[str, Json]:
        """Return the verdict as it stands in the ledger."""
        decisive = self.decisive
        return {
            "treatment": self.treatment.name.lower(),
            "tier": self.tier.value,
            "code": decisive.code,
            "sentence": decisive.sentence,
            "rule": self.rule,
            "policy_version": self.policy_version,
            "reasons": [reason.as_json() for reason in self.reasons],
            "batch": self.batch,
            "notify": self.notify,
        }
