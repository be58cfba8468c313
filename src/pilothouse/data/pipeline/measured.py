"""What a measurement of the pipeline tells: open deals, each once, with what speaks for them; and how it is written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from pilothouse.data.deals import amount_of, day
from pilothouse.data.identity.mirrors import Mirror
from pilothouse.data.pipeline.projection import Derived
from pilothouse.data.store import Record
from pilothouse.ledger.entries import Entry
from pilothouse.vocabulary.clock import unstamp


@dataclass(frozen=True, slots=True)
class Deal:
    """One open deal, counted once: all records of it, what signals say for it (0 to 1), why it is doubted, if it is.

    `entity` is its lasting identifier, empty for a deal that was never resolved.
    """

    records: tuple[str, ...]
    entity: str
    name: str
    account: str
    stage: str
    amount: float | None
    close_date: str
    owner: str
    support: float
    evidence: tuple[int, ...]
    doubts: tuple[str, ...]
    mirrors: tuple[Mirror, ...]

    @property
    def supported(self) -> bool:
        """False for a candidate for a phantom."""
        return not self.doubts


@dataclass(frozen=True)
class Measured:
    """The pipeline at a moment: open deals, derived opportunities, and the position all of it rests on."""

    system: str
    as_of: datetime
    before: int
    deals: tuple[Deal, ...]
    derived: tuple[Derived, ...]
    position: int | None = None

    def totals(self) -> Mapping[str, Mapping[str, float]]:
        """Return count and amount of supported and of doubted deals, and the count of derived opportunities."""
        told: dict[str, Mapping[str, float]] = {}
        for name, wanted in (("supported", True), ("unsupported", False)):
            chosen = [deal for deal in self.deals if deal.supported is wanted]
            told[name] = {"deals": len(chosen), "amount": sum(deal.amount or 0.0 for deal in chosen)}
        mirrored = sum(len(deal.records) - 1 for deal in self.deals)
        return told | {"derived": {"deals": len(self.derived)}, "mirrors": {"records": mirrored}}


@dataclass(frozen=True, slots=True)
class Backing:
    """How far signals of the last 90 days speak for an account's deals (0 to 1), and the positions of the heaviest."""

    account: str
    support: float
    evidence: tuple[int, ...]


NOBODY = Backing("", 0.0, ())
"""What speaks for a deal that is of no account."""


def deal_of(
    entity: str, records: Sequence[Record], mirrors: Sequence[Mirror], backing: Backing, doubts: Sequence[str]
) -> Deal:
    """Return a deal by its records: of each field the first one's value that has any; stage and owner are the first one's."""
    first = records[0]
    closes = next((found for each in records if (found := day(each, "close_date"))), None)
    return Deal(
        records=tuple(str(each.ref) for each in records),
        entity=entity,
        name=next((text for each in records if (text := each.text("name"))), str(first.ref)),
        account=backing.account,
        stage=first.text("stage"),
        amount=next((amount for each in records if (amount := amount_of(each)) is not None), None),
        close_date=closes.isoformat() if closes else "",
        owner=first.text("owner"),
        support=backing.support,
        evidence=backing.evidence,
        doubts=tuple(doubts),
        mirrors=tuple(mirrors),
    )


def measured_of(entry: Entry, derived: Sequence[Derived]) -> Measured:
    """Read a measurement from its entry; `derived` are the opportunities that stand."""
    raw = cast("list[dict[str, Any]]", entry.body["deals"])
    deals = tuple(_told(each) for each in raw)
    body = entry.body
    return Measured(body["system"], unstamp(body["as_of"]), body["before"], deals, tuple(derived), entry.position)


def _told(raw: dict[str, Any]) -> Deal:
    told: dict[str, Any] = {**raw, "mirrors": tuple(Mirror(**each) for each in raw["mirrors"])}
    told |= {name: tuple(raw[name]) for name in ("records", "evidence", "doubts")}
    return Deal(**told)
