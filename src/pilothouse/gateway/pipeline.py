"""The way of one action, on one screen.

    authenticate   who is asking, and for whom?
    recall         was the same act handed in before?
    authorize      agent grants ∩ the person's permissions and records ∩ contract fields ∩ intent
    validate       schema, confidence, evidence
    limit          attempts, rolling write-set
    preview        before-state, stale read, opt-outs
    comply         what goes out: sign-off, suppression, consent, sender, quiet hours
    decide         policy, tier, confidence band → verdict
    hold           shadow · wait for a person · go on
    record_intent  durable before anything runs; last word under the write lock
    perform        the only outside write
    read_back      what does the record say now?
    record_result  the outcome, linked to the intent

Each stage answers Continue or Stop(status, code, sentence), and `recall` Known: how the act stands already. Every stop is
an entry. An approved action comes in again
at `authorize`, on the grant it was stored with: its token may have lapsed, its registration, suspension, the person's
role and the world may not.

What must never happen here: a stage skipped for speed, an order decided anywhere else, an answer that is not recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pilothouse.gateway.door import Door
from pilothouse.gateway.entries import action_draft
from pilothouse.gateway.passage import Answer, Known, Passage, Result, Stop
from pilothouse.gateway.stages.authenticate import authenticate
from pilothouse.gateway.stages.authorize import authorize
from pilothouse.gateway.stages.comply import comply
from pilothouse.gateway.stages.decide import decide
from pilothouse.gateway.stages.hold import hold
from pilothouse.gateway.stages.limit import limit
from pilothouse.gateway.stages.perform import perform
from pilothouse.gateway.stages.preview import preview
from pilothouse.gateway.stages.read_back import read_back
from pilothouse.gateway.stages.recall import recall
from pilothouse.gateway.stages.record_intent import record_intent
from pilothouse.gateway.stages.record_result import record_result
from pilothouse.gateway.stages.validate import validate
from pilothouse.handoff.reviews import used
from pilothouse.vocabulary.outcomes import ActionStatus

Stage = Callable[[Passage, Door], Answer]

STAGES: tuple[Stage, ...] = (
    authenticate,
    recall,
    authorize,
    validate,
    limit,
    preview,
    comply,
    decide,
    hold,
    record_intent,
    perform,
    read_back,
    record_result,
)
PASSING = frozenset({"world_moved", "system_unreadable", "field_claimed", "quiet_hours"})
"""Codes of refusals that time cures: an approval survives them."""
AFTER_APPROVAL: tuple[Stage, ...] = STAGES[STAGES.index(authorize) :]
BEFORE_DECISION: tuple[Stage, ...] = STAGES[STAGES.index(authorize) : STAGES.index(hold)]
"""What a reviewer's own values are tried on before the review is spent on them; these stages change nothing."""


def run(passage: Passage, door: Door, stages: Sequence[Stage] = STAGES) -> Result:
    """Take an action through the stages; whatever stops it is recorded before the caller hears of it."""
    try:
        for stage in stages:
            answer = stage(passage, door)
            if isinstance(answer, Known):
                return answer.result
            if isinstance(answer, Stop):
                return _stopped(passage, door, answer)
        return Result(passage.action, ActionStatus.EXECUTED, *passage.note, passage.verdict, _review(passage))
    finally:
        door.under_way.pop(id(passage), None)


def _stopped(passage: Passage, door: Door, stop: Stop) -> Result:
    drafts = [action_draft(passage, stop.status, stop.code, stop.sentence, stop.review), *stop.also]
    if passage.approval and passage.actor and not passage.intended and stop.code not in PASSING:
        # An approval is good for one attempt: what is refused now must be proposed and decided anew.
        drafts.append(used(passage.approval.review, passage.action, passage.actor))
    door.ledger.append(drafts)
    review = stop.review or _review(passage)
    return Result(passage.action, stop.status, stop.code, stop.sentence, passage.verdict, review)


def _review(passage: Passage) -> str:
    return passage.approval.review if passage.approval else ""
