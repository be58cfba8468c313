"""The proof of a policy: each claim is asked of every scene, first whatever the rules say, then as they are written.

What must never happen here: a claim called proved because the search gave up, or because a scene was left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pilothouse.conditions.expression import Expression
from pilothouse.conditions.logic import NotAnswered, Search
from pilothouse.decision.proving.act import Act, Scene, an_act, trees_of
from pilothouse.decision.proving.concrete import plainest
from pilothouse.decision.proving.considered import unknown
from pilothouse.decision.proving.never import (
    Question,
    comes_to_prohibited,
    opened_together,
    runs_alone,
    silence_allows,
)
from pilothouse.decision.proving.scenes import scenes, unclassified
from pilothouse.decision.proving.telling import Claim, Counterexample, claim
from pilothouse.decision.proving.verdict import Judged, judged, under_any_rules
from pilothouse.decision.proving.worse import questions
from pilothouse.decision.written import Policy
from pilothouse.vocabulary.capabilities import Capability

MOST_SHOWN = 5
TITLES = {
    "a": "Nothing irreversible, external, unclassified or prohibited, and nothing to more than 50 people, runs by itself",
    "d": "No two rules open together what each keeps shut, and a rule added to others never frees",
    "e": "A delete, a price or a term by an agent is refused",
    "f": "Where no rule holds, or one cannot be judged, the answer is no",
    "g": "Less confidence, more reach or less to be undone never means more freedom",
}
EXACT = (
    "Exactly: every consideration of the engine, tiers, modes and bulk allowances; comparisons, `in`, `&&`, `||`, `!`, `?:`,"
    " `startsWith`; missing values and `if_missing`; whole numbers, dates of effect; any number of changed fields.",
    "Open (may come to anything, an error too): arithmetic, `size`, `matches`, conversions, `now`, indexing; `contains` and"
    " `endsWith` but for texts that a rule mentions. Real numbers and texts on a line hold more values than exist.",
    "Assumed: the facts are gathered as the gateway gathers them; an act's object is the one its capability is for;"
    " a field changes once in an act; counts are not negative; confidence is compared within 0 to 1.",
    "Not covered: what a connector does; who is granted what (decided before policy); people's own acts under their role.",
)
"""What the proof stands for, in sentences."""


@dataclass
class _Tally:
    asked: int = 0
    counterexamples: list[Counterexample] = field(default_factory=list[Counterexample])
    doubts: list[str] = field(default_factory=list[str])


@dataclass
class _Stage:
    """One scene with the verdict on it, worked out when it is first asked for."""

    act: Act
    policy: Policy
    trees: Mapping[str, Expression]
    exact: Judged | None = None

    def as_written(self) -> Judged:
        if self.exact is None:
            self.exact = judged(self.act, self.policy, self.trees)
        return self.exact


Asked = Callable[[Judged], Iterable[Question]]


def prove(policy: Policy, capabilities: Mapping[str, Capability]) -> list[Claim]:
    """Return what can be said of each claim about a policy (a, d, e, f, g); (b) and (c) are `handoff.proving`'s."""
    tallies = {letter: _Tally() for letter in TITLES}
    trees = trees_of(rule for rules in policy.rules.values() for rule in rules)
    for scene in scenes(capabilities):
        _of_scene(scene, policy, trees, tallies)
    return [claim(letter, TITLES[letter], t.asked, t.counterexamples, t.doubts) for letter, t in tallies.items()]


def _of_scene(scene: Scene, policy: Policy, trees: Mapping[str, Expression], tallies: Mapping[str, _Tally]) -> None:
    for each in (scene, unclassified(scene)):
        bare = _Stage(an_act(each, policy, trees), policy, trees)
        _never(bare, tallies["a"], lambda told: [runs_alone(told)])
        if each is scene:
            _never(bare, tallies["e"], lambda told: [comes_to_prohibited(told)])
            _ask(bare.act, opened_together(bare.act, policy), policy, tallies["d"], frozenset())
            written = bare.as_written()
            _ask(bare.act, [silence_allows(written)], policy, tallies["f"], written.open)
            _ask(bare.act, questions(written, trees), policy, tallies["g"], written.open)


def _never(stage: _Stage, tally: _Tally, asked: Asked) -> None:
    """Ask whatever the rules say; only where that leaves something open, as they are written."""
    tally.asked += 1
    search = Search(*stage.act.sense)
    try:
        if all(search.find(each.wanted) is None for each in asked(under_any_rules(stage.act, stage.policy))):
            return
    except NotAnswered:
        pass
    tally.asked -= 1
    written = stage.as_written()
    _ask(stage.act, asked(written), stage.policy, tally, written.open)


def _ask(act: Act, asked: Iterable[Question], policy: Policy, tally: _Tally, open_: frozenset[str]) -> None:
    tally.asked += 1
    search = Search(*act.sense)
    for question in asked:
        if len(tally.counterexamples) >= MOST_SHOWN:
            return
        tally.doubts += _doubts(search, act, question, policy, tally, open_)


def _doubts(
    search: Search, act: Act, question: Question, policy: Policy, tally: _Tally, open_: frozenset[str]
) -> Iterator[str]:
    name = f"{act.scene.capability.name} on {act.scene.object}"
    try:
        if search.find(question.wanted) is None:
            return
        found = plainest(search, act, policy, question.wanted)
    except NotAnswered as error:
        yield f"{name}: the search gave up ({error})."
        return
    shown = question.confirmed(found) if found is not None else None
    if shown is not None:
        tally.counterexamples.append(shown)
        return
    why = [*(f"the consideration {each} is not modelled" for each in unknown())]
    why += [f"{each} is not modelled" for each in sorted(open_)]
    yield f"{name}: an input that may break it is not confirmed by the engine ({'; '.join(why[:4]) or 'see the docs'})."
