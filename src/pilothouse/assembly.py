"""The one place where the parts are wired together. Nothing else builds a part out of others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from sqlalchemy import select

from pilothouse.agents.hygiene.agent import HygieneAgent
from pilothouse.connectors.channels.setup import load_channels
from pilothouse.connectors.enrichment.setup import load_providers
from pilothouse.connectors.twin.connector import CREDENTIAL, TwinConnector
from pilothouse.connectors.twin.intake import observations
from pilothouse.connectors.twin.server import TwinServer
from pilothouse.data.consents import Consents
from pilothouse.data.contracts import Contract
from pilothouse.data.defining.judging import Judge
from pilothouse.data.definitions import Definitions
from pilothouse.data.enrichment.answers import EnrichmentProvider
from pilothouse.data.enrichment.due import Knowledge
from pilothouse.data.enrichment.enricher import Enricher
from pilothouse.data.enrichment.requests import EnrichmentProjector
from pilothouse.data.golden.reader import GoldenRecords
from pilothouse.data.graph.edges import EdgeProjector, MembershipProjector
from pilothouse.data.graph.graph import BuyerGraph
from pilothouse.data.identity.deals import DEAL
from pilothouse.data.identity.entities import Entities, EntityProjector
from pilothouse.data.identity.judging import Judges
from pilothouse.data.identity.learner import Learner
from pilothouse.data.identity.resolver import Resolver
from pilothouse.data.intake import IntakeProjector, cursors
from pilothouse.data.pipeline.measured import Measured
from pilothouse.data.pipeline.pipeline import Pipeline
from pilothouse.data.pipeline.projection import DerivedProjector
from pilothouse.data.pipeline.rules import load_rules
from pilothouse.data.projection import RecordProjector
from pilothouse.data.quality import Quality
from pilothouse.data.quarantine import QuarantineProjector
from pilothouse.data.schema import OBJECTS, FieldType
from pilothouse.data.signals.catalogue import load_catalogue
from pilothouse.data.signals.projection import SignalProjector
from pilothouse.data.signals.receiving import Signals
from pilothouse.data.store import DataStore, Record
from pilothouse.decision.business.asking import Asker, BusinessAnswer
from pilothouse.decision.business.policy import Question
from pilothouse.decision.handing import Handing
from pilothouse.decision.policy import Policy
from pilothouse.decision.publishing.in_force import InForce
from pilothouse.decision.publishing.publishing import PolicyVersions
from pilothouse.decision.publishing.versions import VersionProjector
from pilothouse.directory.availability import Availability, AvailabilityProjector
from pilothouse.directory.ceiling import CeilingProjector
from pilothouse.directory.credentials import Credentials
from pilothouse.directory.people import Directory, PeopleProjector
from pilothouse.directory.ratings import RatingProjector
from pilothouse.directory.registered import AgentProjector
from pilothouse.directory.sources import Sources
from pilothouse.directory.suspensions import SuspensionProjector
from pilothouse.gateway.agents import Agents
from pilothouse.gateway.door import Door
from pilothouse.gateway.gateway import Gateway
from pilothouse.gateway.identity import TokenProjector, Tokens, load_or_make_key, secret_of
from pilothouse.gateway.promotions import Promotions
from pilothouse.gateway.proposals import ProposalProjector
from pilothouse.gateway.registry import CapabilityRegistry
from pilothouse.handoff.calibration import Calibrating, CalibrationProjector
from pilothouse.handoff.canaries import Canaries
from pilothouse.handoff.compliance import Compliance, ComplianceProjector
from pilothouse.handoff.incident_table import IncidentProjector
from pilothouse.handoff.incidents import Incidents
from pilothouse.handoff.keeping import Keeper
from pilothouse.handoff.notifying.notifications import Notifications
from pilothouse.handoff.notifying.outbox import NotificationProjector
from pilothouse.handoff.oversight import Oversight, oversight
from pilothouse.handoff.playbook import load_playbook
from pilothouse.handoff.questions import QuestionProjector, Questions
from pilothouse.handoff.queue import ReviewProjector
from pilothouse.handoff.reviews import Reviews
from pilothouse.handoff.spot_checks import SpotCheckProjector, SpotChecks
from pilothouse.handoff.ways_out import WaysOut
from pilothouse.ledger.actions import ActionProjector
from pilothouse.ledger.consumed import EvidenceProjector
from pilothouse.ledger.database import create_schema, open_database
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.ledger.notes import Signer
from pilothouse.ledger.projections import Projector
from pilothouse.ledger.verify import verify_store
from pilothouse.ledger.witness import Witness
from pilothouse.observability.autonomy.gates import Gates
from pilothouse.observability.autonomy.ramp_reviews import RampReviewProjector, RampReviews
from pilothouse.observability.autonomy.ratings import Ratings
from pilothouse.observability.autonomy.tending import Tending
from pilothouse.observability.autonomy.track import Tracks
from pilothouse.observability.autonomy.watch import Watch
from pilothouse.observability.readiness.readiness import Readiness
from pilothouse.orchestration.incident_desk import IncidentDesk
from pilothouse.orchestration.ports import Agent
from pilothouse.orchestration.schedules.jobs import Jobs
from pilothouse.orchestration.schedules.projection import ScheduleProjector
from pilothouse.orchestration.schedules.reading import Schedule, load_schedules
from pilothouse.orchestration.schedules.scheduler import Scheduler
from pilothouse.orchestration.upkeep import Upkeep
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
from pilothouse.vocabulary.clock import Clock, SystemClock, unstamp
from pilothouse.vocabulary.values import Json
from pilothouse.workspace.config import Workspace

SYSTEM = "crm"
MIRRORED = ("user", "product", "account", "contact", "opportunity", "activity")
DATED = ("opportunity", "activity", "signal")


def projectors() -> tuple[Projector, ...]:
    """Return one of every projector."""
    return (
        ActionProjector(),
        RecordProjector(),
        ReviewProjector(),
        PeopleProjector(),
        AgentProjector(),
        ProposalProjector(),
        SuspensionProjector(),
        IncidentProjector(),
        EvidenceProjector(),
        CeilingProjector(),
        RatingProjector(),
        RampReviewProjector(),
        TokenProjector(),
        IntakeProjector(),
        QuarantineProjector(),
        EntityProjector(),
        EnrichmentProjector(),
        SignalProjector(),
        EdgeProjector(),
        MembershipProjector(),
        DerivedProjector(),
        ComplianceProjector(),
        ScheduleProjector(),
        NotificationProjector(),
        VersionProjector(),
        AvailabilityProjector(),
        SpotCheckProjector(),
        CalibrationProjector(),
        QuestionProjector(),
    )


@dataclass
class Desk:
    """The ledger and what may be written about policy: enough to change what is in force even when it cannot be read."""

    workspace: Workspace
    clock: Clock
    ledger: Ledger
    witness: Witness
    twin: TwinServer
    registry: CapabilityRegistry
    versions: PolicyVersions

    def close(self) -> None:
        """Sign what was written, and let go of the database."""
        self.witness.checkpoint(self.ledger)
        self.ledger.close()
        self.ledger.engine.dispose()


@dataclass
class App:
    """Pilothouse, wired."""

    desk: Desk
    directory: Directory
    availability: Availability
    credentials: Credentials
    store: DataStore
    entities: Entities
    golden: GoldenRecords
    resolver: Resolver
    learner: Learner
    quality: Quality
    enricher: Enricher
    definitions: Definitions
    judge: Judge
    signals: Signals
    graph: BuyerGraph
    pipeline: Pipeline
    sources: Sources
    compliance: Compliance
    gateway: Gateway
    reviews: Reviews
    canaries: Canaries
    spot_checks: SpotChecks
    calibrating: Calibrating
    questions: Questions
    incidents: IncidentDesk
    notifications: Notifications
    upkeep: Upkeep
    gates: Gates
    readiness: Readiness
    autonomy: Tending
    agents: Sequence[Agent]
    schedules: Sequence[Schedule] = ()
    _business: Judge | None = None
    _newest: dict[str, tuple[int, datetime | None]] = field(default_factory=dict[str, tuple[int, datetime | None]])

    def agent(self, name: str) -> Agent | None:
        """Return the built-in agent with this name, if there is one."""
        return next((each for each in self.agents if each.ref.name == name), None)

    @property
    def workspace(self) -> Workspace:
        """The workspace's folder and settings."""
        return self.desk.workspace

    @property
    def clock(self) -> Clock:
        """The clock that everything goes by."""
        return self.desk.clock

    @property
    def ledger(self) -> Ledger:
        """The ledger."""
        return self.desk.ledger

    @property
    def witness(self) -> Witness:
        """What proves the ledger from outside of it."""
        return self.desk.witness

    @property
    def twin(self) -> TwinServer:
        """The embedded system of record."""
        return self.desk.twin

    @property
    def versions(self) -> PolicyVersions:
        """Every version of the written policy."""
        return self.desk.versions

    @property
    def policy(self) -> Policy:
        """The policy in force now."""
        return self.gateway.door.policy

    @property
    def contracts(self) -> Mapping[str, Contract]:
        """The data contracts in force now."""
        return self.gateway.door.contracts

    def ask(self, question: Question, record: Record, as_of: datetime | None = None) -> BusinessAnswer:
        """Ask the business policy in force about a record; raises `InvalidInput` where it says nothing of such."""
        business = self.gateway.door.rules().business
        kept = self._business
        if kept is None or kept.definitions is not business.definitions:
            kept = self._business = Judge(self.ledger, self.store, business.definitions)
        return Asker(business, kept.at(as_of or self.judged_as_of(record.ref.system))).ask(question, record)

    def systems(self) -> list[str]:
        """Return the systems that records are known of, the one that leads first; it is there from the beginning."""
        return [SYSTEM, *(name for name in self.store.systems() if name != SYSTEM)]

    def newest_day(self, system: str) -> datetime | None:
        """Return the end of the newest day that any record of a system tells of, so far as it has come by now."""
        now = self.clock.now()
        days = [found for name in DATED for record in self.store.records(name, system) for found in _days(record, now)]
        return max(days, default=None)

    def judged_as_of(self, system: str) -> datetime:
        """Return the moment as of which a system's records are judged unless told otherwise: its newest day, else now.

        It is worked out anew only when something was written to the ledger.
        """
        size = self.ledger.size()
        if self._newest.get(system, (-1, None))[0] != size:
            self._newest[system] = (size, self.newest_day(system))
        return self._newest[system][1] or self.clock.now()

    def measure_pipeline(self, system: str, as_of: datetime, by: Actor) -> Measured:
        """Work out which deals are one, and measure the pipeline with each counted once; `system` leads."""
        self.resolver.resolve(DEAL, 0)
        return self.pipeline.measure(system, as_of, by)

    def fill_twin(self) -> int:
        """Load imported CRM records that the twin does not have yet into it; returns how many.

        The twin stands in for the CRM the export came from, so that proposals can be judged on it, approved and undone.
        What is already there is left as it is: people and agents may have worked on it.
        """
        known = {(name, row["id"]) for name in MIRRORED for row in self.twin.records(name)}
        records = (record for name in MIRRORED for record in self.store.records(name, SYSTEM))
        count = self.twin.seed(
            (record.ref.object, record.ref.id, {name: value.value for name, value in record.fields.items()})
            for record in records
            if (record.ref.object, record.ref.id) not in known
        )
        self.take_in()
        return count

    def take_in(self) -> int:
        """Read what happened in the system of record since last time; returns how many records it told of."""
        connector = self.gateway.door.registry.connector(SYSTEM)
        with self.ledger.engine.connect() as connection:
            row = connection.execute(select(cursors.c.cursor).where(cursors.c.system == SYSTEM)).first()
        start = row.cursor if row else 0
        news = list(observations(connector, start))
        if not news:
            return 0
        actor = Actor(SYSTEM_PERSON)
        seen = [observation for _, observation in news if observation is not None]
        changed, _ = self.store.observe(seen, actor)
        # A crash before this reads the same changes again; `observe` then finds nothing new in them.
        body: dict[str, Json] = {"system": SYSTEM, "cursor": news[-1][0], "records": changed}
        self.ledger.append([Draft("intake.read", actor, body)])
        return changed

    def oversight(self, days: int) -> Oversight:
        """Return how well people oversee, over the reviews opened within so many days."""
        handing = self.policy.handing
        return oversight(self.ledger, self.reviews, self.spot_checks, handing, self.clock.now(), days)

    @cached_property
    def scheduler(self) -> Scheduler:
        """What runs by the clock."""
        jobs = Jobs(
            self.store, self.entities, self.definitions, self.graph, self.resolver, self.enricher, self.quality,
            self.pipeline, self.gateway, self.directory, self.agents, self.judged_as_of, self.take_in,
        )  # fmt: skip
        return Scheduler(self.ledger, self.clock, jobs, self.schedules)

    def close(self) -> None:
        """Sign what was written, and let go of the database."""
        self.desk.close()


