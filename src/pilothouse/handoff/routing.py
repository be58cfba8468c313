"""Who is asked: one named person, able to decide, here today, and with the fewest questions open among equals.

The rule that hands over may name whom (`ask:`). Where it names nobody, or nobody it names is able and here, the record's
owner is asked, then a reviewer, RevOps, an admin. What must never happen here: somebody asked who stands behind a tier 3
proposal (I10); a question asked of nobody; a name that nobody knows passed over in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, func, select

from pilothouse.decision.handing import Ask, Handing, nobody
from pilothouse.directory.availability import Absence, read_away, read_managers
from pilothouse.directory.people import Person, read_people
from pilothouse.directory.roles import may_see
from pilothouse.handoff.owners import BY_PREFERENCE, STRICT, may_decide
from pilothouse.handoff.tables import reviews
from pilothouse.vocabulary.actors import Role
from pilothouse.vocabulary.errors import InvalidInput, NotFound
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.values import Json
from pilothouse.vocabulary.verdicts import Tier


@dataclass(frozen=True)
class Roster:
    """Everybody, as they stand now: who is away, who answers to whom, how many questions each has open."""

    people: Mapping[str, Person]
    away: Mapping[str, Absence] = field(default_factory=dict[str, Absence])
    managers: Mapping[str, str] = field(default_factory=dict[str, str])
    load: Mapping[str, int] = field(default_factory=dict[str, int])
    teams: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    team_places: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody is to be found for. `barred` stand behind the proposal; `without` have been asked already."""

    record: Mapping[str, Json]
    tier: Tier
    barred: frozenset[str]
    ask: Ask | None = None
    without: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Choice:
    """Who is asked, and why that person, in a few words."""

    person: str
    because: str


def read_roster(connection: Connection, now: datetime, handing: Handing) -> Roster:
    """Read everything that routing looks at, as it stands in this transaction."""
    counted = select(reviews.c.owner, func.count().label("open")).where(reviews.c.status == ReviewStatus.OPEN.value)
    return Roster(
        people={each.id: each for each in read_people(connection)},
        away=read_away(connection, now),
        managers=read_managers(connection),
        load={row.owner: row.open for row in connection.execute(counted.group_by(reviews.c.owner))},
        teams=handing.teams,
        team_places=handing.team_places,
    )


def route(question: Question, roster: Roster) -> Choice:
    """Return who is asked.

    Raises `InvalidInput` when policy names somebody whom nobody knows, with file and line; `NotFound` when nobody is left
    who may decide. Somebody away is asked only where nobody able is here and nobody able stands in.
    """
    groups = [*_asked(question, roster), *_usual(question, roster)]
    able = [(list(_able(members, question, roster)), because) for members, because in groups]
    for members, because in able:
        here = list(_here(members, question, roster))
        if here:
            person, stands_in = min(here, key=lambda each: (roster.load.get(each[0], 0), each[0]))
            return Choice(person, f"{because}{stands_in}")
    for members, because in able:
        if members:
            person = min(members, key=lambda each: (roster.load.get(each, 0), each))
            return Choice(person, f"{because}; away, and nobody else is here")
    raise NotFound(
        "nobody is left who may decide this review.", hint="Add a reviewer who does not stand behind the agent."
    )


def stand_in(person: str, question: Question, roster: Roster) -> Choice | None:
    """Return the deputy of somebody who is away, None when there is none who is here and may decide."""
    deputy = _deputy(person, roster) if person in roster.away else ""
    if not deputy or deputy in question.without or can_be_asked(deputy, question, roster):
        return None
    return Choice(deputy, f"stands in for {person}")


def can_be_asked(person: str, question: Question, roster: Roster) -> str:
    """Return the empty string when a person may be asked, else the sentence that says why not."""
    known = roster.people.get(person)
    if known is None:
        return f"there is no person {person!r}."
    if not may_see(known, question.record):
        return f"{known.name} may not see this record."
    return may_decide(known, owner=person, tier=question.tier, barred=question.barred)


Group = tuple[Sequence[str], str]


def _asked(question: Question, roster: Roster) -> Iterator[Group]:
    ask = question.ask
    if ask is None:
        return
    named = f"rule {ask.rule} asks "
    match ask.kind:
        case "person":
            yield _known([ask.name], ask.where, roster), f"{named}{ask.name}"
        case "team":
            members = roster.teams.get(ask.name, ())
            yield _known(members, roster.team_places.get(ask.name, ask.where), roster), f"{named}team {ask.name}"
        case "role":
            members = [each.id for each in roster.people.values() if each.role.value == ask.name]
            yield members, f"{named}the role {ask.name}"
        case "manager":
            owners = _owners(question.record, roster)
            bosses = [roster.managers[each] for each in owners if each in roster.managers]
            yield bosses, f"{named}the manager of {', '.join(owners)}"
        case _:
            yield _owners(question.record, roster), f"{named}the record's owner"


def _known(members: Sequence[str], where: str, roster: Roster) -> Sequence[str]:
    for each in members:
        if each not in roster.people:
            raise InvalidInput(
                f"{where}: {nobody(each, roster.people)}.", hint="Mend the policy; until then nobody is asked."
            )
    return members


def _usual(question: Question, roster: Roster) -> Iterator[Group]:
    if question.tier not in STRICT:
        reps = [each.id for each in roster.people.values() if each.role is Role.REP and may_see(each, question.record)]
        yield reps, "owns the record"
    for role in BY_PREFERENCE:
        yield [each.id for each in roster.people.values() if each.role is role], f"one of role {role.value}"


def _owners(record: Mapping[str, Json], roster: Roster) -> list[str]:
    """Return whose record it is: by id, address or name, or by territory where nobody owns it."""
    owner = str(record.get("owner") or "").strip().casefold()
    if owner:
        return [
            e.id for e in roster.people.values() if owner in {x.strip().casefold() for x in (e.id, e.email, e.name)}
        ]
    return [each.id for each in roster.people.values() if each.role is Role.REP and may_see(each, record)]


def _able(members: Sequence[str], question: Question, roster: Roster) -> Iterator[str]:
    for each in members:
        if each not in question.without and not can_be_asked(each, question, roster):
            yield each


def _here(members: Sequence[str], question: Question, roster: Roster) -> Iterator[tuple[str, str]]:
    """Yield who of a group is here, and who stands in for those who are not; each with what that adds to the reason."""
    for each in members:
        if each not in roster.away:
            yield each, ""
            continue
        deputy = _deputy(each, roster)
        if deputy and deputy not in question.without and not can_be_asked(deputy, question, roster):
            yield deputy, f"; stands in for {each}, who is away until {roster.away[each].ends:%Y-%m-%d}"


def _deputy(person: str, roster: Roster) -> str:
    """Return the first who is here along the line of deputies; empty when it ends or runs in a circle."""
    seen = {person}
    while person in roster.away:
        person = roster.away[person].deputy
        if not person or person in seen:
            return ""
        seen.add(person)
    return person


__all__ = ["Choice", "Question", "Roster", "can_be_asked", "read_roster", "route", "stand_in"]
