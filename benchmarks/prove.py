"""`policy prove` over generated policies; prints one JSON line for each. Arguments: numbers of rules; without one, 1,000.

A policy here is the starter policy and, beside it, rules as a company with many territories writes them: escalations by size
and by list, names and dates, volume, confidence, evidence, patterns that the solver does not know. All claims hold of it.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pilothouse.connectors.twin.capabilities import CAPABILITIES
from pilothouse.decision.policy import Policy, load_policy
from pilothouse.decision.proving.findings import findings
from pilothouse.decision.proving.prove import prove
from pilothouse.handoff.proving import prove_reviews
from pilothouse.workspace.config import STARTER

KNOWN = {capability.name: capability for capability in CAPABILITIES}
CLOSED = frozenset({"Closed Won", "Closed Lost"})
COUNTRIES = (
    "Austria", "Brazil", "Canada", "Chile", "Denmark", "Egypt", "Finland", "France", "Ghana", "India", "Italy", "Japan", "Kenya",
    "Mexico", "Norway", "Peru", "Poland", "Qatar", "Romania", "Spain", "Sweden", "Taiwan", "Turkey", "Uruguay", "Vietnam",
)  # fmt: skip
INDUSTRIES = (
    "banking", "insurance", "retail", "software", "mining", "energy", "media", "transport", "education", "medical",
)  # fmt: skip
STAGES = ("Prospecting", "Engaging", "Qualified", "Proposal", "Negotiation", "Closed Won", "Closed Lost")
AGENTS = ("hygiene", "enrichment", "pipeline", "outreach", "leads")
NAMES = ("Acme", "Globex", "Initech", "Umbrella", "Hooli", "Stark", "Wayne", "Tyrell", "Cyberdyne", "Soylent")
PER_FILE = 125
Chance = random.Random
Shape = Callable[[Chance, str], str]
"""Draws the condition of a rule about an object."""


def _words(chance: Chance, of: tuple[str, ...], most: int = 3) -> str:
    return ", ".join(f"'{each}'" for each in chance.sample(of, chance.randint(2, most)))


def _fields(chance: Chance, about: str) -> str:
    return chance.choice({
        "account": ("name", "domain", "industry", "country", "phone", "annual_revenue", "parent"),
        "contact": ("name", "email", "phone", "title", "account", "country"),
        "opportunity": ("name", "close_date", "next_step", "product", "contact", "amount"),
    }[about])  # fmt: skip


def _where(chance: Chance) -> str:
    """Return which accounts a rule is about."""
    return chance.choice([
        f"account.country == '{chance.choice(COUNTRIES)}'",
        f"account.country in [{_words(chance, COUNTRIES, 5)}]",
        f"account.country == '{chance.choice(COUNTRIES)}' && account.industry == '{chance.choice(INDUSTRIES)}'",
        f"account.industry in [{_words(chance, INDUSTRIES)}] && account.city.startsWith('{chance.choice(NAMES)[:3]}')",
    ])  # fmt: skip


def _territory(chance: Chance, about: str) -> str:
    return f"{_where(chance)} && '{_fields(chance, about)}' in change.fields"


def _size(chance: Chance, about: str) -> str:
    return f"account.employee_count >= {chance.randint(1, 500) * 100} && {_where(chance)}"


def _listed(chance: Chance, about: str) -> str:
    return f"account.id in threshold.named_{chance.randint(0, 39)}"


def _revenue(chance: Chance, about: str) -> str:
    customer = chance.choice(["account.is_customer && ", "!account.is_customer && ", ""])
    return f"account.annual_revenue >= threshold.revenue_{chance.randint(0, 39)} && {customer}{_where(chance)}"


def _volume(chance: Chance, about: str) -> str:
    return f"write_set.records > {chance.randint(1, 9)} && agent.name == '{chance.choice(AGENTS)}' && {_where(chance)}"


def _unsure(chance: Chance, about: str) -> str:
    low = f"confidence < 0.{chance.randint(51, 99)}"
    return chance.choice([
        f"{low} && {_where(chance)}",
        f"({low} || evidence.undated > {chance.randint(0, 3)}) && {_where(chance)}",
        f"(account.is_customer ? {low} : confidence <= 0.{chance.randint(51, 84)}) && {_where(chance)}",
        f"{low} && '{_fields(chance, about)}' in change.fields && !change.fills_empty",
    ])  # fmt: skip


def _evidence(chance: Chance, about: str) -> str:
    old = chance.choice([f"evidence.age_days > {chance.randint(7, 720)}", "evidence.stale"])
    return f"{old} && '{_fields(chance, about)}' in change.fields && {_where(chance)}"


def _people(chance: Chance, about: str) -> str:
    how = chance.choice([f"double(executives) > threshold.few_{chance.randint(0, 4)}", "ambiguous", "executives > 0"])
    return f"{how} && {_where(chance)}"


def _named(chance: Chance, about: str) -> str:
    start = f"{chance.choice(NAMES)}{chance.choice(['', ' ', ' In', ' Gr'])}"
    return f"record.name.startsWith('{start}') && account.country != '{chance.choice(COUNTRIES)}'"


def _pattern(chance: Chance, about: str) -> str:
    text = {"account": "record.domain", "contact": "record.email", "opportunity": "record.next_step"}[about]
    return chance.choice([
        f"{text}.endsWith('.{chance.choice(['gov', 'mil', 'edu', 'org'])}')",
        f"{text}.contains('{chance.choice(NAMES).lower()}')",
        f"size({text}) > {chance.randint(20, 90)} && {_where(chance)}",
        f"{text}.matches('^{chance.choice(NAMES).lower()}[0-9]+')",
    ])  # fmt: skip


def _deal(chance: Chance, about: str) -> str:
    large = f"record.amount >= {chance.randint(1, 400) * 500}.0"
    return chance.choice([
        f"{large} && record.stage in [{_words(chance, STAGES[:5])}] && {_where(chance)}",
        f"record.probability > 0.{chance.randint(50, 95)} && {large} && {_where(chance)}",
        f"record.close_date < '20{chance.randint(25, 29)}-{chance.randint(1, 12):02}-01' && {large} && {_where(chance)}",
        f"record.amount * 0.{chance.randint(1, 9)} > {chance.randint(1, 90) * 1000}.0 && {_where(chance)}",
        f"record.amount >= threshold.deal_{chance.randint(0, 39)} && record.product == '{chance.choice(NAMES)}'",
    ])  # fmt: skip


def _abroad(chance: Chance, about: str) -> str:
    return f"'{chance.choice(COUNTRIES)}' in recipients.countries && account.industry == '{chance.choice(INDUSTRIES)}'"


COMMON: tuple[Shape, ...] = (_size, _listed, _revenue)
CHANGED: tuple[Shape, ...] = (*COMMON, _territory, _volume, _unsure, _evidence, _people, _named, _pattern)
KINDS: tuple[tuple[int, str, tuple[str, ...], tuple[Shape, ...]], ...] = (
    (30, "account", ("crm.account.update",), CHANGED),
    (20, "contact", ("crm.contact.update",), CHANGED),
    (15, "opportunity", ("crm.opportunity.update",), (*CHANGED, _deal, _deal)),
    (
        15,
        "opportunity",
        ("crm.opportunity.update", "crm.opportunity.stage", "crm.opportunity.amount"),
        (_deal, _revenue, _volume),
    ),
    (10, "contact", ("crm.contact.enrol", "crm.message.send"), (*COMMON, _abroad)),
    (5, "contact", ("crm.contact.update", "crm.account.update"), (*COMMON, _volume, _people)),
    (5, "quote", ("crm.quote.draft", "crm.message.draft"), COMMON),
)
"""How often, about which object, which action types together, and what their rules are about."""


def policy_of(rules: int, folder: Path, planted: tuple[int, str] = (0, "")) -> None:
    """Write a policy of so many rules, the starter policy's among them. `planted` is a number and the rule to stand there."""
    for path in sorted((STARTER / "policy").glob("*.yaml")):
        shutil.copy(path, folder)
    first = sum(path.read_text().count("- id:") for path in folder.glob("*.yaml"))
    chance = random.Random(7)
    (folder / "thresholds.yaml").write_text("\n".join(["thresholds:", *_thresholds(chance)]) + "\n")
    for start in range(first, rules, PER_FILE):
        lines = ["rules:"]
        for number in range(start, min(start + PER_FILE, rules)):
            lines += planted[1].splitlines() if number + 1 == planted[0] else _rule(chance, number)
        (folder / f"rules-{start:05}.yaml").write_text("\n".join(lines) + "\n")


