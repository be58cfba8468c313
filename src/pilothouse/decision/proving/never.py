"""What no input may ever lead to (X-02, I1, I8, I9), and that rules only ever add up to something stricter.

What counts as dangerous is said here again and not taken from the engine: a mistake there is what is looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from pilothouse.conditions.logic import (
    Bool,
    Found,
    a_bool,
    an_int,
    at_most,
    below,
    equal,
    every,
    no,
    some,
    truth,
    whole,
)
from pilothouse.decision.engine import decide
from pilothouse.decision.facts import Facts
from pilothouse.decision.modes import Disposition, effective
from pilothouse.decision.proving.act import Act
from pilothouse.decision.proving.concrete import facts_of
from pilothouse.decision.proving.considered import Said, considered, priced
from pilothouse.decision.proving.telling import Counterexample, in_words, lets
from pilothouse.decision.proving.verdict import Judged, under
from pilothouse.decision.written import Policy, Rule
from pilothouse.vocabulary.capabilities import Capability, ChangeKind, Effect, Reversibility
from pilothouse.vocabulary.verdicts import Treatment

K, T = ChangeKind, Treatment
MOST_RECIPIENTS = 50
"""X-02. A policy may ask for fewer and never for more."""
Confirmed = Callable[[Found], Counterexample | None]


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for, and how to tell by the engine itself whether what was found is really so."""

    wanted: Bool
    confirmed: Confirmed


def changes_something(act: Act) -> Bool:
    """It is no mere look at a record, and no draft of a new one."""
    capability = act.scene.capability
    if capability.effect is Effect.WRITE or capability.external or capability.change not in (K.READ, K.DRAFT):
        return truth(True)
    return act.exists if capability.effect is Effect.DRAFT else truth(False)


def undoable(capability: Capability) -> bool:
    """It can be taken back: somebody classified it, said how, and nobody outside sees it."""
    said = capability.reversibility is Reversibility.REVERSIBLE and capability.if_wrong
    return bool(said) and not capability.external and capability.change is not K.UNCLASSIFIED


def runs_alone(judged: Judged) -> Question:
    """(a) Irreversible, external, unclassified, prohibited, to more than 50 people, or a stage move that X-03 keeps for
    people, with nobody asked."""
    act, policy = judged.act, judged.policy
    capability = act.scene.capability
    people = capability.recipients_argument or capability.external or capability.change in (K.MESSAGE, K.ENROLMENT)
    many = some(below(whole(MOST_RECIPIENTS), act.counts[n]) for n in ("recipients", "write_set_recipients"))
    ill = [
        truth(not undoable(capability)),
        every([act.by_agent, truth(bool(people)), many]),
        every([act.by_agent, some([truth(capability.change in (K.DELETE, K.PRICE)), priced(act)])]),
        every([act.by_agent, truth(capability.change is K.STAGE_MOVE), _not_free_to_move(act)]),
    ]

    def confirmed(found: Found) -> Counterexample | None:
        facts = facts_of(found, act, policy)
        verdict = decide(facts, policy)
        if effective(verdict, facts.mode) is not Disposition.EXECUTE:
            return None
        rule, where, ending = lets(facts, verdict, policy)
        sentence = f"{in_words(facts)}: it runs by itself in mode {facts.mode.value}{ending}."
        return Counterexample(sentence, facts.capability.name, rule, where, (facts,))

    return Question(every([judged.executes(), changes_something(act), some(ill)]), confirmed)


def _not_free_to_move(act: Act) -> Bool:
    """X-03: to or from a closed stage; or not known to meet what the open stage it leaves asks; or never earned."""
    closed = [act.closed_before, act.closed_after, act.is_closed]
    return some([*closed, no(act.switches["stage_forward"]), act.switches["bootstrap"]])


