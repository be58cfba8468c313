"""`policy prove` over generated policies; prints one JSON line for each. Arguments: numbers of rules; without one, 50 and 200."""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from pathlib import Path

from pilothouse.connectors.twin.capabilities import CAPABILITIES
from pilothouse.decision.policy import load_policy
from pilothouse.decision.proving.findings import findings
from pilothouse.decision.proving.prove import prove
from pilothouse.handoff.proving import prove_reviews

KNOWN = {capability.name: capability for capability in CAPABILITIES}
COUNTRIES = ("Spain", "Japan", "Chile", "Ghana", "Italy")


def policy_of(rules: int, folder: Path) -> None:
    chance = random.Random(7)
    lines = ["rules:"]
    for number in range(rules):
        name = chance.choice(sorted(KNOWN))
        when = (
            f"account.country == '{chance.choice(COUNTRIES)}' && account.annual_revenue > {chance.randint(0, 999)}.0"
            f" && (confidence < 0.{chance.randint(50, 99)} || write_set.records > {chance.randint(1, 99)})"
        )
        then = chance.choice(("review", "person", "refuse"))
        lines.append(
            f"  - {{id: rule-{number}, applies_to: [{name}], if_missing: skip, then: {then}, reason: generated rule,"
        )
        lines.append(f'     when: "{when}"}}')
    (folder / "p.yaml").write_text("\n".join(lines) + "\n")


def main() -> None:
    for rules in [int(each) for each in sys.argv[1:]] or [50, 200]:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            policy_of(rules, folder)
            start = time.perf_counter()
            policy = load_policy(folder, KNOWN, frozenset({"Closed Won", "Closed Lost"}))
            loaded = time.perf_counter()
            claims = [*prove(policy, KNOWN), *prove_reviews()]
            proved = time.perf_counter()
            found = findings(policy, KNOWN)
            done = time.perf_counter()
        figures = {
            "benchmark": "prove", "rules": rules, "load_seconds": round(loaded - start, 2),
            "prove_seconds": round(proved - loaded, 2), "findings_seconds": round(done - proved, 2),
            "seconds": round(done - start, 2), "findings": len(found),
            "status": {each.letter: each.status for each in claims},
        }  # fmt: skip
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
