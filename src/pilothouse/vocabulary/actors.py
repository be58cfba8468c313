"""Who acts: always a person, and often an agent on that person's behalf."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person is in Pilothouse. The permissions of each role are in `directory/roles.py`."""

    ADMIN = "admin"
    REVOPS = "revops"
    ENGINEERING = "engineering"
    REVIEWER = "reviewer"
    REP = "rep"
    AUDITOR = "auditor"
    LEGAL = "legal"


@dataclass(frozen=True, slots=True)
class AgentRef:
    """An agent by name and version. Trust belongs to the pair: another version is another agent."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"

    @classmethod
    def parse(cls, text: str) -> AgentRef:
        """Read `name@version`; raises `ValueError` when either half is missing."""
        name, _, version = text.partition("@")
        if not name or not version:
            raise ValueError(f"{text!r} is not an agent reference; write it as name@version")
        return cls(name, version)


@dataclass(frozen=True, slots=True)
class Actor:
    """The two-dimensional identity of every operation: the person, and the agent acting for them, if any."""

    person: str
    agent: AgentRef | None = None

    def __str__(self) -> str:
        return f"{self.agent} for {self.person}" if self.agent else self.person


SYSTEM_PERSON = "system"
"""The author of entries that no person asked for: expiry, checkpoints, reconciliation. It can approve nothing."""
