"""The considerations that no policy file can switch off, one small function each, in the order of the list below.

Each yields reasons; a reason asks for a treatment and never lowers another's. Requirements: X-02 to X-12. Those about
what an action *is* stand here; those that weigh how sure and how much it is stand in `measures.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pilothouse.decision.autonomy.ceiling import runs_alone
from pilothouse.decision.facts import Facts
from pilothouse.decision.measures import (
    confidence,
    contract,
    discount,
    provenance,
    speaks_of_contracts,
    uncalibrated,
    write_set,
)
from pilothouse.decision.policy import Policy
from pilothouse.decision.tiers import (
    NEEDS_A_PERSON,
    REVIEWED,
    K,
    acts,
    addressed,
    forbidden,
    graduated,
    irreversible,
    reach,
    touched,
    touches_closed,
)
from pilothouse.directory.roles import permissions_of
from pilothouse.vocabulary.capabilities import Blast, Effect
from pilothouse.vocabulary.verdicts import Mode, Reason, Treatment

T = Treatment
ROUTINE = (K.FIELD_UPDATE, K.FLAG, K.ACTIVITY)
OWN_ACTION_FIELDS = frozenset({"stage", "is_closed", "is_won"})
OWNED_BY_DECISION = ("account", "opportunity")


def prohibited(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """I8: delete, price and terms are never an agent's, approved or not, whatever the capability is called."""
    sentence = forbidden(facts)
    if sentence:
        yield Reason("prohibited", sentence, T.REFUSE)


