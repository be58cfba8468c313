"""Definitions asked about the records as they are known: one record, every record of an object, every stage.

What has been worked out is kept as long as nothing was written to the ledger. What must never happen here: an answer
about records that have changed since.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from pilothouse.data.defining.answers import Answer, StageCheck
from pilothouse.data.defining.evaluating import Evaluator
from pilothouse.data.defining.surroundings import StoreSource
from pilothouse.data.defining.variables import STAGED
from pilothouse.data.definitions import Definitions
from pilothouse.data.store import DataStore
from pilothouse.ledger.ledger import Ledger

EXAMPLES = 5


@dataclass
class Tally:
    """How many records gave each answer, and the first that said yes."""

    counts: Counter[Answer] = field(default_factory=Counter[Answer])
    examples: list[str] = field(default_factory=list[str])


@dataclass
class Contradicted:
    """One thing that a stage asks: how many deals contradict it, on how many it is open, the first reasons."""

    stage: str
    kind: str
    criterion: str
    against: int = 0
    open: int = 0
    examples: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


@dataclass
class StageReport:
    """Every deal's stage held against what the stage asks. `deals` counts them by answer."""

    deals: Counter[Answer]
    criteria: list[Contradicted]
    version: str


class Judge:
    """Answers about a system's records as of a moment; for any number of callers side by side."""

    def __init__(self, ledger: Ledger, store: DataStore, definitions: Definitions) -> None:
        self._ledger, self._store, self.definitions = ledger, store, definitions
        self._lock = threading.Lock()
        self._kept: tuple[tuple[int, datetime], Evaluator, StoreSource] | None = None

    def at(self, as_of: datetime) -> Evaluator:
        """Return the evaluator over everything that is known, as of a moment."""
        return self._current(as_of)[0]

    def _current(self, as_of: datetime) -> tuple[Evaluator, StoreSource]:
        key = (self._ledger.size(), as_of)
        with self._lock:
            if self._kept is None or self._kept[0] != key:
                source = StoreSource(self._store)
                self._kept = (key, Evaluator(self.definitions, source, as_of), source)
            return self._kept[1], self._kept[2]

    def tally(self, term: str, system: str, as_of: datetime) -> Tally:
        """Return how many of a system's records a term holds of; raises `NotFound` for no such term."""
        evaluator, source = self._current(as_of)
        tally = Tally()
        for record in source.records_of(self.definitions.term(term).object, system):
            answer = evaluator.answer(term, record)
            tally.counts[answer] += 1
            if answer is Answer.YES and len(tally.examples) < EXAMPLES:
                tally.examples.append(str(record.ref))
        return tally

    def stages(self, system: str, as_of: datetime) -> StageReport:
        """Hold every deal of a system against what its stage asks."""
        evaluator, source = self._current(as_of)
        return report(evaluator.stage_check(deal) for deal in source.records_of(STAGED, system))


def report(checks: Iterable[StageCheck]) -> StageReport:
    """Gather what came of holding deals against their stages."""
    deals: Counter[Answer] = Counter()
    found: dict[tuple[str, str, str], Contradicted] = {}
    version = ""
    for check in checks:
        version = check.version
        deals[check.answer] += 1
        for key, sentence, counts in _asked(check):
            line = found.setdefault(key, Contradicted(*key))
            line.against += counts
            line.open += not counts
            if counts and len(line.examples) < EXAMPLES:
                line.examples.append((check.record, sentence))
    return StageReport(deals, sorted(found.values(), key=lambda each: -each.against), version)


def _asked(check: StageCheck) -> Iterator[tuple[tuple[str, str, str], str, bool]]:
    if check.stage is None:
        yield (check.named or "–", "undefined", "A stage that is defined"), check.sentences[0], True
    for each in check.against:
        yield (each.stage, each.kind, each.judged.criterion.text), each.sentence, True
    for each in check.open:
        yield (each.stage, each.kind, each.judged.criterion.text), each.sentence, False
