"""The agent registry: who may act at all, with which capabilities, how far each action type has come.

What must never happen here: an agent that nobody registered counted as registered; an action type live without two
named people behind it; trust carried from one version of an agent to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import cast

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Column, Connection, Integer, Table, Text, delete, select

from pilothouse.directory.people import Directory
from pilothouse.directory.roles import permissions_of
from pilothouse.handoff import suspending
from pilothouse.handoff.suspensions import EVERY, Reach, Suspension, every_suspension, stopping, suspensions_of
from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Draft, Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.ledger.statements import Statement, given
from pilothouse.vocabulary.actors import Actor, AgentRef
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.documents import Document, load_document
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput, NotFound
from pilothouse.vocabulary.values import canonical, digest, parse_json
from pilothouse.vocabulary.verdicts import Mode

agents = Table(
    "agents",
    metadata,
    Column("agent", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("manifest", Text, nullable=False),
    Column("manifest_hash", Text, nullable=False),
    Column("registered_at", Text, nullable=False),
)
agent_modes = Table(
    "agent_modes",
    metadata,
    Column("agent", Text, primary_key=True),
    Column("action_type", Text, primary_key=True),
    Column("mode", Text, nullable=False),
    Column("bulk_allowance", Integer, nullable=False),
    Column("promoted_by", Text, nullable=False),
    Column("bootstrap", Integer, nullable=False),
    Column("at", Text, nullable=False),
)


class Manifest(BaseModel):
    """An agent as its file under `agents/` declares it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{1,40}$")
    version: str = Field(pattern=r"^[A-Za-z0-9.+-]{1,40}$")
    owner: str = Field(min_length=1)
    summary: str = Field(min_length=1)
    contract: str = Field(min_length=1)
    grants: tuple[str, ...]
    will_do: tuple[str, ...] = ()
    will_not_do: tuple[str, ...] = ()

    @property
    def ref(self) -> AgentRef:
        """The agent's name and version."""
        return AgentRef(self.name, self.version)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an agent has come with one action type, and who said so."""

    mode: Mode = Mode.SHADOW
    bulk_allowance: int = 0
    promoted_by: tuple[str, ...] = ()
    bootstrap: bool = False


@dataclass(frozen=True, slots=True)
class Registered:
    """A registered agent as it stands now."""

    manifest: Manifest
    suspended_why: str | None
    """Why it may do nothing at all; None also when only some of its action types are suspended."""
    standings: Mapping[str, Standing]
    suspensions: tuple[Suspension, ...] = ()

    @property
    def ref(self) -> AgentRef:
        """The agent's name and version."""
        return self.manifest.ref

    def standing(self, *action_types: str) -> Standing:
        """Return the standing of the first type that has one; shadow when none has."""
        return next((self.standings[each] for each in action_types if each in self.standings), Standing())


