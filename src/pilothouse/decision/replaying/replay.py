"""Deciding again: one recorded decision under a proposed policy, and, where it can be, under the one in force.

Each decision stands by itself, on its facts as of then. What another policy would have changed about the facts of later
decisions (how many records a run had touched by then, say) is not played out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pilothouse.decision.engine import considerations_of, considered, rules_of, rules_said, verdict_of
from pilothouse.decision.facts import Facts
from pilothouse.decision.modes import Disposition, effective
from pilothouse.decision.policy import Policy
from pilothouse.decision.recording import OtherCapability, facts_from_json
from pilothouse.decision.replaying.recorded import Recorded
from pilothouse.vocabulary.capabilities import Capability
from pilothouse.vocabulary.verdicts import Reason, Tier, Treatment, Verdict

_NUMBER = re.compile(r"^v\d+-")


class WhyNot(StrEnum):
    """Why a decision cannot be made again."""

    NO = ""
    CAPABILITY = "other_capability"
    ERASED = "facts_erased"
    NONE = "no_facts"
    UNREADABLE = "facts_unreadable"


class Reproduction(StrEnum):
    """What came of deciding again under the policy in force."""

    SAME = "reproduced"
    DIFFERS = "differs"
    OTHER_VERSION = "other_version"
    NOT_ASKED = "not_asked"


SENTENCES: Mapping[WhyNot, str] = {
    WhyNot.CAPABILITY: "What the action does is classified otherwise now, or no system offers it any longer.",
    WhyNot.ERASED: "Its facts were erased with the personal data of whom it was about.",
    WhyNot.NONE: "It was recorded without its facts.",
    WhyNot.UNREADABLE: "Its facts were recorded in another form than this release reads.",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One decision, made again. All but `recorded` is None when that could not be done (`why_not`).

    `verdict` is held against what was recorded where that was decided under the text to be replaced, else against what
    that text says of it: what versions in between changed is not this one's doing. `before` and `after` are what happens,
    given the mode the agent had: a stricter treatment of an act in shadow changes nothing about what happens to it.
    """

    recorded: Recorded
    why_not: WhyNot = WhyNot.NO
    sentence: str = ""
    verdict: Verdict | None = None
    held_against: Verdict | None = None
    before: Disposition | None = None
    after: Disposition | None = None
    reproduction: Reproduction = Reproduction.NOT_ASKED

    @property
    def flips(self) -> bool:
        """True when the proposed policy treats it otherwise than the text to be replaced does."""
        old, new = self.held_against, self.verdict
        return old is not None and new is not None and old.treatment is not new.treatment


class Replayer:
    """Makes decisions again under a proposed policy, beside the one in force."""

    def __init__(self, current: Policy, proposed: Policy, capabilities: Mapping[str, Capability]) -> None:
        self.current, self.proposed, self._capabilities = current, proposed, capabilities
        self._text = text_of(current.version)
        self._same_considered = _alike(considerations_of, current, proposed, capabilities)
        self._same_ruled = _alike(rules_of, current, proposed, capabilities)

    def __call__(self, recorded: Recorded) -> Outcome:
        """Make one decision again; whatever stands in the way is in the outcome and never raised."""
        if recorded.facts is None:
            why = WhyNot.ERASED if recorded.erased else WhyNot.NONE
            return Outcome(recorded, why, SENTENCES[why])
        try:
            facts = facts_from_json(recorded.facts, self._capabilities)
        except OtherCapability as error:
            return Outcome(recorded, WhyNot.CAPABILITY, str(error))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            why = WhyNot.UNREADABLE
            return Outcome(recorded, why, f"{SENTENCES[why]} ({type(error).__name__}: {error})")
        return self._decided(recorded, facts)

    def _decided(self, recorded: Recorded, facts: Facts) -> Outcome:
        name, reproduction = facts.capability.name, Reproduction.OTHER_VERSION
        thought, ruled = considered(facts, self.proposed), rules_said(facts, self.proposed)
        verdict = verdict_of(facts, self.proposed, thought, ruled)
        thought = thought if name in self._same_considered else considered(facts, self.current)
        ruled = ruled if name in self._same_ruled else rules_said(facts, self.current)
        old = verdict_of(facts, self.current, thought, ruled)
        if text_of(recorded.verdict["policy_version"]) == self._text:
            same = {**old.as_json(), "policy_version": recorded.verdict["policy_version"]} == recorded.verdict
            reproduction = Reproduction.SAME if same else Reproduction.DIFFERS
            old = old if same else _as_recorded(recorded)
        before, after = effective(old, facts.mode), effective(verdict, facts.mode)
        return Outcome(recorded, WhyNot.NO, "", verdict, old, before, after, reproduction)


def text_of(version: str) -> str:
    """Return the part of a policy version that names the text: the same text in another commit, or published again
    under another number, is the same policy."""
    return _NUMBER.sub("", version.partition("@")[0])


def treatment_of(recorded: Recorded) -> Treatment:
    """Return the recorded treatment."""
    return Treatment[recorded.verdict["treatment"].upper()]


def _as_recorded(recorded: Recorded) -> Verdict:
    raw, treatment = recorded.verdict, treatment_of(recorded)
    rule = raw["rule"] if raw["code"] in ("rule", "policy_error") else ""  # of what is built in, the rule that agreed
    reason = Reason(raw["code"], raw["sentence"], treatment, rule)
    return Verdict(treatment, Tier(raw["tier"]), (reason,), raw["policy_version"])


def _alike(
    asked: Callable[[Policy, str], object], one: Policy, other: Policy, capabilities: Collection[str]
) -> frozenset[str]:
    """Return the action types about which two policies cannot differ in one half, so that asking one is enough."""
    return frozenset(name for name in capabilities if asked(one, name) == asked(other, name))
