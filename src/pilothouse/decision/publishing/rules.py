"""Everything decided in writing, read from one place: a workspace's folder, or a version's text from the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pilothouse.data.contract_reading import load_contracts
from pilothouse.data.contracts import Contract
from pilothouse.data.defining.reading import load_definitions
from pilothouse.data.definitions import Definitions
from pilothouse.decision.business.policy import BusinessPolicy
from pilothouse.decision.business.reading import load_business
from pilothouse.decision.policy import Policy, load_policy
from pilothouse.vocabulary.capabilities import Capability


@dataclass(frozen=True, slots=True)
class Rules:
    """What is decided in writing. `version` is the published version's id, empty for a folder that never was."""

    version: str
    policy: Policy
    contracts: dict[str, Contract]
    definitions: Definitions
    business: BusinessPolicy


def read_rules(root: Path, capabilities: Mapping[str, Capability], version: str = "") -> Rules:
    """Read a folder; raises the first `DocumentError`. Without a version, decisions cite its hash and git commit."""
    definitions = load_definitions(root / "definitions")
    policy = load_policy(root / "policy", capabilities, definitions.closed_stages, version)
    business = load_business(root / "policy" / "business", definitions, policy.version)
    return Rules(version, policy, load_contracts(root / "contracts"), definitions, business)
