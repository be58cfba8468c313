"""Considerations that weigh an action: how sure, whose value it replaces, how many, how much.

They only ever lower what risk allows (X-07 to X-10, X-12). What must never happen here: a personal value in a
sentence, since sentences stand in the ledger for good; a number that is missing or odd read as a small one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pilothouse.data.schema import is_personal
from pilothouse.decision.facts import Facts
from pilothouse.decision.policy import Policy
from pilothouse.decision.tiers import K, acts, touched
from pilothouse.vocabulary.records import FieldChange, WriterKind
from pilothouse.vocabulary.values import Json
from pilothouse.vocabulary.verdicts import Reason, Treatment

T = Treatment
CONTRACT_WORDS = re.compile(
    r"\b(contracts?|contractual|agreements?|msa|sow|nda|order forms?|addend(um|a)|amendments?|(re)?negotiat\w+|counter-?sign\w*"
    r"|(renewal|payment|commercial) terms|vertrag\w*|contrats?|contratos?|contratti)\b",
    re.IGNORECASE,
)


def confidence(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """X-08: strictly above the band runs, inside it is reviewed, below it is refused. Confidence never raises."""
    if facts.agent is None or not acts(facts):
        return
    band = policy.band(facts.capability.name)
    sure = f"{facts.sure:.2f}" + (f" ({facts.confidence:.2f} as stated)" if facts.sure != facts.confidence else "")
    if not 0 <= facts.confidence <= 1:
        yield Reason("confidence_invalid", f"Confidence {facts.confidence} is not between 0 and 1.", T.REFUSE)
    elif facts.sure < band.block_below:
        yield Reason("confidence_below_floor", f"Confidence {sure} is below {band.block_below:.2f}.", T.REFUSE)
    elif not facts.sure > band.auto_above:
        sentence = f"Confidence {sure} does not exceed {band.auto_above:.2f}, so a person looks at it."
        yield Reason("confidence_in_review_band", sentence, T.REVIEW)


def uncalibrated(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """Confidence of which nobody knows what it is worth lets nothing run by itself."""
    if facts.agent is not None and facts.uncalibrated and acts(facts):
        sentence = "Too few of its proposals of this kind were judged to know what its confidence is worth."
        yield Reason("uncalibrated", f"{sentence} A person looks at it.", T.REVIEW)


def provenance(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """X-09: filling what is empty is free; replacing what a person wrote is not."""
    if facts.agent is None or not acts(facts):
        return
    for change in facts.changes:
        if not change.fills_empty and _outranks_agents(change, facts):
            yield _replaced(change, is_personal(facts.object))


def _replaced(change: FieldChange, personal: bool) -> Reason:
    by_person = change.last_writer_kind in (None, WriterKind.PERSON)
    who = change.last_writer or ("A person" if by_person else "A stronger source")
    value = "" if personal else f" = {change.before!r}"
    when = f" on {change.last_written_at:%Y-%m-%d}" if change.last_written_at else ""
    code = "overwrites_person" if by_person else "overwrites_stronger"
    return Reason(code, f"{who} wrote {change.field}{value}{when}; a person decides.", T.REVIEW)


def _outranks_agents(change: FieldChange, facts: Facts) -> bool:
    """True when the last writer stands above agents in the contract's precedence; an unknown writer counts as one.

    A person stands above agents whatever the contract says.
    """
    order, writer = facts.precedence, change.last_writer_kind
    if writer is None or writer is WriterKind.PERSON or writer not in order or WriterKind.AGENT not in order:
        return True
    return order.index(writer) < order.index(WriterKind.AGENT)


def contract(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """The data contract's terms for each field (R-015, R-016)."""
    if facts.agent is None or not acts(facts):
        return
    for change in facts.changes:
        terms = facts.contract_rules.get(change.field)
        if terms is None:
            yield Reason("outside_contract", f"The contract does not cover {change.field}.", T.REFUSE)
        elif terms.review == "always" or (terms.review == "overwrite" and not change.fills_empty):
            yield Reason("contract_review", f"The contract asks for review of {change.field}.", T.REVIEW)
        elif not facts.sure > terms.min_confidence:
            sentence = f"The contract asks for more than {terms.min_confidence:.2f} to write {change.field}."
            yield Reason("contract_confidence", sentence, T.REVIEW)


def write_set(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """X-10: many small writes are the one big write they amount to; a bulk change of deal values is for a person."""
    most, reached = policy.limits.write_set_records, touched(facts)
    if facts.agent is None or reached <= most or not acts(facts):
        return
    if any(change.field == "amount" for change in facts.changes):
        sentence = f"Deal values of {reached} records at once are for a person to decide."
        yield Reason("bulk_deal_value", sentence, T.PERSON)
    elif reached > facts.bulk_allowance:
        minutes = policy.limits.write_set_minutes
        sentence = (
            f"With this one, {reached} records within {minutes} minutes: more than {most} are reviewed as a batch."
        )
        yield Reason("write_set", sentence, T.REVIEW)


def discount(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """X-12: discount authority is the most that a *draft* may carry without the deal desk."""
    if facts.capability.change is not K.DRAFT:
        return
    for offered in _discounts(facts.arguments):
        if isinstance(offered, bool) or not isinstance(offered, int | float):
            sentence = "The draft's discount is not a number of percent, so the deal desk decides."
            yield Reason("discount_escalated", sentence, T.PERSON)
        elif not offered <= policy.discount_authority:
            most = policy.discount_authority
            sentence = f"A draft at {offered:g} % exceeds the authority of {most:g} %: the deal desk decides."
            yield Reason("discount_escalated", sentence, T.PERSON)


def speaks_of_contracts(value: Json) -> bool:
    """True when any text of a message, however deep, uses a word for a contract; better once too often (X-02)."""
    if isinstance(value, Mapping):
        return any(speaks_of_contracts(inner) for inner in value.values())
    if isinstance(value, list | tuple):
        return any(speaks_of_contracts(inner) for inner in value)
    return isinstance(value, str) and CONTRACT_WORDS.search(value) is not None


def _discounts(value: Json, named: bool = False) -> Iterator[Json]:
    """Yield every value that stands under a name with "discount" in it, however deep."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _discounts(inner, named or "discount" in name.casefold())
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _discounts(inner, named)
    elif named and value is not None:
        yield value
