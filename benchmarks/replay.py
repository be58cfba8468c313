"""Replaying recorded decisions against a policy with a changed threshold; prints one JSON line.

Decisions are made by the engine on varied facts and written as the gateway writes them, so that the replay reads, parses and
decides what it would in use. `ratio_of_deciding` is the time of a replayed decision over the time of deciding the same facts
alone, in the same run; `most_mib_*` is the peak memory after a tenth and at the end, which tells whether it stays flat.
Options: COUNT (default 50000), WORKERS (default 1).
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from pilothouse.assembly import projectors
from pilothouse.connectors.twin.capabilities import CAPABILITIES
from pilothouse.data.contracts import FieldRule
from pilothouse.decision.engine import decide
from pilothouse.decision.facts import Facts
from pilothouse.decision.modes import Disposition, effective
from pilothouse.decision.policy import Policy
from pilothouse.decision.publishing.content import Content, gather, hash_of, spread
from pilothouse.decision.publishing.editing import edited
from pilothouse.decision.publishing.rules import read_rules
from pilothouse.decision.recording import facts_to_json
from pilothouse.decision.replaying.report import Window
from pilothouse.ledger.database import create_schema, open_database
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.observability.replaying import replay, tally_of
from pilothouse.surfaces.replaying import replayer_of
from pilothouse.testing.clock import TestClock
from pilothouse.vocabulary.actors import Actor, AgentRef, Role
from pilothouse.vocabulary.clock import new_id
from pilothouse.vocabulary.records import FieldChange, WriterKind
from pilothouse.vocabulary.verdicts import Mode
from pilothouse.workspace.config import STARTER

BATCH = 1000
KNOWN = {each.name: each for each in CAPABILITIES}
AGENT = AgentRef("tester", "1")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = {
    Disposition.EXECUTE: "intended",
    Disposition.HOLD: "held",
    Disposition.SHADOW: "shadowed",
    Disposition.REFUSE: "refused",
}
WRITES = (
    ("crm.account.update", "industry", "software"),
    ("crm.account.update", "annual_revenue", 5e6),
    ("crm.contact.update", "title", "CFO"),
    ("crm.opportunity.update", "next_step", "call"),
    ("crm.opportunity.amount", "amount", 2e5),
)


def facts(dice: random.Random) -> Facts:
    name, field, value = dice.choice(WRITES)
    capability = KNOWN[name]
    before = dice.choice([None, None, "retail"]) if isinstance(value, str) else None
    record = {
        "name": f"Alder {dice.randrange(50_000)}",
        field: before,
        "amount": dice.randrange(1, 300_000),
        "country": "Germany",
    }
    return Facts(
        capability=capability, agent=AGENT, person="gita", role=Role.REVOPS, mode=dice.choice(list(Mode)),
        confidence=round(dice.uniform(0.4, 1), 3), object=capability.object, record=record,
        changes=(FieldChange(field, before, value, WriterKind.IMPORT, "import:crm", NOW),), now=NOW,
        arguments={field: value}, write_set_records=dice.randrange(1, 7), evidence_age_days=dice.randrange(400),
        account_id=f"a{dice.randrange(9999)}", account={"industry": "banking", "annual_revenue": dice.randrange(10**9)},
        contract_rules={field: FieldRule(review="never")},
    )  # fmt: skip


def drafts(policy: Policy, dice: random.Random) -> Iterator[Draft]:
    while True:
        given = facts(dice)
        verdict = decide(given, policy)
        status = KINDS[effective(verdict, given.mode)]
        subject = f"crm/{given.object}/{dice.randrange(50_000)}"
        action = new_id("act")
        body: dict[str, Any] = {
            "status": status, "code": verdict.code, "sentence": verdict.sentence, "capability": given.capability.name,
            "action_type": given.capability.name, "target": subject, "system": "crm", "object": given.object,
            "record_id": subject.rpartition("/")[2], "intent": "Fill what is missing.", "confidence": given.confidence,
            "idempotency_key": action, "run": "", "mode": given.mode.value, "payload_hash": "0" * 64, "based_on": 1,
            "causes": [], "records": 1, "recipients": 0, "fields": list(given.arguments), "verdict": verdict.as_json(),
            "review": "", "decided_by": "", "edited_by": "",
        }  # fmt: skip
        values = {"facts": facts_to_json(given), "arguments": dict(given.arguments), "evidence": [], "changes": []}
        yield Draft(f"action.{status}", Actor("gita", AGENT), body, values, subject, action, subject)


def policy_of(content: Content) -> Policy:
    with spread(content) as root:
        return read_rules(root, KNOWN, hash_of(content)).policy


def busy() -> float:
    """CPU seconds of this process and of those it waited for."""
    own, theirs = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + theirs.ru_utime + theirs.ru_stime


def mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main(count: int, workers: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="pilothouse-replay-"))
    shutil.copytree(STARTER, folder / "w")
    engine = open_database(f"sqlite:///{folder}/l.sqlite")
    create_schema(engine)
    assert projectors()  # their tables are read for what people said; nothing here is projected
    ledger, dice = Ledger(engine, TestClock()), random.Random(7)
    old = gather(folder / "w")
    new = edited(old, policy_of(old), "bands.default.auto_above", "0.9", policy_of)
    load = partial(replayer_of, KNOWN, (old, hash_of(old)), (new, hash_of(new)))
    replayer = load()
    source = drafts(replayer.current, dice)
    for _ in range(0, count, BATCH):
        ledger.append(list(islice(source, BATCH)))
    few = [facts(dice) for _ in range(2000)]
    begin = time.process_time()
    for each in few:
        decide(each, replayer.proposed)
    alone = (time.process_time() - begin) / len(few)
    tally_of(ledger, replayer, Window(), 0, count // 10)
    tenth = mib()
    begin, spent = time.perf_counter(), busy()
    report = replay(ledger, replayer, Window(), workers=workers, load=load)
    seconds, spent = time.perf_counter() - begin, busy() - spent
    told = report.as_json()
    assert told["decisions"] == told["reproduction"]["reproduced"] == count and told["flips"]["count"] > 0
    result: dict[str, Any] = {
        "benchmark": "replay", "decisions": count, "workers": workers, "seconds": round(seconds, 1),
        "decisions_per_s": round(count / seconds), "flips": told["flips"]["count"],
        "most_mib_after_a_tenth": tenth, "most_mib": mib(), "decisions_per_cpu_s": round(count / spent),
        "most_mib_of_a_worker": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
    }  # fmt: skip
    if workers == 1:
        result |= {"ratio_of_deciding": round(spent / count / alone, 2)}
    print(json.dumps(result))
    engine.dispose()
    shutil.rmtree(folder)


if __name__ == "__main__":
    main(*(int(each) for each in [*sys.argv[1:], *("50000", "1")[len(sys.argv) - 1 :]]))
