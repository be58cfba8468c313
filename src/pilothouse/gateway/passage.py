"""One action on its way through the gateway: what each stage has found out so far, and how it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pilothouse.data.contracts import Contract
from pilothouse.decision.autonomy.ceiling import Bounds
from pilothouse.decision.facts import Facts
from pilothouse.decision.publishing.rules import Rules
from pilothouse.directory.people import Person
from pilothouse.directory.registered import Registered, Standing
from pilothouse.gateway.evidence import EvidenceAge
from pilothouse.gateway.ports import Receipt, SystemOfRecord
from pilothouse.ledger.entries import Draft
from pilothouse.vocabulary.actions import Action
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.capabilities import Capability
from pilothouse.vocabulary.outcomes import ActionStatus
from pilothouse.vocabulary.records import FieldChange, Snapshot
from pilothouse.vocabulary.values import Json
from pilothouse.vocabulary.verdicts import Mode, Verdict


@dataclass(frozen=True, slots=True)
class Continue:
    """The stage has nothing against the action."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The action goes no further: where it stands now, a code for machines, a sentence for people.

    `also` are entries to be written together with the one that records the stop.
    """

    status: ActionStatus
    code: str
    sentence: str
    also: tuple[Draft, ...] = ()
    review: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What the caller is told: never more than what the ledger says."""

    action: Action
    status: ActionStatus
    code: str
    sentence: str
    verdict: Verdict | None = None
    review: str = ""
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """The same act stands in the ledger already; the caller is told how, and nothing is done or recorded again."""

    result: Result


Answer = Continue | Stop | Known
GO_ON = Continue()


def refuse(code: str, sentence: str) -> Stop:
    """Return the commonest stop."""
    return Stop(ActionStatus.REFUSED, code, sentence)


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's decision on a review, as a fact for the second way through the pipeline."""

    review: str
    payload_hash: str
    by: str
    edited: bool = False


@dataclass
class Passage:
    """What is known about an action. Each stage fills in what it found; nothing is guessed before its stage."""

    action: Action
    credential: str = ""
    approval: Approval | None = None
    seen: int | None = None
    """How long the ledger was before any fact was read from it; None when nobody looked."""

    actor: Actor | None = None
    token: str = ""
    """The identifier of the token that let the agent in; empty for a person, and after an approval."""
    person: Person | None = None
    agent: Registered | None = None
    rules: Rules | None = None
    """What was in force in writing when the action came in; all of it is judged by this."""
    capability: Capability | None = None
    connector: SystemOfRecord | None = None
    contract: Contract | None = None
    snapshot: Snapshot | None = None
    snapshot_read: bool = False
    partner: Snapshot | None = None
    """The second record that the call changes, where its capability names one."""
    fields: tuple[str, ...] = ()
    before: Mapping[str, Json] = field(default_factory=dict[str, Json])
    changes: tuple[FieldChange, ...] = ()
    restored: Mapping[str, Json] | None = None
    """Where values are put back: by field, who wrote the value before and when, None where there was none."""
    evidence: EvidenceAge = field(default_factory=EvidenceAge)
    recipients: int = 0
    new_prospects: int = 0
    undone: str = ""
    """How the same act, performed before, was undone; empty when it was not."""
    rejected: str = ""
    """How a person rejected the like before; empty when nobody did."""
    addressed: tuple[Snapshot, ...] = ()
    """The contacts that the call addresses, as far as the system of record knows them."""
    account_id: str = ""
    account: Mapping[str, Json] = field(default_factory=dict[str, Json])
    """The account that the record belongs to, or is, as the ledger knows it."""
    calibrated: float | None = None
    uncalibrated: bool = False
    """What the published calibration makes of the confidence, and whether one is missing where it is needed."""
    facts: Facts | None = None
    """What the verdict was made on."""
    standing: Standing = field(default_factory=Standing)
    bounds: Bounds = field(default_factory=Bounds)
    """What the standing comes to for this act, under every ceiling."""
    action_type: str = ""
    stage_forward: bool = False
    """The deal goes on to the next open stage, and every exit criterion of the one it leaves is known to hold."""
    write_set: tuple[int, int] = (0, 0)
    verdict: Verdict | None = None
    intended: bool = False
    receipt: Receipt | None = None
    after: Mapping[str, Json] = field(default_factory=dict[str, Json])
    verified: bool | None = None
    note: tuple[str, str] = ("", "")

    @property
    def mode(self) -> Mode:
        """How far the agent may go with this act; a person acting alone is live."""
        return self.bounds.mode if self.agent else Mode.LIVE
