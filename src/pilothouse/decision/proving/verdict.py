"""The verdict on an act of which nothing is known: the strictest of all that is said, and what it comes to in each mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pilothouse.conditions.expression import Expression
from pilothouse.conditions.logic import Bool, a_bool, equal, every, no, some, truth, whole
from pilothouse.decision.proving.act import MODES, Act
from pilothouse.decision.proving.considered import (
    Said,
    acts,
    considered,
    forbidden,
    graduated,
    reaches_far,
    touches_closed,
)
from pilothouse.decision.proving.ruled import Spoken, ruled, silence
from pilothouse.decision.tiers import NEEDS_A_PERSON, REVIEWED, irreversible
from pilothouse.decision.written import Policy
from pilothouse.vocabulary.verdicts import Mode, Tier, Treatment

T = Treatment


@dataclass(frozen=True, slots=True)
class Judged:
    """Everything that is said of an act. `by_rules` is what the rules say, the silence where none speaks included."""

    act: Act
    policy: Policy
    considered: tuple[Said, ...]
    rules: tuple[Spoken, ...]
    by_rules: tuple[Said, ...]

    def at_least(self, treatment: Treatment) -> Bool:
        """Where the verdict is this treatment or a stricter one: the strictest of all that is said stands."""
        return some(each.where for each in (*self.considered, *self.by_rules) if each.treatment >= treatment)

    def is_(self, treatment: Treatment) -> Bool:
        """Where the verdict is exactly this treatment."""
        stricter = [self.at_least(T(treatment + 1))] if treatment < T.REFUSE else []
        return every(
            [self.at_least(treatment) if treatment > T.AUTO else truth(True), *(no(each) for each in stricter)]
        )

    def executes(self) -> Bool:
        """Where it runs without anybody being asked: `modes.effective` comes to EXECUTE."""
        mode = self.act.mode
        live, assisted = (equal(mode, whole(MODES.index(each))) for each in (Mode.LIVE, Mode.ASSISTED))
        runs = some([live, every([assisted, self.risk()[Tier.T0]])])
        return every([self.is_(T.AUTO), no(self.risk()[Tier.TX]), runs])

    def risk(self) -> dict[Tier, Bool]:
        """Where the risk tier is which, before the treatment lifts it: `tiers.tier_of`."""
        act, capability = self.act, self.act.scene.capability
        tx, acting = forbidden(act), acts(act)
        high = irreversible(capability) or capability.change in NEEDS_A_PERSON
        t3 = some([truth(high), touches_closed(act, self.policy)])
        reviewed = every([truth(capability.change in REVIEWED), no(graduated(act))])
        t2 = some([reaches_far(act, self.policy.limits.recipients), reviewed])
        order = ((Tier.TX, tx), (Tier.T0, no(acting)), (Tier.T3, t3), (Tier.T2, t2), (Tier.T1, truth(True)))
        tiers: dict[Tier, Bool] = {}
        before: list[Bool] = []
        for tier, where in order:
            tiers[tier] = every([*before, where])
            before.append(no(where))
        return tiers

    def tier(self) -> dict[Tier, Bool]:
        """Where the verdict's tier is which: the risk's, lifted to the treatment's."""
        risk = self.risk()
        review, person, calm = self.is_(T.REVIEW), self.is_(T.PERSON), no(risk[Tier.TX])
        neither = every([no(review), no(person)])
        lifted = every([review, some([risk[Tier.T0], risk[Tier.T1]])])
        return {
            Tier.TX: risk[Tier.TX],
            Tier.T3: every([calm, some([risk[Tier.T3], person])]),
            Tier.T2: every([calm, no(person), some([risk[Tier.T2], lifted])]),
            Tier.T1: every([risk[Tier.T1], neither]),
            Tier.T0: every([risk[Tier.T0], neither]),
        }

    @property
    def open(self) -> frozenset[str]:
        """What was taken as open, in words."""
        return frozenset(word for each in self.rules for word in each.open)


def judged(act: Act, policy: Policy, trees: Mapping[str, Expression]) -> Judged:
    """Return the verdict under the written rules."""
    return _under(act, policy, ruled(act, policy, trees))


def judged_anew(before: Judged, act: Act, trees: Mapping[str, Expression], changed: frozenset[str]) -> Judged:
    """Return the verdict on an act that differs in these variables only: other rules say what they said before."""
    differ = [each.rule for each in before.rules if each.rule.condition.needs & changed]
    if not differ:
        return _under(act, before.policy, before.rules)
    anew = {each.rule.id: each for each in ruled(act, before.policy, trees, differ)}
    return _under(act, before.policy, [anew.get(each.rule.id, each) for each in before.rules])


def _under(act: Act, policy: Policy, rules: Sequence[Spoken]) -> Judged:
    said = [each for rule in rules for each in rule.says]
    return Judged(act, policy, tuple(considered(act, policy)), tuple(rules), (*said, silence(said)))


def under(act: Act, policy: Policy, said: Sequence[Said], others: Sequence[Said] | None = None) -> Judged:
    """Return the verdict when the rules say this; `others` is what the considerations say, where it is known."""
    others = considered(act, policy) if others is None else others
    return Judged(act, policy, tuple(others), (), (*said, silence(said)))


def under_any_rules(act: Act, policy: Policy) -> Judged:
    """Return the verdict when the rules may say anything: what holds of it holds of every policy."""
    said = tuple(Said(a_bool(f"some rule asks for {each.name}"), each, "rule") for each in T)
    return under(act, policy, said)
