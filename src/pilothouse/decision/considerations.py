"""The considerations that no policy file can switch off, one small function each, in the order of the list below.

Each yields reasons; a reason asks for a treatment and never lowers another's. Requirements: X-02 to X-12.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pilothouse.decision.facts import Facts
from pilothouse.decision.policy import Policy
from pilothouse.vocabulary.capabilities import Blast, ChangeKind, Effect
from pilothouse.vocabulary.records import FieldChange, WriterKind
from pilothouse.vocabulary.verdicts import Reason, Tier, Treatment

K, T = ChangeKind, Treatment
PROHIBITED = {K.DELETE: "Agents never delete records.", K.PRICE: "Agents never change prices or terms."}
NEEDS_A_PERSON = {
    K.CLOSE: "Closing a deal is for its owner to approve.",
    K.OWNER_CHANGE_BULK: "Changing who owns an account is for a person to decide.",
    K.CONTRACT: "Contracts are for people to decide.",
    K.MESSAGE: "No message leaves without a named person's approval of its exact text and recipients.",
    K.UNCLASSIFIED: "Nobody classified this capability, so it counts as one that cannot be undone.",
}
REVIEWED = {
    K.STAGE_MOVE: "Stage moves are reviewed until the trust ramp says otherwise.",
    K.OWNER_CHANGE: "Changing an existing owner is reviewed.",
    K.MERGE: "Merges are reviewed.",
    K.ENROLMENT: "Enrolling people in a sequence is reviewed in batches.",
}


def tier_of(facts: Facts, policy: Policy) -> Tier:
    """Return the risk tier: reversibility × blast radius, with the kinds of change that stand above the matrix."""
    capability = facts.capability
    if capability.change in PROHIBITED and facts.agent is not None:
        return Tier.TX
    if capability.effect is not Effect.WRITE:
        return Tier.T0
    if not capability.reversible or capability.external or capability.change in NEEDS_A_PERSON:
        return Tier.T3
    if _touches_closed(facts, policy):
        return Tier.T3
    if capability.blast is Blast.HIGH or capability.change in REVIEWED:
        return Tier.T2
    return Tier.T1


def prohibited(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """I8: delete, price and terms are never an agent's, approved or not."""
    sentence = PROHIBITED.get(facts.capability.change)
    if sentence and facts.agent is not None:
        yield Reason("prohibited", sentence, T.REFUSE)


