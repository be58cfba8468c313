"""The incident drill: an agent goes wrong in a throw-away copy, and everything that is to stop and undo it is measured.

The copy holds this workspace's policy, contracts, definitions and playbook, an empty ledger, and a twin with records of
its own making. Nothing of the workspace is opened for it but those files, so no record that anybody relies on can be
touched. What that shows, and what it does not, stands in docs/decisions (the drill).

What must never happen here: the workspace's database, twin, keys or enrichment providers handed to the copy; a drill
called passed although one of its checks was not made.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pilothouse import __version__
from pilothouse.assembly import SYSTEM, App, assemble
from pilothouse.connectors.twin.faults import Fault
from pilothouse.data.store import Observation
from pilothouse.directory.people import Person
from pilothouse.directory.suspensions import Reach
from pilothouse.gateway.agents import Manifest
from pilothouse.gateway.passage import Result
from pilothouse.gateway.proposals import Through
from pilothouse.handoff.incident_table import Incident
from pilothouse.handoff.incidents import Finding
from pilothouse.ledger.actions import actions_list
from pilothouse.ledger.entries import Draft
from pilothouse.observability.cascade import downstream
from pilothouse.vocabulary.actions import Action, Evidence
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor, AgentRef, Role
from pilothouse.vocabulary.clock import new_id
from pilothouse.vocabulary.errors import Conflict, PilothouseError
from pilothouse.vocabulary.outcomes import ActionStatus
from pilothouse.vocabulary.records import RecordRef, WriterKind
from pilothouse.vocabulary.values import Json, JsonObject, canonical
from pilothouse.vocabulary.verdicts import Mode
from pilothouse.workspace.config import Workspace, open_workspace

FILES = ("policy", "contracts", "definitions", "library", "signals", "opportunities", "incidents")
KIND = "incident.drilled"
WRITES, TRIES_AFTER = 8, 4
WRITER, ROUTER = AgentRef("drill", "1"), AgentRef("drill-routing", "1")
UPDATE, ASSIGN = f"{SYSTEM}.account.update", f"{SYSTEM}.account.assign"
PEOPLE = (
    Person("drill-owner", "Owner", "owner@drill.example", Role.REVOPS),
    Person("drill-revops", "RevOps", "revops@drill.example", Role.REVOPS),
    Person("drill-admin", "Admin", "admin@drill.example", Role.ADMIN),
    Person("drill-rep", "Rep", "rep@drill.example", Role.REP),
)
CONTRACT = """contract: drill
version: 1
summary: For the drill, industry and owner of accounts.
read: {account: "*"}
write:
  account: {industry: {min_confidence: 0.5}, owner: {min_confidence: 0.5}}
