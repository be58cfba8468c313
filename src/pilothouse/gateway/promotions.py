"""Promotions: one person proposes, another confirms, each by an act of their own; every act is an entry.

One of the two is of RevOps and one of engineering (X-18), and neither owns or wrote the agent. The gate is judged when
the step is proposed and again when it is confirmed. What must never happen here: a person taken for consenting because
somebody else named them; a step past its gate that is not called a bootstrap; a proposal good for longer than it says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from sqlalchemy import Connection

from pilothouse.data.contracts import Contract
from pilothouse.decision.autonomy.gate import Gate
from pilothouse.decision.autonomy.ramp import Step
from pilothouse.decision.tiers import FORWARD
from pilothouse.directory.people import Directory
from pilothouse.directory.registered import WHOLE, Registered, Standing
from pilothouse.directory.roles import FOR_ENGINEERING, FOR_REVOPS, permissions_of
from pilothouse.gateway.agents import Agents, need_granted, need_right
from pilothouse.gateway.proposals import (
    PROMOTED,
    PROPOSED,
    WITHDRAWN,
    Proposal,
    ProposalStatus,
    Through,
    read_proposal,
    read_proposals,
)
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import Actor, AgentRef
from pilothouse.vocabulary.clock import Clock, new_id, stamp
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput
from pilothouse.vocabulary.values import Json
from pilothouse.vocabulary.verdicts import Mode

GOOD_FOR = timedelta(days=7)
"""A proposal that nobody confirmed by then has lapsed. Long enough for somebody who is away for some days."""
SIDES = {FOR_REVOPS: "RevOps", FOR_ENGINEERING: "engineering"}


class PromotionGate(Protocol):
    """What observability knows of an agent's record; `assembly.py` fills it in."""

    def judge(self, ref: AgentRef, action_type: str) -> Gate:
        """Return the gate of the next step of an action type."""
        ...

    def barred(self, ref: AgentRef, action_type: str) -> str:
        """Return why no bootstrap promotion is open any more, in a sentence; empty when one is."""
        ...


@dataclass(frozen=True, slots=True)
class _Judged:
    """What a step rests on, all of it read at one length of the ledger: the agent, and the gate unless a bootstrap."""

    size: int
    registered: Registered
    standing: Standing
    step: Step
    gate: Gate | None


