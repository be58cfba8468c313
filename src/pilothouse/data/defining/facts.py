"""The catalogue of derived facts: what a definition may ask beside a record's own fields, with type, unit and words.

What must never happen here: a fact worked out in a second place; a fact that is a guess. What nobody told is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from pilothouse.data.deals import begun, day, is_closed
from pilothouse.data.defining.surroundings import Surroundings
from pilothouse.data.definitions import Stage
from pilothouse.data.pauses import FALLBACK_DAYS, SMALLEST_SAMPLE, Pause, pause_of
from pilothouse.data.store import Record
from pilothouse.vocabulary.records import is_empty

FIRMOGRAPHIC = ("industry", "employee_count", "annual_revenue", "country", "phone")
Found = bool | int | str | None
Work = Callable[[Surroundings, Record], Found]


@dataclass(frozen=True, slots=True)
class Fact:
    """One derived fact about records of an object. `unit` is empty for what has none.

    `basis` says of a value that may come about in different ways which it was.
    """

    object: str
    name: str
    type: Literal["INT", "BOOL", "STRING"]
    unit: str
    words: str
    work: Work
    basis: Callable[[Surroundings, Record], str] | None = None


def _stage(around: Surroundings, deal: Record) -> Stage | None:
    return around.definitions.stage(deal.text("stage"))


def _stage_name(around: Surroundings, deal: Record) -> Found:
    stage = _stage(around, deal)
    return stage.name if stage else None


def _stage_order(around: Surroundings, deal: Record) -> Found:
    stage = _stage(around, deal)
    return around.definitions.stages.index(stage) + 1 if stage else None


def _stage_closed(around: Surroundings, deal: Record) -> Found:
    stage = _stage(around, deal)
    return stage.closed if stage else None


def _stage_won(around: Surroundings, deal: Record) -> Found:
    stage = _stage(around, deal)
    return stage.won if stage else None


def _closed(around: Surroundings, deal: Record) -> Found:
    return is_closed(deal, around.definitions)


def _age(around: Surroundings, deal: Record) -> Found:
    start = begun(deal)
    return (around.today - start).days if start else None


def _cycle(around: Surroundings, deal: Record) -> Found:
    start, end = begun(deal), day(deal, "close_date")
    return (end - start).days if start and end else None


def _to_close(around: Surroundings, deal: Record) -> Found:
    end = day(deal, "close_date")
    return (end - around.today).days if end else None


def _in_stage(around: Surroundings, deal: Record) -> Found:
    told = deal.fields.get("stage")
    return (around.as_of - told.at).days if told and not is_empty(told.value) else None


def _slips(around: Surroundings, deal: Record) -> Found:
    return around.slips.get(deal.ref.id)


def _longest(around: Surroundings, deal: Record) -> Found:
    return around.habits.longest


def _usual(around: Surroundings, deal: Record) -> Pause | None:
    """Return the usual pause in a deal's stage; that of a stage that nobody defined is the fallback."""
    stage, pauses = _stage(around, deal), around.habits.pauses
    if pauses is None or (stage is not None and stage.closed):
        return None
    return pauses[stage.name] if stage is not None else pause_of("a stage that is not defined", ())


def _pause(around: Surroundings, deal: Record) -> Found:
    usual = _usual(around, deal)
    return usual.days if usual else None


def _pause_deals(around: Surroundings, deal: Record) -> Found:
    usual = _usual(around, deal)
    return usual.deals if usual else None


def _pause_basis(around: Surroundings, deal: Record) -> str:
    usual = _usual(around, deal)
    return usual.basis if usual else ""


def _quiet(around: Surroundings, record: Record) -> Found:
    return around.quiet(record)


def _happened(what: str, days: int, around: Surroundings, record: Record) -> Found:
    return around.happened(what, record, days)


def _open_deals(around: Surroundings, account: Record) -> Found:
    return None if around.open_deals is None else around.open_deals.get(account.ref.id, 0)


