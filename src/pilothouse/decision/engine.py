"""The verdict. Every consideration speaks; the strictest stands; nothing relaxes anything.

Risk comes first and sets the ceiling (X-06, X-07). Confidence, provenance, volume, contract and written rules can only
make it stricter. Where no written rule speaks, the answer is no.
"""

from __future__ import annotations

from collections.abc import Iterator

from pilothouse.decision.conditions import ConditionError
from pilothouse.decision.considerations import CONSIDERATIONS, tier_of
from pilothouse.decision.facts import Facts, variables_of
from pilothouse.decision.policy import Policy
from pilothouse.vocabulary.verdicts import Reason, Tier, Treatment, Verdict


def decide(facts: Facts, policy: Policy) -> Verdict:
    """Return the verdict on one action, with every reason."""
    reasons = [*rules(facts, policy)]
    for consider in CONSIDERATIONS:
        reasons += consider(facts, policy)
    treatment = max(reason.treatment for reason in reasons)
    many = facts.agent is not None and facts.write_set_records > policy.limits.write_set_records
    return Verdict(
        treatment=treatment,
        tier=_tier(tier_of(facts, policy), treatment),
        reasons=tuple(sorted(reasons, key=lambda reason: -reason.treatment)),
        policy_version=policy.version,
        batch=treatment is Treatment.REVIEW and many,
        notify=many or facts.capability.external,
    )


def rules(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """Let the written rules for this action type speak; silence and errors refuse (I9)."""
    today = facts.now.date()
    mine = [
        rule
        for rule in policy.rules.get(facts.capability.name, ())
        if rule.effective_from is None or rule.effective_from <= today
    ]
    values = variables_of(facts) if mine else {}
    activation = policy.conditions.activation(values)
    spoke = False
    for rule in mine:
        try:
            if rule.condition.holds(values, activation):
                spoke = True
                yield Reason("rule", rule.reason, rule.treatment, rule.id)
        except ConditionError as error:
            spoke = True
            yield Reason(
                "policy_error", f"Rule {rule.id} ({rule.where}) cannot be judged: {error}.", Treatment.REFUSE, rule.id
            )
    if not spoke:
        yield Reason(
            "policy_silent",
            f"No rule allows {facts.capability.name} here, and silence is a no. A rule under policy/ can.",
            Treatment.REFUSE,
        )


def _tier(risk: Tier, treatment: Treatment) -> Tier:
    if risk in (Tier.T0, Tier.TX):
        return risk
    floor = {Treatment.REVIEW: Tier.T2, Treatment.PERSON: Tier.T3}.get(treatment, risk)
    return max(risk, floor)  # T1 < T2 < T3 also as text
