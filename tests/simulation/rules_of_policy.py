"""Policy versions in the simulation: proposed, approved, rejected and rolled back by anybody who tries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from random import Random

from hypothesis import strategies as st
from hypothesis.stateful import rule
from tests.simulation.invariants_of_policy import UNPUBLISHED
from tests.simulation.side_by_side import SEEDS
from tests.world import World

from pilothouse.decision.publishing.content import gather
from pilothouse.decision.publishing.editing import edited
from pilothouse.decision.publishing.versions import VersionStatus
from pilothouse.vocabulary.errors import PilothouseError

Edit = Callable[[World, Mapping[str, str]], Mapping[str, str]]
CRM, STOP, WIDE = "policy/crm.yaml", "policy/stop.yaml", "contracts/wide.yaml"
REFUSE = """rules:
  - {id: stop, applies_to: [crm.account.update, crm.record.flag], then: refuse, reason: Nothing moves for now.}
"""
NOBODY_WROTE = """rules:
  - {id: never-published, applies_to: ["crm.*"], then: refuse, reason: Nobody approved this.}
"""


def _threshold(name: str, written: str) -> Edit:
    def edit(world: World, content: Mapping[str, str]) -> Mapping[str, str]:
        versions = world.app.versions
        return edited(content, versions.read(content).policy, name, written, lambda text: versions.read(text).policy)

    return edit


def _loosened(_: World, content: Mapping[str, str]) -> Mapping[str, str]:
    """What replaces a value runs by itself: `review-overwrites` says auto."""
    return {
        **content,
        CRM: content[CRM].replace("then: review\n    reason: Replacing", "then: auto\n    reason: Replacing"),
    }


def _without_a_field(_: World, content: Mapping[str, str]) -> Mapping[str, str]:
    return {**content, WIDE: content[WIDE].replace("industry: {min_confidence: 0.85}, ", "")}


EDITS: Mapping[str, Edit] = {
    "stop": lambda _, content: {**content, STOP: REFUSE},
    "go on": lambda _, content: {path: text for path, text in content.items() if path != STOP},
    "fewer records": _threshold("write_set_records", "2"),
    "longer window": _threshold("write_set_minutes", "60"),
    "less sure": _threshold("bands.default.auto_above", "0.6"),
    "loosen": _loosened,
    "close a field": _without_a_field,
    "no change": lambda _, content: content,
    "broken": lambda _, content: {**content, STOP: "rules: [{id: nothing}]\n"},
}
EVERYBODY = ["gita", "noah", "ada", "ravi", "rosa"]
PEOPLE = st.sampled_from(EVERYBODY)
AUTHORS = st.sampled_from(["gita", "noah", "ada", "ravi"])


class PolicyRules:
    """What people do to the policy."""

    world: World

    @rule(
        what=st.sampled_from(sorted(EDITS)),
        who=AUTHORS,
        hours=st.sampled_from([0, 0, 0, 1, 24, -1]),
        seed=SEEDS,
    )
    def a_policy_is_proposed_and_maybe_approved(self, what: str, who: str, hours: int, seed: int) -> None:
        versions, now = self.world.app.versions, self.world.clock.now()
        last = versions.last()
        content = last.content if last else gather(self.world.root)
        with suppress(PilothouseError):
            effective = now + timedelta(hours=hours) if hours else None
            proposed = versions.propose(
                EDITS[what](self.world, content), who, "For the simulation.", effective=effective
            )
            chance = Random(seed)
            for each in chance.sample(EVERYBODY, chance.randrange(4)):
                with suppress(PilothouseError):
                    versions.approve(proposed.id, each, proposed.hash)

    @rule(who=PEOPLE, back=st.integers(0, 2), act=st.sampled_from(["approve", "approve", "approve", "reject"]))
    def somebody_decides_on_a_policy(self, who: str, back: int, act: str) -> None:
        versions = self.world.app.versions
        waiting = [each for each in versions.list() if each.status is VersionStatus.PROPOSED]
        if not waiting:
            return
        version = waiting[back % len(waiting)]
        with suppress(PilothouseError):
            if act == "approve":
                versions.approve(version.id, who, version.hash)
            else:
                versions.reject(version.id, who, "Not now.")

    @rule(who=PEOPLE, back=st.integers(0, 3))
    def somebody_rolls_policy_back(self, who: str, back: int) -> None:
        every = self.world.app.versions.list()
        if every:
            with suppress(PilothouseError):
                self.world.app.versions.rollback(every[back % len(every)].id, who, "It stopped too much.")

    @rule()
    def a_file_is_written_that_nobody_publishes(self) -> None:
        if self.world.app.versions.last() is not None:  # until then the folder counts when the process starts again
            (self.world.root / UNPUBLISHED).write_text(NOBODY_WROTE)