def comes_to_prohibited(judged: Judged) -> Question:
    """(e) A delete, a price or a term by an agent that is not refused."""
    act, policy = judged.act, judged.policy
    named = truth(act.scene.capability.change in (K.DELETE, K.PRICE))
    writes = every([changes_something(act), priced(act)])

    def confirmed(found: Found) -> Counterexample | None:
        facts = facts_of(found, act, policy)
        verdict = decide(facts, policy)
        if verdict.treatment is T.REFUSE:
            return None
        rule, where, ending = lets(facts, verdict, policy)
        sentence = f"{in_words(facts)}: a delete, a price or a term is not refused{ending}."
        return Counterexample(sentence, facts.capability.name, rule, where, (facts,))

    return Question(every([act.by_agent, some([named, writes]), no(judged.at_least(T.REFUSE))]), confirmed)


def silence_allows(judged: Judged) -> Question:
    """(f) No rule holds, or one cannot be judged that does not say what that comes to, and it is not refused."""
    act, policy = judged.act, judged.policy
    silent = every(no(each.speaks) for each in judged.rules)
    unjudged = some(each.unjudged for each in judged.rules)

    def confirmed(found: Found) -> Counterexample | None:
        facts = facts_of(found, act, policy)
        verdict = decide(facts, policy)
        codes = {each.code for each in verdict.reasons}
        if verdict.treatment is T.REFUSE or ("rule" in codes and "policy_error" not in codes):
            return None
        sentence = f"{in_words(facts)}: no rule allows it, and it is not refused."
        return Counterexample(sentence, facts.capability.name, "", "", (facts,))

    return Question(every([some([silent, unjudged]), no(judged.at_least(T.REFUSE))]), confirmed)


def opened_together(act: Act, policy: Policy) -> Iterator[Question]:
    """(d) Of any two rules, whatever they say: where both hold it is freer than under one alone; or a rule that is added
    where others hold already makes it freer."""
    one, two, rest = (_any_rule(name) for name in ("one", "two", "rest"))
    others = considered(act, policy)
    said = (one, two, [*one, *two], rest, [*rest, *one])
    alone, other, both, before, after = (under(act, policy, each, others) for each in said)
    speak = every(some(each.where for each in said) for said in (one, two))
    spoken = some(each.where for each in rest)
    yield Question(every([speak, some([freer(both, alone), freer(both, other)])]), _pair(act, policy, "one", "two"))
    yield Question(every([spoken, freer(after, before)]), _pair(act, policy, "rest", "one"))


def freer(this: Judged, that: Judged) -> Bool:
    """This verdict is freer than that one."""
    return some(every([that.at_least(each), no(this.at_least(each))]) for each in T if each > T.AUTO)


def _any_rule(name: str) -> list[Said]:
    speaks, asks = a_bool(f"{name} speaks"), an_int(f"{name} asks for")
    known = every([speaks, at_most(whole(0), asks), at_most(asks, whole(int(T.REFUSE)))])
    return [Said(every([known, equal(asks, whole(int(each)))]), each, "rule", name) for each in T]


def _pair(act: Act, policy: Policy, *names: str) -> Confirmed:
    def confirmed(found: Found) -> Counterexample | None:
        facts = facts_of(found, act, policy)
        asked = {name: T(int(found.number(an_int(f"{name} asks for")))) for name in names}
        rules = [_always(name, treatment, policy) for name, treatment in asked.items()]
        verdicts = [decide(facts, _only(policy, facts, chosen)) for chosen in (rules, rules[:1], rules[1:])]
        if verdicts[0].treatment >= max(each.treatment for each in verdicts[1:]):
            return None
        said = " and ".join(each.name.lower() for each in asked.values())
        sentence = f"{in_words(facts)}: two rules that ask for {said} come to less together than one of them alone."
        return Counterexample(sentence, facts.capability.name, "", "", (facts,))

    return confirmed


def _always(name: str, treatment: Treatment, policy: Policy) -> Rule:
    condition = policy.conditions.compile("true")
    return Rule(name, condition, treatment, "Made up to show what two rules come to.", "anyone", None, "made up")


def _only(policy: Policy, facts: Facts, rules: list[Rule]) -> Policy:
    name = facts.capability.name
    together = policy.conditions.together([each.condition for each in rules])
    return replace(policy, rules={name: rules}, together={name: together})


__all__ = ["Question", "comes_to_prohibited", "freer", "opened_together", "runs_alone", "silence_allows"]
