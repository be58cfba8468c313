"""What up to 200 answers are worth: F1 before and after learning, with somebody answering who knows the truth; JSON lines.

Runs the product's own path: pairs are those that `find_doubts` would show, in rounds, the correction is `learning.fit`, and
groups are made with and without the answers as judgements. Sets: the public Chicago organisations (a folder with its CSV
as argument), Splink's 1,000 made-up persons, and made-up companies of several sizes and seeds.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.resolve import quality

from pilothouse.data.identity.doubts import find_doubts
from pilothouse.data.identity.features import ACCOUNT, CONTACT
from pilothouse.data.identity.grouping import group
from pilothouse.data.identity.index import Index
from pilothouse.data.identity.learning import fit
from pilothouse.data.identity.measuring import measure
from pilothouse.data.identity.pairs import weigh
from pilothouse.data.identity.weights import Correction, Weights, corrected
from pilothouse.testing.companies import companies

Word = tuple[str, str]


@dataclass(frozen=True)
class Labelled:
    """Records as rows of fields, with the entity each one is of."""

    rows: Sequence[Sequence[str]]
    truth: Sequence[object]
    object: str = "account"


@dataclass(frozen=True)
class Asked:
    """F1 without answers, with the weights learned from them, and with the answers as judgements as well.

    `correction` is None where all answers were alike: nothing is learned then.
    """

    labels: int
    correction: Correction | None
    before: float
    after_model: float
    after: float


def made(size: int, seed: int) -> Labelled:
    told = companies(size, seed)
    return Labelled(
        [tuple(getattr(each, name, "") for name in ACCOUNT) for each in told], [each.truth for each in told]
    )


def chicago(rows: Sequence[Mapping[str, str]]) -> Labelled:
    fields = {"name": "Site name", "address": "Address", "postcode": "Zip", "phone": "Phone"}
    told = [tuple(row[fields[name]].strip() if name in fields else "" for name in ACCOUNT) for row in rows]
    return Labelled(told, [row["True Id"] for row in rows])


def persons(rows: Sequence[Mapping[str, str]]) -> Labelled:
    """Splink's 1,000 made-up persons: names, e-mail, city; no employer, no phone."""
    fields = {"first_name": "first_name", "last_name": "surname", "email": "email"}
    told = [tuple((row[fields[name]] or "").strip() if name in fields else "" for name in CONTACT) for row in rows]
    return Labelled(told, [row["cluster"] for row in rows], "contact")


def asked(given: Labelled, rounds: int = 4, each: int = 50) -> Asked:
    """Ask about `each` pairs a round, of somebody who knows, and learn after each."""
    refs = [f"s/{given.object}/{number:06}" for number in range(len(given.rows))]
    truth = dict(zip(refs, given.truth, strict=True))
    index = Index(given.object)
    index.begin()
    index.take(zip(refs, given.rows, strict=True))
    base = measure(index)
    index.fix(base.common)
    said: dict[Word, bool] = {}
    correction: Correction | None = None
    for _ in range(rounds):
        for one, other in _unanswered(index, corrected(base, correction), said)[:each]:
            said[one, other] = truth[one] == truth[other]
        levels, bits, same = weigh(index.connection, index.model, base, said)
        if len(same) and 0 < same.sum() < len(same):
            correction = fit(index.model, levels, bits, same)
    same, different = {pair for pair, yes in said.items() if yes}, {pair for pair, yes in said.items() if not yes}
    kept = correction if correction is not None and correction.helps else None

    def f1(weights: Weights, same: set[Word], different: set[Word]) -> float:
        found = group(index, weights, same, different)
        precision, recall = quality(found.labels.tolist(), [truth[ref] for ref in found.refs])
        return 2 * precision * recall / max(1e-9, precision + recall)

    learned = corrected(base, kept)
    result = Asked(
        len(said), correction, f1(base, set(), set()), f1(learned, set(), set()), f1(learned, same, different)
    )
    index.close()
    return result


def _unanswered(index: Index, weights: Weights, said: Mapping[Word, bool]) -> list[Word]:
    found = ((str(each.one), str(each.other)) for each in find_doubts(index, weights))
    return [pair for pair in found if pair not in said]


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    sets: dict[str, Labelled] = {}
    if folder is not None:
        with (folder / "dedupe_chicago_orgs/csv_example_input_with_true_ids.csv").open() as file:
            sets["chicago"] = chicago(list(csv.DictReader(file)))
        with (folder / "splink_datasets/fake_1000.csv").open() as file:
            sets["fake_1000"] = persons(list(csv.DictReader(file)))
    sets |= {f"made {size:,} seed {seed}": made(size, seed) for size in (1_000, 20_000) for seed in (1, 2)}
    for name, given in sets.items():
        for rounds, each in ((1, 200), (4, 50)):
            found = asked(given, rounds, each)
            print(
                json.dumps(
                    {
                        "benchmark": "judgements",
                        "set": name,
                        "rounds": rounds,
                        "labels": found.labels,
                        "f1_before": round(found.before, 4),
                        "f1_learned": round(found.after_model, 4),
                        "f1_learned_and_judged": round(found.after, 4),
                        "surprise_before": round(found.correction.before, 2) if found.correction else None,
                        "surprise_after": round(found.correction.after, 2) if found.correction else None,
                        "refused": found.correction is None or not found.correction.helps,
                    }
                ),
                flush=True,
            )


if __name__ == "__main__":
    main()