class AgentProjector:
    """Follows registration and promotion."""

    name = "agents"
    kinds = frozenset({"agent.registered", "agent.promoted", "agent.demoted"})
    tables = (agents, agent_modes)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Bring both tables up to date, entry by entry."""
        for entry in entries:
            getattr(self, "_" + entry.kind.partition(".")[2])(connection, entry)

    def _registered(self, connection: Connection, entry: Entry) -> None:
        manifest = Manifest.model_validate(entry.body["manifest"])
        connection.execute(delete(agents).where(agents.c.agent == str(manifest.ref)))
        connection.execute(
            agents.insert().values(
                agent=str(manifest.ref),
                name=manifest.name,
                owner=manifest.owner,
                manifest=canonical(entry.body["manifest"]),
                manifest_hash=entry.body["hash"],
                registered_at=stamp(entry.at),
            )
        )

    def _promoted(self, connection: Connection, entry: Entry) -> None:
        body = entry.body
        self._demoted(connection, entry)
        connection.execute(
            agent_modes.insert().values(
                agent=body["agent"],
                action_type=body["action_type"],
                mode=body["mode"],
                bulk_allowance=body["bulk_allowance"],
                promoted_by=canonical(body["by"]),
                bootstrap=int(bool(body["bootstrap"])),
                at=stamp(entry.at),
            )
        )

    def _demoted(self, connection: Connection, entry: Entry) -> None:
        same = (agent_modes.c.agent == entry.body["agent"], agent_modes.c.action_type == entry.body["action_type"])
        connection.execute(delete(agent_modes).where(*same))


def load_manifests(folder: Path) -> list[Document[Manifest]]:
    """Read every agent file of a workspace; raises `DocumentError` naming file and line."""
    return [load_document(path, Manifest) for path in sorted(folder.glob("*.yaml"))]


class Agents:
    """Registers, suspends, resumes and promotes agents; every act is an entry by a named person."""

    def __init__(
        self,
        ledger: Ledger,
        directory: Directory,
        capabilities: Collection[str],
        contracts: Callable[[], Collection[str]],
    ) -> None:
        self._ledger, self._directory = ledger, directory
        self._capabilities, self._contracts = capabilities, contracts

    def register(self, manifest: Manifest, by: str) -> bool:
        """Register an agent; returns False when exactly this manifest already is.

        Raises `Conflict` when the same name and version stands with another manifest: that is a new version.
        """
        self._directory.person(manifest.owner)
        self._possible(manifest)
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
            names = [row.agent for row in connection.execute(select(agents.c.agent).order_by(agents.c.agent))]
            return [read_agent(connection, AgentRef.parse(name)) for name in names]

    @staticmethod
    def granted(ledger: Ledger) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield every registered agent that is not suspended, with its grants."""
        query = select(agents.c.agent, agents.c.manifest).where(agents.c.suspended_at.is_(None))
        with ledger.engine.connect() as connection:
            rows = connection.execute(query.order_by(agents.c.agent)).all()
        for row in rows:
            yield row.agent, _manifest(row.manifest).grants

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
        Raises `Forbidden` when they are not two, one may not promote, or one owns the agent (I10).
        """
        registered = self.get(ref)
        if len(set(by)) != 2:
            raise Forbidden("a promotion needs two different people.", hint="Name a second approver.")
        for person in by:
            self._need(person, "promote")
            if person == registered.manifest.owner:
                raise Forbidden(
                    f"{person} owns {ref} and cannot promote it.", hint="Ask somebody who does not own the agent."
                )
        if action_type.partition(":")[0] not in registered.manifest.grants:
            raise InvalidInput(
                f"{ref} holds no grant for {action_type!r}.",
                hint=f"Its grants: {', '.join(registered.manifest.grants)}.",
            )
        body = {
            "agent": str(ref),
            "action_type": action_type,
            "mode": mode.value,
            "bulk_allowance": bulk_allowance,
            "by": list(by),
            "bootstrap": True,
        }
        return self._ledger.append([Draft("agent.promoted", Actor(by[0]), body, subject=f"agent/{ref}")])[0].position

    def demote(self, ref: AgentRef, action_type: str, by: str, reason: str) -> int:
        """Put an action type back into shadow; returns the entry's position."""
        self._need(by, "suspend")
        body = {"agent": str(ref), "action_type": action_type, "reason": reason}
        return self._ledger.append([Draft("agent.demoted", Actor(by), body, subject=f"agent/{ref}")])[0].position

    def _need(self, person: str, verb: str) -> None:
        need_right(self._directory, person, verb)


def need_right(directory: Directory, person: str, verb: str) -> None:
    """Raise `Forbidden` unless a person is active and may suspend, or promote, agents."""
    found = directory.person(person)
    if not found.active or verb not in permissions_of(found.role).may:
        raise Forbidden(f"{person} ({found.role}) may not {verb} agents.", hint="Ask RevOps or an admin.")


_AGENT = Statement(select(agents).where(agents.c.agent == given("ref")))
_MODES = Statement(select(agent_modes).where(agent_modes.c.agent == given("ref")))


def read_agent(connection: Connection, ref: AgentRef) -> Registered:
    """Read one agent as it stands; raises `NotFound` for one that nobody registered."""
    row = _AGENT.first(connection, ref=str(ref))
    if row is None:
        raise NotFound(f"{ref} is not registered.", hint="`pilothouse agents register FILE` adds it.")
    modes = _MODES.all(connection, ref=str(ref))
    standings = {
        mode.action_type: Standing(
            Mode(mode.mode),
            mode.bulk_allowance,
            tuple(cast("list[str]", parse_json(mode.promoted_by))),
            bool(mode.bootstrap),
        )
        for mode in modes
    }
    found = suspensions_of(connection, ref)
    whole = stopping(found, ref)
    return Registered(_manifest(row.manifest), whole.reason if whole else None, standings, found)


@lru_cache(maxsize=256)
def _manifest(text: str) -> Manifest:
    return Manifest.model_validate(parse_json(text))
