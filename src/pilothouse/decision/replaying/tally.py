"""What a replay comes to: counts by kind of flip and by rule, and the decisions that people had spoken about, one by one.

Memory stays flat: everything is counted, and lists have a length at which they end; how many were left off is said.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from pilothouse.decision.modes import Disposition
from pilothouse.decision.replaying.recorded import Recorded
from pilothouse.decision.replaying.replay import Outcome, Reproduction, WhyNot
from pilothouse.vocabulary.verdicts import Verdict

MOST_EXAMPLES, MOST_LISTED = 5, 1000
SAVED, ADDED = "saved", "added"


class Fate(NamedTuple):
    """What became of an act: what a person decided ("approved", "edited", "rejected" or ""), and whether it was undone."""

    decision: str = ""
    by: str = ""
    at: datetime | None = None
    undone: bool = False

    @property
    def overridden(self) -> bool:
        """True when a person changed it, refused it or took it back."""
        return self.undone or self.decision in ("edited", "rejected")

    @property
    def known(self) -> bool:
        """True when a person said what they make of it."""
        return self.overridden or self.decision == "approved"


class Flip(NamedTuple):
    """A kind of flip: the treatments, the rules (or codes of built-in considerations) that decided, and the effect."""

    before: str
    after: str
    rule_before: str
    rule_after: str
    effective: bool


class Example(NamedTuple):
    """One decision, to look at."""

    position: int
    action: str
    subject: str
    sentence: str


class Spoken(NamedTuple):
    """A flip about which a person had spoken. `before` and `after` are treatments; `effective` as in `Flip`."""

    position: int
    at: datetime
    action: str
    review: str
    subject: str
    agent: str
    action_type: str
    before: str
    after: str
    rule_before: str
    rule_after: str
    effective: bool
    decision: str
    by: str
    undone: bool


@dataclass
class Tally:
    """The counts of a replay. Two of them add up to the one of both parts."""

    decisions: int = 0
    replayed: int = 0
    again: int = 0
    """Second decisions about acts that were approved: made again to check them, and not counted as flips."""
    other_reason: int = 0
    flips: Counter[Flip] = field(default_factory=Counter[Flip])
    why_not: Counter[WhyNot] = field(default_factory=Counter[WhyNot])
    reproduction: Counter[Reproduction] = field(default_factory=Counter[Reproduction])
    versions: Counter[str] = field(default_factory=Counter[str])
    """Decisions made under other versions than the one in force."""
    policy_errors: int = 0
    spoken: Counter[tuple[str, str, str]] = field(default_factory=Counter[tuple[str, str, str]])
    """Flips that people had spoken about: treatment before, after, what they said."""
    listed: list[Spoken] = field(default_factory=list[Spoken])
    held: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    """Reviews saved or added, by action type."""
    examples: dict[str, list[Example]] = field(default_factory=dict[str, list[Example]])
    first: datetime | None = None
    last: datetime | None = None

    def add(self, outcome: Outcome, fate: Fate | None = None) -> None:
        """Count one decision."""
        recorded, verdict, old = outcome.recorded, outcome.verdict, outcome.held_against
        self.decisions += 1
        self.first = min(self.first or recorded.at, recorded.at)
        self.last = max(self.last or recorded.at, recorded.at)
        if verdict is None or old is None:
            self.why_not[outcome.why_not] += 1
            self._example(outcome.why_not.value, recorded, outcome.sentence)
            return
        self.replayed += 1
        self._reproduced(outcome, recorded)
        if verdict.code == "policy_error":
            self.policy_errors += 1
            self._example("policy_error", recorded, verdict.sentence)
        if recorded.again:
            self.again += 1
        elif outcome.flips:
            self._flipped(outcome, old, verdict, fate or Fate())
        elif _rule(verdict) != _rule(old):
            self.other_reason += 1

    def merge(self, other: Tally) -> None:
        """Add the tally of a later part."""
        for name in ("decisions", "replayed", "again", "other_reason", "policy_errors"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("flips", "why_not", "reproduction", "versions", "spoken", "held"):
            getattr(self, name).update(getattr(other, name))
        self.listed = [*self.listed, *other.listed][:MOST_LISTED]
        for key, found in other.examples.items():
            self.examples[key] = [*self.examples.get(key, ()), *found][:MOST_EXAMPLES]
        self.first = min((each for each in (self.first, other.first) if each), default=None)
        self.last = max((each for each in (self.last, other.last) if each), default=None)

    @property
    def flipped(self) -> int:
        """How many decisions flip."""
        return self.flips.total()

    @property
    def effective(self) -> int:
        """How many flips change what happens, given the mode the agent had."""
        return sum(count for flip, count in self.flips.items() if flip.effective)

    def _reproduced(self, outcome: Outcome, recorded: Recorded) -> None:
        self.reproduction[outcome.reproduction] += 1
        if outcome.reproduction is Reproduction.OTHER_VERSION:
            self.versions[recorded.verdict["policy_version"]] += 1
        if outcome.reproduction is Reproduction.DIFFERS:
            self._example(Reproduction.DIFFERS.value, recorded, recorded.verdict["sentence"])

    def _flipped(self, outcome: Outcome, old: Verdict, verdict: Verdict, fate: Fate) -> None:
        recorded = outcome.recorded
        before, after = old.treatment.name.lower(), verdict.treatment.name.lower()
        changes = outcome.before is not outcome.after
        flip = Flip(before, after, _rule(old), _rule(verdict), changes)
        self.flips[flip] += 1
        self._example(f"{before}-{after}", recorded, verdict.sentence)
        if changes and outcome.before is Disposition.HOLD:
            self.held[(recorded.action_type, SAVED)] += 1
        elif changes and outcome.after is Disposition.HOLD:
            self.held[(recorded.action_type, ADDED)] += 1
        if fate.known:
            self._spoken(outcome, flip, fate)

    def _spoken(self, outcome: Outcome, flip: Flip, fate: Fate) -> None:
        recorded = outcome.recorded
        self.spoken[(flip.before, flip.after, "undone" if fate.undone else fate.decision)] += 1
        if len(self.listed) < MOST_LISTED:
            self.listed.append(
                Spoken(
                    recorded.position,
                    recorded.at,
                    recorded.action,
                    recorded.review,
                    recorded.subject,
                    recorded.agent,
                    recorded.action_type,
                    *flip,
                    fate.decision,
                    fate.by,
                    fate.undone,
                )
            )

    def _example(self, key: str, recorded: Recorded, sentence: str) -> None:
        kept = self.examples.setdefault(key, [])
        if len(kept) < MOST_EXAMPLES:
            kept.append(Example(recorded.position, recorded.action, recorded.subject, sentence))


def _rule(verdict: Verdict) -> str:
    """Return what decided: the written rule, or the code of a built-in consideration."""
    return verdict.decisive.rule or verdict.code
