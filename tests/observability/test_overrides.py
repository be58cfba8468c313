"""What people keep overriding becomes a rule that was tried on the past; the live policy is never touched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from tests.world import WIDE, World

from pilothouse.decision.autonomy.wilson import interval
from pilothouse.decision.policy import load_policy
from pilothouse.decision.replaying.differences import differences
from pilothouse.decision.replaying.report import Window
from pilothouse.decision.replaying.rewriting import Exempt, NewRule
from pilothouse.observability import override_patterns
from pilothouse.observability.override_patterns import (
    Key,
    Pattern,
    never_overridden,
    often_overridden,
    patterns_of,
)
from pilothouse.observability.override_proposals import Workbench
from pilothouse.vocabulary.actions import Evidence
from pilothouse.vocabulary.documents import content_hash
from pilothouse.vocabulary.verdicts import Mode

UPDATE = "crm.account.update"
FILL = f"{UPDATE}:fill-empty"


def bench(world: World) -> Workbench:
    known, closed = world.gateway.door.registry.capabilities, world.app.definitions.closed_stages
    folder = world.root / "policy"
    return Workbench(
        world.app.ledger, folder, world.app.policy, known, lambda path: load_policy(path, known, closed), Window()
    )


def decide(world: World, field: str, value: str, say: Sequence[str], mode: Mode = Mode.ASSISTED) -> None:
    """Propose a value on one account after another, an hour apart, and have each decided."""
    world.promote(FILL, mode)
    world.promote(UPDATE, mode)
    for number, said in enumerate(say):
        ident = f"crm/account/a{number + 1}"
        fact = Evidence("it says so", ident, "name", f"Alder {number + 1}")
        review = world.app.reviews.get(world.submit(world.action(field, value, to=ident, evidence=(fact,))).review)
        if said == "reject":
            world.app.reviews.reject(review.id, "ravi", "The billing entity is another company")
        else:
            world.app.reviews.approve(review.id, "ravi", review.payload_hash)
            world.gateway.resume(review.id)
        world.clock.advance(timedelta(hours=1))


def found(world: World) -> list[Pattern]:
    return patterns_of(world.app.reviews.decided())


def test_a_pattern_says_how_often_by_field_source_and_the_words_of_the_reasons(world_on_each_store: World) -> None:
    world = world_on_each_store
    decide(world, "industry", "software", ["reject"] * 7 + ["approve"])
    mine = {each.key: each for each in found(world)}
    assert set(mine) == {
        Key("tester", FILL), Key("tester", FILL, "industry"), Key("tester", FILL, "industry", "crm"),
    }  # fmt: skip
    one = mine[Key("tester", FILL, "industry", "crm")]
    assert (one.overridden, one.n, one.words["billing"], one.words["the"]) == (7, 8, 7, 0)
    assert "tester filling industry" in one.sentence and "rejected 7 of 8 times" in one.sentence
    assert one.interval == pytest.approx((0.5291, 0.9776), abs=1e-3)


def test_what_runs_by_policy_and_is_overridden_is_proposed_for_review_with_what_it_would_have_caught(
    world: World,
) -> None:
    decide(world, "industry", "software", ["reject"] * 7 + ["approve"])
    before, size = content_hash(world.root / "policy"), world.app.ledger.size()
    [pattern] = often_overridden(found(world))
    assert pattern.key == Key("tester", FILL)  # the broadest of three that say the same
    proposal = bench(world).tighten(pattern)
    [rule] = proposal.changes
    assert isinstance(rule, NewRule) and rule.then == "review"
    assert (proposal.flips, proposal.right, proposal.wrong, proposal.unjudged) == (8, 7, 1, 0)
    assert (content_hash(world.root / "policy"), world.app.ledger.size()) == (before, size)


def test_what_is_reviewed_already_and_mostly_rejected_is_proposed_to_stop(world: World) -> None:
    decide(world, "country", "France", ["reject"] * 8)
    [pattern] = often_overridden(found(world))
    proposal = bench(world).tighten(pattern)
    assert [each.then for each in proposal.changes if isinstance(each, NewRule)] == ["refuse"]
    assert (proposal.flips, proposal.right, proposal.wrong) == (8, 8, 0)


def test_few_decisions_are_no_pattern(world: World) -> None:
    decide(world, "industry", "software", ["reject"] * 4)
    assert often_overridden(found(world)) == [] == never_overridden(found(world))


def test_what_only_a_written_rule_holds_may_graduate(
    new_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(override_patterns, "SELDOM", 0.5)
    freely = WIDE.replace("country: {min_confidence: 0.85}", "country: {min_confidence: 0.85, review: never}")
    monkeypatch.setattr("tests.world.WIDE", freely)
    world = new_world()
    decide(world, "country", "France", ["approve"] * 8)
    [pattern] = never_overridden(found(world))
    proposal = bench(world).graduate(pattern)
    assert not proposal.why_none, proposal.why_none
    assert [type(each) for each in proposal.changes] == [NewRule, Exempt]
    assert (proposal.flips, proposal.right, proposal.wrong) == (8, 8, 0)
    target = tmp_path / "proposed"
    policy = bench(world).write([proposal], target)
    told = [each.sentence for each in differences(world.app.policy, policy)]
    assert len(told) == 2 and any("review-overwrites holds when" in each for each in told)
    assert "# What cannot be undone" in (target / "crm.yaml").read_text()  # comments stay


def test_what_runs_by_policy_and_waits_by_its_mode_is_for_promotion(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(override_patterns, "SELDOM", 0.5)
    decide(world, "industry", "software", ["approve"] * 8)
    [pattern] = never_overridden(found(world))
    proposal = bench(world).graduate(pattern)
    assert proposal.changes == () and "Promote it" in proposal.why_none


def test_what_the_contract_or_code_holds_does_not_graduate(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(override_patterns, "SELDOM", 0.5)
    decide(world, "country", "France", ["approve"] * 8)
    [pattern] = never_overridden(found(world))
    proposal = bench(world).graduate(pattern)
    assert proposal.changes == () and "contract_review too, which no rule relaxes" in proposal.why_none


def test_the_interval_is_wilsons() -> None:
    assert interval(0, 0) == (0.0, 1.0)
    assert interval(7, 9) == pytest.approx((0.4526, 0.9368), abs=1e-3)
    assert interval(0, 35)[1] < override_patterns.SELDOM < interval(0, 34)[1]
