"""The verdict. Every consideration speaks; the strictest stands; nothing relaxes anything.

Risk comes first and sets the ceiling (X-06, X-07). Confidence, provenance, volume, contract and written rules can only
make it stricter. Where no written rule speaks, the answer is no.
"""

from __future__ import annotations

from collections.abc import Iterator

from pilothouse.conditions.conditions import ConditionError, MissingValue
from pilothouse.decision.considerations import CONSIDERATIONS
from pilothouse.decision.facts import Facts, variables_of
from pilothouse.decision.policy import Policy
from pilothouse.decision.tiers import acts, reach, tier_of, touched
from pilothouse.vocabulary.capabilities import Blast
from pilothouse.vocabulary.verdicts import Reason, Tier, Treatment, Verdict

T = Treatment
Said = tuple[Reason, ...]


def decide(facts: Facts, policy: Policy) -> Verdict:
    """Return the verdict on one action, with every reason."""
    return verdict_of(facts, policy, considered(facts, policy), rules_said(facts, policy))


def considered(facts: Facts, policy: Policy) -> Said:
    """Return what the considerations say that no file can switch off."""
    return tuple(reason for consider in CONSIDERATIONS for reason in consider(facts, policy))


def rules_said(facts: Facts, policy: Policy) -> Said:
    """Return what the written rules say."""
    return tuple(rules(facts, policy))


def verdict_of(facts: Facts, policy: Policy, considered: Said, ruled: Said) -> Verdict:
    """Return the verdict that reasons come to. Whoever asks two policies that are alike in one half asks that half once:
    `considerations_of` and `rules_of` say what each half hangs on."""
    reasons = considered + ruled
    treatment = max(reason.treatment for reason in reasons)
    risk = tier_of(facts, policy.closed_stages, policy.limits.recipients)
    return Verdict(
        treatment=treatment,
        tier=_tier(risk, treatment),
        reasons=tuple(sorted(reasons, key=_quoted)),
        policy_version=policy.version,
        batch=treatment is Treatment.REVIEW and _reaches_far(facts, policy),
        notify=_notify(facts, policy),
    )


def considerations_of(policy: Policy, capability: str) -> tuple[object, ...]:
    """Return all of a policy that `considered` looks at for an action type."""
    limits, authority = policy.limits, policy.discount_authority
    return policy.band(capability), limits, authority, policy.closed_stages, capability in policy.human_only


def rules_of(policy: Policy, capability: str) -> tuple[object, ...]:
    """Return all of a policy that `rules_said` looks at for an action type."""
    mine = policy.rules.get(capability, ())
    needed = frozenset(name for rule in mine for name in rule.condition.needs)
    told = [
        (r.id, r.condition.source, r.treatment, r.reason, r.by, r.effective_from, r.where, r.if_missing) for r in mine
    ]
    return told, {name: value for name, value in policy.named_thresholds.items() if name in needed}


def rules(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """Let the written rules for this action type speak; silence and errors refuse (I9)."""
    name, today = facts.capability.name, facts.now.date()
    together = policy.together.get(name)
    values = variables_of(facts, together.needs if together else frozenset())
    values |= policy.named_thresholds
    activation = policy.conditions.activation(values)
    answers = together.answers(values, activation) if together else None
    spoke = False
    for number, rule in enumerate(policy.rules.get(name, ())):
        if not rule.concerns(facts.agent is not None, today):
            continue
        try:
            if not (answers[number] if answers is not None else rule.condition.holds(values, activation)):
                continue
            spoke = True
            yield Reason("rule", rule.reason, rule.treatment, rule.id)
        except MissingValue as error:
            if rule.if_missing == "skip":
                continue
            spoke = True
            holds = rule.if_missing == "holds"
            sentence = rule.reason if holds else f"Rule {rule.id} ({rule.where}) cannot be judged: {error}."
            yield Reason("rule" if holds else "policy_error", sentence, rule.treatment if holds else T.REFUSE, rule.id)
        except ConditionError as error:
            spoke = True
            sentence = f"Rule {rule.id} ({rule.where}) cannot be judged: {error}."
            yield Reason("policy_error", sentence, T.REFUSE, rule.id)
    if not spoke:
        sentence = f"No rule allows {name} here, and silence is a no. A rule under policy/ can."
        yield Reason("policy_silent", sentence, T.REFUSE)


def _quoted(reason: Reason) -> tuple[int, bool]:
    """The strictest first; a refusal that somebody wrote before one that is built in, in their words."""
    written = reason.treatment is T.REFUSE and reason.code == "rule"
    return -reason.treatment, not written


def _many(facts: Facts, most: int) -> bool:
    return facts.agent is not None and acts(facts) and touched(facts) > most


def _reaches_far(facts: Facts, policy: Policy) -> bool:
    limits = policy.limits
    return _many(facts, limits.write_set_records) or reach(facts, limits.recipients) is Blast.HIGH


def _notify(facts: Facts, policy: Policy) -> bool:
    wanted = facts.agent is not None and facts.capability.name in policy.notify_actions
    return wanted or _many(facts, policy.notify_records) or facts.capability.external


def _tier(risk: Tier, treatment: Treatment) -> Tier:
    if risk is Tier.TX:
        return risk
    floor = {Treatment.REVIEW: Tier.T2, Treatment.PERSON: Tier.T3}.get(treatment, risk)
    return max(risk, floor)  # T0 < T1 < T2 < T3 also as text
