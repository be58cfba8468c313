"""What a policy says in vain: rules that never hold, that never decide, that stand twice; numbers nobody mentions; grants
and areas that no rule covers.

What must never happen here: a rule called useless that is not. Where a condition is not understood whole, nothing is said
of it (`regions.py`); `pilothouse policy prove` looks further.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pilothouse.conditions.conditions import ConditionError
from pilothouse.data.typed import Value
from pilothouse.decision.business.policy import BusinessPolicy
from pilothouse.decision.facts import ALWAYS
from pilothouse.decision.regions import Points, combinations_of, merged, points_of
from pilothouse.decision.written import THRESHOLD, Policy, PolicyFile, Rule, RuleFile
from pilothouse.vocabulary.documents import Document, DocumentError
from pilothouse.vocabulary.verdicts import Treatment

MAY_BE_MISSING = frozenset({"evidence.age_days", "account.id"})
Side = bool


@dataclass(frozen=True, slots=True)
class Placed:
    """A rule with where it is written and the action types it speaks about."""

    rule: Rule
    written: RuleFile
    names: frozenset[str]
    document: Document[PolicyFile]
    index: int

    def error(self, problem: str, hint: str) -> DocumentError:
        """Return a problem at the rule."""
        return self.document.error(f"rule {self.rule.id} {problem}", "rules", self.index, hint=hint)


class Checks:
    """The checks of one policy that could be read without a problem."""

    def __init__(self, policy: Policy, rules: Sequence[Placed], kinds: Mapping[str, str]) -> None:
        self._policy, self._rules, self._kinds = policy, rules, kinds
        thresholds = policy.named_thresholds
        self._points: dict[str, dict[str, Points] | None] = {
            each.rule.id: points_of(each.rule.condition, kinds, thresholds) for each in rules
        }

    def problems(self) -> Iterator[DocumentError]:
        """Yield duplicates, rules that can never hold and rules that never decide anything."""
        alive = list(self._rules)
        first: dict[tuple[object, ...], Placed] = {}
        for each in self._rules:
            twin = first.setdefault(_same(each.written), each)
            if twin is not each:
                alive.remove(each)
                yield each.error(f"says the same as {twin.rule.id} ({twin.rule.where})", "Keep one.")
        for each in list(alive):
            if self._never(each.rule):
                alive.remove(each)
                yield each.error("can never hold: its condition contradicts itself", "Mend it, or take it out.")
        for each in reversed(list(alive)):
            covering = self._covering(each, [other for other in alive if other is not each])
            if covering:
                alive.remove(each)
                named = ", ".join(sorted(covering))
                yield each.error(
                    f"never decides anything: {named} always asks for as much or more",
                    "Take it out, or narrow the other.",
                )

    def _never(self, rule: Rule) -> bool:
        points = self._points[rule.id]
        every = combinations_of(points, self._kinds) if points is not None else None
        return every is not None and not any(self._speaks(rule, values) is not None for values in every)

    def _covering(self, mine: Placed, others: Sequence[Placed]) -> set[str]:
        """Return the rules that together always say at least what this one says; nothing when they do not, or who knows."""
        used: set[str] = set()
        for name in sorted(mine.names):
            for side in (True, False):
                if mine.rule.by not in ("anyone", "agent" if side else "person"):
                    continue
                over = [each.rule for each in others if name in each.names and self._over(each.rule, mine.rule, side)]
                found = self._covered(mine.rule, over) if over else None
                if found is None:
                    return set()
                used |= found
        return used

    def _over(self, other: Rule, mine: Rule, side: Side) -> bool:
        """True when a rule could say as much wherever this one speaks, by what it is about."""
        begun = other.effective_from is None or (
            mine.effective_from is not None and other.effective_from <= mine.effective_from
        )
        needs = {each for each in other.condition.needs if not each.startswith(THRESHOLD)}
        here = other.by == "anyone" or (other.by == "agent") is side
        known = self._points[other.id] is not None
        return begun and here and known and needs <= mine.condition.needs and other.treatment >= mine.treatment

    def _covered(self, mine: Rule, over: Sequence[Rule]) -> set[str] | None:
        points = self._points[mine.id]
        if points is None:
            return None
        every = merged([points, *(self._points[each.id] or {} for each in over)])
        combined = combinations_of(every, self._kinds, (name for name in every if _may_be_missing(name)))
        used: set[str] = set()
        for values in combined or ():
            says = self._speaks(mine, values)
            if says is None:
                continue
            by = next((each.id for each in over if _at_least(self._speaks(each, values), says)), None)
            if by is None:
                return None
            used.add(by)
        return used if combined is not None else None

    def _speaks(self, rule: Rule, values: Mapping[str, Value]) -> Treatment | None:
        """Return what a rule asks for on these values, as the engine would; None when it does not speak."""
        given = {**values, **self._policy.named_thresholds}
        if not rule.condition.needs <= given.keys():
            return {"skip": None, "holds": rule.treatment, "refuse": Treatment.REFUSE}[rule.if_missing]
        try:
            holds = rule.condition.holds(given, self._policy.conditions.activation(given))
        except ConditionError:
            return Treatment.REFUSE
        return rule.treatment if holds else None


def _at_least(said: Treatment | None, wanted: Treatment) -> bool:
    return said is not None and said >= wanted


def _same(rule: RuleFile) -> tuple[object, ...]:
    """Return everything about a rule that decides."""
    when = " ".join(rule.when.split())
    return frozenset(rule.applies_to), when, rule.then, rule.by, rule.effective_from, rule.if_missing


def _may_be_missing(name: str) -> bool:
    return name in MAY_BE_MISSING or not (name in ALWAYS or name.startswith("known."))


def unmentioned(
    documents: Sequence[Document[PolicyFile]], rules: Sequence[Placed], elsewhere: Collection[str]
) -> Iterator[DocumentError]:
    """Yield every threshold that no rule compares with, and no clause of business policy, which `elsewhere` names."""
    mentioned = {name for each in rules for name in each.rule.condition.needs}
    for document in documents:
        for name in document.model.thresholds:
            if f"{THRESHOLD}{name}" not in mentioned and name not in elsewhere:
                problem = f"no rule mentions the threshold {name!r}, and no clause of business policy"
                hint = f"Compare with `{THRESHOLD}{name}` in a rule or under policy/business/, or take it out."
                yield document.error(problem, "thresholds", name, hint=hint)


def ungoverned(folder: Path, granted: Mapping[str, Sequence[str]], rules: Sequence[Placed]) -> Iterator[DocumentError]:
    """Yield every action type granted to an agent on which no rule speaks about agents' acts."""
    spoken = {name for each in rules if each.rule.by != "person" for name in each.names}
    for agent, grants in granted.items():
        for name in grants:
            if name not in spoken:
                problem = f"{agent} is granted {name}, and no rule speaks about an agent's: it will be refused"
                yield DocumentError(folder, 0, problem, hint="Add a rule, or take the grant away.")


def uncovered(
    folder: Path, policy: Policy, business: BusinessPolicy, written: Sequence[str]
) -> Iterator[DocumentError]:
    """Yield each of qualifying, prioritising, discounting and escalating that is not decided anywhere (R-043)."""
    escalates = any(rule.escalates for rules in policy.rules.values() for rule in rules)
    areas = (
        ("qualifying", bool(business.fit or business.disqualifiers), "Write `icp:` under policy/business/."),
        ("prioritising", bool(business.priority), "Write `priority:` under policy/business/."),
        ("discounting", "discount_authority" in written, "Write `discount_authority:`, 0 if so meant."),
        ("escalating", escalates, "Write a rule with `escalates:` and a threshold."),
    )
    for area, covered, hint in areas:
        if not covered:
            yield DocumentError(folder, 0, f"nothing is decided about {area}", hint=hint)
