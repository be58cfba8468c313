"""Does it go on, or wait for a person? Shadow writes nothing; assisted waits always; live follows the verdict.

What must never happen here: a missing, foreign or stale approval taken for one; time or a retry taken for one (I4).
"""

from __future__ import annotations

from pilothouse.decision.modes import Disposition, effective
from pilothouse.gateway.door import Door
from pilothouse.gateway.passage import GO_ON, Answer, Approval, Passage, Stop, refuse
from pilothouse.gateway.stages.decide import if_live, shadowed
from pilothouse.gateway.stages.preview import record_before
from pilothouse.handoff.reviews import opening
from pilothouse.handoff.routing import Question, read_roster, route
from pilothouse.handoff.sla import deadline
from pilothouse.vocabulary.errors import InvalidInput, NotFound
from pilothouse.vocabulary.outcomes import ActionStatus
from pilothouse.vocabulary.verdicts import Tier


def hold(passage: Passage, door: Door) -> Answer:
    """Let through what may run now; queue what needs a person; keep a shadowed act a thought."""
    assert passage.verdict is not None
    disposition = effective(passage.verdict, passage.mode)
    if disposition is Disposition.SHADOW:
        would = if_live(passage).treatment.name.lower()
        why = f" {passage.bounds.held_back}" if passage.bounds.held_back else ""
        return shadowed(f"{passage.action_type} is in shadow: nothing is written.{why} Live, policy would say {would}.")
    if passage.approval is not None:
        return _approved(passage, passage.approval)
    if disposition is Disposition.EXECUTE:
        return GO_ON
    return _queue(passage, door)


def _approved(passage: Passage, approval: Approval) -> Answer:
    assert passage.verdict is not None and passage.actor is not None
    if approval.payload_hash != passage.action.payload_hash:
        return refuse("approval_for_other_payload", f"Review {approval.review} approved another payload than this one.")
    owner = passage.agent.manifest.owner if passage.agent else ""
    if passage.verdict.tier in (Tier.T3, Tier.TX) and approval.by in (passage.actor.person, owner):
        return refuse("proposer_cannot_approve", f"{approval.by} stands behind this proposal and cannot approve it.")
    return GO_ON


def _queue(passage: Passage, door: Door) -> Answer:
    assert passage.verdict is not None and passage.actor is not None and passage.rules is not None
    verdict, handing = passage.verdict, passage.rules.policy.handing
    now = door.clock.now()
    due = deadline(now, handing.reviews.expire_business_days)
    agent_owner = passage.agent.manifest.owner if passage.agent else ""
    barred = frozenset({passage.actor.person, agent_owner} - {""})
    question = Question(record_before(passage), verdict.tier, barred, handing.ask_of(verdict))
    try:
        with door.ledger.engine.connect() as connection:
            chosen = route(question, read_roster(connection, now, handing))
    except InvalidInput as error:
        return refuse("policy_error", str(error))
    except NotFound as error:
        return refuse("nobody_to_ask", str(error))
    draft, review = opening(
        passage.action,
        verdict,
        actor=passage.actor,
        owner=chosen.person,
        agent_owner=agent_owner,
        deadline=due,
        changes=passage.changes,
        action_type=passage.action_type,
        asked_because=chosen.because,
        answer_by=deadline(now, handing.reviews.sla_business_days),
    )
    sentence = f"Waiting for {chosen.person} until {due:%Y-%m-%d %H:%M} UTC: {verdict.sentence}"
    return Stop(ActionStatus.HELD, verdict.code, sentence, also=(draft,), review=review)
