"""Setting the demo's stage: a workspace, people, the company's data in ledger and twin, an agent that was let begin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pilothouse.assembly import SYSTEM, App, assemble
from pilothouse.data.importing.events import import_event_files
from pilothouse.data.importing.importer import ImportReport, import_files
from pilothouse.decision.publishing.content import gather
from pilothouse.demo.company import Company, generate
from pilothouse.directory.people import Person
from pilothouse.directory.registered import load_manifests
from pilothouse.gateway.proposals import Through
from pilothouse.orchestration.runs import RunReport, run_agent
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor, Role
from pilothouse.vocabulary.clock import Clock
from pilothouse.vocabulary.records import WriterKind
from pilothouse.vocabulary.verdicts import Mode
from pilothouse.workspace.config import STARTER, init_workspace

PLURAL = {"account": "accounts", "contact": "contacts", "opportunity": "opportunities"}
PEOPLE = (
    Person("ada", "Ada Berg", "ada@pilot-demo.example", Role.ADMIN),
    Person("gita", "Gita Rao", "gita@pilot-demo.example", Role.REVOPS),
    Person("noah", "Noah Eder", "noah@pilot-demo.example", Role.REVOPS),
    Person("emil", "Emil Sand", "emil@pilot-demo.example", Role.ENGINEERING),
    Person("ravi", "Ravi Ito", "ravi@pilot-demo.example", Role.REVIEWER),
    Person("rosa", "Rosa Conte", "rosa@pilot-demo.example", Role.REP),
    Person("omar", "Omar Falk", "omar@pilot-demo.example", Role.REP),
    Person("iris", "Iris Klein", "iris@pilot-demo.example", Role.AUDITOR),
)
SOURCES = (
    ("crm", "salesforce", WriterKind.IMPORT),
    ("billing", "canonical", WriterKind.SYSTEM),
    ("enrichment", "canonical", WriterKind.ENRICHMENT),
)
BULK_ALLOWANCE = 200
ASSISTED = ("account.update", "opportunity.update", "account.merge", "contact.merge")
"""What the agent may propose for a person to decide; it stays a shadow in all else."""
Tell = Callable[[str], None]


@dataclass
class Stage:
    """The demo, ready to be looked at."""

    app: App
    company: Company
    imports: list[ImportReport]
    run: RunReport


def set_stage(root: Path, *, seed: int = 7, clock: Clock | None = None, tell: Tell = lambda line: None) -> Stage:
    """Build the demo in a new workspace; raises `InvalidInput` when the folder holds one already."""
    app = assemble(init_workspace(root), clock)
    today = app.clock.now()
    tell("Generating a company with several source systems, and breaking some of its data …")
    company = generate(root / "exports", seed=seed, as_of=today.date())
    for person in PEOPLE:
        app.directory.add(person, SYSTEM_PERSON)
    version = app.versions.bootstrap(gather(root), gather(STARTER))
    tell(f"In force are the rules as they are shipped, version {version.id}.")
    imports = [_import(app, root, *source, tell) for source in SOURCES]
    count = app.fill_twin()
    tell(f"Loaded {count:,} records into the twin, the demo's CRM.")
    for name in PLURAL:
        found = app.resolver.resolve(name)
        tell(f"{found.records:,} {name} records of all sources are {found.entities:,} {PLURAL[name]}.")
    report = import_event_files(app.ledger, app.signals, [root / "exports" / "signals"], Actor("gita"))
    tell(f"Took in {report.changed:,} signals; {report.quarantined} did not fit their type and were set aside.")
    app.quality.audit(SYSTEM, today, Actor("gita"))
    enlist(app, root)
    tell("The hygiene agent looks at the data on behalf of Gita (RevOps) …")
    run = run_hygiene(app, "gita", today)
    app.quality.audit(SYSTEM, app.clock.now(), Actor("gita"))
    measured = app.measure_pipeline(SYSTEM, app.clock.now(), Actor("gita"))
    unsupported = measured.totals()["unsupported"]["deals"]
    tell(
        f"{len(measured.deals)} open deals, {unsupported:.0f} of them with doubts; signals make {len(measured.derived)} more."
    )
    return Stage(app, company, imports, run)


def _import(app: App, root: Path, system: str, mapping: str, kind: WriterKind, tell: Tell) -> ImportReport:
    report = import_files(
        app.ledger,
        app.store,
        [root / "exports" / system],
        mapping,
        system=system,
        actor=Actor("gita"),
        clock=app.clock,
        writer_kind=kind,
        signals=app.signals,
    )
    tell(f"Imported {system}: {report.changed:,} records, {report.quarantined} bad row(s) set aside.")
    return report


def enlist(app: App, root: Path) -> None:
    """Register the agents, and let two people take the hygiene agent out of shadow where the demo needs it."""
    door = app.gateway.door
    for document in load_manifests(root / "agents"):
        door.agents.register(document.model, by="ada")
        live = {f"{SYSTEM}.account.update:fill-empty": (Mode.LIVE, BULK_ALLOWANCE)}
        for action_type, (mode, allowance) in (
            live | {f"{SYSTEM}.{each}": (Mode.ASSISTED, 0) for each in ASSISTED}
        ).items():
            proposed = door.promotions.propose(
                document.model.ref, action_type, "noah", Through.COMMAND_LINE, bootstrap=mode, bulk_allowance=allowance
            )
            door.promotions.confirm(proposed.id, "emil", Through.COMMAND_LINE)


def run_hygiene(app: App, person: str, as_of: datetime, limit: int | None = None) -> RunReport:
    """Run the hygiene agent over the CRM."""
    agent = app.agent("hygiene")
    assert agent is not None
    return run_agent(
        app.gateway,
        agent,
        person,
        store=app.store,
        entities=app.entities,
        definitions=app.definitions,
        graph=app.graph,
        system=SYSTEM,
        as_of=as_of.astimezone(UTC),
        limit=limit,
    )
