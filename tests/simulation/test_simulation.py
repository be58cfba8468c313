"""Random agents, people, faults, kills and restarts through the real pipeline on the twin, alone and side by side.

After every step the invariants of docs/ARCHITECTURE.md are asserted, and the ledger is compared with the twin's own
journal, which Pilothouse cannot write.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.postgres import Cluster
from tests.simulation.invariants import check
from tests.simulation.invariants_of_policy import every_decision_can_be_made_again
from tests.simulation.side_by_side import run_side_by_side
from tests.world import letter, make_world

from pilothouse.directory.suspensions import Reach
from pilothouse.gateway import rollback
from pilothouse.gateway.stages import perform, record_result
from pilothouse.handoff.queue import Review
from pilothouse.orchestration.continuing import carry_on
from pilothouse.testing.clock import TestClock
from pilothouse.vocabulary.actions import Evidence
from pilothouse.vocabulary.actors import AgentRef
from pilothouse.vocabulary.errors import NotFound, PilothouseError
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.verdicts import Mode
from pilothouse.workspace.config import init_workspace

pytestmark = pytest.mark.soak  # PILOTHOUSE_SOAK=1 is the long run, anything else the short form
LONG = os.environ.get("PILOTHOUSE_SOAK") == "1"
FIELDS = st.sampled_from(["industry", "country", "phone", "annual_revenue", "owner"])
VALUES = st.sampled_from(["software", "retail", "", None, "x" * 50])
ACCOUNTS = st.integers(1, 8)
SURE = st.sampled_from([0.0, 0.49, 0.5, 0.67, 0.85, 0.86, 0.99, 1.0])
PERSONS = st.sampled_from(["gita", "rosa", "noah", "iris"])
DECIDERS = st.sampled_from(["ada", "gita", "ravi", "noah", "rosa", "iris"])
TYPES = st.sampled_from(["crm.account.update", "crm.account.update:fill-empty", "crm.record.flag", "crm.message.send",
                         "crm.record.delete", "crm.opportunity.stage", "crm.account.assign"])  # fmt: skip
FAULTS = st.sampled_from(["429", "500", "timeout_before_commit", "timeout_after_commit", "wrong_value"])
SCHEDULES = st.integers(0, 2**20).map(lambda drawn: crc32(str(drawn).encode()))
"""How callers side by side are switched; see `side_by_side`. Small numbers, which are drawn oftenest, are spread out."""
RIVALS = st.tuples(
    st.sampled_from(["update", "update", "update", "same act", "tend", "decide", "edit", "edit", "suspend"]),
    st.integers(0, 1),
    st.sampled_from(["industry", "phone"]),
)
UPDATE = "crm.account.update"
REACHES = [
    Reach("tester@1"),
    Reach("tester"),
    Reach(),
    Reach(action_type=UPDATE),
    Reach("tester", f"{UPDATE}:fill-empty"),
]
_template: list[Path] = []
_cluster: list[Cluster] = []


class Killed(BaseException):
    """The process is gone."""


def template() -> Path:
    if not _template:
        root = Path(tempfile.mkdtemp()) / "workspace"
        init_workspace(root)
        _template.append(root)
    return _template[0]


class Simulation(RuleBasedStateMachine):
    """Everything anybody may do, in any order."""

    on_postgres = False

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        shutil.copytree(template(), self.folder / "w")
        (self.folder / "w" / "policy" / "handing.yaml").write_text("canaries: {rate: 0.5}\n")
        url = _cluster[0].new_database() if self.on_postgres else None
        self.world = make_world(self.folder / "w", TestClock(), url)
        self.world.gateway.door.pause = lambda _: None
        self.edits: list[tuple[str, str]] = []

    @rule(number=ACCOUNTS, field=FIELDS, value=VALUES, sure=SURE, person=PERSONS, stale=st.booleans())
    def an_agent_proposes_an_update(
        self, number: int, field: str, value: Any, sure: float, person: str, stale: bool
    ) -> None:
        says = (Evidence("another source says so", f"billing/account/b{number}", field, value, position=0),)
        given: dict[str, Any] = {"to": f"crm/account/a{number}", "confidence": sure, "evidence": says}
        action = self.world.action(field, value, **given)
        if stale:
            action = self.world.action(field, value, **given, expects={field: "?"})
        self.world.submit(action, self.world.token(person=person))

    @rule(number=ACCOUNTS, sure=SURE)
    def an_agent_floods(self, number: int, sure: float) -> None:
        token = self.world.token()
        for account in range(1, 9):
            action = self.world.action("phone", f"{number}", to=f"crm/account/a{account}", confidence=sure)
            self.world.submit(action, token)

    @rule(kind=st.sampled_from(["delete", "message", "stage", "restore", "flag"]), sure=SURE, who=ACCOUNTS)
    def an_agent_tries_something_else(self, kind: str, sure: float, who: int) -> None:
        account, message = RecordRef("crm", "account", "a1"), RecordRef("crm", "message", "")
        deal = RecordRef("crm", "opportunity", "o1")
        arguments = letter(f"c{who}")
        restore = {"fields": {"industry": "x"}}
        flag = {"code": "odd", "note": "look at this"}
        choices: dict[str, dict[str, Any]] = {
            "delete": {"capability": "crm.record.delete", "target": account, "arguments": {"confirm": True}},
            "message": {"capability": "crm.message.send", "target": message, "arguments": arguments},
            "stage": {"capability": "crm.opportunity.stage", "target": deal, "arguments": {"stage": "Closed Won"}},
            "restore": {"capability": "crm.record.restore", "target": account, "arguments": restore},
            "flag": {"capability": "crm.record.flag", "target": account, "arguments": flag},
        }
        fields = {"stage": "stage", "restore": "industry", "flag": "flags"}
        known = self.world.read(choices[kind]["target"].object, choices[kind]["target"].id) if kind in fields else {}
        expects = {fields[kind]: known.get(fields[kind])} if kind in fields else None
        self.world.submit(self.world.action(**choices[kind], confidence=sure, expects=expects))

    @rule(rivals=st.lists(RIVALS, min_size=2, max_size=8), schedule=SCHEDULES, fault=st.one_of(st.none(), FAULTS))
    def callers_want_the_same(self, rivals: list[tuple[str, int, str]], schedule: int, fault: str | None) -> None:
        """Two new accounts, and everybody at them: most want the same empty fields."""
        fresh = self.ready_to_act(2)
        if fault is not None:
            self.world.app.twin.faults.arm(fault)
        token = self.world.token()
        acts = [
            self.rival(f"value {number}", kind, fresh[account], field, token)
            for number, (kind, account, field) in enumerate(rivals)
        ]
        run_side_by_side(self.world, acts, schedule)

    @rule(
        before=st.integers(2, 5), callers=st.integers(2, 8), stop=st.booleans(), tend=st.booleans(), schedule=SCHEDULES
    )
    def callers_want_the_last_places(self, before: int, callers: int, stop: bool, tend: bool, schedule: int) -> None:
        """Near the bulk limit: new accounts, some of them filled one after another, the rest by all at once."""
        fresh = self.ready_to_act(before + callers)
        token, submit = self.world.token(), self.world.submit
        actions = [self.world.action(to=f"crm/account/{each}") for each in fresh]
        for action in actions[:before]:
            submit(action, token)
        acts: list[Callable[[], object]] = [lambda a=a: submit(a, token) for a in actions[before:]]
        acts += [self.suspend] * stop + [self.tend] * tend
        run_side_by_side(self.world, acts, schedule)

    def ready_to_act(self, accounts: int) -> list[str]:
        """Let the agent write alone what is empty, with the whole write-set left; return that many new accounts."""
        self.world.promote("crm.account.update:fill-empty")
        for each in self.world.gateway.door.agents.suspensions():
            self.world.gateway.door.agents.resume(each.reach, "noah", "the drill is over")
        self.world.clock.advance(timedelta(minutes=11))
        fresh = [f"n{self.world.app.ledger.size()}-{number}" for number in range(accounts)]
        self.world.app.twin.seed([("account", each, {"name": each, "country": "Germany"}) for each in fresh])
        self.world.app.take_in()
        return fresh

    def rival(self, value: str, kind: str, account: str, field: str, token: str) -> Callable[[], object]:
        """Return what one of several callers is about to do; whatever it is based on is read now."""
        world = self.world
        named = {"idempotency_key": f"once {account}"} if kind == "same act" else {}
        action = world.action(field, "again" if named else value, to=f"crm/account/{account}", **named)
        waiting = world.app.reviews.list()
        choices: dict[str, Callable[[], object]] = {
            "tend": self.tend,
            "suspend": self.suspend,
            "edit": lambda: world.app.twin.edit_as("rosa", "account", account, {field: value}),
            "decide": lambda: self.decide_and_resume(waiting[0]) if waiting else None,
        }
        return choices.get(kind, lambda: world.submit(action, token))

    def tend(self) -> None:
        """What the server does every two seconds."""
        self.world.app.take_in()
        carry_on(self.world.gateway)

    def suspend(self) -> None:
        reach = REACHES[self.world.app.ledger.size() % len(REACHES)]
        self.world.gateway.door.agents.suspend(reach, "noah", "a drill")

    def decide_and_resume(self, review: Review) -> None:
        try:
            self.world.app.reviews.approve(review.id, "ravi", review.payload_hash)
            self.world.gateway.resume(review.id)
        except PilothouseError:
            pass  # somebody else was first

    @rule(action_type=TYPES, mode=st.sampled_from(list(Mode)), allowance=st.sampled_from([0, 0, 20]))
    def two_people_promote(self, action_type: str, mode: Mode, allowance: int) -> None:
        self.world.promote(action_type, mode, bulk_allowance=allowance)

    @rule(action_type=TYPES)
    def somebody_demotes(self, action_type: str) -> None:
        self.world.gateway.door.agents.demote(AgentRef("tester", "1"), action_type, "noah", "too eager")

    @rule(stop=st.booleans(), reach=st.sampled_from(REACHES))
    def somebody_suspends_or_resumes(self, stop: bool, reach: Reach) -> None:
        agents = self.world.gateway.door.agents
        try:
            (agents.suspend if stop else agents.resume)(reach, "noah", "a drill")
        except NotFound:
            assert not stop  # exactly this was not suspended

    @rule(who=DECIDERS, choice=st.integers(0, 20), how=st.sampled_from(["approve", "edit", "reject", "wrong hash"]))
    def somebody_decides(self, who: str, choice: int, how: str) -> None:
        waiting = self.world.app.reviews.list()
        if not waiting:
            return
        review = waiting[choice % len(waiting)]
        try:
            if how == "reject":
                self.world.app.reviews.reject(review.id, who, "no")
            elif how == "edit" and review.action is not None and "phone" in review.action.arguments:
                self.world.app.reviews.edit(review.id, who, review.payload_hash, {"phone": "edited"}, "better")
            else:
                seen = "0" * 64 if how == "wrong hash" else review.payload_hash
                self.world.app.reviews.approve(review.id, who, seen)
        except PilothouseError:
            pass

    @rule()
    def what_was_decided_goes_on(self) -> None:
        carry_on(self.world.gateway)

    @rule(number=ACCOUNTS, field=FIELDS, value=st.sampled_from(["retail", "mining"]), seen=st.booleans())
    def a_person_edits_in_the_crm(self, number: int, field: str, value: str, seen: bool) -> None:
        self.world.app.twin.edit_as("rosa", "account", f"a{number}", {field: value})
        self.edits.append((f"a{number}", field))
        if seen:
            self.world.app.take_in()

    @rule(fault=FAULTS, operation=st.sampled_from(["write", "write", "read"]))
    def a_fault_is_armed(self, fault: str, operation: str) -> None:
        self.world.app.twin.faults.arm(fault, operation=operation)

    @rule(minutes=st.sampled_from([1, 11, 60, 60 * 24 * 4]))
    def time_passes(self, minutes: int) -> None:
        self.world.clock.advance(timedelta(minutes=minutes))

    @rule(at=st.sampled_from(["before the call", "after the call"]), number=ACCOUNTS)
    def the_process_is_killed(self, at: str, number: int) -> None:
        def die(*_: object) -> None:
            raise Killed

        module, name = (perform, "call_of") if at == "before the call" else (record_result, "action_draft")
        original = getattr(module, name)
        setattr(module, name, die)
        try:
            self.world.submit(self.world.action("phone", "killed", to=f"crm/account/a{number}"))
        except Killed:
            pass
        finally:
            setattr(module, name, original)
        self.world.app.ledger.close()  # as the operating system closes what a dead process held
        self.world.app.ledger.engine.dispose()
        self.world = self.world.reopened()
        self.world.gateway.door.pause = lambda _: None

    @rule(field=st.one_of(st.none(), FIELDS))
    def revops_rolls_back(self, field: str | None) -> None:
        kept = {place: self.world.read("account", place[0]).get(place[1]) for place in self._last_written_by_people()}
        rollback.apply(self.world.gateway, rollback.Scope(agent="tester", field=field), "noah", "a drill")
        for (ident, name), value in kept.items():  # I3 of rollback: a person's later value is untouched
            assert self.world.read("account", ident).get(name) == value

    def _last_written_by_people(self) -> set[tuple[str, str]]:
        last: dict[tuple[str, str], str] = {}
        for row in self.world.app.twin.changes(0):
            for name in json.loads(row["after"]):
                last[(row["id"], name)] = row["who"]
        return {place for place, who in last.items() if who.startswith("user:") and place[0].startswith("a")}

    @invariant()
    def the_invariants_hold(self) -> None:
        if hasattr(self, "world"):
            check(self.world)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            every_decision_can_be_made_again(self.world)
        finally:
            self.world.app.close()
            shutil.rmtree(self.folder)


class SimulationOnPostgres(Simulation):
    """The same on the other store."""

    on_postgres = True


def length(examples: int) -> settings:
    return settings(
        max_examples=400 if LONG else examples,
        stateful_step_count=60 if LONG else 25,
        deadline=None,
        phases=tuple(Phase) if LONG else (Phase.explicit, Phase.reuse, Phase.generate),  # shrinking takes minutes
        suppress_health_check=list(HealthCheck),
    )


TestSimulation = Simulation.TestCase
TestSimulation.settings = length(60)


@pytest.mark.postgres
class TestSimulationOnPostgres(SimulationOnPostgres.TestCase):
    settings = length(20)

    @pytest.fixture(autouse=True)
    def a_cluster(self, cluster: Cluster) -> None:
        _cluster[:] = [cluster]