class Promotions:
    """Proposes, confirms and withdraws promotions."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        directory: Directory,
        agents: Agents,
        contracts: Callable[[], Mapping[str, Contract]],
        gate: PromotionGate,
    ) -> None:
        self._ledger, self._clock, self._directory = ledger, clock, directory
        self._agents, self._contracts, self.gate = agents, contracts, gate

    def get(self, ident: str) -> Proposal:
        """Return a proposal; raises `NotFound`."""
        with self._ledger.engine.connect() as connection:
            return read_proposal(connection, ident)

    def list(self, ref: AgentRef | None = None, *, waiting: bool = False) -> list[Proposal]:
        """Return proposals, the newest first; with `waiting` only those that can be confirmed."""
        now = self._clock.now()
        with self._ledger.engine.connect() as connection:
            found = read_proposals(connection, agent=str(ref or ""), waiting=waiting)
        return [each for each in found if not waiting or each.as_of(now) is ProposalStatus.WAITING]

    def propose(
        self,
        ref: AgentRef,
        action_type: str,
        by: str,
        through: Through,
        *,
        bootstrap: Mode | None = None,
        bulk_allowance: int = 0,
    ) -> Proposal:
        """Propose the next step of an action type's ramp or, with `bootstrap`, to begin anywhere without a track record.

        Nothing changes until somebody else confirms it. Raises `Forbidden` when the gate is not passed (code
        `gate_not_passed`), a bootstrap is closed, or this person may not promote the agent; `Conflict` when the same is
        proposed already.
        """
        judged = self._judge(ref, action_type, bootstrap)
        mine = self._eligible(judged, by)
        now, ident = self._clock.now(), new_id("pmt")
        body: dict[str, Json] = {
            "proposal": ident,
            **_named(judged, action_type, bulk_allowance),
            "standing_at": _since(judged.standing),
            "from": judged.standing.step,
            "through": through.value,
            "waits_for": next(each for each in SIDES if each != mine),
            "expires_at": stamp(now + GOOD_FOR),
        }

        def only_one(connection: Connection) -> None:
            waiting = read_proposals(connection, agent=str(ref), waiting=True)
            same = [e for e in waiting if e.action_type == action_type and e.as_of(now) is ProposalStatus.WAITING]
            if same:
                raise Conflict(
                    f"{same[0].id} proposes {action_type} of {ref} already; it is {same[0].proposed_by}'s.",
                    hint="Confirm it, or withdraw it first.",
                    code="already_proposed",
                )

        self._ledger.append([Draft(PROPOSED, Actor(by), body, subject=f"agent/{ref}")], only_one)
        return self.get(ident)

    def confirm(self, ident: str, by: str, through: Through) -> Proposal:
        """Take the step that somebody else proposed, if its gate is passed now; the figures stand in the entry.

        Raises `Forbidden` when it is not passed or the two may not promote the agent together, `Conflict` when the
        proposal waits no longer, the standing changed since, or so much is being written that no gate held long enough.
        """
        for _ in range(5):
            proposal = self._waiting(ident)
            judged = self._judge(proposal.ref, proposal.action_type, proposal.step.mode if proposal.bootstrap else None)
            if _since(judged.standing) != proposal.standing_at or judged.step != proposal.step:
                raise Conflict(
                    f"{proposal.action_type} of {proposal.ref} is {judged.standing.step} now, not as when {ident} was proposed.",
                    hint="Withdraw it, and propose what is wanted now.",
                    code="standing_moved",
                )
            self._two_people(judged, proposal.proposed_by, by)
            drafts = [
                Draft(PROMOTED, Actor(by), self._earned(judged, proposal, by, through), subject=f"agent/{proposal.ref}")
            ]
            try:
                self._ledger.append(drafts, self._unmoved(judged.size))
            except _Moved:
                continue  # something was written since the gate was judged; it is judged again
            return self.get(ident)
        raise Conflict("the ledger is being written all the time; the gate could not be held.", hint="Try again.")

    def withdraw(self, ident: str, by: str, reason: str, through: Through) -> Proposal:
        """Take a proposal off the table: its author may, and whoever may promote agents. Raises as `confirm`."""
        proposal = self._waiting(ident)
        if not reason.strip():
            raise InvalidInput("a reason is needed.", hint="Say in a sentence why.")
        if by != proposal.proposed_by:
            need_right(self._directory, by, "promote")
        body: dict[str, Json] = {"proposal": ident, "reason": reason.strip(), "through": through.value}
        self._ledger.append([Draft(WITHDRAWN, Actor(by), body, subject=f"agent/{proposal.ref}")])
        return self.get(ident)

    def _waiting(self, ident: str) -> Proposal:
        proposal = self.get(ident)
        status = proposal.as_of(self._clock.now())
        if status is not ProposalStatus.WAITING:
            raise Conflict(
                f"{ident} is {status.value}{f' by {proposal.decided_by}' if proposal.decided_by else ''}.",
                hint="Propose it again." if status is ProposalStatus.EXPIRED else "",
                code="proposal_not_waiting",
            )
        return proposal

    def _judge(self, ref: AgentRef, action_type: str, bootstrap: Mode | None) -> _Judged:
        size = self._ledger.size()
        if bootstrap is not None:
            registered = self._agents.get(ref)
            need_granted(registered.manifest, action_type)
            if bootstrap is Mode.LIVE and action_type.endswith(FORWARD):
                raise Forbidden(
                    f"{action_type} goes live by its gate only: a stage move is freed by the trust ramp (X-03).",
                    hint="Let it begin in assisted.",
                )
            barred = self.gate.barred(ref, action_type) if bootstrap is not Mode.SHADOW else ""
            if barred:
                raise Forbidden(
                    barred, hint=f"`pilothouse agents gate {ref} {action_type}` shows what has to be earned."
                )
            standing = registered.standing(action_type)
            return _Judged(size, registered, standing, Step(bootstrap, WHOLE if bootstrap is Mode.LIVE else 0), None)
        gate = self.gate.judge(ref, action_type)
        registered = self._agents.get(ref)
        need_granted(registered.manifest, action_type)
        if not gate.passed or gate.evidence.step is None:
            missing = "; ".join(f"{each.title}: {each.figures}" for each in gate.missing)
            raise Forbidden(
                f"{action_type} of {ref} does not pass its gate: {missing}",
                hint=f"`pilothouse agents gate {ref} {action_type}` shows all of it.",
                code="gate_not_passed",
            )
        return _Judged(gate.evidence.size, registered, gate.evidence.standing, gate.evidence.step, gate)

    def _earned(self, judged: _Judged, proposal: Proposal, by: str, through: Through) -> dict[str, Json]:
        manifest, standing, step = judged.registered.manifest, judged.standing, judged.step
        body: dict[str, Json] = {
            **_named(judged, proposal.action_type, proposal.bulk_allowance),
            "by": [proposal.proposed_by, by],
            "through": [proposal.through.value, through.value],
            "proposal": proposal.id,
        }
        if judged.gate is None:
            return body | {"salt": "", "scope": _scope(self._contracts().get(manifest.contract))}
        begins = step.mode is Mode.ASSISTED or standing.bootstrap
        return body | {
            # A draw that nobody can know beforehand, and that each step of one ramp keeps.
            "salt": new_id("ramp") if begins else standing.salt,
            # What the contract opened later never rides along: it waits until the ramp is begun again.
            "scope": _scope(self._contracts().get(manifest.contract))
            if step.mode is Mode.ASSISTED
            else sorted(standing.scope),
            "gate": [{"code": each.code, "figures": each.figures} for each in judged.gate.conditions],
            "judged_at_size": judged.size,
        }

    def _two_people(self, judged: _Judged, one: str, other: str) -> None:
        if one == other:
            raise Forbidden(
                f"{one} proposed this and cannot confirm it; a promotion takes two different people.",
                hint="Ask somebody of the other side to confirm it under their own log-in.",
            )
        sides = [self._eligible(judged, each) for each in (one, other)]
        if len(set(sides)) != len(SIDES):
            wanted = next(name for each, name in SIDES.items() if each not in sides)
            raise Forbidden(
                f"{one} and {other} both stand for {SIDES[sides[0]]}; a promotion takes RevOps and engineering.",
                hint=f"Ask somebody of {wanted} to confirm it.",
            )

    def _eligible(self, judged: _Judged, person: str) -> str:
        """Return the permission by which somebody promotes this agent; raises `Forbidden` when they may not."""
        need_right(self._directory, person, "promote")
        if person in _behind(judged):
            raise Forbidden(
                f"{person} owns or wrote {judged.registered.ref} and cannot promote it.",
                hint="Ask somebody who stands behind it in no other way.",
            )
        may = permissions_of(self._directory.person(person).role).may
        return next(each for each in SIDES if each in may)

    def _unmoved(self, size: int) -> Callable[[Connection], None]:
        def check(connection: Connection) -> None:
            if self._ledger.size_in(connection) != size:
                raise _Moved("something was written while the gate was judged.")

        return check


class _Moved(Conflict):
    """The ledger grew between judging a gate and passing it."""


def _behind(judged: _Judged) -> Collection[str]:
    """Who owns or wrote the agent; whoever registered it where it names no author, but for a bootstrap, which claims
    nothing about how it did."""
    manifest = judged.registered.manifest
    wrote = manifest.authors or (() if judged.gate is None else (judged.registered.registered_by,))
    return {manifest.owner, *wrote}


def _named(judged: _Judged, action_type: str, bulk_allowance: int) -> dict[str, Json]:
    return {
        "agent": str(judged.registered.ref),
        "action_type": action_type,
        "mode": judged.step.mode.value,
        "share": judged.step.share,
        "bulk_allowance": bulk_allowance,
        "bootstrap": judged.gate is None,
    }


def _scope(contract: Contract | None) -> list[Json]:
    """Return the fields that a contract opens, by object."""
    opened = {**contract.write} if contract else {}
    fields = {f"{name}.{field}" for name, rules in opened.items() for field in rules}
    flagged = contract.flag.items() if contract else ()
    return [*sorted(fields | {f"{name}.{field}" for name, names in flagged for field in names})]


def _since(standing: Standing) -> str:
    return stamp(standing.at) if standing.at else ""
