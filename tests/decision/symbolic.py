"""Facts as values of the variables of an act of which nothing is known: how the formulas are compared with the engine."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

from pilothouse.conditions import logic
from pilothouse.conditions.logic import Bool, Number
from pilothouse.conditions.symbolic import Amount, Flag
from pilothouse.connectors.twin.capabilities import CAPABILITIES
from pilothouse.decision import measures
from pilothouse.decision.facts import ALWAYS, Facts, variables_of
from pilothouse.decision.policy import Policy
from pilothouse.decision.proving.act import ASKED, COUNTS, MODES, ODD_PRICE, OTHERS, ROLES, WRITERS, Act
from pilothouse.decision.proving.ruled import country
from pilothouse.decision.tiers import PRICE_FIELDS, normal_stage
from pilothouse.vocabulary.records import FieldChange, WriterKind, is_empty

QUOTE_DRAFT = next(each for each in CAPABILITIES if each.name == "crm.quote.draft")


def standing_for(facts: Facts, act: Act, policy: Policy) -> list[Bool]:
    """Return what holds of the variables when they stand for these facts."""
    return [*_plain(facts, act, policy), *_changes(facts, act), *_values(facts, act)]


def _plain(facts: Facts, act: Act, policy: Policy) -> Iterator[Bool]:
    odd = math.isnan(facts.confidence)
    yield logic.same(act.by_agent, logic.truth(facts.agent is not None))
    yield _is(act.role, ROLES.index(facts.role))
    yield _is(act.mode, MODES.index(facts.mode))
    yield logic.same(act.odd_confidence, logic.truth(odd))
    yield from () if odd else (logic.equal(act.confidence, logic.real(facts.confidence)),)
    known, corrected = act.calibrated
    yield logic.same(known, logic.truth(facts.calibrated is not None))
    yield from () if facts.calibrated is None else (logic.equal(corrected, logic.real(facts.calibrated)),)
    yield from (_is(act.counts[name], getattr(facts, name)) for name in COUNTS)
    drafted = replace(facts, capability=QUOTE_DRAFT)
    switches = {
        "contract_words": measures.speaks_of_contracts(facts.arguments),
        "excessive_discount": any(True for _ in measures.discount(drafted, policy)),
    }
    for name, switch in act.switches.items():
        yield logic.same(switch, logic.truth(bool(switches.get(name, getattr(facts, name, False)))))
    yield logic.same(act.exists, logic.truth(any(not is_empty(each) for each in facts.record.values())))
    yield _is(act.day, facts.now.date().toordinal())
    stages = [each for each in facts.changes if each.field == "stage"]
    for side, term in (("before", act.closed_before), ("after", act.closed_after)):
        closed = any(normal_stage(getattr(each, side)) in policy.closed_stages for each in stages)
        yield logic.same(term, logic.truth(closed))
    yield logic.same(act.is_closed, logic.truth(facts.record.get("is_closed") is True))
    for kind, term in act.outranks.items():
        above = measures._outranks_agents(FieldChange("x", 1, 2, kind), facts)
        yield logic.same(term, logic.truth(above or kind is WriterKind.PERSON))


def _is(number: Number, value: int) -> Bool:
    return logic.equal(number, logic.whole(value))


def _changes(facts: Facts, act: Act) -> Iterator[Bool]:
    slots = [name for name in list(act.changes)[-OTHERS:] if name not in {each.field for each in facts.changes}]
    odd = next(
        (e.field for e in facts.changes if e.field not in act.changes and e.field.casefold() in PRICE_FIELDS), ""
    )
    named = {each.field: each.field if each.field in act.changes else slots.pop() for each in facts.changes}
    placed = {ODD_PRICE if each.field == odd else named[each.field]: each for each in facts.changes}
    for name, change in act.changes.items():
        made = placed.get(name)
        yield logic.same(change.there, logic.truth(made is not None))
        if made is None:
            continue
        yield logic.same(change.empty, logic.truth(made.fills_empty))
        yield _is(change.writer, WRITERS.index(made.last_writer_kind))
        terms = facts.contract_rules.get(made.field)
        yield logic.same(change.terms, logic.truth(terms is not None))
        if terms is not None:
            yield _is(change.asked, ASKED.index(terms.review))
            yield logic.equal(change.floor, logic.real(terms.min_confidence))


def _values(facts: Facts, act: Act) -> Iterator[Bool]:
    values: dict[str, Any] = variables_of(facts, act.values)
    texts = {each for each in values.values() if isinstance(each, str)}
    for name, (known, term) in act.values.items():
        value = values.get(name)
        if name not in ALWAYS or name in ("evidence.age_days", "account.id"):
            yield logic.same(known, logic.truth(value is not None))
        if value is None:
            continue
        match term:
            case Flag():
                yield logic.same(term.term, logic.truth(value))
            case Amount(kind="INT"):
                yield _is(term.term, value)
            case Amount(kind="DOUBLE"):
                yield from () if math.isnan(value) else (logic.equal(term.term, logic.real(value)),)
            case Amount():
                yield logic.equal(term.term, logic.real(_point(act.words.texts, value, sorted(texts))))
            case _:
                pass
    for text in act.words.texts:
        yield logic.same(country(text), logic.truth(text in facts.countries))


def _point(known: list[str], text: str, others: list[str]) -> Fraction:
    if text in known:
        return Fraction(known.index(text))
    return bisect_left(known, text) - 1 + Fraction(others.index(text) + 1, len(others) + 1)