def risk(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """The matrix. What cannot be undone needs a person, at any confidence (I1)."""
    capability = facts.capability
    if capability.effect is not Effect.WRITE:
        return
    if not capability.reversible or capability.external:
        answer = capability.if_wrong or "we cannot"
        yield Reason("irreversible", f"If this is wrong, how do we fix it? “{answer}” A person decides.", T.PERSON)
    elif facts.agent is not None and capability.blast is Blast.HIGH:
        yield Reason("high_blast", "It can be undone, but it reaches far; it is reviewed in a batch.", T.REVIEW)


def kind(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """Kinds of change with a treatment of their own."""
    if facts.agent is None and facts.capability.reversible:
        return
    if facts.capability.change in NEEDS_A_PERSON:
        yield Reason("human_only", NEEDS_A_PERSON[facts.capability.change], T.PERSON)
    if facts.capability.change in REVIEWED:
        yield Reason("reviewed_kind", REVIEWED[facts.capability.change], T.REVIEW)


def closed_stage(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """X-03: any move to or from a closed stage is for a person."""
    if facts.agent is not None and _touches_closed(facts, policy):
        yield Reason("closed_stage", "A move to or from a closed stage is for a person to decide.", T.PERSON)


def _touches_closed(facts: Facts, policy: Policy) -> bool:
    closed = {stage.casefold() for stage in policy.closed_stages}
    named = [
        str(value) for change in facts.changes if change.field == "stage" for value in (change.before, change.after)
    ]
    return any(each.casefold() in closed for each in named)


def first_owner(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """X-05: a first assignment is one only where there is no owner yet."""
    if facts.capability.change is K.OWNER_FIRST and not facts.fills_empty:
        yield Reason("owner_exists", "There is an owner already; this is a reassignment.", T.PERSON)


def recipients(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """X-02: more than 50 recipients are for a person to initiate; the agent may only draft."""
    most = policy.limits.recipients
    reached = max(facts.recipients, facts.write_set_recipients)
    if facts.capability.external and facts.agent is not None and reached > most:
        sentence = f"{reached} recipients are more than {most}: a person must initiate it; the agent may only draft."
        yield Reason("too_many_recipients", sentence, T.REFUSE)


def confidence(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """X-08: strictly above the band runs, inside it is reviewed, below it is refused. Confidence never raises."""
    if facts.agent is None or facts.capability.effect is not Effect.WRITE:
        return
    band = policy.band(facts.capability.name)
    sure = f"{facts.confidence:.2f}"
    if not facts.confidence >= band.block_below:
        yield Reason("confidence_below_floor", f"Confidence {sure} is below {band.block_below:.2f}.", T.REFUSE)
    elif not facts.confidence > band.auto_above:
        sentence = f"Confidence {sure} does not exceed {band.auto_above:.2f}, so a person looks at it."
        yield Reason("confidence_in_review_band", sentence, T.REVIEW)


def provenance(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """X-09: filling what is empty is free; replacing what a person wrote is not."""
    if facts.agent is None or facts.capability.change not in (K.FIELD_UPDATE, K.FLAG):
        return
    for change in facts.changes:
        if change.fills_empty or not _outranks_agents(change, facts):
            continue
        when = f" on {change.last_written_at:%Y-%m-%d}" if change.last_written_at else ""
        sentence = (
            f"{change.last_writer or 'A person'} wrote {change.field} = {change.before!r}{when}; a person decides."
        )
        yield Reason("overwrites_person", sentence, T.REVIEW)


def _outranks_agents(change: FieldChange, facts: Facts) -> bool:
    """True when the last writer stands above agents in the contract's precedence; an unknown writer counts as one."""
    order = facts.precedence
    writer = change.last_writer_kind or WriterKind.PERSON
    return writer not in order or order.index(writer) < order.index(WriterKind.AGENT)


def contract(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """The data contract's terms for each field (R-015, R-016)."""
    if facts.agent is None or facts.capability.effect is not Effect.WRITE:
        return
    for change in facts.changes:
        terms = facts.contract_rules.get(change.field)
        if terms is None:
            yield Reason("outside_contract", f"The contract does not cover {change.field}.", T.REFUSE)
        elif terms.review == "always" or (terms.review == "overwrite" and not change.fills_empty):
            yield Reason("contract_review", f"The contract asks for review of {change.field}.", T.REVIEW)
        elif not facts.confidence > terms.min_confidence:
            sentence = f"The contract asks for more than {terms.min_confidence:.2f} to write {change.field}."
            yield Reason("contract_confidence", sentence, T.REVIEW)


def write_set(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """X-10: many small writes are the one big write they amount to; a bulk change of deal values is for a person."""
    most, reached = policy.limits.write_set_records, facts.write_set_records
    if facts.agent is None or reached <= most or facts.capability.effect is not Effect.WRITE:
        return
    if any(change.field == "amount" for change in facts.changes):
        yield Reason(
            "bulk_deal_value", f"Deal values of {reached} records at once are for a person to decide.", T.PERSON
        )
    elif reached > facts.bulk_allowance:
        minutes = policy.limits.write_set_minutes
        sentence = (
            f"With this one, {reached} records within {minutes} minutes: more than {most} are reviewed as a batch."
        )
        yield Reason("write_set", sentence, T.REVIEW)


def discount(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """X-12: discount authority is the most that a *draft* may carry without the deal desk."""
    offered = facts.arguments.get("discount")
    if facts.capability.change is not K.DRAFT or not isinstance(offered, int | float):
        return
    if offered > policy.discount_authority:
        sentence = (
            f"A draft at {offered:g} % exceeds the authority of {policy.discount_authority:g} %: deal desk decides."
        )
        yield Reason("discount_escalated", sentence, T.PERSON)


Consideration = Callable[[Facts, Policy], Iterator[Reason]]
CONSIDERATIONS: tuple[Consideration, ...] = (
    prohibited,
    risk,
    kind,
    closed_stage,
    first_owner,
    recipients,
    confidence,
    provenance,
    contract,
    write_set,
    discount,
)
