"""The agents Pilothouse knows: their manifests, and how far each action type has come, as tables drawn from entries.

They stand this low so that the gateway, which acts on them, and observability, which judges them, read the same rows.
What must never happen here: an agent that nobody registered counted as registered; trust carried from one version of an
agent to the next; a demotion by the system that makes anything freer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, cast

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Column, Connection, Integer, Table, Text, delete, select

from pilothouse.directory.ceiling import LOWEST, Ceiling, read_ceiling
from pilothouse.directory.people import PERSON_ID
from pilothouse.directory.ratings import Rated, read_rating
from pilothouse.directory.suspensions import Suspension, stopping, suspensions_of
from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Entry
from pilothouse.ledger.statements import Statement, given
from pilothouse.vocabulary.actors import AgentRef
from pilothouse.vocabulary.clock import stamp, unstamp
from pilothouse.vocabulary.documents import Document, load_document
from pilothouse.vocabulary.errors import NotFound
from pilothouse.vocabulary.values import canonical, parse_json
from pilothouse.vocabulary.verdicts import Mode

WHOLE = 100
"""The share, in percent, at which every act of a live action type runs by itself."""
agents = Table(
    "agents",
    metadata,
    Column("agent", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("manifest", Text, nullable=False),
    Column("manifest_hash", Text, nullable=False),
    Column("registered_at", Text, nullable=False),
    Column("registered_by", Text, nullable=False),
)
agent_modes = Table(
    "agent_modes",
    metadata,
    Column("agent", Text, primary_key=True),
    Column("action_type", Text, primary_key=True),
    Column("mode", Text, nullable=False),
    Column("share", Integer, nullable=False),
    Column("salt", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("bulk_allowance", Integer, nullable=False),
    Column("promoted_by", Text, nullable=False),
    Column("bootstrap", Integer, nullable=False),
    Column("at", Text, nullable=False),
    Column("demoted", Text, nullable=False),
)


PersonId = Annotated[str, Field(pattern=rf"^{PERSON_ID.pattern}$")]


class Manifest(BaseModel):
    """An agent as its file under `agents/` declares it.

    `level` is the highest autonomy level it is meant for (1 reactive, 2 triggered, 3 proactive, 4 autonomous).
    `reasoning` says whether written rules alone decide what it proposes, or a model takes part.
    `authors` are the people who wrote it; left out, whoever registers it counts as its author. `succeeds` names the
    agent (name@version) that it takes the place of, whose bad record it inherits.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{1,40}$")
    version: str = Field(pattern=r"^[A-Za-z0-9.+-]{1,40}$")
    owner: PersonId
    summary: str = Field(min_length=1)
    contract: str = Field(min_length=1)
    grants: tuple[str, ...]
    level: int = Field(default=4, ge=1, le=4)
    reasoning: Literal["rules", "model"] = "model"
    authors: tuple[PersonId, ...] = ()
    succeeds: str = Field(default="", pattern=r"^$|^[a-z][a-z0-9-]{1,40}@[A-Za-z0-9.+-]{1,40}$")
    will_do: tuple[str, ...] = ()
    will_not_do: tuple[str, ...] = ()

    @property
    def ref(self) -> AgentRef:
        """The agent's name and version."""
        return AgentRef(self.name, self.version)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an agent has come with one action type, and who said so.

    `share` is the percentage of acts of a live action type that may run by themselves; the rest are reviewed. Which
    ones is drawn by a hash with `salt`, which stays the same from step to step, so that each step only adds to the one
    before. `scope` names the fields ("account.industry") that the contract opened when the ramp began. `demoted` is why
    the system lowered it last; empty when it did not. `at` is since when it is so.
    """

    mode: Mode = Mode.SHADOW
    bulk_allowance: int = 0
    promoted_by: tuple[str, ...] = ()
    bootstrap: bool = False
    share: int = 0
    salt: str = ""
    scope: frozenset[str] = frozenset()
    at: datetime | None = None
    demoted: str = ""

    @property
    def step(self) -> str:
        """The step of the ramp in words, such as "live, 10 %"."""
        return f"{self.mode.value}, {self.share} %" if self.mode is Mode.LIVE else self.mode.value


@dataclass(frozen=True, slots=True)
class Registered:
    """A registered agent as it stands now, under the ceiling that readiness sets for all of them."""

    manifest: Manifest
    suspended_why: str | None
    """Why it may do nothing at all; None also when only some of its action types are suspended."""
    standings: Mapping[str, Standing]
    registered_by: str = ""
    registered_at: datetime | None = None
    ceiling: Ceiling = LOWEST
    suspensions: tuple[Suspension, ...] = ()
    rated: Rated | None = None
    """To which level the evidence holds it; None while nobody rated it."""

    @property
    def ref(self) -> AgentRef:
        """The agent's name and version."""
        return self.manifest.ref

    def standing(self, *action_types: str) -> Standing:
        """Return the standing of the first type that has one; shadow when none has.

        The first type is the act's own. Live that was earned for a wider type was not earned for this one: it counts
        as assisted here. A bootstrap promotion says what it says for both.
        """
        own, *wider = action_types
        if own in self.standings:
            return self.standings[own]
        found = next((self.standings[each] for each in wider if each in self.standings), Standing())
        earned = found.mode is Mode.LIVE and not found.bootstrap
        return replace(found, mode=Mode.ASSISTED, share=0, bulk_allowance=0) if earned else found


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
                registered_by=entry.actor.person,
            )
        )

    def _promoted(self, connection: Connection, entry: Entry) -> None:
        body = entry.body
        self._set(
            connection,
            entry,
            mode=body["mode"],
            share=body["share"],
            salt=body["salt"],
            scope=canonical(body["scope"]),
            bulk_allowance=body["bulk_allowance"],
            promoted_by=canonical(body["by"]),
            bootstrap=int(bool(body["bootstrap"])),
            demoted="",
        )

    def _demoted(self, connection: Connection, entry: Entry) -> None:
        """A row says "shadow" from then on: without one, the standing of a wider action type would speak instead."""
        body = entry.body
        same = (agent_modes.c.agent == body["agent"], agent_modes.c.action_type == body["action_type"])
        row = connection.execute(select(agent_modes).where(*same)).first()
        to = Mode(body["to"])
        if to is Mode.ASSISTED and (row is None or row.mode != Mode.LIVE.value):
            return  # only ever stricter
        kept = to is Mode.ASSISTED and row is not None
        self._set(
            connection,
            entry,
            mode=to.value,
            share=0,
            salt="",
            scope=row.scope if row is not None and kept else canonical([]),
            bulk_allowance=0,
            promoted_by=row.promoted_by if row is not None and kept else canonical([]),
            bootstrap=row.bootstrap if row is not None and kept else 0,
            demoted=body["reason"],
        )

    def _set(self, connection: Connection, entry: Entry, **values: str | int) -> None:
        named = {"agent": entry.body["agent"], "action_type": entry.body["action_type"]}
        same = [agent_modes.c[name] == value for name, value in named.items()]
        connection.execute(delete(agent_modes).where(*same))
        connection.execute(agent_modes.insert().values(**named, **values, at=stamp(entry.at)))


