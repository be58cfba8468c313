"""The parts that the stages of the pipeline need. `assembly.py` fills them in; no stage reaches for anything else."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from sqlalchemy import Connection

from pilothouse.data.contracts import Contract
from pilothouse.data.store import DataStore
from pilothouse.decision.policy import Policy
from pilothouse.decision.publishing.rules import Rules
from pilothouse.directory.people import Directory
from pilothouse.gateway.agents import Agents
from pilothouse.gateway.identity import Tokens
from pilothouse.gateway.promotions import Promotions
from pilothouse.gateway.registry import CapabilityRegistry
from pilothouse.handoff.compliance import Compliance
from pilothouse.handoff.ways_out import WaysOut
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.clock import Clock


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on volume and time.

    `per_minute` is the most actions one agent may try. `longest_call` is how long an act with an intent and no result may
    be under way in another process, before it is taken for left by a crash.
    """

    per_minute: int = 6000
    most_attempts: int = 3
    longest_call: timedelta = timedelta(minutes=2)


class Written(Protocol):
    """What is in force in writing. Asked once for each action, so that one action is judged by one version."""

    def __call__(self) -> Rules:
        """Return what is in force now."""
        ...

    def version_in(self, connection: Connection) -> str:
        """Return the version in force as a transaction sees it."""
        ...


@dataclass
class Door:
    """Everything behind the one door."""

    ledger: Ledger
    clock: Clock
    registry: CapabilityRegistry
    tokens: Tokens
    agents: Agents
    promotions: Promotions
    directory: Directory
    data: DataStore
    compliance: Compliance
    ways_out: WaysOut
    rules: Written
    limits: Limits = field(default_factory=Limits)
    pause: Callable[[float], None] = time.sleep
    under_way: dict[int, str] = field(default_factory=dict[int, str])
    """The action of each passage of this process that is between its intent and its result, by the passage's identity."""

    @property
    def policy(self) -> Policy:
        """The policy in force now."""
        return self.rules().policy

    @property
    def contracts(self) -> Mapping[str, Contract]:
        """The data contracts in force now."""
        return self.rules().contracts
