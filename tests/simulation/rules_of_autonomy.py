"""Trust in the simulation: promotions as two acts by anybody who tries, demotions, and what goes on by itself."""

from __future__ import annotations

from contextlib import suppress
from random import Random

from hypothesis import strategies as st
from hypothesis.stateful import rule
from tests.simulation.side_by_side import SEEDS
from tests.world import World

from pilothouse.gateway.proposals import Through
from pilothouse.ledger.entries import Draft
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor, AgentRef
from pilothouse.vocabulary.errors import PilothouseError
from pilothouse.vocabulary.verdicts import Mode

TESTER, FILL = AgentRef("tester", "1"), "crm.account.update:fill-empty"
TYPES = st.sampled_from(["crm.account.update", FILL, "crm.record.flag", "crm.message.send",
                         "crm.record.delete", "crm.opportunity.stage", "crm.account.assign"])  # fmt: skip
EVERYBODY = ["noah", "emil", "ada", "gita", "ravi"]
PEOPLE = st.sampled_from(EVERYBODY)
AUTHORS = st.sampled_from(["noah", "emil", "ada", "gita"])
LOG_IN = Through.LOG_IN


class AutonomyRules:
    """What people and time do to an agent's standing."""

    world: World

    @rule(action_type=TYPES, mode=st.sampled_from([Mode.LIVE, *Mode]), allowance=st.sampled_from([0, 0, 20]))
    def two_people_promote(self, action_type: str, mode: Mode, allowance: int) -> None:
        with suppress(PilothouseError):  # the same is proposed already
            self.world.promote(action_type, mode, bulk_allowance=allowance)

    @rule(action_type=TYPES, who=AUTHORS, mode=st.sampled_from([None, *Mode]), seed=SEEDS)
    def a_promotion_is_proposed_and_maybe_confirmed(
        self, action_type: str, who: str, mode: Mode | None, seed: int
    ) -> None:
        """With a mode a bootstrap; without one the next step of the ramp, of what may have earned it."""
        promotions, action_type = self.world.gateway.door.promotions, FILL if mode is None else action_type
        with suppress(PilothouseError):
            proposed = promotions.propose(TESTER, action_type, who, LOG_IN, bootstrap=mode)
            chance = Random(seed)
            for each in chance.sample(EVERYBODY, chance.randrange(4)):
                with suppress(PilothouseError):
                    promotions.confirm(proposed.id, each, LOG_IN)

    @rule(who=PEOPLE, choice=st.integers(0, 5), act=st.sampled_from(["confirm", "confirm", "confirm", "withdraw"]))
    def somebody_answers_a_promotion(self, who: str, choice: int, act: str) -> None:
        promotions = self.world.gateway.door.promotions
        every = promotions.list()[:6]  # lapsed and decided ones too: nothing may come of them
        if not every:
            return
        with suppress(PilothouseError):
            if act == "confirm":
                promotions.confirm(every[choice % len(every)].id, who, LOG_IN)
            else:
                promotions.withdraw(every[choice % len(every)].id, who, "Too early.", LOG_IN)

    @rule(action_type=TYPES, who=PEOPLE)
    def somebody_demotes(self, action_type: str, who: str) -> None:
        with suppress(PilothouseError):
            self.world.gateway.door.agents.demote(TESTER, action_type, who, "too eager")

    @rule()
    def autonomy_is_tended(self) -> None:
        self.world.app.autonomy.round()

    @rule(level=st.integers(2, 4), stage=st.integers(2, 4))
    def readiness_is_assessed(self, level: int, stage: int) -> None:
        body = {"level": level, "stage": stage, "met": [], "items": []}
        self.world.app.ledger.append([Draft("readiness.assessed", Actor(SYSTEM_PERSON), body)])
