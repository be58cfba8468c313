"""How much an agent was shown lately, from the entries that say so: what runs read, and single reads.

What must never happen here: a new version of an agent that starts with an empty count.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from pilothouse.gateway.door import Door
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.records import RecordRef

RUN_READ, ONE_READ = "run.read", "record.read"
MINUTE = timedelta(minutes=1)


def shown_lately(door: Door, actor: Actor) -> Counter[str]:
    """Return how many records of each system the agent, in any version, was shown within the last minute."""
    shown: Counter[str] = Counter()
    if actor.agent is None:
        return shown
    for entry in door.ledger.entries(kinds={RUN_READ, ONE_READ}, since=door.clock.now() - MINUTE):
        if entry.actor.agent is None or entry.actor.agent.name != actor.agent.name:
            continue
        if entry.kind == RUN_READ:
            shown.update(entry.body["systems"])
        else:
            shown[RecordRef.parse(entry.subject).system] += 1
    return shown
