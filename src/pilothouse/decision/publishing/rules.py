"""Everything decided in writing, read from one place: a workspace's folder, or a version's text from the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pilothouse.data.contract_reading import load_contracts
from pilothouse.data.contracts import Contract
from pilothouse.data.defining.reading import load_definitions
from pilothouse.data.definitions import Definitions
from pilothouse.decision.business.policy import BusinessPolicy
from pilothouse.decision.business.reading import load_business
from pilothouse.decision.policy import Policy, load_policy
from pilothouse.decision.publishing.content import gather, hash_of
from pilothouse.decision.versions import commit_of
from pilothouse.vocabulary.capabilities import Capability
from pilothouse.vocabulary.documents import DocumentError


@dataclass(frozen=True, slots=True)
class Rules:
    """What is decided in writing. `version` is the published version's id, empty for a folder that never was."""

    version: str
    policy: Policy
    contracts: dict[str, Contract]
    definitions: Definitions
    business: BusinessPolicy


def read_rules(root: Path, capabilities: Mapping[str, Capability], version: str = "") -> Rules:
    """Read a folder; raises the first `DocumentError`. Without a version, decisions cite the text's hash, which a version
    of the same text has too, and the git commit."""
    definitions = load_definitions(root / "definitions")
    stands = version or text_at(root)
    policy = load_policy(root / "policy", capabilities, definitions.closed_stages, stands)
    business = load_business(root / "policy" / "business", definitions, stands, policy.thresholds)
    policy = replace(policy, business=business.uses())
    contracts = load_contracts(root / "contracts")
    if not version and hash_of(gather(root)) != stands.partition("@")[0]:
        raise DocumentError(root, 0, "a file was changed while it was read", hint="Load it again.")
    return Rules(version, policy, contracts, definitions, business)


def text_at(root: Path) -> str:
    """Return the hash of a workspace's text as a version cites it, with the git commit it stands in where there is one."""
    commit = commit_of(root / "policy")
    return hash_of(gather(root)) + (f"@{commit}" if commit else "")
