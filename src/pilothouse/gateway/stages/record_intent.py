"""The intent becomes durable before anything runs (I2), and the last word is asked for under the ledger's write lock.

Between the stages above and this one the world may have moved: another action with the same key, an agent suspended, a
write-set grown, a token revoked, a person gone, a review already used, a field taken by another run. All of it is asked again here, inside the
transaction that writes the intent, so that no two callers can both be told yes. Only where the ledger is exactly as
long as before the first fact was read is there nothing to ask: then nothing moved.
"""

from __future__ import annotations

from sqlalchemy import Connection

from pilothouse.decision.engine import decide as judge
from pilothouse.decision.tiers import acts, irreversible
from pilothouse.directory.people import read_person
from pilothouse.directory.registered import read_agent
from pilothouse.directory.suspensions import stopping
from pilothouse.gateway.door import Door
from pilothouse.gateway.entries import action_draft
from pilothouse.gateway.identity import need_unrevoked
from pilothouse.gateway.passage import GO_ON, Answer, Passage, refuse
from pilothouse.gateway.stages.comply import still_complies
from pilothouse.gateway.stages.decide import bounds_of, facts
from pilothouse.gateway.stages.limit import measure
from pilothouse.handoff.reviews import consume_guard, used
from pilothouse.ledger.actions import execution_of
from pilothouse.vocabulary.errors import Conflict, Forbidden, Unauthenticated
from pilothouse.vocabulary.outcomes import ActionStatus


def record_intent(passage: Passage, door: Door) -> Answer:
    """Write the intent entry; refuse when the world moved, or when an irreversible act has no person behind it."""
    unapproved = _without_a_person(passage)
    if unapproved:
        return refuse("approval_required", unapproved)
    drafts = [action_draft(passage, ActionStatus.INTENDED, "intended", "About to be performed.")]
    if passage.approval is not None:
        assert passage.actor is not None
        drafts.append(used(passage.approval.review, passage.action, passage.actor))
    door.under_way[id(passage)] = passage.action.id  # before anybody can see the intent and take it for abandoned
    try:
        door.ledger.append(drafts, guard=lambda connection: _last_word(connection, passage, door))
    except (Conflict, Forbidden, Unauthenticated) as error:
        return refuse(error.code, str(error))
    passage.intended = True
    return GO_ON


def _without_a_person(passage: Passage) -> str:
    """I1, asked once more where nothing configurable can be in the way."""
    assert passage.capability is not None and passage.facts is not None
    if not acts(passage.facts) or not irreversible(passage.capability):
        return ""
    approval = passage.approval
    if approval is not None and approval.by and approval.payload_hash == passage.action.payload_hash:
        return ""
    return (
        f"{passage.capability.name} cannot be undone; it runs only on a named person's approval of this exact payload."
    )


def _last_word(connection: Connection, passage: Passage, door: Door) -> None:
    if passage.seen == door.ledger.size_in(connection):
        return  # nothing was written since the first fact was read: every answer above still holds
    earlier = execution_of(connection, passage.action.idempotency_key)
    if earlier is not None:
        raise Conflict(f"this act was already taken up as {earlier}.", code="already_executed")
    assert passage.rules is not None
    if door.rules.version_in(connection) != passage.rules.version:
        raise Conflict("another policy came into force while this was judged.", code="world_moved")
    if passage.token:
        need_unrevoked(connection, passage.token)
    if passage.person is not None and read_person(connection, passage.person.id) != passage.person:
        raise Conflict(f"what {passage.person.name} may do changed while this was judged.", code="world_moved")
    if passage.agent is not None:
        now = read_agent(connection, passage.agent.ref)
        stop = stopping(now.suspensions, now.ref, passage.action.capability, passage.action_type)
        if stop is not None:
            raise Forbidden(f"{stop}.", code="agent_suspended")
        standing = now.standing(passage.action_type, passage.action.capability)
        if standing != passage.standing or bounds_of(passage, now, door) != passage.bounds:
            raise Conflict("the agent's standing changed while this was judged.", code="world_moved")
        _judge_again_if_grown(connection, passage, door)
    still_complies(connection, passage, door.clock.now())
    if passage.approval is not None:
        assert passage.verdict is not None
        consume_guard(passage.approval.review, passage.approval.payload_hash, passage.verdict.tier)(connection)


def _judge_again_if_grown(connection: Connection, passage: Passage, door: Door) -> None:
    """I7: callers side by side must not each see room for one more; the verdict must hold for the set as it is now."""
    measured = measure(connection, passage, door)
    if measured == passage.write_set:
        return
    assert passage.verdict is not None and passage.rules is not None
    passage.write_set = measured
    if judge(facts(passage, door), passage.rules.policy).treatment != passage.verdict.treatment:
        raise Conflict("the write-set grew while this was judged.", code="world_moved")
