"""Reads by agents: scoped like writes, and recorded."""

from __future__ import annotations

from pilothouse.data.contracts import Contract
from pilothouse.data.scope import Stale, outside, too_old
from pilothouse.directory.roles import may_see, permissions_of
from pilothouse.gateway.asking import asker, within_rates
from pilothouse.gateway.door import Door
from pilothouse.gateway.passage import Passage
from pilothouse.gateway.read_rates import ONE_READ
from pilothouse.gateway.reading import read_snapshot
from pilothouse.ledger.entries import Draft
from pilothouse.vocabulary.actions import Action
from pilothouse.vocabulary.errors import Forbidden, NotFound
from pilothouse.vocabulary.records import RecordRef, Snapshot
from pilothouse.vocabulary.records import same_value as same
from pilothouse.vocabulary.values import Json


def scoped_read(door: Door, ref: RecordRef, token: str) -> Snapshot:
    """Return the record reduced to person ∩ contract; see `Gateway.read`."""
    asking = asker(door, token)
    actor, person, contract = asking.actor, asking.person, asking.contract
    readable = asking.must_read(ref.object)
    within_rates(door, asking, ref.system)
    passage = Passage(Action("read", ref, {}, "read"), actor=actor, connector=door.registry.connector(ref.system))
    stop = read_snapshot(passage)
    if stop is not None:
        raise NotFound(stop.sentence)
    snapshot = passage.snapshot
    assert snapshot is not None
    if permissions_of(person.role).own_records_only and not may_see(person, snapshot.fields):
        raise Forbidden(f"{ref} is not one of {person.name}'s records.")
    if outside(contract, ref.object, snapshot.fields):
        raise Forbidden(
            f"{ref} is outside the data contract {contract.contract}.", hint="Its filter says which are in."
        )
    stale = _stale(door, contract, snapshot)
    seen = {
        name: value
        for name, value in snapshot.fields.items()
        if (readable == "*" or name in readable) and not any(each.field == name and each.refused for each in stale)
    }
    flagged = {each.field: each.days for each in stale if each.field in seen}
    told: dict[str, Json] = {"contract": contract.label, "filter": contract.filter(ref.object), "stale": flagged}
    body: dict[str, Json] = {"target": str(ref), "version": snapshot.version, "fields": sorted(seen), **told}
    door.ledger.append([Draft(ONE_READ, actor, body, subject=str(ref))])
    return Snapshot(ref, snapshot.version, seen, stale_days=flagged)


def _stale(door: Door, contract: Contract, snapshot: Snapshot) -> list[Stale]:
    """Return which values are older than the contract asks for, by when they were told; one nobody told of is new."""
    rule = contract.read.get(snapshot.ref.object)
    known = {name: door.data.field(snapshot.ref, name) for name in (rule.fresh if rule else ())}
    told = {name: value for name, value in known.items() if value and same(value.value, snapshot.fields.get(name))}
    return list(too_old(contract, snapshot.ref.object, told, door.clock.now()))
