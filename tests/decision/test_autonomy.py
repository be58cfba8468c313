"""The arithmetic of trust: more overrides never help, no axis lifts another, a draw hangs on the record alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.decision.test_decision import POLICY, facts

from pilothouse.decision.autonomy.ceiling import bound, freest
from pilothouse.decision.autonomy.demotion import Behaviour, findings
from pilothouse.decision.autonomy.drift import shifts
from pilothouse.decision.autonomy.gate import Evidence, Gate, Record, judge
from pilothouse.decision.autonomy.limits import AutonomyLimits
from pilothouse.decision.autonomy.ramp import STRICTEST_FIRST, Step, drawn, next_step
from pilothouse.decision.autonomy.rating import Rating
from pilothouse.decision.autonomy.wilson import Rate, interval
from pilothouse.decision.engine import decide
from pilothouse.decision.modes import Disposition, effective
from pilothouse.directory.ceiling import VALID_FOR, Ceiling
from pilothouse.directory.ratings import Rated
from pilothouse.directory.registered import Manifest, Registered, Standing
from pilothouse.vocabulary.actors import AgentRef
from pilothouse.vocabulary.verdicts import Mode

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SHOWN = Rating(AgentRef("a", "1"), 4, 4, True, (), "")
LIMITS = AutonomyLimits()
few = st.integers(0, 120)


def evidence(record: Record, **more: object) -> Evidence:
    whole = Evidence(
        ref=AgentRef("a", "1"), action_type="crm.account.update", standing=Standing(mode=Mode.ASSISTED),
        step=Step(Mode.LIVE, 10), contract="wide@1", suspended="", shadow_since=NOW - timedelta(days=40), shadowed=3,
        counted_since=NOW - timedelta(days=30), record=record, severe=(), drill=(7, NOW - timedelta(days=5)),
        ceiling=Ceiling(4, 3, NOW), level=4, relatives=(), rating=SHOWN, size=100, now=NOW,
    )  # fmt: skip
    return replace(whole, **more)  # pyright: ignore[reportArgumentType]


def gate(record: Record, **more: object) -> Gate:
    return judge(evidence(record, **more), LIMITS)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(50, 50, 0.92865, 1.0), (49, 50, 0.89501, 0.99646), (0, 10, 0.0, 0.27753), (5, 10, 0.23659, 0.76341)],
)
def test_the_interval_is_wilsons(hits: int, n: int, low: float, high: float) -> None:
    """Reference values: R's prop.test(correct = FALSE)."""
    assert interval(hits, n) == pytest.approx((low, high), abs=1e-4)
    assert interval(0, 0) == (0.0, 1.0)


def test_the_default_threshold_is_fifty_of_fifty() -> None:
    assert gate(Record(approved=50)).passed
    assert not gate(Record(approved=49)).passed
    assert not gate(Record(approved=49, edited=1)).passed
    assert not gate(Record(approved=58, rejected=2)).passed
    assert gate(Record(approved=98, rejected=2)).passed


@settings(max_examples=400, deadline=None)
@given(approved=st.integers(0, 400), edited=few, rejected=few, undone=few, against=few, more=st.integers(1, 50),
       which=st.sampled_from(["edited", "rejected", "undone", "against"]), decided=st.integers(50, 300),
       rate=st.floats(0.9, 0.99))  # fmt: skip
def test_more_overrides_never_make_a_gate_pass(
    approved: int,
    edited: int,
    rejected: int,
    undone: int,
    against: int,
    more: int,
    which: str,
    decided: int,
    rate: float,
) -> None:
    record = Record(approved, edited, rejected, undone, against)
    worse = replace(record, **{which: getattr(record, which) + more})
    for limits in (LIMITS, AutonomyLimits(decided=decided, rate=rate)):
        if not judge(evidence(record), limits).passed:
            assert not judge(evidence(worse), limits).passed


