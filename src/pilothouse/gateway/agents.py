"""The agent registry as people act on it: register, suspend, resume, promote, demote. Each is an entry.

What must never happen here: an action type live without two named people behind it; a promotion past its gate that is
not called a bootstrap; trust carried from one version of an agent to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Protocol

from sqlalchemy import Connection, select

from pilothouse.data.contracts import Contract
from pilothouse.decision.autonomy.demotion import demotion
from pilothouse.decision.autonomy.gate import Gate
from pilothouse.directory.people import Directory
from pilothouse.directory.registered import (
    WHOLE,
    AgentProjector,
    Manifest,
    Registered,
    Standing,
    agents,
    load_manifests,
    read_agent,
    read_agents,
)
from pilothouse.directory.roles import permissions_of
from pilothouse.directory.suspensions import EVERY, Reach, Suspension, every_suspension
from pilothouse.handoff import suspending
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import Actor, AgentRef
from pilothouse.vocabulary.clock import new_id
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput, NotFound
from pilothouse.vocabulary.values import Json, digest
from pilothouse.vocabulary.verdicts import Mode


class PromotionGate(Protocol):
    """What observability knows of an agent's record; `assembly.py` fills it in."""

    def judge(self, ref: AgentRef, action_type: str) -> Gate:
        """Return the gate of the next step of an action type."""
        ...

    def barred(self, ref: AgentRef, action_type: str) -> str:
        """Return why no bootstrap promotion is open any more, in a sentence; empty when one is."""
        ...


