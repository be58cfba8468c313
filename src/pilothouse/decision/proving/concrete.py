"""From values that the search found to facts that the engine can judge, as plain as they can be.

What must never happen here: a counterexample shown for what the engine does not do; whoever uses these facts asks the
engine again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from pilothouse.conditions.logic import Bool, Found, Search, equal, every, implies, no, real, some, whole
from pilothouse.conditions.symbolic import Amount, Flag, Value
from pilothouse.data.contracts import FieldRule
from pilothouse.decision.facts import Facts
from pilothouse.decision.proving.act import ASKED, MODES, ORDINARY, ROLES, WRITERS, Act
from pilothouse.decision.proving.ruled import country
from pilothouse.decision.tiers import normal_stage
from pilothouse.decision.written import Policy
from pilothouse.vocabulary.actors import AgentRef, Role
from pilothouse.vocabulary.records import FieldChange, WriterKind
from pilothouse.vocabulary.values import Json
from pilothouse.vocabulary.verdicts import Mode

SURE = 0.99


def plainest(search: Search, act: Act, policy: Policy, *terms: Bool) -> Found | None:
    """Return values for which the terms hold, with as little out of the ordinary as they allow; None when there are none."""
    found = search.find(*terms)
    if found is None:
        return None
    kept = list(terms)
    for ordinary in _ordinary(act, policy):
        if found.true(ordinary):
            kept.append(ordinary)
        elif (better := search.find(*kept, ordinary)) is not None:
            found = better
            kept.append(ordinary)
    return found


def _ordinary(act: Act, policy: Policy) -> Iterator[Bool]:
    yield from (act.by_agent, equal(act.mode, whole(MODES.index(Mode.LIVE))))
    yield from (no(act.odd_confidence), equal(act.confidence, real(SURE)))
    yield from (no(act.calibrated[0]), *(no(each) for each in act.switches.values()))
    for name, count in act.counts.items():
        yield equal(count, whole(int("records" in name)))
    yield from (equal(act.role, whole(ROLES.index(Role.REVOPS))), equal(act.day, whole(739_000)))
    for name, text in ORDINARY.items():
        value = act.values[name][1]
        assert isinstance(value, Amount)
        yield equal(value.term, real(act.words.place(text)))
    yield from (no(act.closed_before), no(act.closed_after), no(act.is_closed))
    yield _spelt(act, policy)
    for change in act.changes.values():
        yield no(change.there)
        yield every([change.empty, equal(change.writer, whole(0)), change.terms])
        yield every([equal(change.asked, whole(0)), equal(change.floor, real(0))])
    yield from (no(known) for known, _ in act.values.values())


def _spelt(act: Act, policy: Policy) -> Bool:
    """A closed stage that is moved to is written as it is called."""
    after = act.values["new.stage"][1]
    if not isinstance(after, Amount):
        return no(act.closed_after)
    named = some(equal(after.term, real(act.words.place(text))) for text in sorted(policy.closed_stages))
    return implies(act.closed_after, named)


def facts_of(found: Found, act: Act, policy: Policy) -> Facts:
    """Return the facts that the found values stand for."""
    capability = act.scene.capability
    age_known, age = act.values["evidence.age_days"]
    counts: dict[str, Any] = {name: int(found.number(count)) for name, count in act.counts.items()}
    return Facts(
        capability=capability,
        agent=_agent(found, act) if found.true(act.by_agent) else None,
        person=str(_read(found, act, act.values["person.id"][1])),
        role=ROLES[int(found.number(act.role))],
        mode=MODES[int(found.number(act.mode))],
        confidence=float("nan") if found.true(act.odd_confidence) else float(found.number(act.confidence)),
        object=act.scene.object,
        record=_record(found, act),
        changes=tuple(_changes(found, act, policy)),
        now=_now(found, act),
        arguments=_arguments(found, act, policy),
        **counts,
        human_initiated=found.true(act.switches["human_initiated"]),
        contract_related=found.true(act.switches["contract_related"]),
        evidence_stale=found.true(act.switches["evidence_stale"]),
        evidence_age_days=_whole(_read(found, act, age)) if found.true(age_known) else None,
        held_back="readiness does not allow more." if found.true(act.switches["held_back"]) else "",
        calibrated=float(found.number(act.calibrated[1])) if found.true(act.calibrated[0]) else None,
        uncalibrated=found.true(act.switches["uncalibrated"]),
        stage_forward=found.true(act.switches["stage_forward"]),
        bootstrap=found.true(act.switches["bootstrap"]),
        undone="somebody put it back." if found.true(act.switches["undone"]) else "",
        rejected="somebody rejected it." if found.true(act.switches["rejected"]) else "",
        ambiguity="it fits two records" if found.true(act.switches["ambiguity"]) else "",
        account_id=str(_read(found, act, act.values["account.id"][1]))
        if found.true(act.values["account.id"][0])
        else "",
        account=_fields(found, act, "account"),
        countries=tuple(text for text in act.words.texts if found.true(country(text))),
        contract_rules=_terms(found, act),
        precedence=_precedence(found, act),
    )


def _agent(found: Found, act: Act) -> AgentRef:
    text, name = (str(_read(found, act, act.values[each][1])) for each in ("agent", "agent.name"))
    try:
        return AgentRef.parse(text)
    except ValueError:
        return AgentRef(name, "1")


def _now(found: Found, act: Act) -> datetime:
    return datetime.combine(date.fromordinal(int(found.number(act.day))), time(12), UTC)


def _read(found: Found, act: Act, value: Value) -> Json:
    match value:
        case Flag():
            return found.true(value.term)
        case Amount(kind="INT"):
            return int(found.number(value.term))
        case Amount(kind="DOUBLE"):
            return float(found.number(value.term))
        case Amount():
            return act.words.text(found.number(value.term))
        case _:
            return None


def _whole(value: Json) -> int | None:
    return value if isinstance(value, int) else None


def _fields(found: Found, act: Act, side: str) -> dict[str, Json]:
    return {
        name.partition(".")[2]: _read(found, act, value)
        for name, (known, value) in act.values.items()
        if name.startswith(f"{side}.") and name != "account.id" and found.true(known)
    }


def _record(found: Found, act: Act) -> dict[str, Json]:
    if not found.true(act.exists):
        return {}
    record = _fields(found, act, "record")
    if found.true(act.is_closed):
        record["is_closed"] = True
    return record or {"id": "1"}


def _changes(found: Found, act: Act, policy: Policy) -> Iterator[FieldChange]:
    closed = min(policy.closed_stages, default="closed")
    new, old = _fields(found, act, "new"), _record(found, act)
    for name, change in act.changes.items():
        if not found.true(change.there):
            continue
        before: Json = None if found.true(change.empty) else old.get(name) or "before"
        after: Json = new.get(name) if f"new.{name}" in act.values else "after"
        if name == "stage":
            if before is not None:
                before = _stage(before, found.true(act.closed_before), closed, policy)
            if act.scene.object != "opportunity":
                after = closed if found.true(act.closed_after) else "after"
        yield FieldChange(name, before, after, WRITERS[int(found.number(change.writer))])


def _stage(name: Json, is_closed: bool, closed: str, policy: Policy) -> Json:
    fits = (normal_stage(name) in policy.closed_stages) is is_closed
    return name if fits else closed if is_closed else "before"


def _arguments(found: Found, act: Act, policy: Policy) -> Mapping[str, Json]:
    arguments: dict[str, Json] = {}
    if found.true(act.switches["contract_words"]):
        arguments["body"] = "About your contract."
    if found.true(act.switches["excessive_discount"]):
        arguments["discount"] = policy.discount_authority + 1
    return arguments


def _terms(found: Found, act: Act) -> dict[str, FieldRule]:
    terms: dict[str, FieldRule] = {}
    for name, change in act.changes.items():
        if found.true(change.there) and found.true(change.terms):
            asked = ASKED[int(found.number(change.asked))]
            terms[name] = FieldRule.model_validate(
                {"min_confidence": float(found.number(change.floor)), "review": asked}
            )
    return terms


def _precedence(found: Found, act: Act) -> tuple[WriterKind, ...]:
    if found.true(act.outranks[WriterKind.AGENT]):
        return (WriterKind.PERSON,)
    others = [kind for kind in WriterKind if kind not in (WriterKind.PERSON, WriterKind.AGENT)]
    stronger = [kind for kind in others if found.true(act.outranks[kind])]
    weaker = [kind for kind in others if kind not in stronger]
    return (WriterKind.PERSON, *stronger, WriterKind.AGENT, *weaker)
