"""People in the simulation: deciding alone and together, handing on, being away, looking again, asking, leaving."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from random import Random

from hypothesis import strategies as st
from hypothesis.stateful import rule
from tests.simulation.side_by_side import SEEDS
from tests.world import World

from pilothouse.directory.people import Person
from pilothouse.gateway.batching import decide_together
from pilothouse.handoff.batches import batches_of, rows_to_decide
from pilothouse.handoff.questions import Kind
from pilothouse.handoff.queue import Review
from pilothouse.ledger.actions import actions_list
from pilothouse.orchestration.continuing import carry_on
from pilothouse.surfaces.asking import ask
from pilothouse.vocabulary.actors import Role
from pilothouse.vocabulary.errors import Conflict, PilothouseError

DECIDING = ["ada", "gita", "ravi", "noah", "rosa", "iris"]
DECIDERS = st.sampled_from(DECIDING)
TRIES = 5
HOW = ["approve", "approve", "approve", "edit", "reject", "wrong hash"]
ASKING = ["ask", "answer", "answer", "close"]
NEWCOMER = Person("nina", "Nina Falk", "nina@example.com", Role.REVIEWER)


class PeopleRules:
    """What people do with what waits for them, and afterwards."""

    world: World

    @rule(seed=SEEDS, then=st.sampled_from([True, True, False]))
    def people_decide(self, seed: int, then: bool) -> None:
        """Several try; `then` what they approved is taken up."""
        chance = Random(seed)
        for _ in range(TRIES):
            waiting = self.world.app.reviews.list()
            if waiting:
                self._decide(chance.choice(waiting), chance.choice(DECIDING), chance.choice(HOW))
        if then:
            carry_on(self.world.gateway)

    def _decide(self, review: Review, who: str, how: str) -> None:
        with suppress(PilothouseError):
            if how == "reject":
                self.world.app.reviews.reject(review.id, who, "no")
            elif how == "edit" and review.action is not None and "phone" in review.action.arguments:
                self.world.app.reviews.edit(review.id, who, review.payload_hash, {"phone": "edited"}, "better")
            else:
                seen = "0" * 64 if how == "wrong hash" else review.payload_hash
                self.world.app.reviews.approve(review.id, who, seen)

    @rule(who=DECIDERS, approve=st.booleans(), without=st.integers(0, 2), late=st.booleans())
    def somebody_decides_a_batch(self, who: str, approve: bool, without: int, late: bool) -> None:
        """Some rows may be taken out; with `late` somebody else decides a row after the page was shown."""
        shown = batches_of(self.world.app.reviews.list())
        if not shown:
            return
        batch = shown[0]
        out = [each.id for each in batch.rows[:without]]
        if late:
            with suppress(PilothouseError):
                self.world.app.reviews.reject(batch.rows[-1].id, "ada", "I was first")
        now = next((each for each in batches_of(self.world.app.reviews.list()) if each.id == batch.id), None)
        if now is None:
            return
        try:
            rows = rows_to_decide(now, batch.seen, out)
        except Conflict:
            assert now.seen != batch.seen
            return
        assert not late or now.seen == batch.seen
        before = self.world.app.ledger.size()
        decide_together(self.world.gateway, rows, who, approve=approve, note="looked at together")
        self._only_these_were_decided(set(rows), before)

    def _only_these_were_decided(self, rows: set[str], before: int) -> None:
        decided = [e for e in self.world.app.ledger.entries(after=before - 1) if e.body.get("batch")]
        assert {e.body["review"] for e in decided} <= rows, "a row was decided that was not chosen"

    @rule(giver=DECIDERS, to=DECIDERS, choice=st.integers(0, 20))
    def somebody_hands_a_review_on(self, giver: str, to: str, choice: int) -> None:
        waiting = self.world.app.reviews.list(status=None)
        if waiting:
            with suppress(PilothouseError):
                self.world.gateway.keeper.reassign(waiting[choice % len(waiting)].id, to, giver, "They know more.")

    @rule(
        who=DECIDERS, by=DECIDERS, deputy=st.sampled_from(["", "ada", "ravi", "gita"]), hours=st.sampled_from([2, 72])
    )
    def somebody_goes_away(self, who: str, by: str, deputy: str, hours: int) -> None:
        now = self.world.clock.now()
        with suppress(PilothouseError):
            self.world.app.availability.away(who, now, now + timedelta(hours=hours), deputy, by)

    @rule(by=DECIDERS)
    def somebody_comes_back(self, by: str) -> None:
        for each in self.world.app.availability.list(self.world.clock.now()):
            with suppress(PilothouseError):
                self.world.app.availability.returned(each.id, by)

    @rule(role=st.sampled_from([None, Role.REVOPS, Role.REP]))
    def somebody_joins_moves_or_leaves(self, role: Role | None) -> None:
        directory = self.world.app.directory
        with suppress(PilothouseError):
            if all(each.id != NEWCOMER.id for each in directory.people()):
                directory.add(NEWCOMER, "ada")
            elif role is not None:
                directory.change_role(NEWCOMER.id, role, "ada")
            else:
                directory.deactivate(NEWCOMER.id, "ada")

    @rule(seed=SEEDS)
    def people_look_again(self, seed: int) -> None:
        chance, every = Random(seed), self.world.app.spot_checks.list(waiting=False)
        for _ in range(TRIES if every else 0):
            who, passed = chance.choice(DECIDING), chance.random() < 0.8
            with suppress(PilothouseError):
                self.world.app.spot_checks.decide(chance.choice(every).id, who, passed=passed, note="I looked.")

    @rule(seed=SEEDS)
    def people_ask_and_answer(self, seed: int) -> None:
        chance = Random(seed)
        for _ in range(TRIES):
            self._ask_or_answer(chance.choice(DECIDING), chance.randrange(6), chance.choice(ASKING))

    def _ask_or_answer(self, who: str, choice: int, act: str) -> None:
        questions = self.world.app.questions
        every = self._acts() if act == "ask" else [each.id for each in questions.list(open_only=False)]
        if not every:
            return
        named = every[choice % len(every)]
        with suppress(PilothouseError):
            if act == "ask":
                ask(self.world.app, named, self.world.app.directory.person(who), "Why was this done?", Kind.WHY)
            elif act == "answer":
                questions.answer(named, who, "The billing system says so.")
            else:
                questions.close(named, who)

    def _acts(self) -> Sequence[str]:
        with self.world.app.ledger.engine.connect() as connection:
            return [each.id for each in actions_list(connection, limit=20)]
