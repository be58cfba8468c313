"""Who should be asked about next: what lacks values or holds old ones, the most valuable first.

A value counts wherever we hold it: what any system tells of the same company need not be bought.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pilothouse.data.deals import is_closed
from pilothouse.data.definitions import Definitions
from pilothouse.data.enrichment.answers import EnrichmentProvider, Lookup
from pilothouse.data.enrichment.patience import again_from
from pilothouse.data.freshness import freshness, said_at
from pilothouse.data.identity.entities import Entities
from pilothouse.data.schema import is_personal
from pilothouse.data.store import DataStore, Record
from pilothouse.vocabulary.records import RecordRef, is_empty
from pilothouse.vocabulary.values import canonical, digest

Newest = dict[str, dict[str, datetime]]


@dataclass(frozen=True, slots=True)
class Due:
    """A record to ask about: how, which fields are missing or stale, and the open pipeline that hangs on it."""

    record: RecordRef
    title: str
    lookup: Lookup
    key: str
    missing: tuple[str, ...]
    stale: tuple[str, ...]
    pipeline: float


@dataclass
class Plan:
    """Who is due, in order, and how many are not and why."""

    due: list[Due] = field(default_factory=list[Due])
    passed_over: Counter[str] = field(default_factory=Counter[str])


@dataclass(frozen=True)
class Knowledge:
    """What is held of a system's records, wherever: who is due is read off it."""

    store: DataStore
    entities: Entities
    definitions: Definitions
    system: str

    def plan(self, provider: EnrichmentProvider, asked: Mapping[str, Any], now: datetime) -> Plan:
        """Return who is due at a provider; `asked` holds the last request of each key."""
        plan = Plan()
        newest = self.newest(provider.object)
        home = self.home(provider.object)
        worth = self._pipeline(provider.object)
        seen: set[str] = set()
        for record in self.store.living(provider.object, self.system):
            known = newest.get(home.get(str(record.ref), str(record.ref)), {})
            missing, stale = self._wanting(provider, known, now)
            lookup = lookup_of(record).narrowed(provider.asks_by)
            if not missing and not stale:
                plan.passed_over["nothing is missing or stale"] += 1
            elif lookup is None:
                plan.passed_over[f"nothing to ask by ({_ways(provider)})"] += 1
            elif (key := key_of(record.ref, lookup)) in seen:
                plan.passed_over["another record asks the same"] += 1
            elif key in asked and now < again_from(asked[key], provider.terms):
                plan.passed_over[_lately(asked[key].outcome)] += 1
            else:
                seen.add(key)
                found = worth.get(record.ref.id, 0.0)
                plan.due.append(Due(record.ref, _title(record), lookup, key, missing, stale, found))
        plan.due.sort(key=lambda each: (-each.pipeline, -len(each.missing), -len(each.stale), each.record))
        return plan

    def newest(self, object_name: str) -> Newest:
        """Return, by entity (or record that has none) and field, from when the newest value counts that any source holds."""
        schedule = self.definitions.survivorship.schedule
        home = self.home(object_name)
        found: Newest = {}
        for record in self.store.living(object_name):
            place = found.setdefault(home.get(str(record.ref), str(record.ref)), {})
            for name, value in record.fields.items():
                if not is_empty(value.value):
                    said = said_at(object_name, name, value, schedule)
                    place[name] = max(place.get(name, said), said)
        return found

    def home(self, object_name: str) -> dict[str, str]:
        """Return the entity of each record that has one."""
        return {ref: entity for entity, refs in self.entities.current(object_name).items() for ref in refs}

    def _wanting(
        self, provider: EnrichmentProvider, known: Mapping[str, datetime], now: datetime
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        missing = [name for name in sorted(provider.fields) if name not in known]
        schedule = self.definitions.survivorship.schedule
        held = [name for name in sorted(provider.fields) if name in known]
        stale = (name for name in held if freshness(provider.object, name, known[name], now, schedule).stale)
        return tuple(missing), tuple(stale)

    def _pipeline(self, object_name: str) -> dict[str, float]:
        """Return the open amount that hangs on each account, or on each contact through its account."""
        amounts: Counter[str] = Counter()
        for deal in self.store.living("opportunity", self.system):
            amount = deal.value("amount")
            if not is_closed(deal, self.definitions):
                amounts[deal.text("account")] += amount if isinstance(amount, int | float) else 0  # pyright: ignore[reportArgumentType]
        if object_name == "account":
            return dict(amounts)
        return {ref: amounts[account] for ref, account in self._employers(object_name)}

    def _employers(self, object_name: str) -> Iterator[tuple[str, str]]:
        for record in self.store.living(object_name, self.system):
            yield record.ref.id, record.text("account")


def lookup_of(record: Record) -> Lookup:
    """Return everything that a record can be asked by; a domain is also read off a website."""
    given = {name: record.text(name) for name in ("name", "country", "email")}
    given["domain"] = domain_of(record.text("domain") or record.text("website"))
    return Lookup(record.ref.object, {name: value for name, value in given.items() if value})


def domain_of(address: str) -> str:
    """Return the host of a web address or domain, without scheme, `www.`, port and path; empty when it is none."""
    host = address.strip().casefold().partition("://")[2] or address.strip().casefold()
    host = host.partition("/")[0].partition("?")[0].rpartition("@")[2].partition(":")[0].removeprefix("www.").strip(".")
    return host if "." in host and " " not in host else ""


def key_of(ref: RecordRef, lookup: Lookup) -> str:
    """Return what makes two requests the same request. That about a person tells nothing about them."""
    if is_personal(lookup.object):
        return digest([str(ref)])
    return digest([lookup.object, canonical(dict(lookup.given)).casefold()])


def _title(record: Record) -> str:
    return record.text("name") or str(record.ref)


def _ways(provider: EnrichmentProvider) -> str:
    return " or ".join(" and ".join(way) for way in provider.asks_by)


def _lately(outcome: str) -> str:
    told = {"found": "answered lately", "not_found": "not found lately", "open": "asked, and not answered yet"}
    return told.get(outcome, "asked lately, without a usable answer")
