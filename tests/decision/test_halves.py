"""Of two policies that are alike in one half of a decision that half is asked once: what each half looks at is known."""

from __future__ import annotations

from typing import Any, cast

from tests.decision.test_decision import KNOWN, POLICY

from pilothouse.decision.cases import CaseFile, facts_of
from pilothouse.decision.engine import considered, decide, rules_said, verdict_of
from pilothouse.decision.facts import Facts
from pilothouse.decision.policy import Policy
from pilothouse.vocabulary.documents import load_document
from pilothouse.workspace.config import STARTER

FACTS = [
    facts_of(case, KNOWN[case.action])
    for path in sorted((STARTER / "policy" / "cases").glob("*.yaml"))
    for case in load_document(path, CaseFile).model.cases
]


class Watched:
    """A policy that remembers what it was asked for."""

    def __init__(self, policy: Policy) -> None:
        self._policy, self.asked = policy, set[str]()

    def __getattr__(self, name: str) -> Any:
        self.asked.add(name)
        return getattr(self._policy, name)


def asked(half: Any, facts: list[Facts]) -> set[str]:
    policy = Watched(POLICY)
    for each in facts:
        half(each, cast(Policy, policy))
    return policy.asked


def test_each_half_looks_at_nothing_but_what_it_is_said_to() -> None:
    assert len(FACTS) > 40
    assert asked(considered, FACTS) <= {"band", "limits", "discount_authority", "closed_stages", "human_only"}
    assert asked(rules_said, FACTS) <= {"rules", "together", "named_thresholds", "conditions"}


def test_both_halves_are_the_whole() -> None:
    for facts in FACTS:
        whole = verdict_of(facts, POLICY, considered(facts, POLICY), rules_said(facts, POLICY))
        assert whole == decide(facts, POLICY)