"""


@dataclass(frozen=True, slots=True)
class Drilled:
    """What a drill came to: why it failed (nothing when it passed), how long each step took, and what was counted."""

    id: str
    failures: tuple[str, ...]
    seconds: Mapping[str, float]
    counts: Mapping[str, int]

    @property
    def passed(self) -> bool:
        """True when every check was made and held."""
        return not self.failures

    def as_json(self) -> dict[str, Json]:
        """Return it as it stands in the ledger."""
        told: dict[str, Json] = {"drill": self.id, "passed": self.passed, "failures": list(self.failures)}
        return {**told, "seconds": dict(self.seconds), "counts": dict(self.counts)}


@dataclass
class Drill:
    """What is known so far."""

    app: App
    failures: list[str] = field(default_factory=list[str])
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    counts: dict[str, int] = field(default_factory=dict[str, int])

    def check(self, holds: bool, otherwise: str) -> None:
        """Take down what does not hold."""
        if not holds:
            self.failures.append(otherwise)

    def count(self, name: str, found: int, *, at_least: int = 0, exactly: int | None = None) -> None:
        """Take down a number, and that it is not what it must be."""
        self.counts[name] = found
        right = found >= at_least if exactly is None else found == exactly
        self.check(right, f"{name}: {found}, not {at_least if exactly is None else exactly}")


def drill(app: App, by: str) -> Drilled:
    """Run the drill and record it in the workspace's ledger as `incident.drilled`; returns what was recorded.

    Raises `Forbidden` unless this person may suspend and roll back. What goes wrong within makes a drill that failed.
    """
    app.incidents.incidents.need(by, "suspend")
    app.incidents.incidents.need(by, "rollback")
    with tempfile.TemporaryDirectory(prefix="pilothouse-drill-") as folder:
        stage = Drill(assemble(_copy(app.workspace, Path(folder) / "w"), app.clock, agents=(), enrichment=()))
        try:
            _play(stage)
        except PilothouseError as error:
            stage.failures.append(str(error))
        finally:
            stage.app.close()
    done = Drilled(new_id("drl"), tuple(stage.failures), stage.seconds, stage.counts)
    told: JsonObject = {
        "timeframes": app.incidents.incidents.playbook.timeframes.model_dump(),
        "policy": app.policy.version,
        "version": __version__,
    }
    app.ledger.append([Draft(KIND, Actor(by), {**done.as_json(), **told}, subject="incident/drill")])
    return done


def _copy(workspace: Workspace, root: Path) -> Workspace:
    root.mkdir()
    for name in FILES:
        if workspace.folder(name).is_dir():
            shutil.copytree(workspace.folder(name), root / name)
    (root / "contracts").mkdir(exist_ok=True)
    (root / "contracts" / "drill.yaml").write_text(CONTRACT, encoding="utf-8")
    # Database and twin by their defaults: new files within this folder, whatever the workspace's own are.
    (root / "pilothouse.toml").write_text('name = "drill"\n', encoding="utf-8")
    return open_workspace(root)


def _play(stage: Drill) -> None:
    app = stage.app
    _set(app)
    before = _bytes(app)
    began = app.clock.now()
    written = _go_wrong(stage)
    first = next((each for each in written if each.status is ActionStatus.EXECUTED), None)
    if first is None:
        stage.failures.append(f"no wrong value was written: {written[0].sentence}")
        return
    routed = _submit(app, _routing(app, first), ROUTER)
    stage.check(routed.status is ActionStatus.EXECUTED, f"no decision drew on a wrong value: {routed.sentence}")
    incident = _detect(stage, began)
    if incident is None:
        stage.failures.append("the read-back told of no wrong value, so nothing was detected")
        return
    _contain(stage, incident)
    app.twin.edit_as("drill-rep", "account", "d2", {"industry": "chosen by a person"})
    app.take_in()
    _recover(stage, incident, before)
    _end(stage, incident)


def _set(app: App) -> None:
    for person in PEOPLE:
        app.directory.add(person, SYSTEM_PERSON)
    rows = [
        ("account", f"d{n}", {"name": f"Drill {n}", "industry": None, "owner": None})
        for n in range(1, WRITES + TRIES_AFTER + 2)
    ]
    app.twin.seed(rows)
    now = app.clock.now()
    told = [Observation(RecordRef(SYSTEM, o, i), f, now, WriterKind.IMPORT, "import:drill") for o, i, f in rows]
    app.store.observe(told, Actor("drill-owner"))
    app.take_in()
    agents = app.gateway.door.agents
    for ref, grant in ((WRITER, UPDATE), (ROUTER, ASSIGN)):
        manifest = Manifest(
            name=ref.name, version=ref.version, owner="drill-owner", summary="For the drill.", contract="drill",
            grants=(grant,),
        )  # fmt: skip
        agents.register(manifest, by="drill-admin")
        for action_type in (grant, f"{grant}:fill-empty"):
            promotions = app.gateway.door.promotions
            proposed = promotions.propose(
                ref, action_type, "drill-revops", Through.COMMAND_LINE, bootstrap=Mode.LIVE, bulk_allowance=50
            )
            promotions.confirm(proposed.id, "drill-admin", Through.COMMAND_LINE)


def _bytes(app: App) -> dict[str, str]:
    """Return the fields of every account of the twin, byte for byte; the version counts changes and only rises."""
    rows = app.twin.records("account")
    return {str(row["id"]): canonical({n: value for n, value in row.items() if n != "version"}) for row in rows}


def _wrong(number: int, confidence: float = 0.95) -> Action:
    ref = RecordRef(SYSTEM, "account", f"d{number}")
    return Action(
        capability=UPDATE,
        target=ref,
        arguments={"industry": "mining"},
        intent="Fill the industry.",
        confidence=confidence,
        evidence=(Evidence("A plausible source says so."),),
        expects={"industry": None},
    )


def _routing(app: App, first: Result) -> Action:
    position = app.gateway.row(first.action.id).result_position
    fact = Evidence("The industry decides who owns it.", str(first.action.target), "industry", "mining", position)
    return Action(
        capability=ASSIGN,
        target=first.action.target,
        arguments={"owner": "drill-rep"},
        intent="Give the account to who knows the industry.",
        confidence=0.95,
        evidence=(fact,),
        expects={"owner": None},
    )


def _submit(app: App, action: Action, agent: AgentRef) -> Result:
    """Hand an action in; where this workspace's policy wants a person, one who was taken in approves it."""
    token, _ = app.gateway.door.tokens.issue(agent, "drill-owner", by=Actor("drill-owner"))
    result = app.gateway.submit(action, token)
    if result.status is not ActionStatus.HELD:
        return result
    review = app.reviews.get(result.review)
    app.reviews.approve(review.id, "drill-admin", review.payload_hash, "It looks right.")
    return app.gateway.resume(review.id)


