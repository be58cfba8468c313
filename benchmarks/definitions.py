"""Every shipped term of a deal, and its stage, asked of 100,000 deals with as many activities; prints one JSON line each.

`ratio` is the time of asking over that of one bare pass over the same records that reads three fields of each. The
number of deals is an argument.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pilothouse.data.defining.evaluating import Evaluator
from pilothouse.data.defining.reading import load_definitions
from pilothouse.data.store import Record
from pilothouse.vocabulary.records import FieldValue, RecordRef, WriterKind
from pilothouse.workspace.config import STARTER

NOW = datetime(2026, 6, 1, tzinfo=UTC)
STAGES = ("Prospecting", "Engaging", "Proposal", "Closed Won", "Closed Lost")


class Records:
    """Generated deals and activities, in memory."""

    def __init__(self, deals: int) -> None:
        self.deals = [_deal(number) for number in range(deals)]
        self.activities = [_activity(number) for number in range(deals)]

    def records_of(self, object_name: str, system: str) -> Sequence[Record]:
        return {"opportunity": self.deals, "activity": self.activities}.get(object_name, [])

    def histories(self, object_name: str, field: str, system: str) -> Mapping[str, Sequence[FieldValue]]:
        return {each.ref.id: [each.fields[field]] for each in self.deals if field in each.fields}


def _record(object_name: str, number: int, **fields: Any) -> Record:
    told = {name: FieldValue(value, "crm", NOW, WriterKind.IMPORT, "bench") for name, value in fields.items()}
    return Record(RecordRef("crm", object_name, str(number)), told)


def _day(days: int) -> str:
    return (NOW - timedelta(days=days)).date().isoformat()


def _deal(number: int) -> Record:
    stage, amount = STAGES[number % 5], float(number % 900)
    known: dict[str, Any] = {} if number % 10 == 3 else {"engaged_date": _day(number % 400 + 30)}
    closed = number % 5 > 2
    ended = _day(number % 29 + (1 if closed else -30))
    return _record(
        "opportunity", number, stage=stage, amount=amount, account="a", is_closed=closed, close_date=ended, **known
    )


def _activity(number: int) -> Record:
    return _record("activity", number, opportunity=str(number * 7 % 100_000), at=_day(number % 90))


def main() -> None:
    deals = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    definitions, source = load_definitions(STARTER / "definitions"), Records(deals)
    start = time.perf_counter()
    sum(1 for each in source.deals if each.value("stage") and each.value("amount") and each.value("close_date"))
    bare = time.perf_counter() - start
    for term in definitions.terms_of("opportunity"):
        evaluator = Evaluator(definitions, source, NOW)
        start = time.perf_counter()
        counts = Counter(evaluator.answer(term.name, deal).value for deal in source.deals)
        _print(term.name, deals, time.perf_counter() - start, bare, counts)
    evaluator = Evaluator(definitions, source, NOW)
    start = time.perf_counter()
    counts = Counter(evaluator.stage_check(deal).answer.value for deal in source.deals)
    _print("(stage)", deals, time.perf_counter() - start, bare, counts)


def _print(what: str, deals: int, seconds: float, bare: float, counts: Counter[str]) -> None:
    line = {"benchmark": "definitions", "term": what, "deals": deals, "seconds": round(seconds, 2)}
    print(json.dumps({**line, "ratio": round(seconds / bare, 1), "answers": dict(counts)}), flush=True)


if __name__ == "__main__":
    main()
