"""What an item of readiness is, and the ten of the checklist (R-301 to R-310), each from evidence.

An item is met only by something that can be looked up: an entry of the ledger, or a check that is run here and now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from pilothouse.data.contracts import Contract
from pilothouse.data.quality import Audit
from pilothouse.decision.autonomy.gate import DRILL
from pilothouse.decision.autonomy.limits import AutonomyLimits
from pilothouse.decision.autonomy.wilson import Rate
from pilothouse.decision.engine import decide
from pilothouse.decision.facts import Facts
from pilothouse.decision.policy import Policy
from pilothouse.directory.registered import Registered
from pilothouse.handoff.compliance import read_sign_offs
from pilothouse.ledger.actions import actions_list
from pilothouse.ledger.entries import Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.ledger.verify import Report
from pilothouse.observability.autonomy.severe import last_drill
from pilothouse.observability.autonomy.track import Tracks
from pilothouse.vocabulary.actors import AgentRef, Role
from pilothouse.vocabulary.capabilities import Capability, Effect
from pilothouse.vocabulary.verdicts import Mode, Treatment

MONTH = timedelta(days=30)
WATCHED = "autonomy.watched"
NOTIFY, SIGN_OFF = "pilothouse notifications test", "pilothouse compliance sign-off"
"""The commands that bring about the entries `notification.delivered` and `legal.signed_off`."""
NOT_OUTSIDE = (
    "no notification delivered over an outside channel (mail, chat or webhook) is on record; the console's inbox does not "
    "count as one, since it reaches only who looks"
)


@dataclass(frozen=True, slots=True)
class Item:
    """One item: what is asked, whether it is met, the figures, where the evidence is, and what would bring it about."""

    code: str
    title: str
    met: bool
    figures: str
    evidence: tuple[str, ...] = ()
    next: str = ""


class Audits(Protocol):
    """Where the last audit of the data is to be had."""

    def latest(self, system: str) -> Audit | None:
        """Return the last audit of a system."""
        ...


@dataclass(frozen=True)
class Sources:
    """Everything that readiness is worked out from. `verify` checks the whole ledger against its signed checkpoints."""

    ledger: Ledger
    agents: Sequence[Registered]
    contracts: Mapping[str, Contract]
    capabilities: Mapping[str, Capability]
    policy: Policy
    quality: Audits
    system: str
    tracks: Tracks
    limits: AutonomyLimits
    verified: Report
    now: datetime

    def last(self, *kinds: str, since: datetime | None = None) -> Entry | None:
        """Return the newest entry of some kinds."""
        found = None
        for entry in self.ledger.entries(kinds=set(kinds), since=since):
            found = entry
        return found


def checklist(given: Sources) -> list[Item]:
    """Return the ten items, in order."""
    found = [each(given) for each in CHECKS]
    return [replace(each, code=f"{number}. {each.code}") for number, each in enumerate(found, 1)]


def audit_trail(given: Sources) -> Item:
    """1: the record of everything is there, signed, and as it was signed."""
    report = given.verified
    figures = f"{report.size:,} entries against {report.checkpoints:,} signed checkpoint(s), {report.uncovered} not signed yet"
    figures = figures if report.ok else f"verification failed: {report.problems[0]}"
    met = report.ok and report.checkpoints > 0
    return Item("audit_trail", "Audit trail exists and can be asked", met, figures, ("pilothouse ledger verify",),
                "pilothouse ledger verify")  # fmt: skip


def rollback(given: Sources) -> Item:
    """2: what agents wrote can be taken back, and that was tried."""
    drill = last_drill(given.ledger)
    done = given.last("rollback.finished")
    real = f"; last real rollback at ledger entry {done.position}" if done else ""
    title = f"Rollback works: a drill passed within {given.limits.drill_days} days"
    if drill is None:
        return Item("rollback", title, False, f"no passed drill is on record{real}", next=DRILL)
    met = given.now - drill[1] <= timedelta(days=given.limits.drill_days)
    figures = f"drill passed {drill[1]:%Y-%m-%d}{real}"
    return Item("rollback", title, met, figures, (f"ledger entry {drill[0]}",), DRILL)


def permissions(given: Sources) -> Item:
    """3: every agent works within grants and a contract, and no write of one lies outside its grants."""
    if not given.agents:
        return Item("permissions", PERMISSIONS, False, "no agent is registered", next="pilothouse agents register FILE")
    unbound = [str(each.ref) for each in given.agents if each.manifest.contract not in given.contracts]
    grants = {str(each.ref): set(each.manifest.grants) for each in given.agents}
    with given.ledger.engine.connect() as connection:
        rows = [row for row in actions_list(connection) if row.agent and row.intent_position is not None]
    outside = [row.id for row in rows if row.capability not in grants.get(row.agent, set[str]())]
    figures = f"{len(given.agents)} agent(s), {len(unbound)} without contract; {len(rows):,} act(s) taken up, {len(outside)} outside grants"
    evidence = (*(f"agent/{each}" for each in grants), *outside[:3])
    return Item(
        "permissions", PERMISSIONS, not unbound and not outside, figures, evidence, "pilothouse contracts check"
    )


PERMISSIONS = "Permissions are scoped for each agent, and kept to"


def data_quality(given: Sources) -> Item:
    """4: the data meets the thresholds of its last audit."""
    title = "Data meets its baseline thresholds (audit within 30 days)"
    audit = given.quality.latest(given.system)
    if audit is None or audit.made is None:
        return Item("data_quality", title, False, "no audit is on record", next="pilothouse quality")
    asked = [each for each in audit.measures if each.met is not None]
    missed = [f"{each.object}: {each.sentence}" for each in asked if not each.met]
    figures = f"{len(asked) - len(missed)} of {len(asked)} thresholds met on {audit.made:%Y-%m-%d}"
    figures += f"; below: {'; '.join(missed[:3])}" if missed else ""
    met = bool(asked) and not missed and given.now - audit.made <= MONTH
    return Item(
        "data_quality", title, met, figures, (f"ledger entry {audit.position}", "quality"), "pilothouse quality"
    )


def irreversible(given: Sources) -> Item:
    """5: what cannot be undone is put to the policy in force as an agent would, as sure as can be; none may run."""
    title = "What cannot be undone is excluded from autonomous scope"
    writes = [each for each in given.capabilities.values() if each.effect is Effect.WRITE]
    asked = [each for each in writes if not each.reversible or each.external]
    alone = [each.name for each in asked if _runs_alone(each, given)]
    with given.ledger.engine.connect() as connection:
        rows = actions_list(connection)
    names = {each.name for each in asked}
    done = [
        row.id for row in rows if row.capability in names and row.agent and row.intent_position and not row.decided_by
    ]
    figures = f"{len(asked)} of {len(writes)} writing capabilities asked of policy {given.policy.version}, {len(alone)} would run alone; {len(done)} ever did"
    met = bool(writes) and not alone and not done
    return Item(
        "irreversible", title, met, figures, ("pilothouse capabilities", *alone, *done[:3]), "pilothouse policy test"
    )


def _runs_alone(capability: Capability, given: Sources) -> bool:
    facts = Facts(
        capability=capability,
        agent=AgentRef("readiness", "1"),
        person="readiness",
        role=Role.ADMIN,
        mode=Mode.LIVE,
        confidence=1.0,
        object=capability.object,
        record={},
        changes=(),
        now=given.now,
        bulk_allowance=1_000_000,
    )
    return decide(facts, given.policy).treatment < Treatment.PERSON


def notifications(given: Sources) -> Item:
    """6: a person was told of something outside Pilothouse, and the message arrived (R-306, R-094: not just logging).

    The console's inbox is no delivery: it reaches nobody who is not looking.
    """
    title = "People are notified above thresholds, and it arrives (within 30 days)"
    found = given.last("notification.delivered", since=given.now - MONTH)
    if found is None:
        return Item("notifications", title, False, NOT_OUTSIDE, next=NOTIFY)
    return Item(
        "notifications", title, True, f"last delivered {found.at:%Y-%m-%d}", (f"ledger entry {found.position}",)
    )


def error_detection(given: Sources) -> Item:
    """7: Pilothouse itself reads back what it wrote, and watches the rates."""
    title = "Errors are detected by themselves: writes read back, rates watched"
    with given.ledger.engine.connect() as connection:
        rows = [
            r
            for r in actions_list(connection, since=given.now - MONTH)
            if r.agent and r.status in ("executed", "undone")
        ]
    back = Rate(sum(row.verified is not None for row in rows), len(rows))
    watched = given.last(WATCHED, since=given.now - timedelta(days=2))
    told = f"last watched {watched.at:%Y-%m-%d %H:%M}" if watched else "not watched within two days"
    figures = f"{told}; {back.hits} of {back.n} writes of 30 days read back"
    met = watched is not None and back.n > 0 and back.hits == back.n
    evidence = (f"ledger entry {watched.position}",) if watched else ()
    return Item("error_detection", title, met, figures, evidence, "pilothouse up")


def trust_below(given: Sources) -> Item:
    """8: somewhere, people approved proposals at a lower level often and nearly always as they were."""
    limits = given.limits
    title = f"People trust it at lower levels: {limits.decided} approved as proposed, Wilson 95 % at least {limits.rate:.0%}"
    found: list[tuple[Rate, str]] = []
    for each in given.agents:
        for name in given.tracks.types_of(each.ref):
            record = given.tracks.record({each.ref}, name, given.now - timedelta(days=limits.cycle_days), given.now)
            found.append((record.unmodified, f"{each.ref} {name}"))
    best = max(found, key=lambda each: (each[0].low, each[0].n), default=(Rate(0, 0), "nothing proposed yet"))
    rate, name = best
    met = rate.hits >= limits.decided and rate.low >= limits.rate
    return Item(
        "trust_below",
        title,
        met,
        f"best: {name}: {rate}",
        (f"pilothouse actions list --agent {name.partition(' ')[0]}",),
        "pilothouse reviews list",
    )


def legal(given: Sources) -> Item:
    """9: somebody signed off what goes out, and it was not taken back."""
    title = "Legal and compliance reviewed what goes to people outside"
    signed = [each for each in read_sign_offs(given.ledger) if each.until > given.now]
    if not signed:
        return Item("legal", title, False, "no sign-off is in force, so nothing goes out", next=SIGN_OFF)
    figures = "; ".join(f"{each.capability} until {each.until:%Y-%m-%d} by {each.by}" for each in signed)
    return Item("legal", title, True, figures, ("pilothouse compliance status",))


def incident_process(given: Sources) -> Item:
    """10: the way an error is handled was walked through, and it worked."""
    title = f"Incident process exists: a drill passed within {given.limits.drill_days} days"
    drill = last_drill(given.ledger)
    if drill is None:
        return Item("incident_process", title, False, "no passed drill is on record", next=DRILL)
    met = given.now - drill[1] <= timedelta(days=given.limits.drill_days)
    figures = f"drill passed {drill[1]:%Y-%m-%d}"
    return Item("incident_process", title, met, figures, (f"ledger entry {drill[0]}",), DRILL)


CHECKS = (
    audit_trail,
    rollback,
    permissions,
    data_quality,
    irreversible,
    notifications,
    error_detection,
    trust_below,
    legal,
    incident_process,
)


def level_of(items: Sequence[Item]) -> int:
    """Return the ceiling of autonomy that the checklist allows (R-311, X-06).

    All ten: 4. Items 1 to 5: 3. Any of items 1 to 3 missing, or 4 or 5: 2.
    """
    met = [each.met for each in items]
    if len(met) == len(CHECKS) and all(met):
        return 4
    return 3 if len(met) >= 5 and all(met[:5]) else 2
