"""The one place from which a system of record is written.

A crash before the call leaves an intent without effect; a crash after it an effect without result. Both are found by
`reconcile`, which reads the system of record before anything is said or retried.
"""

from __future__ import annotations

from collections.abc import Mapping

from pilothouse.directory.suspensions import Suspension, stopped
from pilothouse.gateway.door import Door
from pilothouse.gateway.passage import GO_ON, Answer, Passage, Stop
from pilothouse.gateway.ports import Call, CallRefused, CallUnknown
from pilothouse.gateway.stages.comply import address_of
from pilothouse.gateway.stages.preview import recipients_of
from pilothouse.vocabulary.capabilities import ChangeKind
from pilothouse.vocabulary.outcomes import ActionStatus


def perform(passage: Passage, door: Door) -> Answer:
    """Send the call; retry only what certainly did not happen; call an unanswered call unknown.

    Suspended since its intent was written, nothing is sent, and nothing again.
    """
    assert passage.intended and passage.connector is not None
    call = call_of(passage, door)
    for attempt in range(1, door.limits.most_attempts + 1):
        stop = _suspended(passage, door)
        if stop is not None:
            return Stop(ActionStatus.FAILED, "agent_suspended", f"Nothing was done: {stop}.")
        try:
            passage.receipt = passage.connector.perform(call)
            return GO_ON
        except CallUnknown as error:
            return Stop(ActionStatus.UNKNOWN, "no_answer", f"{passage.action.target.system} did not answer: {error}")
        except CallRefused as error:
            if not error.retryable or attempt == door.limits.most_attempts:
                return Stop(ActionStatus.FAILED, error.code, f"{passage.action.target.system} refused: {error}")
            door.pause(0.05 * 2**attempt)
    raise AssertionError("the loop above always returns")


def _suspended(passage: Passage, door: Door) -> Suspension | None:
    if passage.agent is None:
        return None
    with door.ledger.reading() as connection:
        return stopped(connection, passage.agent.ref, passage.action.capability, passage.action_type)


def call_of(passage: Passage, door: Door) -> Call:
    """Return the call; its request id is the action's, so that the system of record can tell a repeat."""
    version = passage.snapshot.version if passage.snapshot else None
    partner = passage.partner.version if passage.partner else None
    action = passage.action
    headers = _headers(passage, door)
    return Call(action.capability, action.target, action.arguments, version, action.id, partner, headers)


def _headers(passage: Passage, door: Door) -> Mapping[str, Mapping[str, str]]:
    """Return the headers of each recipient's copy of a letter.

    They are put on here and not in the arguments: what a person approved is the text and whom it goes to, and its hash
    holds; who proposes, who approves and the ledger have no need of a link that speaks for somebody else.
    """
    assert passage.capability is not None and passage.rules is not None
    if passage.capability.change is not ChangeKind.MESSAGE:
        return {}
    rules = passage.rules.policy.messages
    assert rules is not None, "`comply` lets no letter through without them"
    people = zip(recipients_of(passage), passage.addressed, strict=True)
    return {each: door.ways_out.headers(rules.unsubscribe, address_of(contact)) for each, contact in people}
