"""The 90-day plan (R-312 to R-318): what is due when, and whether the ledger says that it was done.

Days are programme days, counted from the ledger's first entry; "live" days are the agent's own (X-15).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from pilothouse.directory.registered import Registered
from pilothouse.observability.autonomy.clocks import programme_day
from pilothouse.observability.readiness.items import Sources
from pilothouse.vocabulary.verdicts import Mode

FIRST_AGENT, SECOND_AGENT = "hygiene", "pipeline-health"
AGENTS_PLANNED = 5


@dataclass(frozen=True, slots=True)
class Deliverable:
    """One thing due between two programme days: `met`, the figures, and what would bring it about."""

    begin: int
    end: int
    title: str
    met: bool
    figures: str
    next: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan on one day. `day` is None before anything happened; `exit` is the day-90 report."""

    day: int | None
    deliverables: tuple[Deliverable, ...]
    exit: tuple[Deliverable, ...]


def plan_of(given: Sources) -> Plan:
    """Return the plan with what the ledger says of it."""
    return Plan(programme_day(given.ledger, given.now), tuple(_deliverables(given)), tuple(_exit(given)))


def _deliverables(given: Sources) -> Iterator[Deliverable]:
    begin = _began(given)
    first = _first(given, FIRST_AGENT)
    wrote = _first_write(given, first)
    early = wrote is not None and begin is not None and wrote < begin + timedelta(days=30)
    told = f"first write of an agent {wrote:%Y-%m-%d}" if wrote else "no agent wrote anything"
    yield Deliverable(1, 30, "No agent in production in the first thirty days", not early, told)
    audited = given.quality.latest(given.system) is not None
    yield Deliverable(1, 30, "Data audit", audited, "on record" if audited else "never made", "pilothouse quality")
    yield Deliverable(1, 30, "Definitions standardised", bool(given.policy.closed_stages),
                      f"{len(given.policy.closed_stages)} closed stage(s) defined", "pilothouse definitions list")  # fmt: skip
    yield Deliverable(1, 30, f"Data contracts for {AGENTS_PLANNED} agents", len(given.contracts) >= AGENTS_PLANNED,
                      f"{len(given.contracts)} contract(s): {', '.join(sorted(given.contracts))}",
                      "pilothouse contracts check")  # fmt: skip
    tools = {each.system for each in given.capabilities.values()}
    enriched = given.last("enrichment.answered")
    figures = f"systems: {', '.join(sorted(tools)) or 'none'}; enrichment {'in use' if enriched else 'not in use'}"
    yield Deliverable(1, 30, "Tooling in place: systems connected, enrichment provider answers", bool(tools and enriched),
                      figures, "pilothouse enrich")  # fmt: skip
    yield _in_shadow(given, FIRST_AGENT, 29, 42, 14)
    yield _in_shadow(given, SECOND_AGENT, 36, 60, 1)
    yield Deliverable(43, 60, f"{FIRST_AGENT}: tier 1 writes enabled", _live(first), _modes(first),
                      f"pilothouse agents gate {FIRST_AGENT}@VERSION ACTION_TYPE")  # fmt: skip
    yield _orchestrated(given)
    second = _first(given, SECOND_AGENT)
    yield Deliverable(61, 90, f"{SECOND_AGENT}: live", _live(second), _modes(second),
                      f"pilothouse agents gate {SECOND_AGENT}@VERSION ACTION_TYPE")  # fmt: skip


def _exit(given: Sources) -> Iterator[Deliverable]:
    first, second = _first(given, FIRST_AGENT), _first(given, SECOND_AGENT)
    days = _live_days(given, first)
    yield Deliverable(90, 90, f"{FIRST_AGENT} in full production with a 30-day track record",
                      _whole(first) and (days or 0) >= 30,
                      f"{_modes(first)}; live for {days or 0} day(s)")  # fmt: skip
    days = _live_days(given, second)
    yield Deliverable(90, 90, f"{SECOND_AGENT} live for at least two weeks", _live(second) and (days or 0) >= 14,
                      f"{_modes(second)}; live for {days or 0} day(s)")  # fmt: skip
    yield _orchestrated(given)
    measured = given.last("quality.audited", "pipeline.measured", since=given.now - timedelta(days=30))
    yield Deliverable(90, 90, "Dashboard: data and pipeline measured within 30 days", measured is not None,
                      f"ledger entry {measured.position}" if measured else "not measured", "pilothouse pipeline")  # fmt: skip
    more = [name for name in given.contracts if name not in (FIRST_AGENT, SECOND_AGENT)]
    yield Deliverable(90, 90, "Criteria for agents three and four written down", len(more) >= 2,
                      f"{len(more)} further contract(s): {', '.join(sorted(more)) or 'none'}")  # fmt: skip


def _in_shadow(given: Sources, name: str, begin: int, end: int, days: int) -> Deliverable:
    agent = _first(given, name)
    since = given.tracks.first(agent.ref) if agent else None
    passed = (given.now - since).days if since else 0
    figures = f"first proposal {since:%Y-%m-%d}, {passed} day(s) ago" if since else "has not proposed anything"
    title = f"{name}: {days} days in shadow, narrow scope" if days > 1 else f"{name}: in shadow"
    return Deliverable(begin, end, title, since is not None and passed >= days, figures, f"pilothouse run {name}")


def _orchestrated(given: Sources) -> Deliverable:
    caused = [
        e for e in given.ledger.entries(kinds={"run.started"}) if e.actor.agent is not None and e.body.get("caused_by")
    ]
    figures = f"{len(caused)} run(s) of one agent on record that another one's act began"
    return Deliverable(61, 90, "Orchestration: one agent's act begins another one's run", bool(caused), figures)


def _began(given: Sources) -> datetime | None:
    first = next(given.ledger.entries(limit=1), None)
    return first.at if first else None


def _first(given: Sources, name: str) -> Registered | None:
    """Return the version of an agent that came furthest: the one with most action types out of shadow, else the last."""
    found = [each for each in given.agents if each.manifest.name == name]
    return max(found, key=lambda each: (len(each.standings), str(each.ref)), default=None)


def _first_write(given: Sources, agent: Registered | None) -> datetime | None:
    return given.tracks.first(agent.ref, live=True) if agent else None


def _live(agent: Registered | None) -> bool:
    return agent is not None and any(each.mode is Mode.LIVE for each in agent.standings.values())


def _whole(agent: Registered | None) -> bool:
    return agent is not None and any(
        each.mode is Mode.LIVE and each.share == 100 and not each.bootstrap for each in agent.standings.values()
    )


def _live_days(given: Sources, agent: Registered | None) -> int | None:
    began = _first_write(given, agent)
    return None if began is None else (given.now - began).days


def _modes(agent: Registered | None) -> str:
    if agent is None:
        return "not registered"
    told = [f"{name} {each.step}{' (bootstrap)' if each.bootstrap else ''}" for name, each in agent.standings.items()]
    return ", ".join(sorted(told)) or "all in shadow"
