"""May they? Agent grants ∩ the person's permissions and records ∩ contract fields ∩ declared intent (I3).

Every part must say yes. A missing agent, person, contract, grant or intent is a no.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pilothouse.data.contracts import Contract
from pilothouse.data.scope import outside, unwritable
from pilothouse.directory.roles import may_see, permissions_of
from pilothouse.directory.suspensions import stopping
from pilothouse.gateway.door import Door
from pilothouse.gateway.passage import GO_ON, Answer, Passage, Stop, refuse
from pilothouse.gateway.reading import read_partner, read_snapshot
from pilothouse.gateway.registry import new_values, touched_fields
from pilothouse.vocabulary.capabilities import Effect
from pilothouse.vocabulary.errors import NotFound
from pilothouse.vocabulary.values import Json


def authorize(passage: Passage, door: Door) -> Answer:
    """Check the four parts of scope in turn; the first that says no stops the action."""
    passage.rules = door.rules()
    for part in (
        _named,
        _agent_stands,
        _person_stands,
        _person_may,
        _contract_allows,
        _contract_conditions_hold,
        _record_in_scope,
        _partner_in_scope,
    ):
        answer = part(passage, door)
        if answer is not GO_ON:
            return answer
    return GO_ON


def _named(passage: Passage, door: Door) -> Answer:
    action = passage.action
    try:
        passage.capability = capability = door.registry.get(action.capability)
        passage.connector = door.registry.connector(action.target.system)
    except NotFound as error:
        return refuse("unknown_capability", str(error))
    if capability.system != action.target.system or capability.object not in (action.target.object, "*"):
        wanted = f"{capability.system}/{capability.object}"
        return refuse("wrong_target", f"{capability.name} works on {wanted}, not on {action.target}.")
    if not action.intent.strip():
        return refuse("no_intent", "The action does not say why. State the business intent in a sentence.")
    passage.fields = touched_fields(capability, action.arguments)
    return GO_ON


def _agent_stands(passage: Passage, door: Door) -> Answer:
    assert passage.actor is not None
    if passage.actor.agent is None:
        return GO_ON
    try:
        passage.agent = door.agents.get(passage.actor.agent)
    except NotFound as error:
        return refuse("agent_unregistered", str(error))
    stop = stopping(passage.agent.suspensions, passage.agent.ref, passage.action.capability)
    if stop is not None:
        return refuse("agent_suspended", f"{stop}.")
    if passage.action.capability not in passage.agent.manifest.grants:
        return refuse(
            "no_grant", f"{passage.agent.ref} holds no grant for {passage.action.capability}; its manifest lists them."
        )
    return GO_ON


def _person_stands(passage: Passage, door: Door) -> Answer:
    assert passage.actor is not None
    try:
        passage.person = door.directory.person(passage.actor.person)
    except NotFound as error:
        return refuse("person_unknown", str(error))
    if not passage.person.active:
        return refuse(
            "person_inactive", f"{passage.person.name} is no longer active, and neither is what acts for them."
        )
    return GO_ON


def _person_may(passage: Passage, door: Door) -> Answer:
    assert passage.person is not None and passage.capability is not None
    permissions = permissions_of(passage.person.role)
    verb = permissions.read if passage.capability.effect is Effect.READ else permissions.write
    target = passage.action.target.object
    allowed = verb.get(target, verb.get("*"))
    outside = (
        list(passage.fields) or [target]
        if allowed is None
        else [each for each in passage.fields if allowed != "*" and each not in allowed]
    )
    if outside:
        named = ", ".join(outside)
        return refuse(
            "person_not_permitted",
            f"{passage.person.name} ({passage.person.role}) may not {passage.capability.effect} {named} on {target}, "
            "so nothing that acts for them may.",
        )
    return GO_ON


def _contract_allows(passage: Passage, door: Door) -> Answer:
    assert passage.capability is not None and passage.rules is not None
    if passage.agent is None:
        return GO_ON
    passage.contract = contract = passage.rules.contracts.get(passage.agent.manifest.contract)
    if contract is None:
        name = passage.agent.manifest.contract
        return refuse("no_contract", f"There is no data contract {name!r}; without one no agent touches data (R-017).")
    if passage.capability.effect is Effect.READ:
        return GO_ON
    target = passage.action.target.object
    uncovered = [each for each in passage.fields if contract.field_rule(target, each) is None]
    if uncovered:
        named = ", ".join(f"{target}.{each}" for each in uncovered)
        return refuse("outside_contract", f"The data contract of {passage.agent.ref} does not let it write {named}.")
    return GO_ON


def _contract_conditions_hold(passage: Passage, door: Door) -> Answer:
    """A record outside the contract's filter is out of scope; a field may be written where its condition holds."""
    contract, target = passage.contract, passage.action.target
    if contract is None or passage.capability is None or not _asks_of_record(contract, target.object, passage.fields):
        return GO_ON
    fields, stop = _record_now(passage)
    if stop is not None:
        return stop
    why = outside(contract, target.object, fields)
    if why:
        sentence = f"{target} is outside the data contract {contract.label}: {why}."
        return refuse("record_out_of_scope", sentence)
    why = unwritable(contract, target.object, passage.fields, fields)
    if why:
        return refuse("outside_contract", f"The data contract {contract.label} lets an agent write {why}.")
    return GO_ON


def _asks_of_record(contract: Contract, object_name: str, fields: Iterable[str]) -> bool:
    rules = [contract.field_rule(object_name, each) for each in fields]
    return bool(contract.filter(object_name)) or any(rule is not None and rule.when for rule in rules)


def _record_now(passage: Passage) -> tuple[Mapping[str, Json], Stop | None]:
    """Return the record as its system shows it; for one that is to be made, as it would be."""
    assert passage.capability is not None
    if passage.action.target.id:
        stop = read_snapshot(passage)
        if stop is not None:
            return {}, stop
    if passage.snapshot is not None:
        return passage.snapshot.fields, None
    return new_values(passage.capability, passage.action.arguments), None


def _record_in_scope(passage: Passage, door: Door) -> Answer:
    assert passage.person is not None and passage.capability is not None
    if not permissions_of(passage.person.role).own_records_only:
        return GO_ON
    fields, stop = _record_now(passage)
    if stop is not None:
        return stop
    if not may_see(passage.person, fields):
        return refuse("record_out_of_scope", f"{passage.action.target} is not one of {passage.person.name}'s records.")
    return GO_ON


def _partner_in_scope(passage: Passage, door: Door) -> Answer:
    """A call that changes two records needs both in the person's reach and within the contract's filter."""
    stop = read_partner(passage)
    if stop is not None or passage.partner is None:
        return stop or GO_ON
    assert passage.person is not None
    other = passage.partner
    if not may_see(passage.person, other.fields):
        return refuse("record_out_of_scope", f"{other.ref} is not one of {passage.person.name}'s records.")
    contract = passage.contract
    why = outside(contract, other.ref.object, other.fields) if contract is not None else ""
    if why and contract is not None:
        return refuse("record_out_of_scope", f"{other.ref} is outside the data contract {contract.label}: {why}.")
    return GO_ON
