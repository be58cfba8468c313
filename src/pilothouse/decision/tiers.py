"""What an action is before anybody asks how sure it is: does it act, can it be undone, how far does it reach (X-06).

What must never happen here: a capability believed because of its label. What a call would do to the record counts.
"""

from __future__ import annotations

from pilothouse.decision.facts import Facts
from pilothouse.vocabulary.capabilities import Blast, Capability, ChangeKind, Effect
from pilothouse.vocabulary.records import is_empty
from pilothouse.vocabulary.values import Json
from pilothouse.vocabulary.verdicts import Mode, Tier

K = ChangeKind
PROHIBITED = {K.DELETE: "Agents never delete records.", K.PRICE: "Agents never change prices or terms."}
NEEDS_A_PERSON = {
    K.CLOSE: "Closing a deal is for its owner to approve.",
    K.OWNER_CHANGE_BULK: "Changing who owns an account is for a person to decide.",
    K.CONTRACT: "Contracts are for people to decide.",
    K.MESSAGE: "No message leaves without a named person's approval of its exact text and recipients.",
    K.UNCLASSIFIED: "Nobody classified this capability, so it counts as one that cannot be undone.",
}
REVIEWED = {
    K.STAGE_MOVE: "Stage moves are reviewed, but for those to the next stage with all its criteria met that climbed the ramp.",
    K.OWNER_CHANGE: "Changing an existing owner is reviewed.",
    K.MERGE: "Merges are reviewed.",
    K.ENROLMENT: "Enrolling people in a sequence is reviewed in batches.",
}
FORWARD = ":forward"
"""Marks the action type of a stage move that may earn to run by itself."""
PRICE_FIELDS = frozenset(
    {"price", "list_price", "unit_price", "discount", "discount_percent", "terms", "payment_terms"}
)
CLOSING_FIELDS = ("is_closed", "is_won")


def irreversible(capability: Capability) -> bool:
    """True for what cannot be undone, reaches people outside, or was never classified (I1)."""
    return not capability.reversible or capability.external or capability.change is K.UNCLASSIFIED


def acts(facts: Facts) -> bool:
    """False only for a read or a draft that says so in every respect; a draft onto a record that exists is a write."""
    capability = facts.capability
    if capability.effect is Effect.WRITE or capability.external or capability.change not in (K.READ, K.DRAFT):
        return True
    return capability.effect is Effect.DRAFT and _exists(facts)


def _exists(facts: Facts) -> bool:
    return any(not is_empty(value) for value in facts.record.values())


def forbidden(facts: Facts) -> str:
    """Return why this is never an agent's (I8), judged by what it writes as well as by what it is called; else ""."""
    if facts.agent is None:
        return ""
    if facts.capability.change in PROHIBITED:
        return PROHIBITED[facts.capability.change]
    priced = [change.field for change in facts.changes if _is_price(change.field, facts.object)]
    return f"{PROHIBITED[K.PRICE]} This would write {', '.join(priced)}." if priced and acts(facts) else ""


def _is_price(field: str, object_name: str) -> bool:
    name = field.casefold()
    return name in PRICE_FIELDS or (object_name == "quote" and name == "amount")


def reach(facts: Facts, most_recipients: int) -> Blast:
    """Return how far the action reaches: for what goes to people, by counting them; else as it is classified."""
    if facts.capability.recipients_argument:
        return Blast.HIGH if addressed(facts) > most_recipients else Blast.LOW
    return facts.capability.blast


def addressed(facts: Facts) -> int:
    """Return the number of people reached by this call, or by the rolling write-set it belongs to."""
    return max(facts.recipients, facts.write_set_recipients)


def touched(facts: Facts) -> int:
    """Return the number of records changed by this call, or by the rolling write-set it belongs to."""
    return max(facts.records, facts.write_set_records)


def normal_stage(name: Json) -> str:
    """Return a stage's name so that case and white space make no other stage of it."""
    return " ".join(str(name or "").split()).casefold()


def touches_closed(facts: Facts, closed_stages: frozenset[str]) -> bool:
    """True for a move to or from a closed stage, and for one that cannot be shown to be none (X-03).

    `closed_stages` are names as `normal_stage` returns them.
    """
    moves = [change for change in facts.changes if change.field == "stage"]
    if any(change.field in CLOSING_FIELDS for change in facts.changes):
        return True
    if not moves:
        return facts.capability.change is K.STAGE_MOVE
    named = {normal_stage(value) for move in moves for value in (move.before, move.after)}
    return not closed_stages or bool(named & closed_stages) or facts.record.get("is_closed") is True


def graduated(facts: Facts) -> bool:
    """X-03: a move on to the next open stage, where the exit criteria are known to hold, that came to run by its gate."""
    earned = facts.mode is Mode.LIVE and not facts.bootstrap
    return facts.capability.change is K.STAGE_MOVE and facts.stage_forward and earned


def tier_of(facts: Facts, closed_stages: frozenset[str], most_recipients: int) -> Tier:
    """Return the risk tier: reversibility × blast radius, with the kinds of change that stand above the matrix."""
    capability = facts.capability
    if forbidden(facts):
        return Tier.TX
    if not acts(facts):
        return Tier.T0
    if irreversible(capability) or capability.change in NEEDS_A_PERSON or touches_closed(facts, closed_stages):
        return Tier.T3
    reviewed = capability.change in REVIEWED and not graduated(facts)
    if reach(facts, most_recipients) is Blast.HIGH or reviewed:
        return Tier.T2
    return Tier.T1