def _contacts(around: Surroundings, account: Record) -> Found:
    return None if around.contacts is None else around.contacts.get(account.ref.id, 0)


def _firmographics(around: Surroundings, account: Record) -> Found:
    told = [found.at for name in FIRMOGRAPHIC if (found := account.fields.get(name)) and not is_empty(found.value)]
    return (around.as_of - min(told)).days if told else None


def _recent(object_name: str, what: str, days: int) -> Fact:
    words = f"{what.capitalize()} that name the {object_name} in the last {days} days"
    return Fact(object_name, f"{what}_{days}d", "INT", what, words, partial(_happened, what, days))


EVER = 36_500
QUIET = "Days since the last activity"
DEAL = "opportunity"
CATALOGUE = (
    Fact(DEAL, "stage", "STRING", "", "The stage under the name that definitions give it", _stage_name),
    Fact(DEAL, "stage_order", "INT", "place", "Where the stage stands among the stages, from 1", _stage_order),
    Fact(DEAL, "stage_closed", "BOOL", "", "Whether the stage is a closed one", _stage_closed),
    Fact(DEAL, "stage_won", "BOOL", "", "Whether the stage is a won one", _stage_won),
    Fact(DEAL, "closed", "BOOL", "", "Whether the deal says it is closed, or its stage is a closed one", _closed),
    Fact(DEAL, "age_days", "INT", "days", "Days since work began: since it was engaged, else created", _age),
    Fact(DEAL, "cycle_days", "INT", "days", "Days from when work began until the close date", _cycle),
    Fact(DEAL, "days_to_close", "INT", "days", "Days until the close date; below 0 when it has passed", _to_close),
    Fact(DEAL, "stage_days", "INT", "days", "Days since the present stage was first told of", _in_stage),
    Fact(DEAL, "slips", "INT", "times", "How often the close date was moved to a later day, as far as told", _slips),
    Fact(DEAL, "quiet_days", "INT", "days", QUIET + " that names the deal, or that the deal tells of", _quiet),
    Fact(DEAL, "longest_cycle_days", "INT", "days", "The longest cycle of any deal that ever closed here", _longest),
    Fact(
        DEAL, "usual_pause_days", "INT", "days",
        "The longest silence in the deal's stage that nine in ten won deals did not exceed; "
        f"{FALLBACK_DAYS} where fewer than {SMALLEST_SAMPLE} won deals tell of the stage", _pause, _pause_basis,
    ),
    Fact(
        DEAL, "usual_pause_deals", "INT", "deals",
        f"Won deals that tell of silence in the deal's stage; from {SMALLEST_SAMPLE} on the usual pause is theirs", _pause_deals,
    ),
    Fact(DEAL, "activities", "INT", "activities", "Activities that ever named the deal", partial(_happened, "activities", EVER)),
    _recent(DEAL, "activities", 30),
    _recent(DEAL, "activities", 90),
    Fact("contact", "quiet_days", "INT", "days", QUIET + " that names the contact", _quiet),
    _recent("contact", "activities", 90),
    _recent("contact", "meetings", 90),
    _recent("contact", "signals", 90),
    Fact("account", "quiet_days", "INT", "days", QUIET + " that names the account", _quiet),
    _recent("account", "activities", 90),
    _recent("account", "signals", 90),
    Fact("account", "open_deals", "INT", "deals", "Open deals of the account", _open_deals),
    Fact("account", "contacts", "INT", "contacts", "Contacts of the account", _contacts),
    Fact(
        "account", "firmographics_days", "INT", "days",
        f"Days since the longest unchanged of {', '.join(FIRMOGRAPHIC)} was told of", _firmographics,
    ),
)  # fmt: skip
FACTS: Mapping[tuple[str, str], Fact] = {(each.object, each.name): each for each in CATALOGUE}


def facts_of(object_name: str) -> list[Fact]:
    """Return the derived facts of an object."""
    return [each for each in CATALOGUE if each.object == object_name]
