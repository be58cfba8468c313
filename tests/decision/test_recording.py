"""What a decision was made on comes back from the ledger exactly, so that it can be made again."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.decision.test_decision import KNOWN, POLICY, facts, some_facts
from tests.world import World

from pilothouse.data.contracts import FieldRule
from pilothouse.decision.engine import decide
from pilothouse.decision.facts import Facts
from pilothouse.decision.recording import OtherCapability, facts_from_json, facts_to_json
from pilothouse.vocabulary.actors import Role
from pilothouse.vocabulary.capabilities import Blast
from pilothouse.vocabulary.records import FieldChange, WriterKind
from pilothouse.vocabulary.values import canonical, parse_json


@given(some=some_facts(), text=st.text(max_size=8), number=st.integers(0, 99), yes=st.booleans())
def test_the_facts_come_back_and_decide_the_same(some: Facts, text: str, number: int, yes: bool) -> None:
    given: dict[str, Any] = {
        "undone": text, "rejected": text, "ambiguity": text, "account_id": text, "account": {"industry": text},
        "executives": number, "countries": (text,), "evidence_age_days": number if yes else None,
        "stage_forward": yes, "bootstrap": yes, "evidence_stale": yes, "evidence_undated": number, "evidence_systems": (text,), "human_initiated": yes, "new_prospects": number,
        "contract_related": yes, "role": Role.REP, "precedence": (WriterKind.PERSON, WriterKind.AGENT),
        "contract_rules": {"industry": FieldRule(review="always", min_confidence=number / 100)},
    }  # fmt: skip
    one = replace(some, **given)
    again = facts_from_json(parse_json(canonical(facts_to_json(one))), KNOWN)
    assert again == one
    assert decide(again, POLICY) == decide(one, POLICY)


def test_no_fact_is_forgotten() -> None:
    named = {"classified", *(each.name for each in fields(Facts))}
    assert facts_to_json(facts()).keys() == named


def test_a_capability_that_is_classified_otherwise_now_is_said_and_not_guessed() -> None:
    raw = facts_to_json(facts())
    other = replace(KNOWN["crm.account.update"], blast=Blast.HIGH)
    with pytest.raises(OtherCapability, match="classified otherwise"):
        facts_from_json(raw, {other.name: other})
    with pytest.raises(OtherCapability, match="No system offers"):
        facts_from_json(raw, {})


def test_every_decision_stands_in_the_ledger_with_what_it_was_made_on(world: World) -> None:
    world.submit(world.action())  # in shadow
    world.promote("crm.account.update:fill-empty")
    world.submit(world.action(to="crm/account/a2"))
    entries = [each for each in world.app.ledger.entries() if each.kind.startswith("action.")]
    decided = [each for each in entries if each.kind in ("action.shadowed", "action.intended")]
    assert len(decided) == 2
    for entry in decided:
        verdict = decide(facts_from_json(entry.value("facts"), KNOWN), world.app.policy)
        assert verdict.as_json() == entry.body["verdict"]
    assert all(each.value("facts") is None for each in entries if each not in decided)


def test_a_change_keeps_who_wrote_before() -> None:
    change = FieldChange("industry", "retail", "software", WriterKind.PERSON, "rosa", facts().now)
    assert facts_from_json(facts_to_json(facts(changes=(change,))), KNOWN).changes == (change,)
