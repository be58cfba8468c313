"""An enrichment provider that answers what it is told to answer, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pilothouse.data.enrichment.answers import Answer, Budget, By, Lookup, Outcome, Terms
from pilothouse.vocabulary.values import Json

FIELDS = frozenset({"name", "industry", "employee_count", "country", "phone"})


def found(fields: Mapping[str, Json], likelihood: float = 0.95, at: datetime | None = None) -> Answer:
    """Return an answer that was found and charged."""
    return Answer(Outcome.FOUND, True, fields=fields, likelihood=likelihood, at=at)


def not_found() -> Answer:
    """Return an answer that nothing was found, and nothing charged."""
    return Answer(Outcome.NOT_FOUND, False)


@dataclass
class ScriptedProvider:
    """Implements `EnrichmentProvider`. `script` answers by domain, name or address; what it lacks is not found.

    `meanwhile` runs with each lookup before it is answered, as if in the provider's time.
    """

    script: Mapping[str, Answer] = field(default_factory=dict[str, Answer])
    name: str = "scripted"
    object: str = "account"
    fields: frozenset[str] = FIELDS
    asks_by: Sequence[By] = (("domain",), ("name", "country"), ("email",))
    terms: Terms = Terms(1, Budget(100, "month"))  # noqa: RUF009  (a frozen value)
    why_unready: str = ""
    meanwhile: Callable[[Lookup], None] = lambda lookup: None
    asked: list[Lookup] = field(default_factory=list[Lookup])

    def unready(self) -> str:
        """Return what the test said."""
        return self.why_unready

    def ask(self, lookup: Lookup) -> Answer:
        """Answer from the script."""
        self.asked.append(lookup)
        self.meanwhile(lookup)
        known = (self.script[value] for value in lookup.given.values() if value in self.script)
        return next(known, not_found())
