"""What the other records of a system tell about one: its activities, its deals, how deals go here.

Everything is worked out once, when somebody first asks. What must never happen here: "none" where nobody told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Protocol

from pilothouse.data.deals import Habits, day, habits, is_closed
from pilothouse.data.definitions import Definitions
from pilothouse.data.store import DataStore, Record
from pilothouse.vocabulary.records import FieldValue

Days = Mapping[str, Sequence[date]]


class Source(Protocol):
    """Where records come from: the whole store, or what a contract lets an agent see of it."""

    def records_of(self, object_name: str, system: str) -> Sequence[Record]:
        """Return the records of an object in a system."""
        ...

    def histories(self, object_name: str, field: str, system: str) -> Mapping[str, Sequence[FieldValue]]:
        """Return every value a field is known to have had, oldest first, by the record's id."""
        ...


class StoreSource:
    """Everything that is known, each object read once."""

    def __init__(self, store: DataStore) -> None:
        self._store = store
        self._known: dict[tuple[str, str], list[Record]] = {}

    def records_of(self, object_name: str, system: str) -> Sequence[Record]:
        """Return the records of an object in a system."""
        key = (object_name, system)
        if key not in self._known:
            self._known[key] = list(self._store.living(object_name, system))
        return self._known[key]

    def histories(self, object_name: str, field: str, system: str) -> Mapping[str, Sequence[FieldValue]]:
        """Return every value a field is known to have had, oldest first, by the record's id."""
        return self._store.histories(object_name, field, system)


class Surroundings:
    """One system's records around a record, as of a moment."""

    def __init__(self, source: Source, definitions: Definitions, system: str, as_of: datetime) -> None:
        self.source, self.definitions, self.system, self.as_of = source, definitions, system, as_of
        self.today = as_of.date()
        self._ids: dict[str, dict[str, Record]] = {}

    def records(self, object_name: str) -> Sequence[Record]:
        """Return the system's records of an object."""
        return self.source.records_of(object_name, self.system)

    def record(self, object_name: str, ident: str) -> Record | None:
        """Return one record of the system, None when there is none."""
        if object_name not in self._ids:
            self._ids[object_name] = {each.ref.id: each for each in self.records(object_name)}
        return self._ids[object_name].get(ident)

    @cached_property
    def habits(self) -> Habits:
        """How deals go in this system."""
        stages = self.source.histories("opportunity", "stage", self.system)
        return habits(self.records("opportunity"), self.records("activity"), stages, self.definitions)

    @cached_property
    def slips(self) -> Mapping[str, int]:
        """How often each deal's close date was moved to a later day, by its id."""
        told = self.source.histories("opportunity", "close_date", self.system)
        return {ident: _later(values) for ident, values in told.items()}

    @cached_property
    def open_deals(self) -> Mapping[str, int] | None:
        """How many open deals each account has, None when the system tells of no deals."""
        deals = self.records("opportunity")
        counts: dict[str, int] = {}
        for deal in deals:
            if not is_closed(deal, self.definitions) and deal.text("account"):
                counts[deal.text("account")] = counts.get(deal.text("account"), 0) + 1
        return counts if deals else None

    @cached_property
    def contacts(self) -> Mapping[str, int] | None:
        """How many contacts each account has, None when the system tells of no contacts."""
        contacts = self.records("contact")
        counts: dict[str, int] = {}
        for contact in contacts:
            counts[contact.text("account")] = counts.get(contact.text("account"), 0) + 1
        return counts if contacts else None

    @cached_property
    def _activities(self) -> Mapping[str, Days] | None:
        return _by_link(self.records("activity"), ("opportunity", "contact", "account"))

    @cached_property
    def _meetings(self) -> Mapping[str, Days] | None:
        met = [each for each in self.records("activity") if each.text("kind").casefold() in ("meeting", "demo")]
        return _by_link(met, ("opportunity", "contact", "account")) if self._activities is not None else None

    @cached_property
    def _signals(self) -> Mapping[str, Days] | None:
        return _by_link(self.records("signal"), ("contact", "account"))

    def happened(self, what: str, record: Record, days: int) -> int | None:
        """Return how many activities, meetings or signals name a record in the last days; None when nobody tells."""
        told = {"activities": self._activities, "meetings": self._meetings, "signals": self._signals}[what]
        if not told:
            return 0 if told is not None else None
        since = self.today - timedelta(days=days)
        return sum(since <= each <= self.today for each in told.get(record.ref.object, {}).get(record.ref.id, ()))

    def quiet(self, record: Record) -> int | None:
        """Return the days since the last activity that names a record, None when no activity does."""
        if record.ref.object == "opportunity":
            last = self.habits.last.get(record.ref.id)
        else:
            told = (self._activities or {}).get(record.ref.object, {}).get(record.ref.id, ())
            last = max(told, default=None)
        return (self.today - last).days if last else None


def _by_link(records: Sequence[Record], links: Sequence[str]) -> Mapping[str, Days] | None:
    if not records:
        return None
    found: dict[str, dict[str, list[date]]] = {link: {} for link in links}
    for record in records:
        when = day(record, "at")
        for link in links:
            ident = record.text(link)
            if when and ident:
                found[link].setdefault(ident, []).append(when)
    return found


def _later(values: Sequence[FieldValue]) -> int:
    days = [str(each.value)[:10] for each in values if each.value]
    return sum(after > before for before, after in pairwise(days))
