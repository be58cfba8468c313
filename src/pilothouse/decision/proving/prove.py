"""The proof of a policy: each claim is asked of every scene, first whatever the rules say, then as they are written.

What must never happen here: a claim called proved because the search gave up, or because a scene was left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from pilothouse.conditions.expression import Expression
from pilothouse.conditions.logic import NotAnswered, Search, some
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
    "a": "Nothing irreversible, external, unclassified or prohibited, nothing to more than 50 people, and no stage move but "
    "one that earned it, with its criteria met, runs by itself",
    "d": "No two rules open together what each keeps shut, and a rule added to others never frees",
    "e": "A delete, a price or a term by an agent is refused",
    "f": "Where no rule holds, or one cannot be judged, the answer is no",
    "g": "Less confidence, more reach or less to be undone never means more freedom",
}
SCOPE = (
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


class _Stage:
    """One scene, with the verdicts on it worked out when they are first asked for."""

    def __init__(self, act: Act, policy: Policy, trees: Mapping[str, Expression], search: Search) -> None:
        self.act, self.policy = act, policy
        self._search = search
        self.as_written = cache(lambda: judged(act, policy, trees))
        self.under_any_rules = cache(lambda: under_any_rules(act, policy))

    def excluded(self, asked: Sequence[Question]) -> bool:
        """True when there is no input for any of the questions."""
        try:
            return self._search.find(some(each.wanted for each in asked)) is None
        except NotAnswered:
            return False

    def ask(self, asked: Iterable[Question], tally: _Tally, open_: frozenset[str]) -> None:
        """Ask all at once, and one by one only where that finds something."""
        tally.asked += 1
        questions = list(asked)
        if self.excluded(questions):
            return
        for question in questions:
            if len(tally.counterexamples) < MOST_SHOWN:
                tally.doubts += _doubts(self._search, self.act, question, self.policy, tally, open_)


def prove(policy: Policy, capabilities: Mapping[str, Capability]) -> list[Claim]:
    """Return what can be said of each claim about a policy (a, d, e, f, g); (b) and (c) are `handoff.proving`'s."""
    tallies = {letter: _Tally() for letter in TITLES}
    trees = trees_of(rule for rules in policy.rules.values() for rule in rules)
    for scene in scenes(capabilities):
        _of_scene(scene, policy, trees, tallies)
    return [claim(letter, TITLES[letter], t.asked, t.counterexamples, t.doubts) for letter, t in tallies.items()]


def _of_scene(scene: Scene, policy: Policy, trees: Mapping[str, Expression], tallies: Mapping[str, _Tally]) -> None:
    act = an_act(scene, policy, trees)
    search = Search(*act.sense)
    # What is known of an act hangs on the action type's name and object, and not on how it is classified.
    bare = _Stage(replace(act, scene=unclassified(scene)), policy, trees, search)
    _never(bare, tallies["a"], runs_alone)
    stage = _Stage(act, policy, trees, search)
    _never(stage, tallies["a"], runs_alone)
    _never(stage, tallies["e"], comes_to_prohibited)
    written = stage.as_written()
    stage.ask(opened_together(stage.act, policy), tallies["d"], frozenset())
    stage.ask([silence_allows(written)], tallies["f"], written.open)
    stage.ask(questions(written, trees), tallies["g"], written.open)


def _never(stage: _Stage, tally: _Tally, asked: Callable[[Judged], Question]) -> None:
    """Ask whatever the rules say; only where that leaves something open, as they are written."""
    if stage.excluded([asked(stage.under_any_rules())]):
        tally.asked += 1
        return
    written = stage.as_written()
    stage.ask([asked(written)], tally, written.open)


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
