"""The "will do / will not do" card of an agent: from its manifest, its contract and its standing, for every surface."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from pilothouse.assembly import App
from pilothouse.decision.autonomy.ceiling import LEVELS, bound
from pilothouse.decision.autonomy.ramp import next_step
from pilothouse.decision.autonomy.rating import Rating
from pilothouse.decision.autonomy.spectrum import TOLD, kind_of
from pilothouse.decision.autonomy.wilson import Rate
from pilothouse.directory.registered import Registered, Standing
from pilothouse.observability.autonomy.clocks import TARGET, autonomous_share, clocks
from pilothouse.observability.autonomy.lineage import relatives
from pilothouse.vocabulary.values import JsonObject
from pilothouse.vocabulary.verdicts import Mode

CYCLE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class TypeCard:
    """One action type: what was promoted, what that comes to now, and the rates behind it, each with its n.

    `met` of `asked` conditions of the next step's gate are met, or where the standing is `unearned` (a bootstrap put it at
    the end of the ramp), of what it would take to earn it; `proposal` waits for a second person, empty when none does.
    """

    name: str
    standing: Standing
    now: str
    mode: Mode
    how: str
    held_back: str
    next: str
    unearned: bool
    approved: Rate
    overrides: Rate
    live_day: int | None
    met: int
    asked: int
    proposal: str


@dataclass(frozen=True, slots=True)
class Card:
    """Everything about an agent on one page. `writes` are fields with the terms on which they may be written."""

    agent: str
    owner: str
    summary: str
    level: int
    level_name: str
    level_asks: str
    kind: str
    kind_told: str
    rating: Rating
    suspended: str
    will_do: tuple[str, ...]
    will_not_do: tuple[str, ...]
    grants: tuple[str, ...]
    contract: str
    writes: tuple[tuple[str, str], ...]
    types: tuple[TypeCard, ...]
    lineage: tuple[tuple[str, str], ...]
    programme_day: object
    target: JsonObject
    target_range: tuple[float, float] = TARGET


def card_of(pilothouse: App, agent: Registered) -> Card:
    """Return the card of an agent as it stands now."""
    manifest, now, tracks = agent.manifest, pilothouse.clock.now(), pilothouse.gates.tracks
    contract = pilothouse.contracts.get(manifest.contract)
    told = clocks(pilothouse.ledger, tracks, agent, now)
    every = relatives(manifest, pilothouse.gateway.door.agents.all())
    types = tuple(_types(pilothouse, agent, told))
    rating = pilothouse.gates.ratings.rate(agent)
    held = min(manifest.level, rating.level, agent.rated.level if agent.rated else manifest.level)
    kind = kind_of(manifest.reasoning, held, (each.mode for each in types))
    return Card(
        agent=str(agent.ref),
        owner=manifest.owner,
        summary=manifest.summary,
        level=manifest.level,
        level_name=LEVELS[manifest.level].name,
        level_asks=LEVELS[manifest.level].asks,
        kind=kind.value,
        kind_told=TOLD[kind],
        rating=rating,
        suspended=agent.suspended_why or "",
        will_do=manifest.will_do,
        will_not_do=manifest.will_not_do,
        grants=manifest.grants,
        contract=contract.label if contract else "",
        writes=tuple(_writes(pilothouse, manifest.contract)),
        types=types,
        lineage=tuple((str(ref), why) for ref, why in every.items()),
        programme_day=told["programme_day"],
        target=autonomous_share(pilothouse.ledger, tracks, agent, now),
    )


def _types(pilothouse: App, agent: Registered, told: JsonObject) -> Iterator[TypeCard]:
    now, tracks, live = pilothouse.clock.now(), pilothouse.gates.tracks, told["agent_live"]
    waiting = {each.action_type: each.id for each in pilothouse.gateway.door.promotions.list(agent.ref, waiting=True)}
    granted = agent.manifest.grants
    proposed = [each for each in tracks.types_of(agent.ref) if each.partition(":")[0] in granted]
    for name in sorted({*agent.standings, *proposed, *granted}):
        standing = agent.standing(name, name.partition(":")[0])
        bounds = bound(agent, standing, now, action_type=name, record="", fields=())
        record = tracks.record({agent.ref}, name, now - CYCLE, now)
        gate = pilothouse.gates.judge(agent.ref, name)
        clock = live.get(name) if isinstance(live, dict) else None
        yield TypeCard(
            name=name,
            standing=standing,
            now=standing.step if bounds.mode is standing.mode else bounds.mode.value,
            mode=bounds.mode,
            how=_how(standing),
            held_back=bounds.held_back,
            next=str(next_step(standing) or ""),
            unearned=bool(gate.unearned),
            approved=record.unmodified,
            overrides=Rate(record.overrides, record.unmodified.n),
            live_day=int(clock["live_day"]) if isinstance(clock, dict) else None,  # pyright: ignore[reportArgumentType]
            met=len(gate.conditions) - len(gate.missing),
            asked=len(gate.conditions),
            proposal=waiting.get(name, ""),
        )


def _how(standing: Standing) -> str:
    if standing.demoted:
        return f"lowered: {standing.demoted}"
    if not standing.promoted_by:
        return "nobody: everything begins in shadow"
    return ", ".join(standing.promoted_by) + (
        " (bootstrap, no track record)" if standing.bootstrap else " (gate passed)"
    )


def _writes(pilothouse: App, name: str) -> Iterator[tuple[str, str]]:
    contract = pilothouse.contracts.get(name)
    if contract is None:
        return
    for kind, fields in contract.write.items():
        for field, rule in fields.items():
            terms = f"surer than {rule.min_confidence:.2f}, review {rule.review}"
            yield f"{kind}.{field}", terms + (f", only when {rule.when}" if rule.when else "")
    for kind, names in contract.flag.items():
        for field in names:
            yield f"{kind}.{field}", "may be proposed, a person decides every time"
