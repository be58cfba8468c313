"""The typed feature view of an account at a moment: what agents and definitions decide on.

Point in time: from what was recorded by then and happened by then, so that a signal that arrives late changes no
answer about the past. Weights fade by the catalogue (strength × 0.5^(age / half-life)), whose version stands with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pilothouse.data.deals import amount_of, is_closed
from pilothouse.data.definitions import Definitions
from pilothouse.data.graph.happenings import Seen
from pilothouse.data.graph.nodes import Node
from pilothouse.data.graph.seniority import Seniority, seniority
from pilothouse.data.signals.catalogue import Catalogue, SignalKind
from pilothouse.data.store import Record
from pilothouse.vocabulary.records import FieldValue, RecordRef

WINDOWS = (7, 30, 90)
USAGE_DAYS = 30
VELOCITY_DAYS = 90


@dataclass(frozen=True, slots=True)
class Window:
    """How many signals of a kind happened in so many days, and what they weigh together at the moment."""

    count: int
    weight: float


@dataclass(frozen=True, slots=True)
class Features:
    """An account's features. None means that nothing can be said; it never stands for 0.

    `windows` is by kind and days. `usage_30d` sums the attribute that counts use; `usage_trend` is its change against the
    30 days before, as a share. `deal_velocity` is stages moved forward per open deal and 30 days, over the last 90.
    """

    ref: RecordRef
    entity: str
    as_of: datetime
    position: int
    catalogue: str
    windows: Mapping[str, Mapping[int, Window]]
    first_touch: datetime | None
    last_touch: datetime | None
    contacts: int
    engaged_contacts: int
    seniority_reached: str
    seniority_rank: int
    usage_30d: int | None
    usage_trend: float | None
    open_deals: int
    open_amount: float
    deal_velocity: float | None

    def numbers(self) -> dict[str, float | None]:
        """Return the features by the names that definitions use, such as `count.intent.30d`."""
        flat: dict[str, float | None] = {}
        for kind, windows in self.windows.items():
            for days, window in windows.items():
                flat[f"count.{kind}.{days}d"], flat[f"weight.{kind}.{days}d"] = window.count, window.weight
        touched = (self.as_of - self.last_touch).total_seconds() / 86_400 if self.last_touch else None
        known = (self.as_of - self.first_touch).total_seconds() / 86_400 if self.first_touch else None
        return flat | {
            "days_since_last_touch": touched,
            "days_since_first_touch": known,
            "contacts": self.contacts,
            "engaged_contacts": self.engaged_contacts,
            "seniority_rank": self.seniority_rank,
            "usage_30d": self.usage_30d,
            "usage_trend": self.usage_trend,
            "open_deals": self.open_deals,
            "open_amount": self.open_amount,
            "deal_velocity": self.deal_velocity,
        }


NAMES: frozenset[str] = frozenset(
    [f"{what}.{kind.value}.{days}d" for what in ("count", "weight") for kind in SignalKind for days in WINDOWS]
    + ["days_since_last_touch", "days_since_first_touch", "contacts", "engaged_contacts", "seniority_rank", "usage_30d"]
    + ["usage_trend", "open_deals", "open_amount", "deal_velocity"]
)
"""Every name that `Features.numbers` has."""


def features_of(
    node: Node,
    seen: Sequence[Seen],
    stages: Mapping[RecordRef, Sequence[FieldValue]],
    catalogue: Catalogue,
    definitions: Definitions,
    moment: datetime,
) -> Features:
    """Work the features out from what was known of a node; `stages` is the stage history of its deals."""
    past = [each for each in seen if each.at <= moment]
    touches = [each for each in past if each.engagement]
    engaged = {each.contact for each in touches if each.contact and _within(each, moment, 90)}
    levels = [seniority(person.text("title")) for person in node.people if str(person.ref) in engaged]
    top = max(levels, default=Seniority.UNKNOWN)
    open_deals = [deal for deal in node.each_deal if not is_closed(deal, definitions)]
    usage, trend = _usage(past, catalogue, moment)
    return Features(
        ref=node.ref,
        entity=node.entity,
        as_of=moment,
        position=node.before,
        catalogue=catalogue.version,
        windows={kind.value: _windows(past, kind, catalogue, moment) for kind in SignalKind},
        first_touch=touches[0].at if touches else None,
        last_touch=touches[-1].at if touches else None,
        contacts=len(node.people),
        engaged_contacts=len(engaged),
        seniority_reached=top.words,
        seniority_rank=int(top),
        usage_30d=usage,
        usage_trend=trend,
        open_deals=len(open_deals),
        open_amount=float(sum(amount for deal in open_deals if (amount := amount_of(deal)) is not None)),
        deal_velocity=_velocity(open_deals, stages, definitions, moment),
    )


def _within(each: Seen, moment: datetime, days: int) -> bool:
    return moment - timedelta(days=days) < each.at <= moment


def _windows(past: Sequence[Seen], kind: SignalKind, catalogue: Catalogue, moment: datetime) -> Mapping[int, Window]:
    told = [each for each in past if each.kind == kind.value]
    windows: dict[int, Window] = {}
    for days in WINDOWS:
        inside = [each for each in told if _within(each, moment, days)]
        windows[days] = Window(len(inside), round(sum(each.weight(catalogue, moment) for each in inside), 4))
    return windows


def _usage(past: Sequence[Seen], catalogue: Catalogue, moment: datetime) -> tuple[int | None, float | None]:
    """Return use in the last 30 days and its change against the 30 before; None where nothing tells of it."""
    now, before, told = 0.0, 0.0, False
    for each in past:
        known = catalogue.types.get(each.type)
        value = each.attributes.get(known.usage) if known and known.usage else None
        if not isinstance(value, int | float) or not _within(each, moment, 2 * USAGE_DAYS):
            continue
        told = True
        now, before = (now + value, before) if _within(each, moment, USAGE_DAYS) else (now, before + value)
    return (int(now) if told else None), (round(now / before - 1, 4) if before else None)


def _velocity(
    deals: Sequence[Record],
    stages: Mapping[RecordRef, Sequence[FieldValue]],
    definitions: Definitions,
    moment: datetime,
) -> float | None:
    """Return stages moved forward (less those moved back) per open deal and 30 days, in the last 90 days."""
    order = {stage.name: number for number, stage in enumerate(definitions.stages)}
    moved, counted = 0, 0
    for deal in deals:
        places = [
            (value.at, order[stage.name])
            for value in stages.get(deal.ref, ())
            if value.at <= moment and (stage := definitions.stage(str(value.value or ""))) is not None
        ]
        if not places:
            continue
        counted += 1
        start = [place for at, place in places if at <= moment - timedelta(days=VELOCITY_DAYS)]
        moved += places[-1][1] - (start[-1] if start else places[0][1])
    return round(moved / counted * USAGE_DAYS / VELOCITY_DAYS, 4) if counted else None
