"""The life of reviews under everything that can be done to them, in any order, checked against a plain model.

Never two decisions, never a use without a person's approval of that payload, never a second use, never an approval by
time; and a rebuild of the projection tells the same story.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from pilothouse.directory.people import Directory, PeopleProjector, Person
from pilothouse.handoff.queue import ReviewProjector
from pilothouse.handoff.reviews import Reviews, consume_guard, opening, used
from pilothouse.handoff.sla import deadline
from pilothouse.handoff.tables import reviews
from pilothouse.ledger.database import create_schema, open_database
from pilothouse.ledger.ledger import Ledger
from pilothouse.testing.clock import TestClock
from pilothouse.vocabulary.actions import Action
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor, AgentRef, Role
from pilothouse.vocabulary.errors import Conflict, Forbidden, PilothouseError
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.records import FieldChange, RecordRef
from pilothouse.vocabulary.verdicts import Reason, Tier, Treatment, Verdict

AGENT = Actor("gita", AgentRef("tester", "1"))
OWNER_OF_AGENT = "noah"
PEOPLE = (
    Person("ada", "Ada", "ada@example.com", Role.ADMIN),
    Person("gita", "Gita", "gita@example.com", Role.REVOPS),
    Person("noah", "Noah", "noah@example.com", Role.REVOPS),
    Person("ravi", "Ravi", "ravi@example.com", Role.REVIEWER),
    Person("rosa", "Rosa", "rosa@example.com", Role.REP),
    Person("iris", "Iris", "iris@example.com", Role.AUDITOR),
)
WHO = st.sampled_from(["ada", "gita", "noah", "ravi", "rosa", "iris", "nobody", SYSTEM_PERSON, "tester@1"])
WHICH = st.integers(0, 30)
MAY_REVIEW = {"ada", "gita", "noah", "ravi"}


@dataclass
class Model:
    """What a review must be, kept without a database."""

    id: str
    tier: Tier
    payload_hash: str
    status: ReviewStatus = ReviewStatus.OPEN
    approved_hash: str = ""
    by: str = ""
    decisions: list[str] = field(default_factory=list[str])


def proposal(tier: Tier, number: int) -> tuple[Action, Verdict]:
    action = Action(
        "crm.account.update", RecordRef("crm", "account", f"a{number}"), {"phone": f"{number}"}, "Fill.", confidence=0.9
    )
    return action, Verdict(Treatment.REVIEW, tier, (Reason("rule", "A person looks.", Treatment.REVIEW, "r1"),), "v1")


class Life(RuleBasedStateMachine):
    """Everybody, agents and the system among them, tries everything."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.clock = TestClock()
        engine = open_database(f"sqlite:///{self.folder}/ledger.sqlite")
        create_schema(engine)
        self.ledger = Ledger(engine, self.clock, (PeopleProjector(), ReviewProjector()))
        self.directory = Directory(self.ledger)
        for person in PEOPLE:
            self.directory.add(person, SYSTEM_PERSON)
        self.reviews = Reviews(self.ledger, self.directory, self.clock)
        self.inactive: set[str] = set()
        self.models: list[Model] = []
        self.actions: dict[str, Action] = {}

    @rule(tier=st.sampled_from([Tier.T1, Tier.T2, Tier.T3]))
    def an_agent_asks(self, tier: Tier) -> None:
        action, verdict = proposal(tier, len(self.models))
        change = FieldChange("phone", None, action.arguments["phone"])
        due = deadline(self.clock.now())
        draft, review = opening(
            action, verdict, actor=AGENT, owner="rosa", agent_owner=OWNER_OF_AGENT, deadline=due, changes=[change]
        )
        self.ledger.append([draft])
        self.models.append(Model(review, tier, action.payload_hash))
        self.actions[review] = action

    def pick(self, which: int) -> Model:
        return self.models[which % len(self.models)]

    def may(self, who: str, model: Model, *, approving: bool) -> bool:
        if who not in {person.id for person in PEOPLE} or who in self.inactive:
            return False
        if approving and model.tier is Tier.T3 and who in (AGENT.person, OWNER_OF_AGENT):
            return False  # I10
        return who in MAY_REVIEW or (who == "rosa" and model.tier is not Tier.T3)

    def overdue(self, model: Model) -> bool:
        return self.reviews.get(model.id).deadline <= self.clock.now()

    @precondition(lambda self: self.models)
    @rule(which=WHICH, who=WHO, how=st.sampled_from(["approve", "edit", "same", "reject"]), right=st.booleans())
    def somebody_decides(self, which: int, who: str, how: str, right: bool) -> None:
        model = self.pick(which)
        overdue = self.overdue(model)
        fits = right or how == "reject"
        allowed = self.may(who, model, approving=how != "reject") and fits and not overdue
        try:
            self.decide(model, who, how, model.payload_hash if right else "0" * 64)
        except PilothouseError:
            assert not (allowed and model.status is ReviewStatus.OPEN)
            if overdue and self.reviews.get(model.id).status is ReviewStatus.EXPIRED:
                model.status = ReviewStatus.EXPIRED
            return
        assert allowed and model.status is ReviewStatus.OPEN
        model.decisions.append(how)
        model.by = who
        model.status = ReviewStatus.REJECTED if how == "reject" else ReviewStatus.APPROVED
        if how != "reject":
            model.approved_hash = self.chosen(model, how).payload_hash

    def chosen(self, model: Model, how: str) -> Action:
        action = self.actions[model.id]
        return action.with_arguments({"phone": "edited"}) if how == "edit" else action

    def decide(self, model: Model, who: str, how: str, shown: str) -> None:
        match how:
            case "approve":
                self.reviews.approve(model.id, who, shown)
            case "reject":
                self.reviews.reject(model.id, who, "no")
            case _:
                self.reviews.edit(model.id, who, shown, self.chosen(model, how).arguments)

    @precondition(lambda self: self.models)
    @rule(which=WHICH, right=st.booleans(), stricter=st.booleans(), guarded=st.booleans())
    def the_gateway_uses_an_approval(self, which: int, right: bool, stricter: bool, guarded: bool) -> None:
        model = self.pick(which)
        shown = (model.approved_hash or model.payload_hash) if right else "f" * 64
        tier = Tier.TX if stricter else model.tier
        draft = used(model.id, self.actions[model.id], AGENT)
        try:
            self.ledger.append([draft], guard=consume_guard(model.id, shown, tier) if guarded else None)
        except Conflict:
            assert model.status is not ReviewStatus.APPROVED or (guarded and (not right or stricter))
            return
        assert model.status is ReviewStatus.APPROVED and model.by not in ("", SYSTEM_PERSON)
        assert not guarded or (right and not stricter)
        model.status = ReviewStatus.USED

    @rule(hours=st.sampled_from([1, 20, 25, 73]))
    def time_passes(self, hours: int) -> None:
        self.clock.advance(timedelta(hours=hours))

    @rule()
    def the_overdue_expire(self) -> None:
        due = {model.id for model in self.models if model.status is ReviewStatus.OPEN and self.overdue(model)}
        assert set(self.reviews.expire()) == due
        for model in self.models:
            if model.id in due:
                model.status = ReviewStatus.EXPIRED

    @rule(who=st.sampled_from(["ravi", "rosa"]))
    def somebody_leaves(self, who: str) -> None:
        self.directory.deactivate(who, "ada")
        self.inactive.add(who)

    @rule()
    def the_projection_is_rebuilt(self) -> None:
        before = self.rows()
        self.ledger.rebuild()
        assert self.rows() == before

    def rows(self) -> list[Any]:
        with self.ledger.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(select(reviews).order_by(reviews.c.id))]

    @invariant()
    def every_review_is_what_the_model_says(self) -> None:
        if not hasattr(self, "models"):
            return
        for model in self.models:
            review = self.reviews.get(model.id)
            assert review.status is model.status, model
            assert len(model.decisions) <= 1
            assert review.decided_by == (model.by or (SYSTEM_PERSON if model.status is ReviewStatus.EXPIRED else ""))
            if model.approved_hash:
                assert review.payload_hash == model.approved_hash == review.approved_action().payload_hash
        told = Counter((e.body["review"], e.kind == "review.used") for e in self.ledger.entries() if decisive(e.kind))
        assert max(told.values(), default=0) <= 1
        assert sum(tally.n for tally in self.reviews.tallies()) == sum(bool(model.decisions) for model in self.models)

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            self.ledger.engine.dispose()
            shutil.rmtree(self.folder)


def decisive(kind: str) -> bool:
    return kind.startswith("review.") and kind != "review.opened"


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_an_agent_and_the_system_are_told_that_only_people_decide(tmp_path: Path, clock: TestClock) -> None:
    life = Life()
    life.begin()
    life.an_agent_asks(Tier.T2)
    for who in ("tester@1", SYSTEM_PERSON):
        with pytest.raises(Forbidden) as refused:
            life.decide(life.models[0], who, "approve", life.models[0].payload_hash)
        assert refused.value.code == "only_people_decide"
    life.teardown()
