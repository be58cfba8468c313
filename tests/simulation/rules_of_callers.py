"""Callers side by side in the simulation, and suspensions, which stop them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule
from tests.simulation.side_by_side import SEEDS, run_side_by_side
from tests.world import World

from pilothouse.decision.publishing.versions import VersionStatus
from pilothouse.directory.suspensions import Reach
from pilothouse.gateway.proposals import Through
from pilothouse.handoff.queue import Review
from pilothouse.orchestration.continuing import carry_on
from pilothouse.vocabulary.actions import Evidence
from pilothouse.vocabulary.errors import NotFound, PilothouseError

FAULTS = st.sampled_from(["429", "500", "timeout_before_commit", "timeout_after_commit", "wrong_value"])
RIVALS = st.tuples(
    st.sampled_from(["update", "update", "update", "same act", "tend", "decide", "edit", "edit", "suspend", "publish"]),
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


class CallerRules:
    """What many do at once."""

    world: World

    @rule(rivals=st.lists(RIVALS, min_size=2, max_size=8), schedule=SEEDS, fault=st.one_of(st.none(), FAULTS))
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

    @rule(before=st.integers(2, 5), callers=st.integers(2, 8), stop=st.booleans(), tend=st.booleans(), schedule=SEEDS)
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
        for each in self.world.gateway.door.promotions.list(waiting=True):
            self.world.gateway.door.promotions.withdraw(each.id, "noah", "a drill", Through.LOG_IN)
        with suppress(PilothouseError):  # what went seriously wrong bars it
            self.world.promote("crm.account.update:fill-empty")
        self.resume_all()
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
            "publish": self.publish,
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

    def publish(self) -> None:
        for each in self.world.app.versions.list():
            if each.status is VersionStatus.PROPOSED:
                with suppress(PilothouseError):
                    self.world.app.versions.approve(each.id, "noah")

    @rule(seed=SEEDS)
    def what_is_asked_is_rejected_and_canaries_are_mixed_in(self, seed: int) -> None:
        """Two proposals too unsure to run alone are turned down, and then serve as shapes of canaries."""
        for number, each in enumerate(self.ready_to_act(2)):
            value = f"value {seed % 100 + number}"
            says = (Evidence("another source says so", "billing/account/b1", "industry", value, position=0),)
            given: dict[str, Any] = {"to": f"crm/account/{each}", "confidence": 0.67, "evidence": says}
            review = self.world.submit(self.world.action("industry", value, **given), self.world.token()).review
            with suppress(PilothouseError):
                self.world.app.reviews.reject(review, "ravi", "No.")
        carry_on(self.world.gateway)

    @rule(waits=st.lists(st.sampled_from([4, 21, 26, 96]), min_size=1, max_size=4), stop=st.booleans())
    def nobody_answers_for_hours(self, waits: list[int], stop: bool) -> None:
        """What waits is reminded about, handed on and at last rejected by time, unless it is suspended."""
        [each] = self.ready_to_act(1)
        self.world.submit(self.world.action(to=f"crm/account/{each}", confidence=0.67), self.world.token())
        if stop:
            self.suspend()
        for hours in waits:
            self.world.clock.advance(timedelta(hours=hours))
            now, reviews = self.world.clock.now(), self.world.app.reviews
            carry_on(self.world.gateway)
            late = [each.id for each in reviews.list() if each.deadline <= now and reviews.suspension(each) is None]
            assert not late, f"{late} are overdue, and wait still"

    @rule(reach=st.sampled_from(REACHES))
    def somebody_suspends(self, reach: Reach) -> None:
        self.world.gateway.door.agents.suspend(reach, "noah", "a drill")

    @rule(reach=st.sampled_from(REACHES))
    def somebody_resumes(self, reach: Reach) -> None:
        agents = self.world.gateway.door.agents
        suspended = {each.reach for each in agents.suspensions()}
        with suppress(NotFound):
            agents.resume(reach, "noah", "a drill")
            assert reach in suspended
        self.resume_all()

    def resume_all(self) -> None:
        for each in self.world.gateway.door.agents.suspensions():
            self.world.gateway.door.agents.resume(each.reach, "noah", "the drill is over")
