"""Measuring the pipeline: what was entered by hand, what signals make by themselves, what they say nothing for.

A measurement is an entry with the ledger position it was made at, and only what stood before that position went into it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, cast

from pilothouse.data.deals import day, is_closed
from pilothouse.data.defining.evaluating import Evaluator
from pilothouse.data.defining.judging import Judge
from pilothouse.data.graph.features import amount_of
from pilothouse.data.graph.graph import Account, BuyerGraph
from pilothouse.data.pipeline.mirrors import Mirror, grouped
from pilothouse.data.pipeline.projection import DERIVED, LAPSED, Derived, derived_of, standing
from pilothouse.data.pipeline.rules import Derivation, Rules, confidence, evaluate
from pilothouse.data.store import Record
from pilothouse.ledger.entries import Draft, Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.clock import new_id, stamp, unstamp
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.values import Json, canonical

KIND = "pipeline.measured"
MOST_EVIDENCE = 50
PHANTOM = "phantom"
"""The term that calls an open deal dead."""


@dataclass(frozen=True, slots=True)
class Deal:
    """One open deal, counted once: all records of it, what signals say for it (0 to 1), why it is doubted, if it is."""

    records: tuple[str, ...]
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


class Pipeline:
    """Measures, and remembers what was measured."""

    def __init__(self, ledger: Ledger, graph: BuyerGraph, judge: Judge, rules: Rules) -> None:
        self._ledger, self._graph, self._judge, self._rules = ledger, graph, judge, rules

    def measure(self, system: str, as_of: datetime, by: Actor) -> Measured:
        """Measure from what is recorded now; `system` leads where several hold a deal. Writes down what it finds."""
        before = self._ledger.size()
        accounts = list(self._accounts(system, as_of, before))
        deals = self._open(accounts, system, as_of, before)
        drafts = self._derive(accounts, as_of, by)
        measured = Measured(system, as_of, before, deals, ())
        body: dict[str, Json] = {
            "system": system, "as_of": stamp(as_of), "before": before,
            "deals": cast("list[Json]", [asdict(deal) for deal in measured.deals]),
        }  # fmt: skip
        entries = self._ledger.append([*drafts, Draft(KIND, by, body, subject=f"pipeline/{system}")])
        return Measured(system, as_of, before, measured.deals, tuple(standing(self._ledger)), entries[-1].position)

    def look(self, system: str, as_of: datetime) -> Measured:
        """Measure what is recorded now as of another moment, writing nothing down: it has no `position`."""
        before = self._ledger.size()
        accounts = list(self._accounts(system, as_of, before))
        found = [body for _, body in self._holding(accounts, as_of)]
        derived = sorted((derived_of(body) for body in found), key=lambda each: (-each.confidence, each.id))
        return Measured(system, as_of, before, self._open(accounts, system, as_of, before), tuple(derived))

    def latest(self, system: str) -> Measured | None:
        """Return the last measurement, with the derived opportunities that stand."""
        found = next(iter(deque(self._ledger.entries(kinds={KIND}, subject=f"pipeline/{system}"), maxlen=1)), None)
        return None if found is None else _measured(found, standing(self._ledger))

    def _open(self, accounts: Sequence[Account], system: str, as_of: datetime, before: int) -> tuple[Deal, ...]:
        """Return every open deal once, the largest first."""
        orphans = self._orphans(accounts, before)
        ask = self._judge.at(as_of)
        deals = [deal for each in accounts for deal in self._deals(each, system, ask, as_of)]
        deals += [self._orphan(each, ask) for each in orphans if not is_closed(each, self._graph.definitions)]
        return tuple(sorted(deals, key=lambda deal: -(deal.amount or 0)))

    def _accounts(self, system: str, as_of: datetime, before: int) -> Iterator[Account]:
        """Yield each account once, by its record in the leading system where it has one."""
        graph = self._graph.whole(before)
        refs = graph.known.refs("account", before)
        seen: set[RecordRef] = set()
        for ref in sorted(refs, key=lambda each: (each.system != system, each)):
            if ref not in seen:
                account = graph.bare(ref, as_of, before)
                seen |= {record.ref for record in account.node.accounts}
                yield account

    def _orphans(self, accounts: Sequence[Account], before: int) -> list[Record]:
        """Return the deals that belong to no known account."""
        placed = {deal.ref for account in accounts for deal in account.node.deals}
        left = [ref for ref in self._graph.known.refs("opportunity", before) if ref not in placed]
        return list(self._graph.known.records(left, before).values())

    def _deals(self, account: Account, system: str, ask: Evaluator, as_of: datetime) -> Iterator[Deal]:
        rule, catalogue = self._rules.support, self._graph.catalogue
        windows = account.features.windows
        support = rule.score(sum(windows[kind.value][90].weight for kind in rule.kinds))
        heaviest = sorted(account.seen, key=lambda each: -each.weight(catalogue, as_of))
        told = {kind.value for kind in rule.kinds}
        evidence = [each.position for each in heaviest if each.kind in told and (as_of - each.at).days < 90]
        for records, mirrors in grouped(account.node.deals, system):
            if not is_closed(records[0], self._graph.definitions):
                yield _deal(
                    records, mirrors, str(account.node.ref), support, evidence[:MOST_EVIDENCE],
                    self._doubts(records, support, ask),
                )  # fmt: skip

    def _orphan(self, deal: Record, ask: Evaluator) -> Deal:
        why = "it belongs to no account, so that no signal can speak for it"
        return _deal([deal], [], "", 0.0, [], [why, *self._doubts([deal], 1.0, ask)])

    def _doubts(self, records: Sequence[Record], support: float, ask: Evaluator) -> list[str]:
        doubts: list[str] = []
        if support < self._rules.support.least:
            doubts.append(
                f"signals of the last 90 days support it to {support:.2f}, less than {self._rules.support.least:.2f}"
            )
        if self._judge.definitions.has(PHANTOM) and (found := ask.evaluate(PHANTOM, records[0])).holds:
            doubts.append(f"{PHANTOM}, as defined: {found.reason}")
        return doubts

    def _derive(self, accounts: Sequence[Account], as_of: datetime, by: Actor) -> list[Draft]:
        drafts: list[Draft] = []
        kept: set[str] = set()
        for known, body in self._holding(accounts, as_of):
            kept.add(str(body["id"]))
            if known is None or _changed(known, body):
                drafts.append(Draft(DERIVED, by, body, subject=str(body["account"])))
        for each in standing(self._ledger):
            if each.id not in kept:
                why: dict[str, Json] = {
                    "id": each.id,
                    "definition": each.definition,
                    "sentence": "Its conditions hold no more.",
                }
                drafts.append(Draft(LAPSED, by, why, subject=each.account))
        return drafts

    def _holding(
        self, accounts: Sequence[Account], as_of: datetime
    ) -> Iterator[tuple[Derived | None, dict[str, Json]]]:
        """Yield each derived opportunity whose conditions hold, after the one that stands of it already."""
        before = {(each.definition, each.account): each for each in standing(self._ledger)}
        for account in accounts:
            for rule in self._rules.derived:
                names = [str(record.ref) for record in account.node.accounts]
                known = next((found for name in names if (found := before.get((rule.name, name)))), None)
                body = self._derived(account, rule, known, as_of)
                if body is not None:
                    yield known, body

    def _derived(
        self, account: Account, rule: Derivation, known: Derived | None, as_of: datetime
    ) -> dict[str, Json] | None:
        numbers = account.features.numbers()
        checks = evaluate(rule.all, numbers)
        if not all(check.holds for check in checks):
            return None
        kinds = {kind.value for kind in rule.evidence}
        recent = [each for each in account.seen if each.kind in kinds and (as_of - each.at).days < 90]
        return {
            "id": known.id if known else new_id("opp"),
            "definition": rule.name,
            "account": str(account.node.ref),
            "entity": account.node.entity,
            "confidence": confidence(rule.all, numbers),
            "since": known.since if known else stamp(as_of),
            "evidence": sorted(each.position for each in recent)[-MOST_EVIDENCE:],
            "conditions": cast("list[Json]", [asdict(check) for check in checks]),
            "sentence": rule.words,
        }


def _changed(known: Derived, body: dict[str, Json]) -> bool:
    """True when there is other evidence; that weights fade by themselves is no news."""
    told = (list(known.evidence), known.account, known.entity)
    return canonical(list(told)) != canonical([body["evidence"], body["account"], body["entity"]])


def _deal(
    records: Sequence[Record],
    mirrors: Sequence[Mirror],
    account: str,
    support: float,
    evidence: Sequence[int],
    doubts: Sequence[str],
) -> Deal:
    first = records[0]
    closes = next((found for each in records if (found := day(each, "close_date"))), None)
    return Deal(
        records=tuple(str(each.ref) for each in records),
        name=next((text for each in records if (text := each.text("name"))), str(first.ref)),
        account=account,
        stage=first.text("stage"),
        amount=next((amount for each in records if (amount := amount_of(each)) is not None), None),
        close_date=closes.isoformat() if closes else "",
        owner=first.text("owner"),
        support=support,
        evidence=tuple(evidence),
        doubts=tuple(doubts),
        mirrors=tuple(mirrors),
    )


def _measured(entry: Entry, derived: Sequence[Derived]) -> Measured:
    raw = cast("list[dict[str, Any]]", entry.body["deals"])
    deals = tuple(_told(each) for each in raw)
    body = entry.body
    return Measured(body["system"], unstamp(body["as_of"]), body["before"], deals, tuple(derived), entry.position)


def _told(raw: dict[str, Any]) -> Deal:
    told: dict[str, Any] = {**raw, "mirrors": tuple(Mirror(**each) for each in raw["mirrors"])}
    told |= {name: tuple(raw[name]) for name in ("records", "evidence", "doubts")}
    return Deal(**told)
