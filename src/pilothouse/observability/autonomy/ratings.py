"""Rates every registered agent by what the ledger holds of its acts, and records what changed.

What must never happen here: a rating that anybody can enter; an agent held to nothing because nobody looked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import func, select

from pilothouse.data.contracts import Contract
from pilothouse.data.projection import field_history
from pilothouse.decision.autonomy.rating import LOG, Rating, Shown, rate
from pilothouse.directory.ratings import RATED
from pilothouse.directory.registered import Registered, read_agents
from pilothouse.ledger.actions import actions
from pilothouse.ledger.entries import Draft, Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.ledger.tables import entries
from pilothouse.observability.autonomy.track import RAN
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor, AgentRef
from pilothouse.vocabulary.clock import stamp

NEWEST = 50
"""So many of an agent's last acts are looked at."""
Contracts = Callable[[], Mapping[str, Contract]]


class Ratings:
    """Rates agents."""

    def __init__(self, ledger: Ledger, contracts: Contracts) -> None:
        self._ledger, self._contracts = ledger, contracts
        self._kept: dict[AgentRef, tuple[int, str, Rating]] = {}

    def rate(self, agent: Registered) -> Rating:
        """Return the rating of an agent as of now, and write nothing. Worked out anew when something was written."""
        contract = self._contracts().get(agent.manifest.contract)
        label, size = contract.label if contract else "", self._ledger.size()
        kept = self._kept.get(agent.ref)
        if kept is None or kept[:2] != (size, label):
            found = rate(agent.ref, agent.manifest.level, self._shown(agent, label))
            kept = self._kept[agent.ref] = (size, label, found)
        return kept[2]

    def all(self) -> list[Rating]:
        """Return the rating of every registered agent."""
        with self._ledger.engine.connect() as connection:
            every = read_agents(connection)
        return [self.rate(each) for each in every]

    def record(self) -> list[Entry]:
        """Write down every rating that holds an agent otherwise than the last one did; returns the entries."""
        with self._ledger.engine.connect() as connection:
            every = read_agents(connection)
        drafts: list[Draft] = []
        for agent in every:
            found, last = self.rate(agent), agent.rated
            if (found.level, found.reason) == ((last.level, last.reason) if last else (agent.manifest.level, "")):
                continue
            figures = [{"code": each.code, "met": each.met, "figures": each.figures} for each in found.criteria]
            body = {"agent": str(agent.ref), "level": found.level, "reason": found.reason, "criteria": figures}
            drafts.append(Draft(RATED, Actor(SYSTEM_PERSON), body, subject=f"agent/{agent.ref}"))
        return self._ledger.append(drafts) if drafts else []

    def _shown(self, agent: Registered, contract: str) -> Shown:
        outside, around = self._outside(agent)
        lacking: Counter[str] = Counter()
        changes = bare = ungranted = acts = 0
        for act in self._acts(agent):
            acts += 1
            lacking.update(name for name, there in _log(self._ledger, act.id).items() if not there)
            ungranted += act.capability not in agent.manifest.grants
            told = _states(self._ledger, act.id)
            changes += len(told)
            bare += sum(not each for each in told)
        return Shown(
            acts=acts,
            lacking={name: lacking[name] for name in LOG},
            changes=changes,
            bare=bare,
            outside=outside,
            around=around,
            ungranted=ungranted,
            contract=contract,
        )

    def _acts(self, agent: Registered) -> list[Any]:
        query = (
            select(actions.c.id, actions.c.capability)
            .where(actions.c.agent == str(agent.ref), actions.c.status.in_(RAN))
            .order_by(actions.c.last_position.desc())
            .limit(NEWEST)
        )
        with self._ledger.engine.connect() as connection:
            return list(connection.execute(query))

    def _outside(self, agent: Registered) -> tuple[int, int]:
        """Return how many values sources say the agent wrote, and how many of them since it was registered."""
        names = (str(agent.ref), agent.ref.name)
        query = (
            select(field_history.c.at, func.count().label("n"))
            .join(entries, entries.c.position == field_history.c.position)
            .where(field_history.c.writer.in_(names), entries.c.kind == "record.observed")
            .group_by(field_history.c.at)
        )
        with self._ledger.engine.connect() as connection:
            rows = connection.execute(query).all()
        since = stamp(agent.registered_at) if agent.registered_at else ""
        return sum(row.n for row in rows), sum(row.n for row in rows if row.at >= since)


def _log(ledger: Ledger, action: str) -> dict[str, bool]:
    """Return which of the seven fields the entries of an act hold. What was erased on a person's wish was there."""
    told = [each for each in ledger.entries(action=action) if each.kind in ("action.intended", "action.executed")]
    intent = next((each for each in told if each.kind == "action.intended"), None)
    done = next((each for each in told if each.kind == "action.executed"), None)
    first = intent or done
    if first is None:
        return dict.fromkeys(LOG, False)
    there = (
        True,
        first.actor.agent is not None,
        bool(first.body.get("action_type")),
        bool(first.body.get("target")),
        intent is not None and (intent.erased or intent.value("before") is not None),
        done is not None and (done.erased or done.value("after") is not None),
        bool(first.actor.person),
    )
    return dict(zip(LOG, there, strict=True))


def _states(ledger: Ledger, action: str) -> list[bool]:
    """Return, for each change of an act, whether its value before and after stand in the ledger."""
    done = next((e for e in ledger.entries(action=action) if e.kind == "action.executed"), None)
    if done is None or done.erased:
        return []
    return [{"before", "after"} <= each.keys() for each in done.value("changes") or ()]
