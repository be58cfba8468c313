"""A live governed write through every stage on the twin, against two bare durable commits; prints one JSON line.

`ratio` is the time of a governed action over the time of two bare durable commits on the same disk in the same run (the
twin's own durable commit is part of the action). `decided_per_s_32` counts actions that were decided and recorded
(shadow: one entry each) with 32 callers.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.world import World, make_world

from pilothouse.testing.clock import TestClock
from pilothouse.vocabulary.actions import Action, Evidence
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.verdicts import Mode
from pilothouse.workspace.config import init_workspace

RULES = 100
WRITES = 200
CALLERS = 16


def bare_commits(path: Path, count: int) -> list[float]:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, line TEXT)")
    times: list[float] = []
    for number in range(count):
        start = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO t VALUES (?, ?)", (number, "x" * 400))
        connection.execute("COMMIT")
        times.append(time.perf_counter() - start)
    return times


def rule(number: int) -> str:
    """A rule about the benchmark's own capability; one in ten of them speaks."""
    condition = f'confidence > 0.5 && {"" if number % 10 == 0 else "!"}("industry" in change.fields) && confidence != 0.{number:03}1'
    return f"  - {{id: more-{number}, applies_to: [crm.account.update], when: '{condition}', then: auto, reason: More rules.}}"


def world(folder: Path) -> World:
    root = folder / "w"
    init_workspace(root)
    rules = [rule(number) for number in range(RULES)]
    (root / "policy" / "more.yaml").write_text("rules:\n" + "\n".join(rules) + "\n")
    made = make_world(root, TestClock())
    made.app.twin.seed(("account", f"b{n}", {"name": f"Bench {n}", "industry": None}) for n in range(2000))
    made.app.take_in()
    return made


def fill(number: int) -> Action:
    return Action(
        "crm.account.update",
        RecordRef("crm", "account", f"b{number}"),
        {"industry": "software"},
        "Fill what is missing.",
        0.95,
        (Evidence("another source says so", position=0),),
        expects={"industry": None},
    )


def timed(act: Callable[[int], object], numbers: range) -> list[float]:
    times: list[float] = []
    for number in numbers:
        start = time.perf_counter()
        act(number)
        times.append(time.perf_counter() - start)
    return times


def together(act: Callable[[int], object], callers: int, each: int, first: int) -> float:
    def work(caller: int) -> None:
        for number in range(each):
            act(first + caller * each + number)

    threads = [threading.Thread(target=work, args=(caller,)) for caller in range(callers)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return callers * each / (time.perf_counter() - start)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = world(folder)
        token = made.token()
        shadow_rate = together(lambda n: made.gateway.submit(fill(n % 2000), token), 32, 20, 0)
        made.promote("crm.account.update:fill-empty", Mode.LIVE, bulk_allowance=100_000)
        bare = bare_commits(folder / "bare.sqlite", 2 * WRITES)
        governed = timed(lambda n: made.gateway.submit(fill(n), token), range(WRITES))
        rate = together(lambda n: made.gateway.submit(fill(n), token), CALLERS, 40, WRITES)
        made.app.close()
    two_bare, action = 2 * statistics.median(bare), statistics.median(governed)
    print(
        json.dumps(
            {
                "benchmark": "governed_action",
                "two_bare_commits_ms": round(two_bare * 1e3, 3),
                "governed_p50_ms": round(action * 1e3, 3),
                "ratio": round(action / two_bare, 2),
                "one_caller_per_s": round(1 / statistics.mean(governed)),
                "callers_16_per_s": round(rate),
                "callers_16_over_one": round(rate * statistics.mean(governed), 2),
                "decided_per_s_32": round(shadow_rate),
            }
        )
    )


if __name__ == "__main__":
    main()
