"""Who is asking, and on whose behalf? (I3: unregistered, expired, revoked identities go no further.)"""

from __future__ import annotations

from pilothouse.gateway.door import Door
from pilothouse.gateway.passage import GO_ON, Answer, Passage, refuse
from pilothouse.vocabulary.errors import PilothouseError


def authenticate(passage: Passage, door: Door) -> Answer:
    """Turn an agent's token into agent and person. A person acting alone comes in with their session's actor."""
    if passage.actor is not None:
        if passage.actor.agent is not None:
            return refuse("not_authenticated", "An agent must present its token; being named is not enough.")
        return GO_ON
    try:
        grant = door.tokens.verify(passage.credential)
        passage.actor, passage.token = grant.actor, grant.id
    except PilothouseError as error:
        return refuse(error.code, f"Not let in: {error}")
    return GO_ON