@pytest.mark.parametrize(
    ("code", "lacking"),
    [
        ("contract", {"contract": ""}),
        ("contract", {"suspended": "a drill"}),
        ("shadow", {"shadow_since": NOW - timedelta(days=13)}),
        ("shadow", {"shadow_since": None}),
        ("severity_1", {"severe": ("rbk_1",)}),
        ("ceiling", {"ceiling": Ceiling(3, 3, NOW)}),
        ("ceiling", {"ceiling": Ceiling(4, 2, NOW)}),
        ("ceiling", {"level": 3}),
        ("drill", {"drill": None}),
        ("drill", {"drill": (7, NOW - timedelta(days=91))}),
        ("log", {"rating": replace(SHOWN, shown=False)}),
        ("step", {"step": None}),
    ],
)
def test_each_condition_alone_keeps_a_gate_shut(code: str, lacking: dict[str, object]) -> None:
    assert gate(Record(approved=60)).passed
    shut = gate(Record(approved=60), **lacking)
    assert not shut.passed and [each.code for each in shut.missing] == [code]


def test_settings_may_only_be_stricter() -> None:
    for looser in (
        {"decided": 49},
        {"rate": 0.89},
        {"shadow_days": 13},
        {"budget": 0.06},
        {"sample": 21},
        {"drift": 0.3},
    ):
        with pytest.raises(ValidationError):
            AutonomyLimits.model_validate(looser)


def test_no_step_of_the_ramp_is_left_out() -> None:
    standing, seen = Standing(), list[str]()
    while (step := next_step(standing)) is not None:
        seen.append(str(step))
        standing = Standing(mode=step.mode, share=step.share)
    assert seen == ["assisted", "live, 10 %", "live, 50 %", "live, 100 %"]
    assert next_step(Standing(mode=Mode.ASSISTED, bootstrap=True)) == Step(Mode.LIVE, 10)


def test_what_a_bootstrap_put_live_has_no_step_down_and_is_told_what_earning_it_takes() -> None:
    standing = Standing(mode=Mode.LIVE, share=100, bootstrap=True)
    assert next_step(standing) is None
    stands = gate(Record(approved=50), standing=standing, step=None)
    assert not stands.passed and {each.code for each in stands.missing} == {"step"}
    assert {"shadow", "decided", "rate", "drill"} <= {each.code for each in stands.conditions}
    assert stands.unearned.startswith("It stands at live, 100 % by bootstrap")
    earned = gate(Record(approved=50), standing=Standing(mode=Mode.LIVE, share=100), step=None)
    assert not earned.unearned and [each.code for each in earned.conditions] == ["step"]


def test_the_draw_hangs_on_the_record_and_shares_nest() -> None:
    places = [drawn("s", "t", f"crm/account/{n}") for n in range(4000)]
    assert 0.08 < sum(each < 10 for each in places) / 4000 < 0.12
    assert 0.46 < sum(each < 50 for each in places) / 4000 < 0.54
    assert drawn("s", "t", "") == 99
    assert places == [drawn("s", "t", f"crm/account/{n}") for n in range(4000)]
    assert places != [drawn("other", "t", f"crm/account/{n}") for n in range(4000)]


def agent(level: int = 4, ceiling: Ceiling | None = None) -> Registered:
    manifest = Manifest(name="ab", version="1", owner="o", summary="s", contract="c", grants=("g",), level=level)
    return Registered(manifest, None, {}, ceiling=ceiling or Ceiling(4, 4, NOW))


modes = st.sampled_from(list(Mode))


@given(mode=modes, level=st.integers(1, 4), org=st.integers(2, 4), stage=st.integers(0, 4), bootstrap=st.booleans())
def test_no_axis_lifts_another(mode: Mode, level: int, org: int, stage: int, bootstrap: bool) -> None:
    scope = frozenset({"account.industry"})
    standing = Standing(mode=mode, share=100, scope=scope, bootstrap=bootstrap)
    found = bound(agent(level, Ceiling(org, stage, NOW)), standing, NOW, action_type="t", record="r", fields=scope)
    strict = STRICTEST_FIRST.index
    assert strict(found.mode) <= strict(mode) and strict(found.mode) <= strict(freest(level, 4))
    if not bootstrap:
        assert strict(found.mode) <= strict(freest(org, stage))
    assert (found.mode is not mode) == bool(found.held_back)


