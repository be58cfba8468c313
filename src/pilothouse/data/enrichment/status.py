"""How enrichment stands: budgets, what was asked, what keeps it from being asked, and how fresh what we hold is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pilothouse.data.enrichment.answers import EnrichmentProvider, Outcome
from pilothouse.data.enrichment.due import Knowledge
from pilothouse.data.enrichment.patience import again_from, closed_until
from pilothouse.data.enrichment.requests import last, latest_by_key, spent
from pilothouse.data.freshness import freshness
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.clock import unstamp

LOOKED_AT, SHOWN = 50, 5
TROUBLES = frozenset(Outcome) - {Outcome.FOUND, Outcome.NOT_FOUND, Outcome.OPEN}
NONE_SET_UP = (
    "No enrichment provider is set up. Put a file into the workspace's enrichment/ folder: its README shows how."
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A request that brought nothing for a reason to look into."""

    at: datetime
    record: str
    outcome: str
    sentence: str


@dataclass(frozen=True, slots=True)
class ProviderStatus:
    """One provider. `unready` and `closed` say why it cannot be asked now, empty when it can; `budget` None: it is free.

    `cached` is how many companies or people nobody needs to ask about for now.
    """

    name: str
    object: str
    fields: tuple[str, ...]
    unready: str
    closed: str
    budget: int | None
    per: str
    spent: int
    asked: int
    outcomes: dict[str, int]
    cached: int
    last_asked: datetime | None
    troubles: tuple[Trouble, ...]


@dataclass(frozen=True, slots=True)
class FieldFreshness:
    """One scheduled field: of so many records, how many hold no value anywhere, a fresh one, a stale one."""

    object: str
    field: str
    max_age_days: int
    records: int
    missing: int
    fresh: int
    stale: int


@dataclass(frozen=True, slots=True)
class EnrichmentStatus:
    """Everything to tell. `note` says what to do where no provider is set up."""

    providers: tuple[ProviderStatus, ...]
    freshness: tuple[FieldFreshness, ...]
    note: str


def status(
    ledger: Ledger, knowledge: Knowledge, providers: Sequence[EnrichmentProvider], now: datetime
) -> EnrichmentStatus:
    """Return how enrichment stands."""
    told = tuple(_provider(ledger, each, now) for each in providers)
    return EnrichmentStatus(told, tuple(_freshness(knowledge, now)), "" if providers else NONE_SET_UP)


def _provider(ledger: Ledger, provider: EnrichmentProvider, now: datetime) -> ProviderStatus:
    budget = provider.terms.budget
    with ledger.engine.connect() as connection:
        asked = latest_by_key(connection, provider.name)
        recent = last(connection, provider.name, LOOKED_AT)
        closed = closed_until(connection, provider.name, now)
        used = spent(connection, provider.name, budget.period(now.date()) if budget else "")
    troubles = [row for row in recent if row.outcome in TROUBLES][:SHOWN]
    return ProviderStatus(
        name=provider.name,
        object=provider.object,
        fields=tuple(sorted(provider.fields)),
        unready=provider.unready(),
        closed=f"{closed[1]} Not before {closed[0]:%Y-%m-%d %H:%M} UTC." if closed else "",
        budget=budget.credits if budget else None,
        per=budget.per if budget else "",
        spent=used,
        asked=len(asked),
        outcomes=dict(Counter(row.outcome for row in asked.values())),
        cached=sum(now < again_from(row, provider.terms) for row in asked.values()),
        last_asked=max((unstamp(row.at) for row in asked.values()), default=None),
        troubles=tuple(Trouble(unstamp(r.answered_at), r.asked, r.outcome, r.sentence) for r in troubles),
    )


def _freshness(knowledge: Knowledge, now: datetime) -> list[FieldFreshness]:
    found: list[FieldFreshness] = []
    schedule = knowledge.definitions.survivorship.schedule
    for object_name, rules in schedule.items():
        newest, home = knowledge.newest(object_name), knowledge.home(object_name)
        refs = [str(record.ref) for record in knowledge.store.living(object_name, knowledge.system)]
        held = [newest.get(home.get(ref, ref), {}) for ref in refs]
        for name, rule in rules.items():
            ages = [freshness(object_name, name, known[name], now, schedule) for known in held if name in known]
            stale = sum(each.stale for each in ages)
            fresh, missing = len(ages) - stale, len(held) - len(ages)
            found.append(FieldFreshness(object_name, name, rule.days, len(held), missing, fresh, stale))
    return found
