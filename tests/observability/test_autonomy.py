"""An agent's way from shadow to live and back, in the ledger's own time; and that nobody gets round the gate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from tests.decision.test_decision import KNOWN
from tests.world import World

from pilothouse.decision.autonomy.gate import Gate
from pilothouse.decision.engine import decide
from pilothouse.decision.recording import facts_from_json
from pilothouse.directory.suspensions import Reach
from pilothouse.gateway.agents import Manifest
from pilothouse.gateway.rollback import Scope, apply
from pilothouse.handoff.incidents import Finding
from pilothouse.handoff.queue import Review
from pilothouse.ledger.entries import Draft, Entry
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor, AgentRef
from pilothouse.vocabulary.errors import Forbidden, PilothouseError
from pilothouse.vocabulary.outcomes import ActionStatus
from pilothouse.vocabulary.verdicts import Mode

TESTER, FILL = AgentRef("tester", "1"), "crm.account.update:fill-empty"
BOTH = ("noah", "ada2")


class Story:
    """A world in which time passes and the same agent works every day."""

    def __init__(self, world: World, ref: AgentRef = TESTER) -> None:
        self.world, self.ref, self.made = world, ref, 0
        if not any(each.id == "ada2" for each in world.app.directory.people()):
            from pilothouse.directory.people import Person
            from pilothouse.vocabulary.actors import Role

            world.app.directory.add(Person("ada2", "Ada Two", "ada2@example.com", Role.ENGINEERING), "ada")

    def days(self, number: float) -> None:
        self.world.clock.advance(timedelta(days=number))
        self.world.app.reviews.expire()

    def propose(self, count: int = 1, value: str = "software") -> list[ActionStatus]:
        """Fill the industry of new accounts, few enough at a time to stay under the bulk limit."""
        names = [f"s{self.made + n}" for n in range(count)]
        self.made += count
        self.world.app.twin.seed([("account", each, {"name": each, "country": "Germany"}) for each in names])
        self.world.app.take_in()
        token, found = self.world.token(str(self.ref)), list[ActionStatus]()
        for number, each in enumerate(names):
            if number % 4 == 0:
                self.world.clock.advance(timedelta(minutes=11))
                token = self.world.token(str(self.ref))
            found.append(self.world.submit(self.world.action(value=value, to=f"crm/account/{each}"), token).status)
        return found

    def decide(self, how: str = "approve", most: int = 1000) -> int:
        """Decide what waits, each looked at before: what nobody looked at is no evidence."""
        waiting = self.world.app.reviews.list()[:most]
        for review in waiting:
            self.world.app.reviews.show([review.id], "ravi")
            self.world.clock.advance(timedelta(seconds=20))
            if how == "approve":
                self.world.app.reviews.approve(review.id, "ravi", review.payload_hash)
                self.world.gateway.resume(review.id)
            else:
                self.world.app.reviews.reject(review.id, "ravi", "wrong")
        return len(waiting)

    def ready(self, level: int = 4, stage: int = 3) -> None:
        body = {"level": level, "stage": stage, "met": [], "items": []}
        self.write("readiness.assessed", body)

    def write(self, kind: str, body: dict[str, object]) -> Entry:
        return self.world.app.ledger.append([Draft(kind, Actor(SYSTEM_PERSON), body)])[0]  # pyright: ignore[reportArgumentType]

    def gate(self) -> Gate:
        return self.world.app.gates.judge(self.ref, FILL)

    def promote(self) -> str:
        return str(self.world.together(FILL, BOTH, str(self.ref)).step)

    def calibrate(self) -> None:
        """Fit the line to what people decided so far, and publish it; without one nothing that was earned runs alone."""
        self.world.app.calibrating.publish(str(self.ref), FILL, "noah")

    def standing(self, ref: AgentRef | None = None) -> str:
        return self.world.gateway.door.agents.get(ref or self.ref).standing(FILL).step

    def assisted(self) -> None:
        """Fourteen days in shadow, then assisted, with a drill passed and everything else in order."""
        self.propose()
        self.days(15)
        self.write("incident.drilled", {"passed": True})
        self.ready()
        assert self.promote() == "assisted"

    def live(self) -> None:
        self.assisted()
        self.propose(52)
        self.decide()
        self.calibrate()
        assert self.promote() == "live, 10 %"


@pytest.fixture
def story(world: World) -> Story:
    return Story(world)


def missing(gate: Gate) -> set[str]:
    return {each.code for each in gate.missing}


def test_ninety_days_from_shadow_to_live_and_back(story: Story) -> None:
    world = story.world
    assert story.propose() == [ActionStatus.SHADOWED]
    assert missing(story.gate()) == {"shadow", "ceiling"}
    story.days(13)
    assert "shadow" in missing(story.gate())
    story.days(1.1)
    assert missing(story.gate()) == {"ceiling"}
    story.ready()
    assert story.promote() == "assisted" and story.standing() == "assisted"

    assert missing(story.gate()) == {"decided", "rate", "drill", "log"}
    assert set(story.propose(51)) == {ActionStatus.HELD}
    story.decide(most=49)
    assert missing(story.gate()) == {"decided", "drill"}  # 49 of 49 is a good rate, and too few
    story.decide()
    assert missing(story.gate()) == {"drill"}
    story.write("incident.drilled", {"passed": True})
    story.days(1)
    assert story.promote() == "live, 10 %"
    assert set(story.propose(8)) == {ActionStatus.HELD}  # nobody knows yet what its confidence is worth
    assert {each.code for each in world.app.reviews.list()} <= {"uncalibrated", "staged_share"}
    story.decide()
    story.calibrate()

    found = story.propose(60)
    alone = found.count(ActionStatus.EXECUTED)
    assert 0 < alone < 20 and found.count(ActionStatus.HELD) == 60 - alone
    assert missing(story.gate()) == {"decided", "rate"}
    story.decide()
    story.days(1)
    story.ready()
    assert "decided" in missing(story.gate()) or story.gate().passed
    while not story.gate().passed:
        story.propose(8)
        story.decide()
        story.ready()
    assert story.promote() == "live, 50 %"
    while not story.gate().passed:
        story.propose(12)
        story.decide()
        story.ready()
    assert story.promote() == "live, 100 %"
    assert set(story.propose(8)) == {ActionStatus.EXECUTED}
    assert missing(story.gate()) == {"step"}

    entries = [e for e in world.app.ledger.entries() if e.kind in ("action.intended", "action.held", "action.shadowed")]
    for entry in entries:
        facts = facts_from_json(entry.value("facts"), KNOWN)
        assert decide(facts, world.app.policy).as_json() == entry.body["verdict"]

    written = story.world.app.autonomy.round()
    [review] = [each for each in written if each.kind == "ramp.reviewed"]
    assert review.body["day"] == 14 and review.body["clocks"]["agent_live"][FILL]["live_day"] >= 1
    undone = apply(world.gateway, Scope(agent="tester@1"), "noah", "it went badly wrong", severity=1)
    assert undone.restored > 0 and story.standing() == "shadow"
    assert story.propose() == [ActionStatus.SHADOWED]
    assert "severity_1" in missing(story.gate())
    with pytest.raises(Forbidden, match="passed a gate"):
        world.promote(FILL)


def test_a_gate_takes_two_people_who_stand_behind_the_agent_in_no_way(story: Story) -> None:
    world = story.world
    story.propose()
    story.days(15)
    story.ready()
    assert story.gate().passed
    for by in (("noah", "noah"), ("ada2", "gita"), ("ravi", "noah"), ("noah", "ada"), ("ada2", "emil")):
        with pytest.raises(Forbidden):
            world.together(FILL, by)
    assert story.standing() == "shadow"
    assert story.promote() == "assisted"
    [entry] = story.world.app.ledger.entries(kinds={"agent.promoted"})
    assert entry.body["by"] == list(BOTH) and entry.body["bootstrap"] is False
    assert {each["code"] for each in entry.body["gate"]} == {"step", "contract", "shadow", "ceiling", "severity_1"}


def test_without_its_gate_nothing_is_promoted(story: Story) -> None:
    before = story.world.app.ledger.size()
    with pytest.raises(Forbidden, match="does not pass its gate"):
        story.promote()
    assert story.world.app.ledger.size() == before


def test_a_gate_that_was_judged_before_a_rejection_is_judged_again(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.assisted()
    story.propose(51)
    story.decide(most=50)
    assert story.gate().passed
    stale = story.gate()
    story.decide("reject")
    answers = iter([stale, stale])  # to propose it, and to confirm it
    fresh = story.world.app.gates.judge
    monkeypatch.setattr(story.world.app.gates, "judge", lambda *asked: next(answers, None) or fresh(*asked))
    with pytest.raises(Forbidden, match="does not pass"):
        story.promote()
    assert story.standing() == "assisted"


def test_readiness_caps_what_was_earned_and_not_what_two_people_bootstrapped(story: Story) -> None:
    story.live()
    while True:  # a record among those that run by themselves
        [status] = story.propose()
        if status is ActionStatus.EXECUTED:
            break
    story.ready(level=3)
    seen = [story.propose()[0] for _ in range(12)]
    assert set(seen) == {ActionStatus.HELD}
    held = story.world.app.reviews.list()[-1]
    assert held.code == "ceiling" and "level 3" in held.sentence
    story.ready(level=4, stage=1)
    assert story.propose() == [ActionStatus.SHADOWED]
    with pytest.raises(Forbidden, match="passed a gate before"):  # no way round the steps that are left
        story.world.promote(FILL)
    agents = story.world.gateway.door.agents
    agents.register(agents.get(TESTER).manifest.model_copy(update={"version": "2", "authors": ()}), by="ada")
    story.world.promote(FILL, agent="tester@2")
    story.ref = AgentRef("tester", "2")
    assert story.propose() == [ActionStatus.EXECUTED]


def test_a_retry_under_a_new_key_falls_in_the_same_place(story: Story) -> None:
    story.live()
    while story.propose() == [ActionStatus.EXECUTED]:
        pass
    same = f"crm/account/s{story.made - 1}"
    for number in range(5):
        again = story.world.action(value="software", to=same, idempotency_key=f"again {number}")
        assert story.world.submit(again).status is ActionStatus.HELD


def test_a_bad_agent_does_not_come_back_clean(story: Story) -> None:
    story.assisted()
    story.propose(6)
    story.decide("reject")
    register = story.world.gateway.door.agents.register
    old = story.world.gateway.door.agents.get(TESTER).manifest
    heirs = {
        "another version": old.model_copy(update={"version": "2"}),
        "succeeded": old.model_copy(update={"name": "helper", "owner": "noah", "succeeds": "tester@1"}),
        "probably the same agent": old.model_copy(update={"name": "angel"}),
    }
    for why, manifest in heirs.items():
        register(Manifest.model_validate(manifest.model_dump()), by="ada")
        gate = story.world.app.gates.judge(manifest.ref, FILL)
        [told] = [each for each in gate.evidence.relatives if each.ref == TESTER]
        assert why in told.why and told.overrides == 6
        assert gate.evidence.record.against >= 6 and gate.evidence.record.approved == 0
        assert gate.evidence.standing.mode is Mode.SHADOW


def test_a_step_down_and_up_washes_nothing_off(story: Story) -> None:
    story.world.promote(FILL, Mode.ASSISTED)
    story.propose(10)
    story.decide("reject")
    story.world.promote(FILL, Mode.ASSISTED)  # a bootstrap begins the count anew
    story.propose(50)
    story.decide()
    record = story.gate().evidence.record
    assert (record.approved, record.against) == (50, 10) and "rate" in missing(story.gate())


def test_what_is_no_evidence_does_not_count(story: Story) -> None:
    def slow_enough(review: Review) -> bool:
        assert review.decided_at is not None
        return review.decided_at - review.opened_at > timedelta(minutes=5)

    story.world.app.gates.tracks.counts = slow_enough
    story.assisted()
    story.propose(4)
    story.decide()
    story.propose(1)
    story.days(0.01)
    story.decide()
    record = story.gate().evidence.record
    assert (record.approved, record.uncounted) == (1, 4)


def spend_the_budget(story: Story) -> None:
    story.propose(30)
    story.decide("reject", most=8)
    story.decide()


def roll_back(story: Story) -> None:
    while (
        len(
            story.world.app.gates.tracks.solo(
                {TESTER}, FILL, story.world.clock.now() - timedelta(days=9), story.world.clock.now()
            )
        )
        < 22
    ):
        story.propose(40)
        story.decide()
        story.ready()
    for solo in story.world.app.gates.tracks.solo(
        {TESTER}, FILL, story.world.clock.now() - timedelta(days=9), story.world.clock.now()
    )[:3]:
        apply(story.world.gateway, Scope(action=solo.action), "noah", "not right")


def change_the_input(story: Story) -> None:
    story.propose(60, value="mining")
    story.decide()


@pytest.mark.parametrize(
    ("cause", "happens", "says"),
    [
        ("error_budget", spend_the_budget, "error budget is spent"),
        ("rollback_rate", roll_back, "was undone"),
        ("drift", change_the_input, "value of industry"),
    ],
)
def test_trust_is_taken_away_by_itself(story: Story, cause: str, happens: Callable[[Story], None], says: str) -> None:
    story.live()
    assert not [each for each in story.world.app.autonomy.round() if each.kind == "agent.demoted"]
    story.ready()  # the round assessed for real, and this world is not ready
    happens(story)
    story.days(1.1)
    [entry] = [each for each in story.world.app.autonomy.round() if each.kind == "agent.demoted"]
    assert (entry.actor.person, entry.body["cause"], entry.body["to"]) == (SYSTEM_PERSON, cause, "assisted")
    assert says in entry.body["reason"] and story.standing() == "assisted"
    story.days(0.1)
    assert not [each for each in story.world.app.autonomy.round() if each.kind == "agent.demoted"]
    story.ready()
    assert set(story.propose(4)) == {ActionStatus.HELD}


def test_what_is_found_wrong_when_looked_at_again_spends_the_budget_and_counts_at_the_gate(world: World) -> None:
    (world.root / "policy" / "handing.yaml").write_text("spot_checks: {auto: 1, approved: 0}\n")
    story = Story(world.reopened())
    story.live()
    checks = story.world.app.spot_checks
    while len(checks.list()) < 20:
        story.propose(20)
    opened, undone = checks.list(), checks.list()[0].action
    for number, each in enumerate(opened):
        checks.decide(each.id, "ravi", passed=number > 2, note="a guess")
    apply(story.world.gateway, Scope(action=undone), "noah", "not right")  # counts once
    record = story.gate().evidence.record
    assert (record.undone, record.refuted, record.overrides) == (1, 2, 3)
    story.ready()
    story.days(1.1)
    [entry] = [each for each in story.world.app.autonomy.round() if each.kind == "agent.demoted"]
    assert entry.body["cause"] == "error_budget" and story.standing() == "assisted"
    assert f"n = {len(opened)}" in entry.body["reason"]
    story.world.app.close()


@pytest.mark.parametrize(
    "reach", [Reach("tester"), Reach(), Reach("tester@1", "crm.account.update"), Reach("*", FILL)], ids=str
)
def test_an_incident_of_severity_1_puts_the_type_into_shadow(story: Story, reach: Reach) -> None:
    story.world.promote(FILL)
    assert story.propose() == [ActionStatus.EXECUTED]
    opened = story.world.app.incidents.incidents.open
    opened(Finding(Reach(action_type="crm.record.flag"), 1, "Flags are wrong."), "noah")
    story.days(0.1)
    story.world.app.autonomy.round()
    assert story.standing() == "live, 100 %"
    incident = opened(Finding(reach, 1, "Industries are wrong."), "noah")
    story.days(0.1)
    [entry] = [each for each in story.world.app.autonomy.round() if each.kind == "agent.demoted"]
    assert incident.id in entry.body["reason"] and story.standing() == "shadow"
    with pytest.raises(Forbidden, match="was lowered"):
        story.world.promote(FILL)
    agents = story.world.gateway.door.agents
    agents.register(agents.get(TESTER).manifest.model_copy(update={"name": "angel"}), by="ada")
    with pytest.raises(Forbidden, match="was lowered"):  # nor under another name
        story.world.promote(FILL, agent="angel@1")


def test_a_demotion_holds_where_a_wider_standing_would_speak(story: Story) -> None:
    agents = story.world.gateway.door.agents
    story.world.promote("crm.account.update")
    assert story.propose() == [ActionStatus.EXECUTED]
    agents.demote(TESTER, FILL, "noah", "too eager")
    assert story.propose() == [ActionStatus.SHADOWED]


def test_a_system_demotion_never_makes_freer(story: Story) -> None:
    from pilothouse.decision.autonomy.demotion import system_demotion

    draft = system_demotion(TESTER, FILL, Mode.ASSISTED, "no reason at all", cause="drift")
    story.world.app.ledger.append([draft])
    assert story.standing() == "shadow"


def test_what_a_contract_opens_later_waits(story: Story) -> None:
    story.world.promote(FILL)
    path = story.world.root / "contracts" / "wide.yaml"
    path.write_text(
        path.read_text().replace("  contact: {phone", "    website: {min_confidence: 0.5}\n  contact: {phone")
    )
    path.write_text(
        path.read_text().replace(
            "flags: {min_confidence: 0.5, review: never}}\n    website: {min_confidence: 0.5}",
            "flags: {min_confidence: 0.5, review: never}, website: {min_confidence: 0.5}}",
        )
    )
    again = Story(story.world.reopened())
    world = again.world
    assert world.submit(world.action("website", "alder.example")).status is ActionStatus.SHADOWED
    assert world.submit(world.action("industry", "software")).status is ActionStatus.EXECUTED
    world.app.close()


def test_reviews_of_the_ramp_are_written_once(story: Story) -> None:
    story.assisted()
    story.propose(12)
    story.decide("reject", most=6)
    story.decide()
    reviewed = [each for each in story.world.app.autonomy.round() if each.kind == "ramp.reviewed"]
    assert [each.body["day"] for each in reviewed] == [14]
    [seen] = reviewed[0].body["types"]
    assert (seen["n"], seen["overridden"], seen["verdict"]) == (12, 6, "refine")
    story.days(2)
    assert not [each for each in story.world.app.autonomy.round() if each.kind == "ramp.reviewed"]
    story.days(30)
    story.propose(50)
    story.decide()
    story.write("incident.drilled", {"passed": True})
    again = Story(story.world)
    [later] = [each for each in again.world.app.autonomy.round() if each.kind == "ramp.reviewed"]
    assert later.body["day"] == 30
    story.world.app.ledger.rebuild()
    assert not story.world.app.autonomy.reviews.write_due()


def test_all_of_it_is_the_same_after_a_rebuild_on_each_store(world_on_each_store: World) -> None:
    story = Story(world_on_each_store)
    story.live()
    before = world_on_each_store.gateway.door.agents.get(TESTER)
    gate = replace(story.gate().evidence, now=world_on_each_store.clock.now(), counted_since=before.standings[FILL].at)  # pyright: ignore[reportArgumentType]
    world_on_each_store.app.ledger.rebuild()
    after = world_on_each_store.gateway.door.agents.get(TESTER)
    assert before == after and gate.record == story.gate().evidence.record
    with pytest.raises(PilothouseError):
        story.promote()


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_no_step_is_taken_without_its_gate_and_two_people(story: Story, seed: int) -> None:
    """Anything in any order: a step is taken exactly when its gate was passed and two people who may asked for it."""
    dice = Random(seed)
    pairs = [*[BOTH] * 4, ("noah", "noah"), ("gita", "noah"), ("ada", "noah"), ("ravi", "ada2")]
    world, taken = story.world, 0
    for _ in range(40):
        match dice.randrange(7):
            case 0 | 1:
                story.propose(dice.choice([1, 8, 52]))
            case 2:
                story.decide(most=dice.choice([3, 200]))
            case 3:
                story.decide("reject", most=dice.choice([0, 1]))
            case 4:
                story.days(dice.choice([0.2, 15]))
            case 5:
                story.write("incident.drilled", {"passed": dice.random() < 0.8})
            case _:
                story.ready(level=dice.choice([3, 4, 4]), stage=dice.choice([2, 3, 3]))
        by, before, gate = dice.choice(pairs), story.standing(), story.gate()
        try:
            world.together(FILL, by)
        except Forbidden:
            assert story.standing() == before and (by != BOTH or not gate.passed)
        else:
            assert gate.passed and by == BOTH and story.standing() == str(gate.evidence.step)
            taken += 1
    entries = list(story.world.app.ledger.entries(kinds={"agent.promoted"}))
    assert len(entries) == taken >= 1  # or nothing was tried
    assert all(len(set(each.body["by"])) == 2 and each.body["gate"] for each in entries)
