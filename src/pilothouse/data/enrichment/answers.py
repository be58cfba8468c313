"""What a provider is asked and what it answers, and the port that every provider implements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Literal, Protocol

from pilothouse.vocabulary.values import Json

By = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lookup:
    """What is asked about, and by what: the object, and some of `domain`, `name`, `country`, `email`."""

    object: str
    given: Mapping[str, str]

    @property
    def by(self) -> str:
        """What it is asked by, such as `domain` or `country+name`."""
        return "+".join(sorted(self.given))

    def narrowed(self, ways: Sequence[By]) -> Lookup | None:
        """Return the lookup by the first of these ways for which everything is known, None when there is none."""
        for way in ways:
            if all(self.given.get(name, "").strip() for name in way):
                return Lookup(self.object, {name: self.given[name].strip() for name in way})
        return None


class Outcome(StrEnum):
    """What became of a request.

    `OPEN`: sent or about to be, and not answered yet. `LATER`: the provider asks for patience. `REFUSED`: it does not
    accept the credential. `BROKEN`: what came back cannot be used. `UNANSWERED`: it was sent and nothing came back, so
    it may have been charged.
    """

    OPEN = "open"
    FOUND = "found"
    NOT_FOUND = "not_found"
    NO_CREDITS = "no_credits"
    LATER = "later"
    REFUSED = "refused"
    BROKEN = "broken"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `sentence` says what is wrong where something is; it never quotes values or credentials.

    `at` is the provider's own date of its values, None when it gives none; `dates` that of single fields. `likelihood`
    (0 to 1) is how sure it is that this is what was asked for. `charged` is whether it costs what a request costs.
    `wait` is in seconds. `unusable` names fields whose values did not fit, with why.
    """

    outcome: Outcome
    charged: bool
    sentence: str = ""
    fields: Mapping[str, Json] = field(default_factory=dict[str, Json])
    at: datetime | None = None
    dates: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    likelihood: float = 0.0
    id: str = ""
    wait: float = 0.0
    unusable: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Budget:
    """So many credits in each day or calendar month (UTC)."""

    credits: int
    per: Literal["day", "month"]

    def period(self, day: date) -> str:
        """Return the name of the period a day falls in: `2026-01-14` or `2026-01`."""
        return day.isoformat() if self.per == "day" else day.isoformat()[:7]


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a provider is asked.

    `cost` is what a request takes from the budget, given back when the provider did not charge. Nobody asks again for
    what was found within `cache_days`, or not found within `not_found_days`. `budget` None: it costs nothing.
    """

    cost: int
    budget: Budget | None
    cache_days: int = 90
    not_found_days: int = 30


class EnrichmentProvider(Protocol):
    """A source that can be asked about one company or person at a time."""

    @property
    def name(self) -> str:
        """The name of the source system its answers become."""
        ...

    @property
    def object(self) -> str:
        """The object it knows about: account or contact."""
        ...

    @property
    def fields(self) -> frozenset[str]:
        """The fields it may tell."""
        ...

    @property
    def asks_by(self) -> Sequence[By]:
        """What it can be asked by, the best way first."""
        ...

    @property
    def terms(self) -> Terms:
        """Its terms."""
        ...

    def unready(self) -> str:
        """Return why it cannot be asked now and what to do about it, the empty string when it can."""
        ...

    def ask(self, lookup: Lookup) -> Answer:
        """Ask, once or until it is certain that asking again is useless; always answers, never raises on purpose."""
        ...
