"""The proof about reviews is about the guards that run: break one and it is found."""

from __future__ import annotations

import pytest

from pilothouse.handoff import deciding, proving
from pilothouse.handoff.proving import prove_reviews, steps
from pilothouse.handoff.queue import DECISIONS
from pilothouse.vocabulary.outcomes import ReviewStatus


def statuses() -> dict[str, str]:
    return {each.letter: each.status for each in prove_reviews()}


def test_time_approves_nothing_and_nobody_their_own() -> None:
    assert statuses() == {"b": "proved", "c": "proved"}


def test_the_steps_are_those_that_people_know() -> None:
    assert {(each.kind, each.before.value, each.after.value) for each in steps()} == {
        ("review.approved", "open", "approved"),
        ("review.edited", "open", "approved"),
        ("review.rejected", "open", "rejected"),
        ("review.expired", "open", "expired"),
        ("review.used", "approved", "used"),
    }


def test_an_expiry_that_approves_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DECISIONS, "review.expired", ReviewStatus.APPROVED)
    broken = prove_reviews()[0]
    assert broken.status == "refuted" and "review.expired by system" in " ".join(
        e.sentence for e in broken.counterexamples
    )


def test_a_late_approval_that_passes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "check", lambda *_, **__: None)
    broken = prove_reviews()[0]
    assert broken.status == "refuted" and any("after its deadline" in e.sentence for e in broken.counterexamples)


def test_an_agent_that_decides_and_a_proposer_who_approves_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "need_a_person", lambda by: None)
    monkeypatch.setattr(deciding, "may_decide", lambda *_, **__: "")
    by_agent, own = prove_reviews()
    assert by_agent.status == own.status == "refuted"
    assert any("stand behind" in each.sentence for each in own.counterexamples)
