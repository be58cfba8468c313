"""Rules that say nothing: their condition can never hold, or wherever they speak others already say as much.

What must never happen here: a rule called idle that decides anything. What the search cannot settle is left unsaid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pilothouse.conditions.expression import Expression
from pilothouse.conditions.logic import Bool, NotAnswered, Search, every, no, some
from pilothouse.decision.proving.act import Scene, an_act, trees_of
from pilothouse.decision.proving.ruled import Spoken
from pilothouse.decision.proving.scenes import scenes
from pilothouse.decision.proving.verdict import Judged, judged
from pilothouse.decision.written import Policy, Rule
from pilothouse.vocabulary.capabilities import Capability

STEPS = 40


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that could be left out. `where` is its file and line."""

    kind: Literal["unreachable", "shadowed"]
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
    return [found for rule in rules.values() if (found := _finding(rule, holds, decides)) is not None]


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
    idle = set[str]()
    # From the last to the first, so that of two equal rules the first stays.
    for spoken in reversed(verdict.rules):
        rule = spoken.rule.id
        if rule not in holds and _can(search, spoken.holds):
            holds.add(rule)
        if rule in decides:
            continue
        others = [each for each in verdict.rules if each.rule.id != rule and each.rule.id not in idle]
        if _decides(search, verdict, spoken, others):
            decides.add(rule)
        else:
            idle.add(rule)


def _can(search: Search, term: Bool) -> bool:
    try:
        return search.find(term) is not None
    except NotAnswered:
        return True


def _decides(search: Search, verdict: Judged, spoken: Spoken, others: Sequence[Spoken]) -> bool:
    """True unless the verdict would be the same without this rule, whatever is asked.

    The other rules are brought in one by one, each when it speaks against what was found without it: few ever do.
    """
    strict = [each.where for each in verdict.considered if each.treatment >= spoken.rule.treatment]
    settled, brought = some(strict), list[Spoken]()
    try:
        for _ in range(STEPS):
            found = search.find(_matters(spoken, settled, brought))
            if found is None:
                return False
            against = [each for each in others if each not in brought and found.true(each.speaks)]
            if not against or found.true(_matters(spoken, settled, [*brought, *against])):
                return True
            brought += against
        return search.find(_matters(spoken, settled, others)) is not None
    except NotAnswered:
        return True


def _matters(spoken: Spoken, settled: Bool, others: Sequence[Spoken]) -> Bool:
    """Where the rule speaks and leaving it out would leave silence, or something freer."""
    wanted = spoken.rule.treatment
    alone = every(no(each.speaks) for each in others)
    strict = some(said.where for each in others for said in each.says if said.treatment >= wanted)
    return every([spoken.speaks, some([alone, every([no(settled), no(strict)])])])
