"""Measuring the pipeline: what was entered by hand, what signals make by themselves, what they say nothing for.

Which records are one deal is read from the entities that resolving made, as they stood; it is not worked out here.

A measurement is an entry with the ledger position it was made at, and only what stood before that position went into it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import cast

from pilothouse.data.deals import is_closed
from pilothouse.data.defining.evaluating import Evaluator
from pilothouse.data.defining.judging import Judge
from pilothouse.data.graph.graph import Account, BuyerGraph
from pilothouse.data.identity.deals import DEAL
from pilothouse.data.identity.entities import Entities
from pilothouse.data.identity.mirrors import shown
from pilothouse.data.pipeline.measured import NOBODY, Backing, Deal, Measured, deal_of, measured_of
from pilothouse.data.pipeline.projection import DERIVED, LAPSED, Derived, derived_of, standing
from pilothouse.data.pipeline.rules import Derivation, Rules, confidence, evaluate
from pilothouse.data.store import Record
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.clock import new_id, stamp
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.values import Json, canonical

KIND = "pipeline.measured"
MOST_EVIDENCE = 50
PHANTOM = "phantom"
"""The term that calls an open deal dead."""


class Pipeline:
    """Measures, and remembers what was measured."""

    def __init__(self, ledger: Ledger, graph: BuyerGraph, judge: Judge, entities: Entities, rules: Rules) -> None:
        self._ledger, self._graph, self._judge, self._rules = ledger, graph, judge, rules
        self._entities = entities

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
        return None if found is None else measured_of(found, standing(self._ledger))

    def _open(self, accounts: Sequence[Account], system: str, as_of: datetime, before: int) -> tuple[Deal, ...]:
        """Return every open deal once, the largest first."""
        deals = self._deals(accounts, system, self._judge.at(as_of), as_of, before)
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

    def _held(self, system: str, before: int) -> Iterator[tuple[str, list[Record]]]:
        """Yield each deal with its entity and all its records, that of the leading system first."""
        known = self._graph.known
        refs = known.refs(DEAL, before)
        entities = known.entities(map(str, refs), before)
        records = known.records(refs, before)
        groups: dict[str, list[Record]] = {}
        for ref in sorted(refs, key=lambda each: (each.system != system, each)):
            if not records[ref].merged_into:
                groups.setdefault(entities.get(str(ref), str(ref)), []).append(records[ref])
        for group in groups.values():
            yield entities.get(str(group[0].ref), ""), group

    def _deals(
        self, accounts: Sequence[Account], system: str, ask: Evaluator, as_of: datetime, before: int
    ) -> Iterator[Deal]:
        """Yield each open deal once, under the account of the first of its records that is of one."""
        backed: dict[RecordRef, Backing] = {}
        for account in reversed(accounts):
            if account.node.deals:
                backed |= dict.fromkeys((deal.ref for deal in account.node.deals), self._backing(account, as_of))
        said = self._entities.judgements(DEAL)
        for entity, records in self._held(system, before):
            if not is_closed(records[0], self._graph.definitions):
                backing = next((found for each in records if (found := backed.get(each.ref))), NOBODY)
                mirrors = shown(records, said) if len(records) > 1 else ()
                yield deal_of(entity, records, mirrors, backing, self._doubts(records[0], backing, ask))

    def _backing(self, account: Account, as_of: datetime) -> Backing:
        rule, catalogue, windows = self._rules.support, self._graph.catalogue, account.features.windows
        told = {kind.value for kind in rule.kinds}
        heaviest = sorted(account.seen, key=lambda each: -each.weight(catalogue, as_of))
        evidence = [each.position for each in heaviest if each.kind in told and (as_of - each.at).days < 90]
        support = rule.score(sum(windows[kind.value][90].weight for kind in rule.kinds))
        return Backing(str(account.node.ref), support, tuple(evidence[:MOST_EVIDENCE]))

    def _doubts(self, deal: Record, backing: Backing, ask: Evaluator) -> list[str]:
        doubts: list[str] = []
        least = self._rules.support.least
        if not backing.account:
            doubts.append("it belongs to no account, so that no signal can speak for it")
        elif backing.support < least:
            doubts.append(f"signals of the last 90 days support it to {backing.support:.2f}, less than {least:.2f}")
        if self._judge.definitions.has(PHANTOM) and (found := ask.evaluate(PHANTOM, deal)).holds:
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