def open_desk(workspace: Workspace, clock: Clock | None = None) -> Desk:
    """Open a workspace's ledger without reading its policy; raises when its database cannot be used."""
    clock = clock or SystemClock()
    engine = open_database(workspace.database_url)
    create_schema(engine)
    ledger = Ledger(engine, clock, projectors())
    twin = TwinServer(workspace.twin_path, clock)
    registry = CapabilityRegistry([TwinConnector(twin, _twin_secret(workspace, twin), SYSTEM)])
    witness = Witness(workspace.state / "witness", Signer.load_or_make(workspace.state, _origin(workspace)))
    versions = PolicyVersions(ledger, clock, registry.capabilities)
    return Desk(workspace, clock, ledger, witness, twin, registry, versions)


def assemble(
    workspace: Workspace,
    clock: Clock | None = None,
    agents: Sequence[Agent] | None = None,
    enrichment: Sequence[EnrichmentProvider] | None = None,
) -> App:
    """Wire everything for a workspace; raises when its database or one of its files cannot be used.

    `agents` and `enrichment` stand in for the built-in agents and the providers of the workspace.
    """
    desk = open_desk(workspace, clock)
    clock, ledger, registry = desk.clock, desk.ledger, desk.registry
    directory = Directory(ledger)
    rules = InForce(ledger, clock, desk.versions, workspace.root, registry.capabilities)
    definitions = rules().definitions

    def handing() -> Handing:
        return rules().policy.handing

    reviews = Reviews(ledger, directory, clock, handing)
    catalogue = load_catalogue(workspace.folder("signals"))
    graph = BuyerGraph(ledger, catalogue, definitions)
    store = DataStore(ledger)
    entities, judges = Entities(ledger), Judges(ledger, store, directory)
    if enrichment is None:
        enrichment = load_providers(workspace.root, workspace.state, {SYSTEM})
    compliance = Compliance(ledger, directory, clock, registry.capabilities, Consents(store, entities).withdrawn)
    limits, tracks = workspace.config.autonomy, Tracks(ledger, reviews.counts_as_evidence)
    ratings = Ratings(ledger, lambda: rules().contracts)
    gates = Gates(ledger, clock, lambda: rules().contracts, limits, tracks, ratings)
    agents_known = Agents(ledger, directory, registry.capabilities, lambda: rules().contracts)
    signing = load_or_make_key(workspace.state / "token-signing.key")
    door = Door(
        ledger=ledger,
        clock=clock,
        registry=registry,
        tokens=Tokens(ledger, clock, signing),
        agents=agents_known,
        promotions=Promotions(ledger, clock, directory, agents_known, lambda: rules().contracts, gates),
        directory=directory,
        data=store,
        compliance=compliance,
        ways_out=WaysOut(secret_of(signing), clock),
        rules=rules,
    )
    checks = SpotChecks(ledger)
    keeper, canaries = Keeper(ledger, store, clock, handing), Canaries(ledger, store, clock, handing)
    agents = agents if agents is not None else (HygieneAgent(),)
    names = {"enrich": {each.name for each in enrichment}, "run": {each.ref.name for each in agents}}
    schedules = load_schedules(
        workspace.folder("schedules"), {"resolve": None, "quality": None, "pipeline": None, **names}
    )
    judge = Judge(ledger, store, definitions)
    gateway = Gateway(door, reviews, keeper, canaries)
    incidents = Incidents(ledger, directory, load_playbook(workspace.folder("incidents")), door.agents.owners)
    quality = Quality(ledger, store, entities, definitions)
    readiness = Readiness(
        ledger=ledger,
        clock=clock,
        rules=rules,
        capabilities=registry.capabilities,
        quality=quality,
        system=SYSTEM,
        tracks=tracks,
        limits=limits,
        verify=lambda: verify_store(ledger.engine, workspace.state / "witness", desk.witness.signer.public),
        ratings=ratings,
    )
    watch = Watch(ledger, clock, limits, tracks)
    return App(
        desk=desk,
        directory=directory,
        availability=Availability(ledger),
        credentials=Credentials(ledger.engine, ledger, directory, clock),
        store=store,
        entities=entities,
        golden=GoldenRecords(store, entities, definitions.survivorship),
        resolver=Resolver(ledger, store, entities, judges, workspace.state / "identity"),
        learner=Learner(ledger, store, entities, judges, workspace.state / "identity"),
        quality=quality,
        enricher=Enricher(ledger, Knowledge(store, entities, definitions, SYSTEM), directory, clock, enrichment),
        definitions=definitions,
        judge=judge,
        signals=Signals(ledger, catalogue),
        graph=graph,
        pipeline=Pipeline(ledger, graph, judge, entities, load_rules(workspace.folder("opportunities"))),
        sources=Sources(workspace.state / "sources", ledger),
        compliance=compliance,
        gateway=gateway,
        reviews=reviews,
        canaries=canaries,
        spot_checks=checks,
        calibrating=Calibrating(ledger, reviews, checks),
        questions=Questions(ledger, clock),
        agents=agents,
        schedules=schedules,
        incidents=IncidentDesk(gateway, incidents),
        notifications=_notifications(workspace, door, reviews, keeper),
        upkeep=Upkeep(ledger),
        gates=gates,
        readiness=readiness,
        autonomy=Tending(ledger, clock, watch, RampReviews(ledger, clock, gates), readiness),
    )


def _notifications(workspace: Workspace, door: Door, reviews: Reviews, keeper: Keeper) -> Notifications:
    settings, channels = load_channels(workspace.root, workspace.state, door.clock)
    server = workspace.config.server
    return Notifications(
        door.ledger,
        door.directory,
        door.data,
        reviews,
        keeper.tend,
        settings,
        channels,
        owners_of=door.agents.owners,
        address=f"http://{server.host}:{server.port}",
    )


def _days(record: Record, now: datetime) -> Iterator[datetime]:
    spec = OBJECTS[record.ref.object].fields
    for name in record.fields:
        known = spec.get(name)
        if known is not None and known.type in (FieldType.DATE, FieldType.DATETIME) and record.text(name):
            moment = unstamp(record.text(name)).astimezone(UTC)
            if moment <= now:
                yield moment


def _origin(workspace: Workspace) -> str:
    return "pilothouse/" + workspace.config.name.replace(" ", "-")


def _twin_secret(workspace: Workspace, twin: TwinServer) -> str:
    """Return the connector's credential, kept in the state folder; agents never see it."""
    path: Path = workspace.state / "twin.credential"
    if path.exists():
        return path.read_text().strip()
    secret = twin.issue_credential(CREDENTIAL)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(secret)
    return secret
