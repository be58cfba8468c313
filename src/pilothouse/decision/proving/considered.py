"""What each consideration asks for, as a formula over an act of which nothing is known.

One function here for each function in `decision/considerations.py` and `measures.py`, in the same words; a test compares
both over generated facts. A consideration without one may ask for anything. What must never happen here: a condition
simplified by what "cannot be": what the engine asks is asked here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import count

from pilothouse.conditions.logic import (
    FALSE,
    TRUE,
    Bool,
    Number,
    a_bool,
    at_most,
    below,
    equal,
    every,
    largest,
    no,
    real,
    some,
    truth,
    whole,
)
from pilothouse.decision import considerations as c
from pilothouse.decision import engine, measures
from pilothouse.decision.proving.act import ASKED, MODES, ODD_PRICE, ROLES, WRITERS, Act, Change, outranks, written_by
from pilothouse.decision.tiers import (
    CLOSING_FIELDS,
    NEEDS_A_PERSON,
    PRICE_FIELDS,
    PROHIBITED,
    REVIEWED,
    K,
    irreversible,
)
from pilothouse.decision.written import Policy
from pilothouse.directory.registered import WHOLE
from pilothouse.directory.roles import permissions_of
from pilothouse.vocabulary.capabilities import Blast, Effect
from pilothouse.vocabulary.records import WriterKind
from pilothouse.vocabulary.verdicts import Mode, Treatment

T = Treatment


@dataclass(frozen=True, slots=True)
class Said:
    """A reason: where it is given, which treatment it asks for, its code, and the rule behind it."""

    where: Bool
    treatment: Treatment
    code: str
    rule: str = ""


_TIMES = count()
Encoded = Callable[[Act, Policy], Iterator[Said]]


def considered(act: Act, policy: Policy) -> list[Said]:
    """Return what the considerations that the engine asks say; one that is not known here may say anything."""
    said: list[Said] = []
    for each in engine.CONSIDERATIONS:
        encoded = ENCODED.get(each)
        said += encoded(act, policy) if encoded else _anything(each.__name__)
    return said


def unknown() -> list[str]:
    """Return the considerations that the engine asks and that are not written down here."""
    return [each.__name__ for each in engine.CONSIDERATIONS if each not in ENCODED]


def _anything(name: str) -> Iterator[Said]:
    # Variables of their own each time: of two acts that differ it may say different things.
    time = next(_TIMES)
    for treatment in T:
        yield Said(a_bool(f"?consideration {name} asks for {treatment}, {time}"), treatment, name)


# What an action is: decision/tiers.py.


def acts(act: Act) -> Bool:
    """As `tiers.acts`."""
    capability = act.scene.capability
    if capability.effect is Effect.WRITE or capability.external or capability.change not in (K.READ, K.DRAFT):
        return TRUE
    return act.exists if capability.effect is Effect.DRAFT else FALSE


def priced(act: Act) -> Bool:
    """A price or a term would be written."""
    fields = [name for name in act.changes if name.casefold() in PRICE_FIELDS or name == ODD_PRICE]
    return act.touched(*fields, *(["amount"] if act.scene.object == "quote" else []))


def forbidden(act: Act) -> Bool:
    """As `tiers.forbidden`."""
    if act.scene.capability.change in PROHIBITED:
        return act.by_agent
    return every([act.by_agent, priced(act), acts(act)])


def reaches_far(act: Act, most: int) -> Bool:
    """As `tiers.reach` coming to HIGH."""
    if act.scene.capability.recipients_argument:
        return below(whole(most), addressed(act))
    return truth(act.scene.capability.blast is Blast.HIGH)


def addressed(act: Act) -> Number:
    """As `tiers.addressed`."""
    return largest(act.counts["recipients"], act.counts["write_set_recipients"])


def touched(act: Act) -> Number:
    """As `tiers.touched`."""
    return largest(act.counts["records"], act.counts["write_set_records"])


def touches_closed(act: Act, policy: Policy) -> Bool:
    """As `tiers.touches_closed`."""
    moves = act.changes["stage"].there
    known = some([truth(not policy.closed_stages), act.closed_before, act.closed_after, act.is_closed])
    unmoved = truth(act.scene.capability.change is K.STAGE_MOVE)
    return some([act.touched(*CLOSING_FIELDS), every([moves, known]), every([no(moves), unmoved])])


# decision/considerations.py, in its order.


def _prohibited(act: Act, policy: Policy) -> Iterator[Said]:
    yield Said(forbidden(act), T.REFUSE, "prohibited")


def _role(act: Act, policy: Policy) -> Iterator[Said]:
    alone = every([no(act.by_agent), acts(act)])
    for number, role in enumerate(ROLES):
        permissions = permissions_of(role)
        restores = act.scene.capability.change is K.RESTORE and "rollback" not in permissions.may
        if not permissions.write or restores:
            yield Said(every([alone, equal(act.role, whole(number))]), T.REFUSE, "role_may_not")


def _initiation(act: Act, policy: Policy) -> Iterator[Said]:
    capability, most = act.scene.capability, policy.limits.recipients
    begun = every([act.by_agent, no(act.switches["human_initiated"]), acts(act)])
    out = truth(capability.external or capability.change in (K.MESSAGE, K.ENROLMENT))
    yield Said(every([begun, out, below(whole(most), addressed(act))]), T.REFUSE, "too_many_recipients")
    yield Said(every([begun, out, below(whole(0), act.counts["new_prospects"])]), T.REFUSE, "new_prospect")
    related = some([act.switches["contract_related"], act.switches["contract_words"]])
    contract = some([truth(capability.change is K.CONTRACT), every([out, related])])
    yield Said(every([begun, contract]), T.REFUSE, "contract_related")
    far = every([truth(irreversible(capability)), reaches_far(act, most)])
    yield Said(every([begun, far]), T.REFUSE, "needs_initiation")


def _closed_stage(act: Act, policy: Policy) -> Iterator[Said]:
    yield Said(every([acts(act), touches_closed(act, policy)]), T.PERSON, "closed_stage")


def _own_action(act: Act, policy: Policy) -> Iterator[Said]:
    routine = truth(act.scene.capability.change in c.ROUTINE)
    yield Said(every([act.by_agent, routine, act.touched(*sorted(c.OWN_ACTION_FIELDS))]), T.REFUSE, "own_action_type")


def _owner(act: Act, policy: Policy) -> Iterator[Said]:
    change, owner = act.scene.capability.change, act.changes["owner"]
    replaced = every([owner.there, no(owner.empty)])
    unclear = every([truth(change is K.OWNER_FIRST), no(act.fills_empty)])
    concerned = every([act.by_agent, acts(act), some([replaced, unclear, truth(change is K.OWNER_CHANGE)])])
    many = below(whole(policy.limits.write_set_records), touched(act))
    decided = some([truth(act.scene.object in c.OWNED_BY_DECISION), many])
    yield Said(every([concerned, decided]), T.PERSON, "owner_change")
    yield Said(every([concerned, no(decided)]), T.REVIEW, "owner_change")


def _kind(act: Act, policy: Policy) -> Iterator[Said]:
    capability = act.scene.capability
    spared = capability.reversible and capability.change not in (K.MESSAGE, K.UNCLASSIFIED)
    where = act.by_agent if spared else TRUE
    yield Said(every([where, truth(capability.change in NEEDS_A_PERSON)]), T.PERSON, "human_only")
    reviewed = every([truth(capability.change in REVIEWED), no(graduated(act))])
    yield Said(every([where, reviewed]), T.REVIEW, "reviewed_kind")


def graduated(act: Act) -> Bool:
    """As `tiers.graduated`."""
    moves = truth(act.scene.capability.change is K.STAGE_MOVE)
    return every([moves, act.switches["stage_forward"], _in(act, Mode.LIVE), no(act.switches["bootstrap"])])


def _retained(act: Act, policy: Policy) -> Iterator[Said]:
    kept = truth(act.scene.capability.name in policy.human_only)
    yield Said(every([act.by_agent, kept]), T.PERSON, "human_only")


def _again(act: Act, policy: Policy) -> Iterator[Said]:
    agent = every([act.by_agent, acts(act)])
    yield Said(every([agent, act.switches["undone"]]), T.REVIEW, "undone_before")
    yield Said(every([agent, act.switches["rejected"]]), T.PERSON, "rejected_before")


def _ambiguous(act: Act, policy: Policy) -> Iterator[Said]:
    yield Said(every([act.by_agent, acts(act), act.switches["ambiguity"]]), T.REVIEW, "ambiguous")


def _earned(act: Act, policy: Policy) -> Iterator[Said]:
    asked = every([act.by_agent, acts(act), no(_in(act, Mode.SHADOW))])
    share, drawn = act.counts["share"], act.counts["drawn"]
    outside = every([below(share, whole(WHOLE)), at_most(share, drawn)])
    yield Said(every([asked, act.switches["held_back"]]), T.REVIEW, "ceiling")
    yield Said(every([asked, _in(act, Mode.LIVE), outside]), T.REVIEW, "staged_share")


def _in(act: Act, mode: Mode) -> Bool:
    return equal(act.mode, whole(MODES.index(mode)))


def _rewritten_draft(act: Act, policy: Policy) -> Iterator[Said]:
    draft = truth(act.scene.capability.effect is Effect.DRAFT)
    yield Said(every([act.by_agent, draft, acts(act)]), T.REVIEW, "draft_on_existing")


def _risk(act: Act, policy: Policy) -> Iterator[Said]:
    if irreversible(act.scene.capability):
        yield Said(acts(act), T.PERSON, "irreversible")
    else:
        far = reaches_far(act, policy.limits.recipients)
        yield Said(every([acts(act), act.by_agent, far]), T.REVIEW, "high_blast")


# decision/measures.py.


def _confidence(act: Act, policy: Policy) -> Iterator[Said]:
    band = policy.band(act.scene.capability.name)
    asked = every([act.by_agent, acts(act)])
    sound = every([no(act.odd_confidence), at_most(real(0), act.confidence), at_most(act.confidence, real(1))])
    low = below(act.sure, real(band.block_below))
    sure = below(real(band.auto_above), act.sure)
    yield Said(every([asked, no(sound)]), T.REFUSE, "confidence_invalid")
    yield Said(every([asked, sound, low]), T.REFUSE, "confidence_below_floor")
    yield Said(every([asked, sound, no(low), no(sure)]), T.REVIEW, "confidence_in_review_band")


def _uncalibrated(act: Act, policy: Policy) -> Iterator[Said]:
    yield Said(every([act.by_agent, acts(act), act.switches["uncalibrated"]]), T.REVIEW, "uncalibrated")


def _provenance(act: Act, policy: Policy) -> Iterator[Said]:
    asked = every([act.by_agent, acts(act)])
    yield Said(every([asked, act.any_change(_persons)]), T.REVIEW, "overwrites_person")
    yield Said(every([asked, act.any_change(_stronger)]), T.REVIEW, "overwrites_stronger")


@cache
def _persons(change: Change) -> Bool:
    by_person = some([written_by(change, None), written_by(change, WriterKind.PERSON)])
    return every([change.there, no(change.empty), by_person])


@cache
def _stronger(change: Change) -> Bool:
    others = [each for each in WRITERS if each is not None and each is not WriterKind.PERSON]
    by_stronger = some(every([written_by(change, each), outranks(each)]) for each in others)
    return every([change.there, no(change.empty), by_stronger])


def _contract(act: Act, policy: Policy) -> Iterator[Said]:
    asked, sure = every([act.by_agent, acts(act)]), act.sure
    yield Said(every([asked, act.any_change(_uncovered)]), T.REFUSE, "outside_contract")
    yield Said(every([asked, act.any_change(_reviewed)]), T.REVIEW, "contract_review")
    yield Said(
        every([asked, act.any_change(lambda each: _unsure(each, act.odd_confidence, sure))]),
        T.REVIEW,
        "contract_confidence",
    )


def _unsure(change: Change, odd: Bool, confidence: Number) -> Bool:
    sure = every([no(odd), below(change.floor, confidence)])
    return every([change.there, change.terms, no(_reviewed(change)), no(sure)])


@cache
def _uncovered(change: Change) -> Bool:
    return every([change.there, no(change.terms)])


@cache
def _reviewed(change: Change) -> Bool:
    always = equal(change.asked, whole(ASKED.index("always")))
    overwrite = every([equal(change.asked, whole(ASKED.index("overwrite"))), no(change.empty)])
    return every([change.there, change.terms, some([always, overwrite])])


def _write_set(act: Act, policy: Policy) -> Iterator[Said]:
    many = every([act.by_agent, acts(act), below(whole(policy.limits.write_set_records), touched(act))])
    value = act.changes["amount"].there
    unallowed = below(act.counts["bulk_allowance"], touched(act))
    yield Said(every([many, value]), T.PERSON, "bulk_deal_value")
    yield Said(every([many, no(value), unallowed]), T.REVIEW, "write_set")


def _discount(act: Act, policy: Policy) -> Iterator[Said]:
    draft = truth(act.scene.capability.change is K.DRAFT)
    yield Said(every([draft, act.switches["excessive_discount"]]), T.PERSON, "discount_escalated")


ENCODED: Mapping[c.Consideration, Encoded] = {
    c.prohibited: _prohibited,
    c.role: _role,
    c.initiation: _initiation,
    c.own_action: _own_action,
    measures.discount: _discount,
    c.closed_stage: _closed_stage,
    c.again: _again,
    c.ambiguous: _ambiguous,
    c.earned: _earned,
    measures.write_set: _write_set,
    c.owner: _owner,
    measures.provenance: _provenance,
    measures.confidence: _confidence,
    measures.uncalibrated: _uncalibrated,
    measures.contract: _contract,
    c.kind: _kind,
    c.retained: _retained,
    c.rewritten_draft: _rewritten_draft,
    c.risk: _risk,
}