def _go_wrong(stage: Drill) -> list[Result]:
    """Write plausible wrong values, the third of them stored otherwise than asked: the symptom that shows."""
    results: list[Result] = []
    for number in range(1, WRITES + 1):
        if number == 3:
            stage.app.twin.faults.arm(Fault.WRONG_VALUE)
        results.append(_submit(stage.app, _wrong(number), WRITER))
    done = sum(each.status is ActionStatus.EXECUTED for each in results)
    stage.count("wrong_writes", done, exactly=WRITES)
    return results


def _detect(stage: Drill, began: datetime) -> Incident | None:
    """Open the incident from what the gateway's read-back shows: a record that holds another value than was asked."""
    with stage.app.ledger.engine.connect() as connection:
        rows = actions_list(connection, agent=WRITER.name)
    seen = tuple(row.result_position for row in rows if row.verified == 0)
    if not seen:
        return None
    what = "A record reads back otherwise than asked."
    finding = Finding(Reach(WRITER.name), 2, what, since=began, entries=seen)
    incident = stage.app.incidents.incidents.open_by_detector(finding, "read_back")
    again = stage.app.incidents.incidents.open_by_detector(finding, "read_back")
    stage.check(again.id == incident.id, "the detector opened two incidents for one finding")
    return incident


def _contain(stage: Drill, incident: Incident) -> None:
    app = stage.app
    token, _ = app.gateway.door.tokens.issue(WRITER, "drill-owner", by=Actor("drill-owner"))
    queued = app.gateway.submit(_wrong(WRITES + TRIES_AFTER + 1, confidence=0.7), token)
    stage.check(queued.status is ActionStatus.HELD, f"nothing was queued: {queued.sentence}")
    position = app.gateway.door.agents.suspend(incident.reach, "drill-revops", "It writes wrong values.")
    tried = [app.gateway.submit(_wrong(WRITES + n), token) for n in range(1, TRIES_AFTER + 1)]
    stage.count("refused_while_suspended", sum(r.code == "agent_suspended" for r in tried), exactly=TRIES_AFTER)
    if queued.review:
        stage.check(_cannot_be_approved(app, queued.review), "a queued act could be approved while suspended")
    after = list(app.ledger.entries(after=position, kinds={"action.intended"}, agent=str(WRITER)))
    stage.count("intents_while_suspended", len(after), exactly=0)
    app.incidents.contain(incident.id, "drill-revops")


def _cannot_be_approved(app: App, review: str) -> bool:
    try:
        app.reviews.approve(review, "drill-admin", app.reviews.get(review).payload_hash)
    except Conflict as error:
        return error.code == "agent_suspended"
    return False


def _recover(stage: Drill, incident: Incident, before: dict[str, str]) -> None:
    desk = stage.app.incidents
    found = desk.plan(incident.id, "drill-revops")
    stage.count("found_downstream", len(downstream(found.cascade)), exactly=1)
    undone = desk.roll_back(incident.id, "drill-revops", "The drill.")
    stage.count("records_restored", undone.restored, at_least=WRITES - 1)
    after = _bytes(stage.app)
    differ = sorted(ident for ident in before | after if before.get(ident) != after.get(ident))
    stage.count("records_that_differ", len(differ), exactly=1)
    stage.check(differ == ["d2"], f"records differ from before: {', '.join(differ)}; only d2, a person's, may")
    kept = '"industry":"chosen by a person"' in after.get("d2", "")
    stage.check(kept, "the value that a person chose was overwritten")
    desk.resolve(incident.id, "drill-revops", "Everything is as before.")


def _end(stage: Drill, incident: Incident) -> None:
    desk, agents = stage.app.incidents, stage.app.gateway.door.agents
    try:
        desk.incidents.close(incident.id, "drill-revops", "Too early.")
        stage.failures.append("an incident with open tasks could be closed")
    except Conflict as error:
        stage.check(error.code == "open_tasks", str(error))
    tasks = desk.incidents.tasks(incident=incident.id)
    stage.count("tasks_for_people", len(tasks), at_least=1)
    for task in tasks:
        desk.incidents.tick(task.id, task.owner, "Looked at it.")
    agents.resume(incident.reach, "drill-revops", "The drill is over.")
    desk.incidents.close(incident.id, "drill-revops", "The drill is over.")
    for each in desk.dossier(incident.id).milestones:
        if each.minutes is not None:
            stage.seconds[each.name] = round(each.minutes * 60, 3)
        stage.check(each.met is not False, f"{each.name} took longer than the playbook allows")
        stage.check(each.at is not None, f"{each.name} was not reached")