def load_manifests(folder: Path) -> list[Document[Manifest]]:
    """Read every agent file of a workspace; raises `DocumentError` naming file and line."""
    return [load_document(path, Manifest) for path in sorted(folder.glob("*.yaml"))]


_AGENT = Statement(select(agents).where(agents.c.agent == given("ref")))
_MODES = Statement(select(agent_modes).where(agent_modes.c.agent == given("ref")))


def read_agent(connection: Connection, ref: AgentRef) -> Registered:
    """Read one agent as it stands; raises `NotFound` for one that nobody registered."""
    row = _AGENT.first(connection, ref=str(ref))
    if row is None:
        raise NotFound(f"{ref} is not registered.", hint="`pilothouse agents register FILE` adds it.")
    standings = {
        mode.action_type: Standing(
            mode=Mode(mode.mode),
            bulk_allowance=mode.bulk_allowance,
            promoted_by=tuple(cast("list[str]", parse_json(mode.promoted_by))),
            bootstrap=bool(mode.bootstrap),
            share=mode.share,
            salt=mode.salt,
            scope=_scope(mode.scope),
            at=unstamp(mode.at),
            demoted=mode.demoted,
        )
        for mode in _MODES.all(connection, ref=str(ref))
    }
    found = suspensions_of(connection, ref)
    whole = stopping(found, ref)
    return Registered(
        _manifest(row.manifest),
        whole.reason if whole else None,
        standings,
        row.registered_by,
        unstamp(row.registered_at),
        read_ceiling(connection),
        found,
        read_rating(connection, ref),
    )


def read_agents(connection: Connection) -> list[Registered]:
    """Read every registered agent, by name and version."""
    names = [row.agent for row in connection.execute(select(agents.c.agent).order_by(agents.c.agent))]
    return [read_agent(connection, AgentRef.parse(name)) for name in names]


@lru_cache(maxsize=256)
def _manifest(text: str) -> Manifest:
    return Manifest.model_validate(parse_json(text))


@lru_cache(maxsize=256)
def _scope(text: str) -> frozenset[str]:
    return frozenset(cast("list[str]", parse_json(text)))
