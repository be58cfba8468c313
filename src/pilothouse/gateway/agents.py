"""The agent registry as people act on it: register, suspend, resume, demote. Each is an entry.

What must never happen here: trust given, which takes two people (`promotions.py`) and is only taken here; trust carried
from one version of an agent to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from difflib import get_close_matches

from sqlalchemy import select

from pilothouse.data.contracts import Contract
from pilothouse.decision.autonomy.demotion import demotion
from pilothouse.directory.people import Directory
from pilothouse.directory.registered import (
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
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput, NotFound
from pilothouse.vocabulary.values import digest
from pilothouse.vocabulary.verdicts import Mode


class Agents:
    """Registers, suspends, resumes and demotes agents; every act is an entry by a named person."""

    def __init__(
        self,
        ledger: Ledger,
        directory: Directory,
        capabilities: Collection[str],
        contracts: Callable[[], Mapping[str, Contract]],
    ) -> None:
        self._ledger, self._directory = ledger, directory
        self._capabilities, self._contracts = capabilities, contracts

    def register(self, manifest: Manifest, by: str) -> bool:
        """Register an agent; returns False when exactly this manifest already is.

        Raises `Conflict` when the same name and version stands with another manifest: that is a new version; `Forbidden`.
        """
        self._need(by, "register")
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

    def demote(self, ref: AgentRef, action_type: str, by: str, reason: str) -> int:
        """Put an action type back into shadow; returns the entry's position. One person may: it is only ever stricter.

        Raises `Forbidden`, `NotFound` for an agent that nobody registered, `InvalidInput` without a reason.
        """
        self._need(by, "suspend")
        need_granted(self.get(ref).manifest, action_type)
        if not reason.strip():
            raise InvalidInput("a reason is needed.", hint="Say in a sentence why.")
        body = demotion(ref, action_type, Mode.SHADOW, reason, cause="person")
        return self._ledger.append([Draft("agent.demoted", Actor(by), body, subject=f"agent/{ref}")])[0].position

    def _need(self, person: str, verb: str) -> None:
        need_right(self._directory, person, verb)


def need_right(directory: Directory, person: str, verb: str) -> None:
    """Raise `Forbidden` unless a person is active and may register, suspend or promote agents."""
    found = directory.person(person)
    if not found.active or verb not in permissions_of(found.role).may:
        raise Forbidden(f"{person} ({found.role}) may not {verb} agents.", hint="Ask RevOps or an admin.")


def need_granted(manifest: Manifest, action_type: str) -> None:
    """Raise `InvalidInput` unless an agent holds the grant of an action type."""
    if action_type.partition(":")[0] not in manifest.grants:
        raise InvalidInput(
            f"{manifest.ref} holds no grant for {action_type!r}.", hint=f"Its grants: {', '.join(manifest.grants)}."
        )


__all__ = [
    "AgentProjector",
    "Agents",
    "Manifest",
    "Registered",
    "Standing",
    "agents",
    "load_manifests",
    "read_agent",
]
