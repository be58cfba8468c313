"""What policy says about handing over to people: whom a rule asks, by when they answer, and how they are checked.

What must never happen here: a name that nobody knows taken for nobody in particular; it is an error with file and line.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pilothouse.vocabulary.verdicts import Verdict

ASK = r"^(owner|manager|role:(reviewer|revops|admin)|person:[A-Za-z0-9][A-Za-z0-9._-]{0,63}|team:[a-z0-9][a-z0-9-]{0,60})$"
"""Whom a rule may ask: the record's owner, that owner's manager, a role, a person, or a team of the section `teams`."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ReviewsFile(_Strict):
    """By when reviews are answered. After `sla_business_days` somebody else is asked; after `expire_business_days` the
    review counts as rejected. `remind_hours` before the first, whoever is asked is reminded. An approval faster than
    `fastest_seconds`, or than its text is skimmed at `words_per_minute`, counts as no evidence."""

    sla_business_days: int = Field(default=1, ge=1, le=20)
    expire_business_days: int = Field(default=2, ge=1, le=40)
    remind_hours: float = Field(default=4, gt=0, le=240)
    fastest_seconds: float = Field(default=3, ge=1, le=600)
    words_per_minute: float = Field(default=700, ge=60, le=2000)

    @model_validator(mode="after")
    def _in_order(self) -> ReviewsFile:
        if self.expire_business_days < self.sla_business_days:
            raise ValueError("expire_business_days lies before sla_business_days")
        return self


class CanariesFile(_Strict):
    """How many known-wrong proposals are mixed in, as a share of the real ones. None unless asked for."""

    rate: float = Field(default=0, ge=0, le=0.5)


class SpotChecksFile(_Strict):
    """Which shares of acts are looked at again afterwards: of those that ran by themselves, and of the approved."""

    auto: float = Field(default=0, ge=0, le=1)
    approved: float = Field(default=0, ge=0, le=1)


@dataclass(frozen=True, slots=True)
class Ask:
    """Whom a rule asks, and where that is written."""

    whom: str
    rule: str
    where: str

    @property
    def kind(self) -> str:
        """One of `owner`, `manager`, `role`, `person` and `team`."""
        return self.whom.partition(":")[0]

    @property
    def name(self) -> str:
        """The role, person or team; empty for the others."""
        return self.whom.partition(":")[2]


@dataclass(frozen=True)
class Handing:
    """The sections about people, ready to be asked. `team_places` says where each team is written."""

    reviews: ReviewsFile = field(default_factory=ReviewsFile)
    canaries: CanariesFile = field(default_factory=CanariesFile)
    spot_checks: SpotChecksFile = field(default_factory=SpotChecksFile)
    teams: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    team_places: Mapping[str, str] = field(default_factory=dict[str, str])
    asks: Mapping[str, Ask] = field(default_factory=dict[str, Ask])

    def ask_of(self, verdict: Verdict) -> Ask | None:
        """Return whom the strictest rule that names somebody asks; None when no rule that spoke does."""
        return next((self.asks[each.rule] for each in verdict.reasons if each.rule in self.asks), None)

    def unknown(self, people: Collection[str]) -> Iterator[tuple[str, str]]:
        """Yield place and problem for every person named here whom nobody knows."""
        for team, members in self.teams.items():
            for each in members:
                if each not in people:
                    yield self.team_places[team], f"team {team!r}: {nobody(each, people)}"
        for ask in self.asks.values():
            if ask.kind == "person" and ask.name not in people:
                yield ask.where, f"rule {ask.rule}: {nobody(ask.name, people)}"


def nobody(person: str, people: Collection[str]) -> str:
    """Return the sentence about a person whom nobody knows."""
    near = get_close_matches(person, people, 1)
    return f"there is no person {person!r}" + (f"; did you mean {near[0]!r}?" if near else "")
