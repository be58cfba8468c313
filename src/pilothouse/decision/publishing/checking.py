"""Everything that is wrong with a workspace's written policy, before anybody publishes it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from pilothouse.data.contract_reading import check_contracts
from pilothouse.data.defining.reading import check_definitions, load_definitions
from pilothouse.decision.business.reading import check_business, load_business
from pilothouse.decision.checks import uncovered
from pilothouse.decision.policy import check_policy
from pilothouse.decision.reading import Reading
from pilothouse.vocabulary.capabilities import Capability
from pilothouse.vocabulary.documents import DocumentError


def check_rules(
    root: Path,
    capabilities: Mapping[str, Capability],
    granted: Mapping[str, Sequence[str]],
    people: Collection[str] | None = None,
) -> list[DocumentError]:
    """Return every problem in policy, contracts and definitions, and what none of them decides; see `check_policy`."""
    folder = root / "policy"
    reading = Reading(folder, capabilities)
    wrong, odd = check_definitions(root / "definitions"), list[DocumentError]()
    business = None
    # Business policy asks definitions and compares with thresholds; what is wrong with it may follow from those.
    if not wrong and reading.whole:
        definitions = load_definitions(root / "definitions")
        odd = check_business(folder / "business", definitions, reading.thresholds)
        business = None if odd else load_business(folder / "business", definitions, "", reading.thresholds)
    problems = check_policy(folder, capabilities, granted, people, None if business is None else business.uses())
    problems += [*check_contracts(root / "contracts"), *wrong, *odd]
    if problems or business is None:
        return problems
    return list(uncovered(folder, reading.policy("", frozenset()), business, list(reading.single)))
