"""What the written rules say of an act of which nothing is known, as `engine.rules` would have them speak.

What must never happen here: a missing value or an error that counts as less than the engine makes of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pilothouse.conditions.expression import Expression
from pilothouse.conditions.logic import (
    FALSE,
    TRUE,
    Bool,
    Number,
    a_bool,
    at_most,
    choose_number,
    equal,
    every,
    no,
    real,
    some,
    truth,
    whole,
)
from pilothouse.conditions.symbolic import OPEN, Amount, Flag, Formula, Texts, Value, listed
from pilothouse.data.typed import KNOWN
from pilothouse.decision.proving.act import ROLES, Act
from pilothouse.decision.proving.considered import Said
from pilothouse.decision.written import THRESHOLD, Policy, Rule
from pilothouse.vocabulary.verdicts import Treatment

T = Treatment
Given = tuple[Bool, Value]


@dataclass(frozen=True, slots=True)
class Spoken:
    """One rule: where it holds as its condition says, where it cannot be judged, and all it says."""

    rule: Rule
    holds: Bool
    unjudged: Bool
    says: tuple[Said, ...]
    open: frozenset[str]

    @property
    def speaks(self) -> Bool:
        """Where it says anything."""
        return some(each.where for each in self.says)

    def saying(self, treatment: Treatment) -> Bool:
        """Where it asks for just this, as written or because it cannot be judged."""
        return some(each.where for each in self.says if each.treatment is treatment)

    def at_least(self, treatment: Treatment) -> Bool:
        """Where it asks for this or something stricter."""
        return some(each.where for each in self.says if each.treatment >= treatment)


def ruled(
    act: Act, policy: Policy, trees: Mapping[str, Expression], rules: Iterable[Rule] | None = None
) -> list[Spoken]:
    """Return what each rule about this action type says, or what these do, in the order in which they are asked."""
    given = Values(act, policy)
    asked = policy.rules.get(act.scene.capability.name, ()) if rules is None else rules
    return [_spoken(rule, act, given, trees[rule.id]) for rule in asked]


def silence(spoken: Iterable[Said]) -> Said:
    """Return the refusal where no rule speaks (I9)."""
    return Said(no(some(each.where for each in spoken)), T.REFUSE, "policy_silent")


def _spoken(rule: Rule, act: Act, given: Values, tree: Expression) -> Spoken:
    formula = Formula(act.words, {name: given.of(name)[1] for name in rule.condition.needs})
    concerned, present = _concerns(rule, act), every(given.of(name)[0] for name in rule.condition.needs)
    holds, error = formula.of(tree)
    asked = every([concerned, present])
    missing = every([concerned, no(present)])
    says = [
        Said(every([asked, holds]), rule.treatment, "rule", rule.id),
        Said(every([asked, error]), T.REFUSE, "policy_error", rule.id),
    ]
    if rule.if_missing == "holds":
        says.append(Said(missing, rule.treatment, "rule", rule.id))
    elif rule.if_missing != "skip":
        says.append(Said(missing, T.REFUSE, "policy_error", rule.id))
    refused = [each.where for each in says if each.code == "policy_error"]
    return Spoken(rule, every([asked, holds]), some(refused), tuple(says), frozenset(formula.open))


def _concerns(rule: Rule, act: Act) -> Bool:
    begun = TRUE if rule.effective_from is None else at_most(whole(rule.effective_from.toordinal()), act.day)
    by = TRUE if rule.by == "anyone" else act.by_agent if rule.by == "agent" else no(act.by_agent)
    return every([begun, by])


class Values:
    """The values of a condition's variables for an act, each with whether it is there."""

    def __init__(self, act: Act, policy: Policy) -> None:
        self._act, self._policy = act, policy
        self._always = _always(act)

    def of(self, name: str) -> Given:
        """Return whether a variable has a value, and the value."""
        if name.startswith(THRESHOLD):
            return self._threshold(name.removeprefix(THRESHOLD))
        if name in self._always:
            return self._always[name]
        if name.startswith(KNOWN) and name.removeprefix(KNOWN) in self._act.values:
            return self._known(name.removeprefix(KNOWN))
        return self._act.values.get(name, (a_bool(f"known {name}"), OPEN))

    def _known(self, name: str) -> Given:
        # `known.record.x` is always there where the object has a field x; elsewhere it is missing itself.
        known, _ = self._act.values[name]
        return (FALSE if known is FALSE else TRUE), Flag(known)

    def _threshold(self, name: str) -> Given:
        threshold = self._policy.thresholds.get(name)
        if threshold is None:
            return FALSE, OPEN
        if not isinstance(threshold, tuple):
            return TRUE, Amount("DOUBLE", real(threshold))
        points = [Amount("STRING", real(self._act.words.place(each)), each) for each in threshold]
        return TRUE, listed(f"threshold {name}", points)


def _always(act: Act) -> dict[str, Given]:
    capability = act.scene.capability
    counts = ("write_set.records", "write_set.recipients", "records", "recipients", "executives", "evidence.undated")
    given: dict[str, Value] = {
        "action": _text(act, capability.name),
        "object": _text(act, act.scene.object),
        "person.role": Amount("STRING", _role(act)),
        "confidence": Amount("DOUBLE", act.sure, odd=act.odd_confidence),
        "change.fields": Texts("the changed fields", lambda wanted: _changes(act, wanted)),
        "change.fills_empty": Flag(act.fills_empty),
        "change.overwrites_person": Flag(act.overwrites_person),
        "change.stage_forward": Flag(act.switches["stage_forward"]),
        "external": Flag(truth(capability.external)),
        "reversible": Flag(truth(capability.reversible)),
        "initiated_by_person": Flag(act.switches["human_initiated"]),
        "evidence.stale": Flag(act.switches["evidence_stale"]),
        "ambiguous": Flag(act.switches["ambiguity"]),
        "recipients.countries": Texts("the countries", _countries),
        "now": OPEN,
        **{name: Amount("INT", act.counts[name.replace(".", "_")]) for name in counts},
        **{name: act.values[name][1] for name in ("agent", "agent.name", "person.id")},
    }
    return {name: (TRUE, value) for name, value in given.items()}


def _text(act: Act, text: str) -> Amount:
    return Amount("STRING", real(act.words.place(text)), text)


def _role(act: Act) -> Number:
    first, *others = ROLES
    point = real(act.words.place(first))
    for number, role in enumerate(others, 1):
        point = choose_number(equal(act.role, whole(number)), real(act.words.place(role)), point)
    return point


def _changes(act: Act, wanted: Amount) -> Bool | None:
    change = act.changes.get(wanted.literal) if wanted.literal is not None else None
    return change.there if change is not None else None


def country(literal: str) -> Bool:
    """Return the variable "somebody there is addressed"."""
    return a_bool(f"addressed in {literal}")


def _countries(wanted: Amount) -> Bool | None:
    return country(wanted.literal) if wanted.literal is not None else None
