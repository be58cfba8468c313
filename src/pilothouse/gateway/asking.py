"""What an agent may be told from outside a run: the records, and what definitions say of them, by person ∩ contract.

What must never happen here: an answer that rests on a value the contract or the person keeps from the agent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pilothouse.data.contracts import Contract, Readable
from pilothouse.data.defining.answers import Evaluation, StageCheck
from pilothouse.data.defining.evaluating import Evaluator
from pilothouse.data.definitions import Definitions, Term
from pilothouse.data.reads import over
from pilothouse.data.scope import shown
from pilothouse.data.store import DataStore, Record
from pilothouse.directory.people import Person
from pilothouse.directory.roles import may_see, permissions_of
from pilothouse.gateway.door import Door
from pilothouse.gateway.read_rates import ONE_READ, shown_lately
from pilothouse.ledger.entries import Draft
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import Forbidden, NotFound
from pilothouse.vocabulary.records import FieldValue, RecordRef
from pilothouse.vocabulary.values import Json

UNREAD = (
    "`pilothouse agents list` shows the agent; a contract counts once it is published, or, before anything was, "
    "when the server starts anew."
)
"""What to do about an agent that may not read."""


@dataclass(frozen=True, slots=True)
class Asker:
    """An agent that may ask: who, on behalf of whom, and under which contract."""

    actor: Actor
    person: Person
    contract: Contract

    def fields(self, object_name: str) -> Readable:
        """Return the fields of an object that contract and person let it read: "*" for all, the empty set for none."""
        permitted = permissions_of(self.person.role).read
        by_person, by_contract = permitted.get(object_name, permitted.get("*")), self.contract.readable(object_name)
        if by_person is None or not by_contract:
            return frozenset()
        if isinstance(by_person, str):
            return by_contract
        return by_person if isinstance(by_contract, str) else by_person & by_contract

    def must_read(self, object_name: str) -> Readable:
        """Return the readable fields of an object; raises `Forbidden` when there are none."""
        fields = self.fields(object_name)
        if not fields:
            raise Forbidden(
                f"{self.actor} may not read {object_name} records.", hint="Its data contract lists what it may."
            )
        return fields


def asker(door: Door, token: str) -> Asker:
    """Return who asks; raises `Unauthenticated`, or `Forbidden` for an agent that is suspended or without a contract."""
    actor = door.tokens.verify(token).actor
    assert actor.agent is not None
    agent, person = door.agents.get(actor.agent), door.directory.person(actor.person)
    contract = door.contracts.get(agent.manifest.contract)
    if agent.suspended_why is not None or contract is None or not person.active:
        raise Forbidden(f"{actor} may not read: suspended, inactive, or without a data contract.", hint=UNREAD)
    return Asker(actor, person, contract)


def within_rates(door: Door, asking: Asker, system: str) -> None:
    """Raise `Forbidden` when one more record of a system would pass the contract's rates."""
    if not asking.contract.rates:
        return
    limit = over(asking.contract, system, 1, shown_lately(door, asking.actor)[system])
    if limit:
        raise Forbidden(limit, hint="Wait a minute.", code="read_limit")


class AskedSource:
    """Records as an asker may see them: a source for definitions, so that no fact rests on anything else."""

    def __init__(self, store: DataStore, asking: Asker, as_of: datetime) -> None:
        self._store, self._asking, self._as_of = store, asking, as_of
        self._known: dict[tuple[str, str], list[Record]] = {}

    def seen(self, record: Record) -> Record | None:
        """Return a record reduced to what may be read of it, None when it is out of reach."""
        fields = self._asking.fields(record.ref.object)
        own = may_see(self._asking.person, {name: each.value for name, each in record.fields.items()})
        reduced = shown(self._asking.contract, record, self._as_of) if fields and own else None
        if reduced is None or fields == "*":
            return reduced
        return Record(record.ref, {name: each for name, each in reduced.fields.items() if name in fields})

    def records_of(self, object_name: str, system: str) -> Sequence[Record]:
        """Return the records of an object in a system that are within reach."""
        key = (object_name, system)
        if key not in self._known:
            told = self._store.living(object_name, system) if self._asking.fields(object_name) else ()
            self._known[key] = [found for each in told if (found := self.seen(each)) is not None]
        return self._known[key]

    def histories(self, object_name: str, field: str, system: str) -> Mapping[str, Sequence[FieldValue]]:
        """Return every value a readable field is known to have had, oldest first, by the record's id."""
        fields = self._asking.fields(object_name)
        if fields != "*" and field not in fields:
            return {}
        told = self._store.histories(object_name, field, system)
        return {each.ref.id: told.get(each.ref.id, []) for each in self.records_of(object_name, system)}


def term_for(definitions: Definitions, name: str, asking: Asker) -> Term:
    """Return a term; raises `NotFound`, or `Forbidden` for one of an object that the asker may not read."""
    term = definitions.term(name)
    asking.must_read(term.object)
    return term


def answer_for(
    door: Door, definitions: Definitions, name: str, ref: RecordRef, asking: Asker, as_of: datetime
) -> tuple[Evaluation, StageCheck | None]:
    """Return what a term says of a record, and of a deal whether it meets its stage, from what the asker may see alone.

    That the record was shown is an entry, and counts against the contract's rates. Raises `Forbidden`, `NotFound`, or
    `InvalidInput` for a term of another object.
    """
    term_for(definitions, name, asking)
    asking.must_read(ref.object)
    record = door.data.record(ref)
    if record is None:
        raise NotFound(f"there is no {ref}.", hint="No source told of it.")
    source = AskedSource(door.data, asking, as_of)
    seen = source.seen(record)
    if seen is None:
        raise Forbidden(f"{ref} is out of reach of {asking.actor}.", hint="Its data contract and its person set that.")
    evaluator = Evaluator(definitions, source, as_of)
    found = evaluator.evaluate(name, seen)
    stage = evaluator.stage_check(seen) if ref.object == "opportunity" else None
    within_rates(door, asking, ref.system)
    told: dict[str, Json] = {"contract": asking.contract.label, "filter": asking.contract.filter(ref.object)}
    body: dict[str, Json] = {"target": str(ref), "term": name, "version": found.version, **told}
    door.ledger.append([Draft(ONE_READ, asking.actor, body, subject=str(ref))])
    return found, stage
