"""The table of proposed promotions, drawn from their entries: what one person proposed and another has yet to confirm.

The projector is the last guard: an action type rises only by a proposal that waits, confirmed by somebody else than
proposed it. What must never happen here: a promotion that nobody proposed; a proposal that is good twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Connection, Index, Integer, Table, Text, insert, select, update

from pilothouse.decision.autonomy.ramp import Step
from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Entry
from pilothouse.vocabulary.actors import AgentRef
from pilothouse.vocabulary.clock import stamp, unstamp
from pilothouse.vocabulary.errors import Conflict, NotFound
from pilothouse.vocabulary.verdicts import Mode

PROPOSED, PROMOTED, WITHDRAWN = "promotion.proposed", "agent.promoted", "promotion.withdrawn"
proposals = Table(
    "promotion_proposals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("agent", Text, nullable=False),
    Column("action_type", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("share", Integer, nullable=False),
    Column("bulk_allowance", Integer, nullable=False),
    Column("bootstrap", Integer, nullable=False),
    Column("standing_at", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("through", Text, nullable=False),
    Column("waits_for", Text, nullable=False),
    Column("proposed_at", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_through", Text, nullable=False),
    Column("decided_at", Text, nullable=False),
    Column("reason", Text, nullable=False),
)
Index("proposals_by_agent", proposals.c.agent, proposals.c.status)


class Through(StrEnum):
    """How somebody was known to be who they say: by their own log-in, or by what was typed on the machine itself."""

    LOG_IN = "log-in"
    COMMAND_LINE = "command line"


class ProposalStatus(StrEnum):
    """How a proposal stands. `expired` is never written: it follows from the time."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A promotion that somebody proposed. `standing_at` is since when the standing was so that it would change, as a
    stamp; empty for none. `waits_for` is the permission of whoever may confirm it (`directory/roles.py`)."""

    id: str
    ref: AgentRef
    action_type: str
    step: Step
    bulk_allowance: int
    bootstrap: bool
    standing_at: str
    proposed_by: str
    through: Through
    waits_for: str
    proposed_at: datetime
    expires_at: datetime
    status: ProposalStatus
    decided_by: str
    decided_through: str
    decided_at: datetime | None
    reason: str

    def as_of(self, now: datetime) -> ProposalStatus:
        """Return how it stands at a moment: time alone takes it away, and never confirms it."""
        late = self.status is ProposalStatus.WAITING and self.expires_at <= now
        return ProposalStatus.EXPIRED if late else self.status


class ProposalProjector:
    """Follows what is proposed, confirmed and withdrawn."""

    name = "promotion_proposals"
    kinds = frozenset({PROPOSED, PROMOTED, WITHDRAWN})
    tables = (proposals,)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Bring the table up to date; raises `Conflict` for a promotion without a proposal that waits for it."""
        for entry in entries:
            if entry.kind == PROPOSED:
                connection.execute(insert(proposals), _row(entry))
            else:
                self._decided(connection, entry)

    def _decided(self, connection: Connection, entry: Entry) -> None:
        body, promoted = entry.body, entry.kind == PROMOTED
        where = [proposals.c.id == body["proposal"], proposals.c.status == ProposalStatus.WAITING.value]
        if promoted:
            where += [
                proposals.c.agent == body["agent"],
                proposals.c.action_type == body["action_type"],
                proposals.c.mode == body["mode"],
                proposals.c.share == body["share"],
                proposals.c.bootstrap == int(bool(body["bootstrap"])),
                proposals.c.bulk_allowance == body["bulk_allowance"],
                proposals.c.proposed_by != entry.actor.person,
                proposals.c.expires_at > stamp(entry.at),
            ]
        status = ProposalStatus.CONFIRMED if promoted else ProposalStatus.WITHDRAWN
        values = {
            "status": status.value,
            "decided_by": entry.actor.person,
            "decided_through": body["through"][-1] if promoted else body["through"],
            "decided_at": stamp(entry.at),
            "reason": body.get("reason", ""),
        }
        if connection.execute(update(proposals).where(*where).values(**values)).rowcount != 1:
            raise Conflict(
                f"{body['proposal']} does not wait for this any more.",
                hint="`pilothouse agents proposals` shows what waits.",
                code="proposal_not_waiting",
            )


def _row(entry: Entry) -> dict[str, Any]:
    same = (
        "agent",
        "action_type",
        "mode",
        "share",
        "bulk_allowance",
        "standing_at",
        "through",
        "waits_for",
        "expires_at",
    )
    nothing = dict.fromkeys(("decided_by", "decided_through", "decided_at", "reason"), "")
    return {
        **{name: entry.body[name] for name in same},
        **nothing,
        "id": entry.body["proposal"],
        "bootstrap": int(bool(entry.body["bootstrap"])),
        "proposed_by": entry.actor.person,
        "proposed_at": stamp(entry.at),
        "status": ProposalStatus.WAITING.value,
    }


def read_proposal(connection: Connection, ident: str) -> Proposal:
    """Read one proposal; raises `NotFound`."""
    row = connection.execute(select(proposals).where(proposals.c.id == ident)).first()
    if row is None:
        raise NotFound(f"nobody proposed {ident!r}.", hint="`pilothouse agents proposals` shows what waits.")
    return _proposal(row)


def read_proposals(connection: Connection, *, agent: str = "", waiting: bool = False) -> list[Proposal]:
    """Read proposals, the newest first; with `waiting` those that nobody decided on, expired ones too."""
    query = select(proposals).order_by(proposals.c.proposed_at.desc(), proposals.c.id)
    if agent:
        query = query.where(proposals.c.agent == agent)
    if waiting:
        query = query.where(proposals.c.status == ProposalStatus.WAITING.value)
    return [_proposal(row) for row in connection.execute(query)]


def _proposal(row: Any) -> Proposal:
    same = (
        "id",
        "action_type",
        "bulk_allowance",
        "standing_at",
        "proposed_by",
        "waits_for",
        "decided_by",
        "decided_through",
        "reason",
    )
    return Proposal(
        **{name: getattr(row, name) for name in same},
        ref=AgentRef.parse(row.agent),
        step=Step(Mode(row.mode), row.share),
        bootstrap=bool(row.bootstrap),
        through=Through(row.through),
        proposed_at=unstamp(row.proposed_at),
        expires_at=unstamp(row.expires_at),
        status=ProposalStatus(row.status),
        decided_at=unstamp(row.decided_at) if row.decided_at else None,
    )
