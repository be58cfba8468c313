"""Rules that say nothing: their condition can never hold, or wherever they speak others already say as much.

What must never happen here: a rule called idle that decides anything. What the search cannot settle is left unsaid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from pilothouse.conditions.expression import Expression
from pilothouse.conditions.logic import FALSE, Bool, NotAnswered, Search, no
from pilothouse.decision.proving.act import Scene, an_act, trees_of
from pilothouse.decision.proving.ruled import Spoken
from pilothouse.decision.proving.scenes import scenes
from pilothouse.decision.proving.verdict import Judged, judged
from pilothouse.decision.written import THRESHOLD, Policy, Rule
from pilothouse.vocabulary.capabilities import Capability
from pilothouse.vocabulary.verdicts import Treatment


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that could be left out, or (`waiting`) waits for an empty list to be filled. `where` is its file and line."""

    kind: Literal["unreachable", "shadowed", "waiting"]
    rule: str
    where: str
    sentence: str


def findings(policy: Policy, capabilities: Mapping[str, Capability]) -> list[Finding]:
    """Return the rules whose condition can never hold, and those that never decide, in the order of the files."""
    rules = {rule.id: rule for listed in policy.rules.values() for rule in listed}
    holds, decides = set[str](), set[str]()
    trees = trees_of(rules.values())
    for scene in scenes(capabilities):
        if policy.rules.get(scene.capability.name):
            _look(scene, policy, trees, holds, decides)
    found = [each for rule in rules.values() if (each := _finding(rule, holds, decides)) is not None]
    return [_waiting(rules[each.rule], policy, capabilities) or each for each in found]


def _waiting(rule: Rule, policy: Policy, capabilities: Mapping[str, Capability]) -> Finding | None:
    """Return that a rule can hold as soon as the lists it names are filled; None where that is not what keeps it."""
    named = (name.removeprefix(THRESHOLD) for name in sorted(rule.condition.needs) if name.startswith(THRESHOLD))
    empty = [name for name in named if policy.thresholds.get(name) == ()]
    if not empty:
        return None
    alone = {name: [rule] for name, listed in policy.rules.items() if any(each.id == rule.id for each in listed)}
    filled = replace(policy, rules=alone, thresholds={**policy.thresholds, **dict.fromkeys(empty, ("somebody",))})
    holds, trees = set[str](), trees_of([rule])
    for scene in scenes(capabilities):
        if alone.get(scene.capability.name) and rule.id not in holds:
            _look(scene, filled, trees, holds, set())
    if rule.id not in holds:
        return None
    lists = " and ".join(f"thresholds.{name}" for name in empty)
    return Finding("waiting", rule.id, rule.where, f"Rule {rule.id} can apply only once {lists} names somebody.")


def _finding(rule: Rule, holds: set[str], decides: set[str]) -> Finding | None:
    if rule.id not in holds:
        sentence = f"Rule {rule.id} never holds: no values of what it mentions fulfil its condition, with the thresholds as they are."
        return Finding("unreachable", rule.id, rule.where, sentence)
    if rule.id not in decides:
        sentence = f"Rule {rule.id} never decides: wherever it speaks, other rules or what is settled ask for as much."
        return Finding("shadowed", rule.id, rule.where, sentence)
    return None


def _look(scene: Scene, policy: Policy, trees: Mapping[str, Expression], holds: set[str], decides: set[str]) -> None:
    """Add the rules that can hold, and those that can decide, in one scene."""
    act = an_act(scene, policy, trees)
    verdict = judged(act, policy, trees)
    search = Search(*act.sense)
    told = {said.treatment for spoken in verdict.rules for said in spoken.says}
    left = [_left(verdict, treatment) for treatment in sorted(told, reverse=True)]
    silent = _Left(Treatment.AUTO, search, {each.rule.id: no(each.speaks) for each in verdict.rules})
    # From the last to the first, so that of two equal rules the first stays.
    for spoken in reversed(verdict.rules):
        rule = spoken.rule.id
        # It decides where all else asks for less, and where it speaks alone: leaving it out would leave silence.
        decided = rule not in decides and (
            any(each.allows(spoken, spoken.saying(each.least)) for each in left) or silent.allows(spoken, spoken.speaks)
        )
        # Where a rule speaks only as its condition says, deciding is holding.
        plainly = decided and spoken.speaks is spoken.holds
        if rule not in holds and (plainly or _can(search, spoken.holds)):
            holds.add(rule)
        if decided:
            decides.add(rule)
        elif rule not in decides:
            for each in (*left, silent):
                del each.freer[rule]


@dataclass(frozen=True, slots=True)
class _Left:
    """Where what is settled asks for less than a treatment, and where each rule does that has not been left out."""

    least: Treatment
    search: Search
    freer: dict[str, Bool]

    def allows(self, spoken: Spoken, where: Bool) -> bool:
        """True unless there is no input where this holds of a rule and every other one that is left asks for less."""
        others = (term for rule, term in self.freer.items() if rule != spoken.rule.id)
        return where is not FALSE and _can(self.search, where, *others)


def _left(verdict: Judged, least: Treatment) -> _Left:
    settled = (no(each.where) for each in verdict.considered if each.treatment >= least)
    freer = {each.rule.id: no(each.at_least(least)) for each in verdict.rules}
    return _Left(least, Search(*verdict.act.sense, *settled), freer)


def _can(search: Search, *terms: Bool) -> bool:
    try:
        return search.possible(*terms)
    except NotAnswered:
        return True
