"""Every golden case of a text, before anybody publishes it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pilothouse.data.defining.cases import CaseResult
from pilothouse.data.defining.cases import run_cases as run_definition_cases
from pilothouse.decision.business.cases import run_asks
from pilothouse.decision.cases import run_cases
from pilothouse.decision.publishing.rules import read_rules
from pilothouse.vocabulary.capabilities import Capability


def policy_cases(root: Path, capabilities: Mapping[str, Capability]) -> list[CaseResult]:
    """Run the cases of `policy/cases/`; raises `DocumentError` for a file that cannot be read."""
    rules = read_rules(root, capabilities)
    folder = root / "policy" / "cases"
    verdicts = run_cases(folder, rules.policy, capabilities)
    return [CaseResult(each.title, each.where, each.problem) for each in verdicts] + run_asks(
        folder, rules.policy, rules.business
    )


def every_case(root: Path, capabilities: Mapping[str, Capability]) -> list[CaseResult]:
    """Run the cases of policy and of definitions."""
    definitions = read_rules(root, capabilities).definitions
    return policy_cases(root, capabilities) + run_definition_cases(root / "definitions" / "cases", definitions)
