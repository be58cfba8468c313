"""What a schedule can have done, each in a person's name: the same calls that the command line makes.

What must never happen here: a job done in the name of somebody who may not have it done; a job that failed told as done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pilothouse.data.definitions import Definitions
from pilothouse.data.enrichment.enricher import Enricher
from pilothouse.data.graph.graph import BuyerGraph
from pilothouse.data.identity.entities import Entities
from pilothouse.data.identity.features import FIELDS
from pilothouse.data.identity.resolver import Resolver
from pilothouse.data.pipeline.pipeline import Pipeline
from pilothouse.data.quality import Quality
from pilothouse.data.store import DataStore
from pilothouse.directory.people import Directory, Person
from pilothouse.directory.roles import permissions_of
from pilothouse.gateway.gateway import Gateway
from pilothouse.orchestration.ports import Agent
from pilothouse.orchestration.runs import run_agent
from pilothouse.orchestration.schedules.reading import Schedule
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import Forbidden
from pilothouse.vocabulary.values import JsonObject

NEEDS: Mapping[str, str] = {
    "resolve": "rollback",
    "enrich": "enrich",
    "quality": "rollback",
    "pipeline": "rollback",
    "run": "issue_token",
}
"""By job, what a person's role must let them do: what the console asks of who does it by hand."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a job came to: numbers for the entry, and a sentence."""

    result: JsonObject
    sentence: str


@dataclass(frozen=True)
class Jobs:
    """The parts that jobs call. `moment` says as of when a system's records are judged; `take_in` reads what is new there."""

    store: DataStore
    entities: Entities
    definitions: Definitions
    graph: BuyerGraph
    resolver: Resolver
    enricher: Enricher
    quality: Quality
    pipeline: Pipeline
    gateway: Gateway
    directory: Directory
    agents: Sequence[Agent]
    moment: Callable[[str], datetime]
    take_in: Callable[[], int]

    def allowed(self, job: str, person: str) -> Person:
        """Return the person; raises `NotFound`, or `Forbidden` when they may not have the job done."""
        found = self.directory.person(person)
        if not found.active or NEEDS[job] not in permissions_of(found.role).may:
            raise Forbidden(f"{found.id} ({found.role}) may not have {job} done.", hint="Name somebody of RevOps.")
        return found

    def do(self, schedule: Schedule) -> Done:
        """Do a schedule's job in its person's name; raises what the job raises."""
        by = Actor(self.allowed(schedule.job, schedule.person).id)
        match schedule.job:
            case "resolve":
                return self._resolve()
            case "enrich":
                return self._enrich(schedule.argument, by)
            case "quality":
                return self._audit(schedule.system, by)
            case "pipeline":
                return self._measure(schedule.system, by)
            case _:
                return self._run(schedule, by)

    def _resolve(self) -> Done:
        self.take_in()
        found = [self.resolver.resolve(name) for name in FIELDS]
        told: JsonObject = {each.object: {"records": each.records, "entities": each.entities} for each in found}
        words = ", ".join(f"{each.records} {each.object} records are {each.entities}" for each in found)
        return Done(told, f"{words}.")

    def _enrich(self, name: str, by: Actor) -> Done:
        run = self.enricher.run(self.enricher.provider(name), by.person)
        outcomes: JsonObject = dict(run.outcomes)
        told: JsonObject = {"outcomes": outcomes, "credits": run.credits, "values": run.values, "stopped": run.stopped}
        asked = sum(run.outcomes.values())
        return Done(told, f"asked {asked} times, {run.values} values for {run.credits} credits. {run.stopped}".strip())

    def _audit(self, system: str, by: Actor) -> Done:
        self.take_in()
        audit = self.quality.audit(system, self.moment(system), by)
        missed = [f"{each.object}: {each.name}" for each in audit.measures if each.met is False]
        words = f"{len(missed)} of {len(audit.measures)} measures are below what is needed."
        return Done({"entry": audit.position, "missed": list(missed)}, words)

    def _measure(self, system: str, by: Actor) -> Done:
        self.take_in()
        measured = self.pipeline.measure(system, self.moment(system), by)
        doubted = sum(not each.supported for each in measured.deals)
        told: JsonObject = {"entry": measured.position, "deals": len(measured.deals), "doubted": doubted}
        return Done(told, f"{len(measured.deals)} open deals, {doubted} of them with doubts.")

    def _run(self, schedule: Schedule, by: Actor) -> Done:
        agent = next(each for each in self.agents if each.ref.name == schedule.argument)
        self.take_in()
        for name in self.resolver.due():
            self.resolver.resolve(name)
        report = run_agent(
            self.gateway, agent, by.person, store=self.store, entities=self.entities, definitions=self.definitions,
            graph=self.graph, system=schedule.system, as_of=self.moment(schedule.system),
        )  # fmt: skip
        told: JsonObject = {"run": report.run, "found": dict(report.found), "statuses": dict(report.statuses)}
        return Done(told, f"{len(report.findings)} findings, {len(report.results)} proposals.")
