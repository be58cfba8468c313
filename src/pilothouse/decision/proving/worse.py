"""(g) Less confidence, more reach, less to be undone: never more freedom. One question for each way of being worse.

It is asked of the policy as it is written: a rule that reviews who is very sure, or that allows what is many, breaks it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from pilothouse.conditions.expression import Expression
from pilothouse.conditions.logic import Bool, Found, a_real, an_int, at_most, every, no, real, whole
from pilothouse.decision.engine import decide
from pilothouse.decision.facts import Facts
from pilothouse.decision.proving.act import Act, Scene
from pilothouse.decision.proving.concrete import facts_of
from pilothouse.decision.proving.never import Question, freer
from pilothouse.decision.proving.telling import COMES_TO, Counterexample, in_words
from pilothouse.decision.proving.verdict import Judged, judged_anew
from pilothouse.decision.written import Policy
from pilothouse.vocabulary.capabilities import Blast, Capability, Reversibility
from pilothouse.vocabulary.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Way:
    """One way of being worse: the variables of conditions that it changes, and the act that is worse, where it is."""

    name: str
    changes: frozenset[str]
    worse: Callable[[Act], tuple[Act, Bool]]


def _less_sure(act: Act) -> tuple[Act, Bool]:
    less = a_real("less confidence")
    sound = every([no(act.odd_confidence), at_most(real(0), less), at_most(act.confidence, real(1))])
    return replace(act, confidence=less), every([sound, at_most(less, act.confidence)])


def _more(name: str) -> Way:
    def worse(act: Act) -> tuple[Act, Bool]:
        more = an_int(f"more {name}")
        return replace(act, counts={**act.counts, name: more}), at_most(act.counts[name], more)

    variable = name.replace("write_set_", "write_set.")
    return Way(f"more {name.replace('_', ' ')}", frozenset({variable}), worse)


def _classified(name: str, variables: tuple[str, ...], worse: Callable[[Capability], Capability]) -> Way:
    def anew(act: Act) -> tuple[Act, Bool]:
        scene = Scene(worse(act.scene.capability), act.scene.object)
        return replace(act, scene=scene), at_most(whole(0), whole(0))

    return Way(name, frozenset(variables), anew)


WAYS = (
    Way("less confidence", frozenset({"confidence"}), _less_sure),
    *(_more(name) for name in ("records", "write_set_records", "recipients", "write_set_recipients")),
    _more("new_prospects"),
    _classified("wider reach", (), lambda c: replace(c, blast=Blast.HIGH)),
    _classified("no undo", ("reversible",), lambda c: replace(c, reversibility=Reversibility.IRREVERSIBLE)),
    _classified("going outside", ("external",), lambda c: replace(c, external=True)),
)


def questions(judged: Judged, trees: Mapping[str, Expression]) -> Iterator[Question]:
    """Yield, for each way of being worse, the question where that is freer."""
    for way in WAYS:
        act, where = way.worse(judged.act)
        after = judged_anew(judged, act, trees, way.changes)
        yield Question(every([where, freer(after, judged)]), _confirmed(way, judged.act, act, judged.policy))


def _confirmed(way: Way, before: Act, after: Act, policy: Policy) -> Callable[[Found], Counterexample | None]:
    def confirmed(found: Found) -> Counterexample | None:
        first, second = facts_of(found, before, policy), facts_of(found, after, policy)
        was, is_ = decide(first, policy), decide(second, policy)
        if is_.treatment >= was.treatment:
            return None
        return _told(way, (first, second), (was, is_), policy)

    return confirmed


def _told(way: Way, facts: tuple[Facts, Facts], verdicts: tuple[Verdict, Verdict], policy: Policy) -> Counterexample:
    was, is_ = (COMES_TO[each.treatment] for each in verdicts)
    rule, where = _behind(verdicts, policy)
    ending = f"; it hangs on rule {rule} ({where})" if rule else ""
    sentence = f"{in_words(facts[0])}: {was}. With {way.name} ({_difference(facts)}) {is_}{ending}."
    return Counterexample(sentence, facts[0].capability.name, rule, where, facts)


def _behind(verdicts: tuple[Verdict, Verdict], policy: Policy) -> tuple[str, str]:
    """Return the strictest rule that speaks in one of the two and not in the other, and its place."""
    before, after = ({each.rule: each for each in verdict.reasons if each.rule} for verdict in verdicts)
    differ = [each for name, each in (before | after).items() if (name in before) != (name in after)]
    if not differ:
        return "", ""
    rule = max(differ, key=lambda each: each.treatment).rule
    rules = (each for listed in policy.rules.values() for each in listed)
    return rule, next((each.where for each in rules if each.id == rule), "")


def _difference(facts: tuple[Facts, Facts]) -> str:
    names = (
        "confidence", "records", "write_set_records", "recipients", "write_set_recipients", "new_prospects",
    )  # fmt: skip
    differ = [name for name in names if getattr(facts[0], name) != getattr(facts[1], name)]
    values = [f"{getattr(facts[0], n):.6g} → {getattr(facts[1], n):.6g}" for n in differ]
    return ", ".join(values) or "classified otherwise"