def role(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """A person who acts without an agent does what their role allows: no auditor writes, few put things back."""
    if facts.agent is not None or not acts(facts):
        return
    permissions = permissions_of(facts.role)
    if not permissions.write:
        yield Reason("role_may_not", f"The role {facts.role.value} reads and writes nothing.", T.REFUSE)
    elif facts.capability.change is K.RESTORE and "rollback" not in permissions.may:
        yield Reason("role_may_not", f"The role {facts.role.value} may not put values back; ask RevOps.", T.REFUSE)


def initiation(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """X-02, X-06: what a person has to begin. The agent may draft it, and a person takes it from there."""
    if facts.agent is None or facts.human_initiated or not acts(facts):
        return
    most, reached = policy.limits.recipients, addressed(facts)
    advice = "a person must initiate it; the agent may only draft."
    if _goes_out(facts) and reached > most:
        yield Reason("too_many_recipients", f"{reached} recipients are more than {most}: {advice}", T.REFUSE)
    if _goes_out(facts) and facts.new_prospects > 0:
        sentence = f"{facts.new_prospects} recipient(s) hear from us for the first time: {advice}"
        yield Reason("new_prospect", sentence, T.REFUSE)
    related = facts.contract_related or speaks_of_contracts(facts.arguments)
    if facts.capability.change is K.CONTRACT or (_goes_out(facts) and related):
        yield Reason("contract_related", f"This concerns a contract: {advice}", T.REFUSE)
    if irreversible(facts.capability) and reach(facts, most) is Blast.HIGH:
        yield Reason("needs_initiation", f"It reaches far and cannot be undone: {advice}", T.REFUSE)


def _goes_out(facts: Facts) -> bool:
    return facts.capability.external or facts.capability.change in (K.MESSAGE, K.ENROLMENT)


def closed_stage(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """X-03: any move to or from a closed stage is for a person, whoever asks for it."""
    if acts(facts) and touches_closed(facts, policy.closed_stages):
        yield Reason("closed_stage", "A move to or from a closed stage is for a person to decide.", T.PERSON)


def own_action(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """X-03: a stage is moved by an action type of its own, never by a grant for field updates."""
    fields = sorted(OWN_ACTION_FIELDS & {change.field for change in facts.changes})
    if facts.agent is not None and fields and facts.capability.change in ROUTINE:
        sentence = f"{', '.join(fields)} is moved by a stage action, never by a field update; propose that instead."
        yield Reason("own_action_type", sentence, T.REFUSE)


def owner(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """X-05: a first owner is routine; another owner is reviewed; on accounts, deals or in bulk a person decides."""
    if facts.agent is None or not acts(facts):
        return
    replaced = any(change.field == "owner" and not change.fills_empty for change in facts.changes)
    unclear = facts.capability.change is K.OWNER_FIRST and not facts.fills_empty
    if not (replaced or unclear or facts.capability.change is K.OWNER_CHANGE):
        return
    if facts.object in OWNED_BY_DECISION or touched(facts) > policy.limits.write_set_records:
        sentence = "There is an owner already; on accounts, deals or many records at once a person decides."
        yield Reason("owner_change", sentence, T.PERSON)
    else:
        yield Reason("owner_change", "There is an owner already; a reassignment is reviewed.", T.REVIEW)


def kind(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """Kinds of change with a treatment of their own. A message needs its approval whoever sends it."""
    change = facts.capability.change
    if facts.agent is None and facts.capability.reversible and change not in (K.MESSAGE, K.UNCLASSIFIED):
        return
    if change in NEEDS_A_PERSON:
        yield Reason("human_only", NEEDS_A_PERSON[change], T.PERSON)
    if change in REVIEWED and not graduated(facts):
        yield Reason("reviewed_kind", REVIEWED[change], T.REVIEW)


def retained(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """R-069, X-14: what this company keeps for people, by its own list."""
    if facts.agent is not None and facts.capability.name in policy.human_only:
        sentence = f"Policy keeps {facts.capability.name} for people; an agent may propose it."
        yield Reason("human_only", sentence, T.PERSON)


def again(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """What a person undid, or said no to, is not done again behind their back (R-079)."""
    if facts.agent is not None and facts.undone and acts(facts):
        yield Reason("undone_before", f"The same was done before, and {facts.undone} A person decides.", T.REVIEW)
    if facts.agent is not None and facts.rejected and acts(facts):
        sentence = f"The like was proposed before, and {facts.rejected} Somebody who did not propose it decides."
        yield Reason("rejected_before", sentence, T.PERSON)


def ambiguous(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """R-079, R-105: an agent that says it cannot tell is believed, whatever its confidence."""
    if facts.agent is not None and facts.ambiguity and acts(facts):
        yield Reason("ambiguous", "The agent says that it cannot tell for sure; a person looks at it.", T.REVIEW)


def earned(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """R-099, R-284: what readiness does not allow yet, or lies outside the share that runs by itself, is reviewed."""
    if facts.agent is None or not acts(facts) or facts.mode is Mode.SHADOW:
        return
    if facts.held_back:
        yield Reason("ceiling", facts.held_back, T.REVIEW)
    if facts.mode is Mode.LIVE and not runs_alone(facts.share, facts.drawn):
        sentence = f"{facts.share} % of these acts run by themselves; this record is among those that are reviewed."
        yield Reason("staged_share", sentence, T.REVIEW)


def rewritten_draft(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """A draft onto a record that exists is no draft: somebody may have sent or signed it since."""
    if facts.agent is not None and facts.capability.effect is Effect.DRAFT and acts(facts):
        sentence = "The record exists already, so this would change it; draft a new one instead."
        yield Reason("draft_on_existing", sentence, T.REVIEW)


def risk(facts: Facts, policy: Policy) -> Iterator[Reason]:
    """The matrix. What cannot be undone needs a person, at any confidence (I1)."""
    capability = facts.capability
    if not acts(facts):
        return
    if irreversible(capability):
        answer = capability.if_wrong or "we cannot"
        yield Reason("irreversible", f"If this is wrong, how do we fix it? “{answer}” A person decides.", T.PERSON)
    elif facts.agent is not None and reach(facts, policy.limits.recipients) is Blast.HIGH:
        yield Reason("high_blast", "It can be undone, but it reaches far; it is reviewed in a batch.", T.REVIEW)


Consideration = Callable[[Facts, Policy], Iterator[Reason]]
CONSIDERATIONS: tuple[Consideration, ...] = (
    prohibited,
    role,
    initiation,
    own_action,
    discount,
    closed_stage,
    again,
    ambiguous,
    write_set,
    owner,
    provenance,
    confidence,
    uncalibrated,
    contract,
    kind,
    retained,
    earned,
    rewritten_draft,
    risk,
)
"""In the order in which they are quoted: of equally strict reasons the first, the most particular, speaks."""