@given(mode=modes, rated=st.integers(1, 4), level=st.integers(1, 4), bootstrap=st.booleans())
def test_what_evidence_does_not_carry_no_two_people_lift(mode: Mode, rated: int, level: int, bootstrap: bool) -> None:
    standing = Standing(mode=mode, share=100, bootstrap=bootstrap)
    held = replace(agent(level), rated=Rated(rated, "why", NOW))
    found = bound(held, standing, NOW, action_type="t", record="r", fields=())
    assert STRICTEST_FIRST.index(found.mode) <= STRICTEST_FIRST.index(freest(min(rated, level), 4))


def test_what_the_contract_opened_later_is_in_shadow() -> None:
    standing = Standing(mode=Mode.LIVE, share=100, scope=frozenset({"account.industry"}), bootstrap=True)
    found = bound(agent(), standing, NOW, action_type="t", record="r", fields=["account.industry", "account.phone"])
    assert found.mode is Mode.SHADOW and "account.phone" in found.held_back


def test_an_assessment_that_nobody_renewed_holds_nothing_open() -> None:
    old = Ceiling(4, 4, NOW - VALID_FOR - timedelta(seconds=1))
    assert (old.holding(NOW).level, old.holding(NOW).stage) == (2, 0)
    assert Ceiling(4, 4, NOW).holding(NOW).level == 4


@given(share=st.integers(0, 100), place=st.integers(0, 99))
def test_an_act_outside_the_share_is_reviewed(share: int, place: int) -> None:
    verdict = decide(facts(share=share, drawn=place), POLICY)
    alone = effective(verdict, Mode.LIVE) is Disposition.EXECUTE
    assert alone == (share == 100 or place < share)
    assert alone or any(reason.code == "staged_share" for reason in verdict.reasons)


def quiet(**more: object) -> Behaviour:
    calm = Behaviour(Rate(0, 100), Rate(0, 50), Rate(0, 100), Rate(0, 200))
    return replace(calm, **more)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("cause", "to", "seen"),
    [
        ("error_budget", Mode.ASSISTED, {"spot_checks": Rate(2, 20)}),
        ("override_spike", Mode.ASSISTED, {"week": Rate(6, 20), "usual": Rate(1, 100)}),
        ("rollback_rate", Mode.ASSISTED, {"rolled_back": Rate(11, 200)}),
        ("severity_1", Mode.SHADOW, {"severe": ("rbk_1",)}),
    ],
)
def test_what_lowers_an_action_type(cause: str, to: Mode, seen: dict[str, object]) -> None:
    assert list(findings(quiet(), LIMITS)) == []
    [found] = findings(quiet(**seen), LIMITS)
    assert (found.cause, found.to) == (cause, to)


def test_the_budget_is_five_percent_and_not_less() -> None:
    assert list(findings(quiet(spot_checks=Rate(5, 100)), LIMITS)) == []
    assert next(findings(quiet(spot_checks=Rate(6, 100)), LIMITS)).cause == "error_budget"
    assert list(findings(quiet(spot_checks=Rate(10, 19)), LIMITS)) == []  # too few to say
    assert list(findings(quiet(week=Rate(10, 50), usual=Rate(30, 100)), LIMITS)) == []  # as ever


def test_a_changed_input_is_named_and_chance_is_not() -> None:
    before = {"fields": ["industry"] * 80 + ["phone"] * 20, "confidence": ["0.9"] * 50 + ["0.8"] * 50}
    same = {"fields": ["industry"] * 78 + ["phone"] * 22, "confidence": ["0.9"] * 55 + ["0.8"] * 45}
    assert shifts(before, same, 0.25) == []
    other = {"fields": ["industry"] * 20 + ["owner"] * 80, "confidence": ["0.9"] * 50 + ["0.8"] * 50}
    [found] = shifts(before, other, 0.25)
    assert found.name == "fields" and "“fields”" in found.sentence and found.n == (100, 100)
    assert shifts({"fields": ["industry"] * 49}, other, 0.25) == []
