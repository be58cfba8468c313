"""Reads by agents: scoped like writes, and recorded."""

from __future__ import annotations

from pilothouse.directory.roles import may_see, permissions_of
from pilothouse.gateway.door import Door
from pilothouse.gateway.passage import Passage
from pilothouse.gateway.reading import read_snapshot
from pilothouse.ledger.entries import Draft
from pilothouse.vocabulary.actions import Action
from pilothouse.vocabulary.errors import Forbidden, NotFound
from pilothouse.vocabulary.records import RecordRef, Snapshot


def scoped_read(door: Door, ref: RecordRef, token: str) -> Snapshot:
    """Return the record reduced to person ∩ contract; see `Gateway.read`."""
    actor = door.tokens.verify(token).actor
    assert actor.agent is not None
    agent, person = door.agents.get(actor.agent), door.directory.person(actor.person)
    contract = door.contracts.get(agent.manifest.contract)
    if agent.suspended_why is not None or contract is None or not person.active:
        raise Forbidden(f"{actor} may not read: suspended, inactive, or without a data contract.")
    readable = contract.readable(ref.object)
    permitted = permissions_of(person.role).read
    allowed = permitted.get(ref.object, permitted.get("*"))
    if not readable or allowed is None:
        raise Forbidden(f"{actor} may not read {ref.object} records.", hint="Its data contract lists what it may.")
    passage = Passage(Action("read", ref, {}, "read"), actor=actor, connector=door.registry.connector(ref.system))
    stop = read_snapshot(passage)
    if stop is not None:
        raise NotFound(stop.sentence)
    snapshot = passage.snapshot
    assert snapshot is not None
    if permissions_of(person.role).own_records_only and not may_see(person, snapshot.fields):
        raise Forbidden(f"{ref} is not one of {person.name}'s records.")
    seen = {
        name: value
        for name, value in snapshot.fields.items()
        if (readable == "*" or name in readable) and (allowed == "*" or name in allowed)
    }
    body = {"target": str(ref), "version": snapshot.version, "fields": sorted(seen)}
    door.ledger.append([Draft("record.read", actor, body, subject=str(ref))])
    return Snapshot(ref, snapshot.version, seen)