def _thresholds(chance: Chance) -> list[str]:
    numbers = [
        f"  {name}_{n}: {chance.randint(1, 900) * by}"
        for name, by in (("revenue", 100_000), ("deal", 500))
        for n in range(40)
    ]
    few = [f"  few_{number}: {number}" for number in range(5)]
    lists = [[f"A{chance.randint(100, 999)}" for _ in range(chance.randint(1, 8))] for _ in range(40)]
    return [*numbers, *few, *(f"  named_{number}: [{', '.join(each)}]" for number, each in enumerate(lists))]


def _rule(chance: Chance, number: int) -> list[str]:
    _, about, names, shapes = chance.choices(KINDS, [each[0] for each in KINDS])[0]
    when = chance.choice(shapes)(chance, about)
    then = chance.choices(("review", "person", "refuse"), (6, 3, 1))[0]
    lines = [
        f"  - id: rule-{number}",
        f"    applies_to: [{', '.join(names)}]",
        f'    when: "{when}"',
        f"    then: {then}",
    ]
    lines += ["    by: agent"] if chance.random() < 0.7 else []
    lines += [f"    effective_from: 2026-0{chance.randint(1, 9)}-01"] if chance.random() < 0.1 else []
    lines += ["    escalates: other"] if "threshold." in when and then != "refuse" else []
    missing = chance.choices(("skip", "holds", "refuse"), (8, 1, 1))[0]
    return [*lines, f"    if_missing: {missing}", f"    reason: Generated rule {number} looks at this."]


def load(folder: Path) -> Policy:
    """Read and compile a policy folder."""
    return load_policy(folder, KNOWN, CLOSED)


def measured(rules: int) -> dict[str, object]:
    """Return how long each part took, in seconds, and what it came to."""
    with tempfile.TemporaryDirectory() as name:
        policy_of(rules, Path(name))
        start = time.perf_counter()
        policy = load(Path(name))
    loaded = time.perf_counter()
    claims = [*prove(policy, KNOWN), *prove_reviews()]
    proved = time.perf_counter()
    found = findings(policy, KNOWN)
    done = time.perf_counter()
    return {
        "benchmark": "prove", "rules": len({rule.id for listed in policy.rules.values() for rule in listed}),
        "load_seconds": round(loaded - start, 2), "prove_seconds": round(proved - loaded, 2),
        "findings_seconds": round(done - proved, 2), "seconds": round(done - start, 2),
        "findings": len(found), "status": {each.letter: each.status for each in claims},
    }  # fmt: skip


def main() -> None:
    for rules in [int(each) for each in sys.argv[1:]] or [1000]:
        print(json.dumps(measured(rules)), flush=True)


if __name__ == "__main__":
    main()
