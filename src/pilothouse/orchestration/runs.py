"""Running an agent: look, propose, hand every proposal to the gateway, tell what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from pilothouse.data.definitions import Definitions
from pilothouse.data.graph.graph import BuyerGraph
from pilothouse.data.identity.entities import Entities
from pilothouse.data.reads import Reads
from pilothouse.data.store import DataStore
from pilothouse.data.view import DataView
from pilothouse.directory.suspensions import stopped
from pilothouse.gateway.gateway import Gateway
from pilothouse.gateway.passage import Result
from pilothouse.gateway.read_rates import RUN_READ, shown_lately
from pilothouse.gateway.registry import touched_fields
from pilothouse.ledger.actions import decided_of_key
from pilothouse.ledger.entries import Draft
from pilothouse.orchestration.ports import Agent
from pilothouse.vocabulary.actions import Action
from pilothouse.vocabulary.actors import Actor, AgentRef
from pilothouse.vocabulary.clock import new_id, stamp
from pilothouse.vocabulary.errors import Forbidden, NotFound
from pilothouse.vocabulary.findings import Finding
from pilothouse.vocabulary.outcomes import ActionStatus
from pilothouse.vocabulary.values import Json

Progress = Callable[[int, int], None]


@dataclass
class RunReport:
    """What a run found and what became of its proposals."""

    run: str
    agent: str
    as_of: datetime
    findings: Sequence[Finding]
    results: list[Result] = field(default_factory=list[Result])
    stopped: str = ""
    """The suspension that ended the run before every proposal was handed in; empty when none did."""

    @property
    def found(self) -> Counter[str]:
        """How many findings of each kind."""
        return Counter(finding.kind for finding in self.findings)

    @property
    def statuses(self) -> Counter[str]:
        """How many proposals ended in each status."""
        return Counter(result.status.value for result in self.results)


def run_agent(
    gateway: Gateway,
    agent: Agent,
    person: str,
    *,
    store: DataStore,
    entities: Entities,
    definitions: Definitions,
    system: str,
    as_of: datetime,
    graph: BuyerGraph | None = None,
    limit: int | None = None,
    on_progress: Progress = lambda done, total: None,
) -> RunReport:
    """Run one agent once on behalf of a person; raises `NotFound` or `Forbidden` when it may not run at all."""
    door = gateway.door
    registered = door.agents.get(agent.ref)
    if registered.suspended_why is not None:
        raise Forbidden(f"{agent.ref} is suspended: {registered.suspended_why}", hint="Resume it first.")
    contract = door.contracts.get(registered.manifest.contract)
    if contract is None:
        raise NotFound(f"{agent.ref} has no data contract, so it may not look at anything.", hint="Add one.")
    run, actor = new_id("run"), Actor(person, agent.ref)
    token, grant = door.tokens.issue(agent.ref, person, by=Actor(person))
    door.ledger.append([Draft("run.started", actor, {"run": run, "as_of": stamp(as_of), "system": system})])
    reads = Reads(contract, shown_lately(door, actor))
    view = DataView(store, entities, contract, definitions, as_of, system, reads, graph, _decided(gateway))
    try:
        report = RunReport(run, str(agent.ref), as_of, list(agent.propose(view, as_of)))
    finally:
        _record_reads(gateway, actor, run, reads)
    proposals = [finding.proposal for finding in report.findings if finding.proposal is not None]
    chosen = proposals if limit is None else proposals[:limit]
    for number, proposal in enumerate(chosen, 1):
        report.results.append(gateway.submit(_prepared(gateway, view, proposal, run), token))
        on_progress(number, len(chosen))
        report.stopped = _stopped(gateway, agent.ref) if report.results[-1].code == "agent_suspended" else ""
        if report.stopped:
            break
    _record_reads(gateway, actor, run, reads)
    door.tokens.revoke(grant.id, actor, "the run is over")
    counts: dict[str, Json] = {"found": dict(report.found), "statuses": dict(report.statuses)}
    tail: dict[str, Json] = {"run": run, "proposals": len(proposals), "stopped": report.stopped, **counts}
    door.ledger.append([Draft("run.finished", actor, tail)])
    return report


def _decided(gateway: Gateway) -> Callable[[str], str]:
    def told(key: str) -> str:
        with gateway.door.ledger.reading() as connection:
            row = decided_of_key(connection, key)
        if row is None:
            return ""
        if row.status == ActionStatus.EXECUTED.value:
            return f"{row.id} did it, and somebody took it back since."
        return f"{row.sentence} ({row.review or row.id})"

    return told


def _stopped(gateway: Gateway, agent: AgentRef) -> str:
    """Return the suspension of the whole agent; one of a single action type leaves the run its other proposals."""
    with gateway.door.ledger.reading() as connection:
        suspension = stopped(connection, agent)
    return f"{suspension}." if suspension else ""


def _record_reads(gateway: Gateway, actor: Actor, run: str, reads: Reads) -> None:
    """Write down what the run was shown since this was last done: objects and counts, by which contract, no values."""
    body = reads.tell()
    if body is not None:
        gateway.door.ledger.append([Draft(RUN_READ, actor, {"run": run, **body})])


def _prepared(gateway: Gateway, view: DataView, action: Action, run: str) -> Action:
    """Add the run, and the state the agent saw, so that a stale proposal is recognised."""
    if action.expects is not None or action.based_on is not None or not action.target.id:
        return replace(action, run=run)
    record = view.record(action.target)
    capability = gateway.door.registry.capabilities.get(action.capability)
    fields = touched_fields(capability, action.arguments) if capability else ()
    expects = {name: record.value(name) if record else None for name in fields}
    return replace(action, run=run, expects=expects)
