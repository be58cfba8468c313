"""Random agents, people, faults, kills and restarts through the real pipeline on the twin, alone and side by side.

After every step the invariants of docs/ARCHITECTURE.md are asserted, and the ledger is compared with the twin's own
journal, which Pilothouse cannot write.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.postgres import Cluster
from tests.simulation.invariants import check
from tests.simulation.invariants_of_policy import every_decision_can_be_made_again
from tests.simulation.rules_of_agents import ACCOUNTS, FIELDS, AgentRules
from tests.simulation.rules_of_autonomy import FILL, AutonomyRules
from tests.simulation.rules_of_callers import FAULTS, CallerRules
from tests.simulation.rules_of_messages import SEND, MessageRules
from tests.simulation.rules_of_people import PeopleRules
from tests.simulation.rules_of_policy import PolicyRules
from tests.world import make_world

from pilothouse.decision.publishing.content import gather
from pilothouse.gateway import rollback
from pilothouse.gateway.stages import perform, record_result
from pilothouse.orchestration.continuing import carry_on
from pilothouse.testing.clock import TestClock
from pilothouse.vocabulary.verdicts import Mode
from pilothouse.workspace.config import init_workspace

pytestmark = pytest.mark.soak  # PILOTHOUSE_SOAK=1 is the long run, anything else the short form
LONG = os.environ.get("PILOTHOUSE_SOAK") == "1"
HANDING = """canaries: {rate: 0.5}
spot_checks: {auto: 0.5, approved: 0.5}
"""
TRUST = {FILL: Mode.LIVE, "crm.account.update": Mode.ASSISTED, SEND: Mode.LIVE, "crm.opportunity.stage": Mode.LIVE}
"""How far the agent has come where an example does not begin in shadow: what is filled in runs alone, the rest is asked."""
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


class Simulation(AgentRules, CallerRules, PolicyRules, AutonomyRules, PeopleRules, MessageRules, RuleBasedStateMachine):
    """Everything anybody may do, in any order."""

    on_postgres = False

    @initialize(published=st.booleans(), trusted=st.sampled_from([True, True, False]))
    def begin(self, published: bool, trusted: bool) -> None:
        """With `published` the ledger decides from the first moment on, and else the folder until somebody publishes."""
        self.folder = Path(tempfile.mkdtemp())
        shutil.copytree(template(), self.folder / "w")
        (self.folder / "w" / "policy" / "handing.yaml").write_text(HANDING)
        url = _cluster[0].new_database() if self.on_postgres else None
        self.world = make_world(self.folder / "w", TestClock(), url)
        self.world.gateway.door.pause = lambda _: None
        if published:
            self.world.app.versions.bootstrap(gather(self.world.root), gather(self.world.root))
        for action_type, mode in TRUST.items() if trusted else ():
            self.world.promote(action_type, mode)

    @rule()
    def what_was_decided_goes_on(self) -> None:
        carry_on(self.world.gateway)

    @rule(number=ACCOUNTS, field=FIELDS, value=st.sampled_from(["retail", "mining"]), seen=st.booleans())
    def a_person_edits_in_the_crm(self, number: int, field: str, value: str, seen: bool) -> None:
        self.world.app.twin.edit_as("rosa", "account", f"a{number}", {field: value})
        if seen:
            self.world.app.take_in()

    @rule(fault=FAULTS, operation=st.sampled_from(["write", "write", "read"]))
    def a_fault_is_armed(self, fault: str, operation: str) -> None:
        self.world.app.twin.faults.arm(fault, operation=operation)

    @rule(minutes=st.sampled_from([1, 11, 60, 60 * 24, 60 * 24 * 4, 60 * 24 * 8]))
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
        stateful_step_count=60 if LONG else 50,
        deadline=None,
        phases=tuple(Phase) if LONG else (Phase.explicit, Phase.reuse, Phase.generate),  # shrinking takes minutes
        suppress_health_check=list(HealthCheck),
    )


TestSimulation = Simulation.TestCase
TestSimulation.settings = length(32)


@pytest.mark.postgres
class TestSimulationOnPostgres(SimulationOnPostgres.TestCase):
    settings = length(10)

    @pytest.fixture(autouse=True)
    def a_cluster(self, cluster: Cluster) -> None:
        _cluster[:] = [cluster]
