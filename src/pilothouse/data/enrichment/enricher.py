"""Asking providers for what is due, one request at a time: recorded, then sent, then its answer recorded with its values.

A crash between request and answer leaves the request: its credits stay spent, and nobody asks the same again for a day.
The answer and the values it brought are one append, so that what was paid for is never lost by half.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from pilothouse.data.enrichment.answers import Answer, EnrichmentProvider, Outcome
from pilothouse.data.enrichment.due import Due, Knowledge, Plan
from pilothouse.data.enrichment.patience import SETTINGS, again_from, closed_until
from pilothouse.data.enrichment.requests import ANSWERED, REQUESTED, latest_by_key, latest_of, spent
from pilothouse.data.identity.entities import ATTACHED
from pilothouse.data.schema import is_personal
from pilothouse.data.store import Observation
from pilothouse.directory.people import Directory
from pilothouse.directory.roles import permissions_of
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.clock import Clock, new_id
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput, PilothouseError
from pilothouse.vocabulary.records import RecordRef, WriterKind
from pilothouse.vocabulary.values import Json

PREFIX = {"account": "acc", "contact": "con"}
Progress = Callable[[int, int], None]


class BudgetGone(PilothouseError):
    """The credits of this period are spent; nothing was sent."""

    code = "no_credits"


@dataclass
class EnrichmentRun:
    """What asking one provider came to. `stopped` says why it ended early, if it did."""

    provider: str
    plan: Plan
    outcomes: Counter[str] = field(default_factory=Counter[str])
    credits: int = 0
    values: int = 0
    stopped: str = ""


class Enricher:
    """Asks providers within their budgets."""

    def __init__(
        self,
        ledger: Ledger,
        knowledge: Knowledge,
        directory: Directory,
        clock: Clock,
        providers: Sequence[EnrichmentProvider],
    ) -> None:
        self.providers = tuple(providers)
        self.knowledge = knowledge
        self._ledger, self._directory, self._clock = ledger, directory, clock

    def provider(self, name: str) -> EnrichmentProvider:
        """Return a provider by name; raises `InvalidInput`."""
        found = next((each for each in self.providers if each.name == name), None)
        if found is None:
            known = ", ".join(each.name for each in self.providers) or "none is set up"
            raise InvalidInput(f"there is no provider {name!r}.", hint=f"There is: {known}.")
        return found

    def plan(self, provider: EnrichmentProvider) -> Plan:
        """Return who would be asked about now, the most valuable first; nothing is sent."""
        with self._ledger.engine.connect() as connection:
            asked = latest_by_key(connection, provider.name)
        return self.knowledge.plan(provider, asked, self._clock.now())

    def left(self, provider: EnrichmentProvider) -> int | None:
        """Return the credits left in this period, None where none are counted."""
        with self._ledger.engine.connect() as connection:
            return self._left(connection, provider, self._period(provider))

    def run(
        self,
        provider: EnrichmentProvider,
        person: str,
        limit: int | None = None,
        on_progress: Progress = lambda done, total: None,
    ) -> EnrichmentRun:
        """Ask a provider about everybody who is due, `limit` at the most.

        Raises `Forbidden` for somebody who may not spend credits, `InvalidInput` for a provider that is not ready. What
        goes wrong with single requests is recorded and counted, and raises nothing.
        """
        by = self._directory.person(person)
        if not by.active or "enrich" not in permissions_of(by.role).may:
            raise Forbidden(f"{by.id} ({by.role}) may not spend enrichment credits.", hint="Ask RevOps.")
        if why := provider.unready():
            raise InvalidInput(f"{provider.name} cannot be asked: {why}")
        run = EnrichmentRun(provider.name, self.plan(provider))
        chosen = run.plan.due if limit is None else run.plan.due[:limit]
        for number, due in enumerate(chosen, 1):
            run.stopped = self._blocked(provider) or self._ask(provider, due, Actor(by.id), run)
            if run.stopped:
                break
            on_progress(number, len(chosen))
        return run

    def _blocked(self, provider: EnrichmentProvider) -> str:
        with self._ledger.engine.connect() as connection:
            closed = closed_until(connection, provider.name, self._clock.now())
        return f"{closed[1]} Not before {closed[0]:%Y-%m-%d %H:%M} UTC." if closed else ""

    def _ask(self, provider: EnrichmentProvider, due: Due, by: Actor, run: EnrichmentRun) -> str:
        """Ask about one record; returns why the run should end, the empty string when it may go on."""
        request = new_id("enr")
        try:
            self._ledger.append(
                [self._request(provider, due, by, request)], lambda seen: self._allowed(seen, provider, due)
            )
        except BudgetGone as gone:
            return str(gone)
        except Conflict:
            run.outcomes["asked by somebody else meanwhile"] += 1
            return ""
        try:
            answer = provider.ask(due.lookup)
        except Exception as error:  # A faulty provider must not leave its request open, nor end the run for the others.
            answer = Answer(Outcome.BROKEN, charged=True, sentence=f"the provider failed with {type(error).__name__}.")
        credits = provider.terms.cost if answer.charged else 0
        drafts = self._answered(provider, due, by, request, answer, credits)
        self._ledger.append(drafts)
        run.outcomes[answer.outcome.value] += 1
        run.credits += credits
        run.values += len(answer.fields)
        ends = answer.outcome in SETTINGS or answer.outcome is Outcome.LATER
        return f"{provider.name}: {answer.sentence}" if ends else ""

    def _allowed(self, connection: Connection, provider: EnrichmentProvider, due: Due) -> None:
        """Under the write lock: of any number of runs at once, none overspends, and one asks about the same."""
        row = latest_of(connection, provider.name, due.key)
        if row is not None and self._clock.now() < again_from(row, provider.terms):
            raise Conflict(f"{due.record} was asked about meanwhile.")
        left = self._left(connection, provider, self._period(provider))
        if left is not None and left < provider.terms.cost:
            raise BudgetGone(
                f"the budget of {provider.name} has {left} credits left this {self._per(provider)}.",
                hint="Raise it in the provider's file, or wait for the next one.",
            )

    def _left(self, connection: Connection, provider: EnrichmentProvider, period: str) -> int | None:
        budget = provider.terms.budget
        return None if budget is None else max(0, budget.credits - spent(connection, provider.name, period))

    def _period(self, provider: EnrichmentProvider) -> str:
        budget = provider.terms.budget
        return budget.period(self._clock.now().date()) if budget else ""

    def _per(self, provider: EnrichmentProvider) -> str:
        return provider.terms.budget.per if provider.terms.budget else "period"

    def _request(self, provider: EnrichmentProvider, due: Due, by: Actor, request: str) -> Draft:
        body: dict[str, Json] = {
            "id": request,
            "provider": provider.name,
            "key": due.key,
            "asked": str(due.record),
            "by": due.lookup.by,
            "missing": list(due.missing),
            "stale": list(due.stale),
            "period": self._period(provider),
            "credits": provider.terms.cost,
        }
        given: dict[str, Json] = {"lookup": dict(due.lookup.given)}
        if is_personal(due.lookup.object):
            return Draft(REQUESTED, by, body, given, str(due.record), subject=str(due.record))
        return Draft(REQUESTED, by, {**body, **given}, subject=str(due.record))

    def _answered(
        self, provider: EnrichmentProvider, due: Due, by: Actor, request: str, answer: Answer, credits: int
    ) -> list[Draft]:
        drafts: list[Draft] = []
        record = RecordRef(provider.name, due.record.object, f"{due.record.system}.{due.record.id}")
        if answer.outcome is Outcome.FOUND and answer.fields:
            drafts += self.knowledge.store.drafts(_observations(provider.name, record, answer, self._clock.now()), by)
            drafts.append(_attachment(record, due.record, answer.likelihood, by))
        body: dict[str, Json] = {
            "id": request,
            "provider": provider.name,
            "outcome": answer.outcome.value,
            "sentence": answer.sentence,
            "record": str(record) if drafts else "",
            "provider_id": "" if is_personal(due.record.object) else answer.id,
            "likelihood": round(answer.likelihood, 4),
            "told": sorted(answer.fields),
            "unusable": dict(answer.unusable),
            "credits": credits,
            "wait": answer.wait,
        }
        return [*drafts, Draft(ANSWERED, by, body, subject=str(due.record))]


def _observations(provider: str, record: RecordRef, answer: Answer, now: datetime) -> list[Observation]:
    """Return what an answer tells, one observation for each date; the newest date is not later than now."""
    by_date: dict[datetime, dict[str, Json]] = {}
    for name, value in answer.fields.items():
        by_date.setdefault(min(answer.dates.get(name) or answer.at or now, now), {})[name] = value
    kind = WriterKind.ENRICHMENT
    return [Observation(record, fields, at, kind, provider, confirms=True) for at, fields in sorted(by_date.items())]


def _attachment(record: RecordRef, to: RecordRef, likelihood: float, by: Actor) -> Draft:
    body: dict[str, Json] = {
        "record": str(record),
        "to": str(to),
        "object": to.object,
        "likelihood": round(likelihood, 4),
        "entity": new_id(PREFIX[to.object]),
    }
    return Draft(ATTACHED, by, body, subject=str(record))