class Agents:
    """Registers, suspends, resumes and promotes agents; every act is an entry by a named person."""

    def __init__(
        self,
        ledger: Ledger,
        directory: Directory,
        capabilities: Collection[str],
        contracts: Callable[[], Mapping[str, Contract]],
        gate: PromotionGate,
    ) -> None:
        self._ledger, self._directory, self.gate = ledger, directory, gate
        self._capabilities, self._contracts = capabilities, contracts

    def register(self, manifest: Manifest, by: str) -> bool:
        """Register an agent; returns False when exactly this manifest already is.

        Raises `Conflict` when the same name and version stands with another manifest: that is a new version.
        """
        self._directory.person(manifest.owner)
        self._possible(manifest)
        for author in manifest.authors:
            self._directory.person(author)
        body = manifest.model_dump(mode="json")
        with self._ledger.engine.connect() as connection:
            row = connection.execute(select(agents.c.manifest_hash).where(agents.c.agent == str(manifest.ref))).first()
        if row is not None and row.manifest_hash == digest(body):
            return False
        if row is not None:
            raise Conflict(
                f"{manifest.ref} is registered with another manifest.",
                hint="Give the changed agent a new version; it starts in shadow.",
            )
        content = {"manifest": body, "hash": digest(body)}
        self._ledger.append([Draft("agent.registered", Actor(by), content, subject=f"agent/{manifest.ref}")])
        return True

    def _possible(self, manifest: Manifest) -> None:
        """A manifest stands for good under its version, so what it names must exist when it is registered."""
        contracts = self._contracts()
        if manifest.contract not in contracts:
            raise InvalidInput(
                f"{manifest.ref} works under the data contract {manifest.contract!r}, which does not exist.",
                hint=f"There is: {', '.join(sorted(contracts)) or 'none yet; write one under contracts/'}.",
            )
        unknown = [grant for grant in manifest.grants if grant not in self._capabilities]
        if unknown:
            near = get_close_matches(unknown[0], self._capabilities, 1)
            meant = f"Did you mean {near[0]!r}?" if near else "`pilothouse capabilities` shows what exists."
            raise InvalidInput(f"{manifest.ref} asks for {unknown[0]!r}, which no system offers.", hint=meant)

    def get(self, ref: AgentRef) -> Registered:
        """Return a registered agent; raises `NotFound`."""
        with self._ledger.reading() as connection:
            return read_agent(connection, ref)

    def owner(self, ref: AgentRef) -> str:
        """Return the person who owns an agent; the empty string when nobody registered it."""
        try:
            return self.get(ref).manifest.owner
        except NotFound:
            return ""

    def all(self) -> list[Registered]:
        """Return every registered agent, by name and version."""
        with self._ledger.engine.connect() as connection:
            return read_agents(connection)

    @staticmethod
    def granted(ledger: Ledger) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield every registered agent that is not suspended, with its grants."""
        with ledger.engine.connect() as connection:
            found = read_agents(connection)
        for each in found:
            if each.suspended_why is None:
                yield str(each.ref), each.manifest.grants

    def latest(self, name: str) -> Registered:
        """Return the last registered version of an agent; raises `NotFound`."""
        query = select(agents.c.agent).where(agents.c.name == name).order_by(agents.c.registered_at.desc())
        with self._ledger.engine.connect() as connection:
            row = connection.execute(query).first()
            if row is None:
                raise NotFound(f"no agent {name!r} is registered.", hint="`pilothouse agents register FILE` adds one.")
            return read_agent(connection, AgentRef.parse(row.agent))

    def need(self, name: str) -> None:
        """Raise `NotFound` unless an agent of this name, or name@version, was ever registered."""
        query = select(agents.c.agent).where((agents.c.agent == name) | (agents.c.name == name)).limit(1)
        with self._ledger.engine.connect() as connection:
            if connection.execute(query).first() is None:
                raise NotFound(f"no agent {name!r} was ever registered.", hint="`pilothouse agents list` shows them.")

    def suspend(self, what: AgentRef | Reach, by: str, reason: str) -> int:
        """Stop agents at once, queued work included; returns the entry's position.

        Raises `Forbidden` unless this person may, `NotFound` for an agent or action type that there is not.
        """
        self._need(by, "suspend")
        return suspending.suspend(self._ledger, self._reach(what), by, reason)

    def resume(self, what: AgentRef | Reach, by: str, reason: str) -> int:
        """Let agents act again; returns the entry's position. Raises as `suspending.resume` and `suspend`."""
        self._need(by, "suspend")
        owned = [Reach(str(each.ref)) for each in self.all() if each.manifest.owner == by]
        return suspending.resume(self._ledger, self._reach(what), by, reason, owned)

    def _reach(self, what: AgentRef | Reach) -> Reach:
        reach = what if isinstance(what, Reach) else Reach(str(what))
        if all(reach.agent.partition("@")):
            self.get(AgentRef.parse(reach.agent))
        elif reach.agent != EVERY:
            self.need(reach.agent)
        capability = reach.action_type.partition(":")[0]
        if capability != EVERY and capability not in self._capabilities:
            raise NotFound(f"no system offers {capability!r}.", hint="`pilothouse capabilities` shows what exists.")
        return reach

    def owners(self, reach: Reach) -> set[str]:
        """Return who owns the agents that a reach is about."""
        return {each.manifest.owner for each in self.all() if Reach(str(each.ref)).touches(reach)}

    def suspensions(self) -> tuple[Suspension, ...]:
        """Return every suspension in force, the widest first."""
        with self._ledger.reading() as connection:
            return every_suspension(connection)

    def bootstrap(
        self, ref: AgentRef, action_type: str, mode: Mode, by: tuple[str, str], *, bulk_allowance: int = 0
    ) -> int:
        """Record a bootstrap promotion: two named people let an action type leave shadow without a track record.

        Returns the entry's position.
        Raises `Forbidden` when they are not two, one may not promote, owns or wrote the agent (I10), or when there is a
        track record by now and it is bad.
        """
        manifest = self.get(ref).manifest
        self._two_people(ref, by, {manifest.owner, *manifest.authors})
        self._granted(manifest, action_type)
        barred = self.gate.barred(ref, action_type) if mode is not Mode.SHADOW else ""
        if barred:
            raise Forbidden(barred, hint=f"`pilothouse agents gate {ref} {action_type}` shows what has to be earned.")
        body = self._promotion(ref, action_type, mode, by, bulk_allowance)
        body |= {
            "share": WHOLE if mode is Mode.LIVE else 0,
            "salt": "",
            "scope": self._scope(manifest),
            "bootstrap": True,
        }
        return self._promote(ref, by, body)

    def promote(self, ref: AgentRef, action_type: str, by: tuple[str, str], *, bulk_allowance: int = 0) -> Gate:
        """Take the next step of an action type's ramp, through its gate; returns the gate as it was passed.

        The figures stand in the entry. Raises `Forbidden` when the gate is not passed or the two may not promote it
        (also whoever registered the agent, where the manifest names no author), `Conflict` when so much is being
        written that no gate held long enough to be passed.
        """
        for _ in range(5):
            gate = self.gate.judge(ref, action_type)
            registered = self.get(ref)
            manifest = registered.manifest
            self._two_people(ref, by, {manifest.owner, *(manifest.authors or (registered.registered_by,))})
            self._granted(manifest, action_type)
            if not gate.passed or gate.evidence.step is None:
                missing = "; ".join(f"{each.title}: {each.figures}" for each in gate.missing)
                raise Forbidden(
                    f"{action_type} of {ref} does not pass its gate: {missing}",
                    hint=f"`pilothouse agents gate {ref} {action_type}` shows all of it.",
                    code="gate_not_passed",
                )
            try:
                self._promote(ref, by, self._earned(gate, manifest, by, bulk_allowance), _unmoved(self._ledger, gate))
            except _Moved:
                continue  # something was written since the gate was judged; it is judged again
            return gate
        raise Conflict("the ledger is being written all the time; the gate could not be held.", hint="Try again.")

    def _earned(self, gate: Gate, manifest: Manifest, by: tuple[str, str], bulk_allowance: int) -> dict[str, Json]:
        step, standing = gate.evidence.step, gate.evidence.standing
        assert step is not None
        begins = step.mode is Mode.ASSISTED or standing.bootstrap
        body = self._promotion(gate.evidence.ref, gate.evidence.action_type, step.mode, by, bulk_allowance)
        return body | {
            "share": step.share,
            # A draw that nobody can know beforehand, and that each step of one ramp keeps.
            "salt": new_id("ramp") if begins else standing.salt,
            # What the contract opened later never rides along: it waits until the ramp is begun again.
            "scope": self._scope(manifest) if step.mode is Mode.ASSISTED else sorted(standing.scope),
            "bootstrap": False,
            "gate": [{"code": each.code, "figures": each.figures} for each in gate.conditions],
            "judged_at_size": gate.evidence.size,
        }

    def _promotion(
        self, ref: AgentRef, action_type: str, mode: Mode, by: tuple[str, str], bulk_allowance: int
    ) -> dict[str, Json]:
        named: dict[str, Json] = {"agent": str(ref), "action_type": action_type, "mode": mode.value}
        return named | {"bulk_allowance": bulk_allowance, "by": list(by)}

    def _promote(
        self,
        ref: AgentRef,
        by: tuple[str, str],
        body: dict[str, Json],
        guard: Callable[[Connection], None] | None = None,
    ) -> int:
        draft = Draft("agent.promoted", Actor(by[0]), body, subject=f"agent/{ref}")
        return self._ledger.append([draft], guard)[0].position

    def _scope(self, manifest: Manifest) -> list[Json]:
        contract = self._contracts().get(manifest.contract)
        opened = {**contract.write} if contract else {}
        fields = {f"{name}.{field}" for name, rules in opened.items() for field in rules}
        flagged = contract.flag.items() if contract else ()
        return [*sorted(fields | {f"{name}.{field}" for name, names in flagged for field in names})]

    def _two_people(self, ref: AgentRef, by: tuple[str, str], behind: Collection[str]) -> None:
        if len(set(by)) != 2:
            raise Forbidden("a promotion needs two different people.", hint="Name a second approver.")
        for person in by:
            self._need(person, "promote")
            if person in behind:
                raise Forbidden(
                    f"{person} owns or wrote {ref} and cannot promote it.",
                    hint="Ask somebody who stands behind it in no other way.",
                )

    @staticmethod
    def _granted(manifest: Manifest, action_type: str) -> None:
        if action_type.partition(":")[0] not in manifest.grants:
            raise InvalidInput(
                f"{manifest.ref} holds no grant for {action_type!r}.",
                hint=f"Its grants: {', '.join(manifest.grants)}.",
            )

    def demote(self, ref: AgentRef, action_type: str, by: str, reason: str) -> int:
        """Put an action type back into shadow; returns the entry's position."""
        self._need(by, "suspend")
        body = demotion(ref, action_type, Mode.SHADOW, reason, cause="person")
        return self._ledger.append([Draft("agent.demoted", Actor(by), body, subject=f"agent/{ref}")])[0].position

    def _need(self, person: str, verb: str) -> None:
        need_right(self._directory, person, verb)


def need_right(directory: Directory, person: str, verb: str) -> None:
    """Raise `Forbidden` unless a person is active and may suspend, or promote, agents."""
    found = directory.person(person)
    if not found.active or verb not in permissions_of(found.role).may:
        raise Forbidden(f"{person} ({found.role}) may not {verb} agents.", hint="Ask RevOps or an admin.")


class _Moved(Conflict):
    """The ledger grew between judging a gate and passing it."""


def _unmoved(ledger: Ledger, gate: Gate) -> Callable[[Connection], None]:
    def check(connection: Connection) -> None:
        if ledger.size_in(connection) != gate.evidence.size:
            raise _Moved("something was written while the gate was judged.")

    return check


__all__ = [
    "AgentProjector",
    "Agents",
    "Manifest",
    "PromotionGate",
    "Registered",
    "Standing",
    "agents",
    "load_manifests",
    "read_agent",
]
