"""What stated confidence is worth: fitted to people's verdicts, told for data not seen, and only ever lowering autonomy."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.world import World

from pilothouse.decision.calibrating import calibrated
from pilothouse.decision.engine import decide
from pilothouse.decision.recording import facts_from_json
from pilothouse.directory.roles import FOR_ENGINEERING
from pilothouse.handoff.fitting import METHODS, fit
from pilothouse.handoff.reliability import Verdict, reliability
from pilothouse.ledger.entries import Draft
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.errors import Conflict, Forbidden
from pilothouse.vocabulary.outcomes import ActionStatus
from pilothouse.vocabulary.verdicts import Mode, Treatment

FILL = "crm.account.update:fill-empty"
VERDICTS = st.lists(st.builds(Verdict, st.floats(0, 1), st.booleans()), min_size=10, max_size=80)


def overconfident(n: int = 400) -> list[Verdict]:
    """Right half as often as it says, by a fixed draw."""
    draw = random.Random(7)
    return [Verdict(c, draw.random() < c / 2) for c in (draw.random() for _ in range(n))]


@settings(max_examples=25, deadline=None)
@given(verdicts=VERDICTS, name=st.sampled_from(sorted(METHODS)), one=st.floats(0, 1), other=st.floats(0, 1))
def test_a_line_never_falls_and_never_claims_certainty(
    verdicts: list[Verdict], name: str, one: float, other: float
) -> None:
    knots = METHODS[name](verdicts)
    low, high = sorted((one, other))
    assert 0 < calibrated(low, knots) <= calibrated(high, knots) + 1e-12 < 1


def test_an_overconfident_agent_is_corrected_on_data_the_line_did_not_see() -> None:
    fitted = fit(overconfident())
    assert fitted.brier < fitted.brier_stated - 0.05 and set(fitted.considered) == {"isotonic", "platt"}
    assert calibrated(0.9, fitted.knots) == pytest.approx(0.45, abs=0.12)
    before = reliability("a@1", FILL, overconfident())
    after = reliability(
        "a@1", FILL, [replace(v, confidence=calibrated(v.confidence, fitted.knots)) for v in overconfident()]
    )
    assert before.ece is not None and after.ece is not None and after.ece < before.ece / 3
    assert sum(each.n for each in before.bins) == before.n == 400


def test_known_numbers_come_out() -> None:
    found = reliability("a@1", FILL, [Verdict(0.8, True), Verdict(0.8, False), Verdict(1.0, True)])
    assert found.brier == pytest.approx((0.04 + 0.64 + 0) / 3)
    assert found.ece == pytest.approx(2 / 3 * 0.3)
    assert [(each.n, each.right) for each in found.bins] == [(2, 0.5), (1, 1.0)]


def publish(world: World, knots: list[list[float]]) -> None:
    body = {
        "agent": "tester@1", "action_type": FILL, "method": "isotonic", "knots": knots, "n": 60, "brier": 0.1, "by": "noah",
    }  # fmt: skip
    world.app.ledger.append([Draft("calibration.fitted", Actor("noah"), body)])


def test_bands_are_applied_to_the_calibrated_confidence_and_the_decision_replays(world_on_each_store: World) -> None:
    world = world_on_each_store
    world.promote(FILL, Mode.LIVE)
    publish(world, [[0.5, 0.4], [1.0, 0.8]])
    result = world.submit(world.action(confidence=0.95))
    assert (result.status, result.code) == (ActionStatus.HELD, "confidence_in_review_band")
    assert "0.76 (0.95 as stated)" in result.sentence
    [held] = world.app.ledger.entries(kinds={"action.held"})
    facts = facts_from_json(held.value("facts"), world.gateway.door.registry.capabilities)
    assert (facts.confidence, facts.calibrated) == (0.95, pytest.approx(0.76))
    assert decide(facts, world.app.policy) == result.verdict
    world.app.ledger.rebuild()
    assert world.submit(world.action(to="crm/account/a2", confidence=0.95)).status is ActionStatus.HELD


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stated=st.floats(0, 1), told=st.one_of(st.none(), st.floats(0, 1)), unknown=st.booleans())
def test_calibration_never_makes_a_verdict_freer(
    judged: tuple[World, object], stated: float, told: float | None, unknown: bool
) -> None:
    world, recorded = judged
    facts = facts_from_json(recorded, world.gateway.door.registry.capabilities)  # type: ignore[arg-type]
    plain = decide(replace(facts, confidence=stated), world.app.policy)
    corrected = decide(replace(facts, confidence=stated, calibrated=told, uncalibrated=unknown), world.app.policy)
    assert corrected.treatment >= plain.treatment
    assert not unknown or corrected.treatment >= Treatment.REVIEW


@pytest.fixture
def judged(world: World) -> tuple[World, object]:
    world.promote(FILL, Mode.LIVE)
    world.submit(world.action())
    [entry] = world.app.ledger.entries(kinds={"action.intended"})
    return world, entry.value("facts")


def promoted_by_merit(world: World) -> None:
    """As if the whole ramp had been earned, in the words of the ledger."""
    step = {"agent": "tester@1", "action_type": FILL, "mode": "live", "share": 100, "bulk_allowance": 0}
    asked = {"proposal": "pmt_1", "standing_at": "", "waits_for": FOR_ENGINEERING, "through": "log-in"}
    proposed = {**step, **asked, "bootstrap": False, "expires_at": stamp(world.clock.now() + timedelta(days=1))}
    done = {"proposal": "pmt_1", "by": ["noah", "emil"], "through": ["log-in", "log-in"], "bootstrap": False}
    promoted = {**step, **done, "salt": "s", "scope": ["account.industry"]}
    ceiling = {"level": 4, "stage": 4, "met": [], "items": []}
    drafts = (
        ("promotion.proposed", "noah", proposed),
        ("agent.promoted", "emil", promoted),
        ("readiness.assessed", "system", ceiling),
    )
    world.app.ledger.append([Draft(kind, Actor(by), body) for kind, by, body in drafts])


def test_without_a_bootstrap_an_uncalibrated_type_runs_nothing_by_itself(world: World) -> None:
    promoted_by_merit(world)
    held = world.submit(world.action())
    assert (held.status, held.code) == (ActionStatus.HELD, "uncalibrated")
    publish(world, [[0.0, 0.97], [1.0, 0.97]])
    assert world.submit(world.action(to="crm/account/a2")).status is ActionStatus.EXECUTED


def test_a_line_is_published_from_evidence_alone_and_only_from_enough_of_it(world: World) -> None:
    world.promote(FILL, Mode.ASSISTED)
    for number in range(52):
        held = world.submit(
            world.action("phone", str(number), to=f"crm/account/a{number % 8 + 1}", confidence=0.6 + number % 4 / 10)
        )
        review = world.app.reviews.get(held.review)
        if number != 51:
            world.app.reviews.show([review.id], "ravi")
            world.clock.advance(timedelta(seconds=20))
        if number % 4 == 0:
            world.app.reviews.reject(review.id, "ravi", "wrong number")
        else:
            world.app.reviews.approve(review.id, "ravi", review.payload_hash)
        if number == 30:
            with pytest.raises(Conflict) as refused:
                world.app.calibrating.publish("tester@1", FILL, "noah")
            assert refused.value.code == "too_few_verdicts"
    with pytest.raises(Forbidden):
        world.app.calibrating.publish("tester@1", FILL, "ravi")
    done, fitted = world.app.calibrating.publish("tester@1", FILL, "noah")
    assert (done.n, fitted.right, done.agent) == (51, 38, "tester@1")  # the last was approved unseen
    [(found, published)] = world.app.calibrating.report()
    assert found.n == 51 and published == done
