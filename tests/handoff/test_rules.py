"""Single rules of the queue, each with the way around it that must stay closed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from tests.world import World

from pilothouse.gateway.gateway import Gateway
from pilothouse.handoff.opening import consume_guard, opening
from pilothouse.handoff.queue import Review
from pilothouse.handoff.sla import deadline
from pilothouse.handoff.tables import reviews
from pilothouse.vocabulary.actions import Action
from pilothouse.vocabulary.actors import Actor, AgentRef, Role
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput, NotFound, PilothouseError
from pilothouse.vocabulary.outcomes import ActionStatus as S
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.records import FieldChange, RecordRef
from pilothouse.vocabulary.verdicts import Mode, Reason, Tier, Treatment, Verdict

AGENT = Actor("gita", AgentRef("tester", "1"))


def ask(
    world: World, tier: Tier = Tier.T2, *, to: str = "crm/account/a1", field: str = "phone", action_type: str = ""
) -> Review:
    """Open a review without the gateway, so that each rule of this room stands on its own."""
    action = Action("crm.account.update", RecordRef.parse(to), {field: "1"}, "Fill what is missing.", confidence=0.7)
    verdict = Verdict(Treatment.REVIEW, tier, (Reason("band", "Not sure enough.", Treatment.REVIEW, "r7"),), "v9")
    draft, review = opening(
        action,
        verdict,
        actor=AGENT,
        owner="rosa",
        agent_owner="noah",
        deadline=deadline(world.clock.now()),
        changes=[FieldChange(field, None, "1")],
        action_type=action_type,
    )
    world.app.ledger.append([draft])
    return world.app.reviews.get(review)


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Run all at the same moment; returns each one's answer or error."""
    gate = threading.Barrier(len(acts))
    answers: list[object] = [None] * len(acts)

    def run(number: int) -> None:
        gate.wait()
        try:
            answers[number] = acts[number]()
        except PilothouseError as error:
            answers[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_of_approving_editing_and_rejecting_at_once_one_wins(world_on_each_store: World) -> None:
    queue = world_on_each_store.app.reviews
    for number in range(5):
        review = ask(world_on_each_store, to=f"crm/account/a{number}")
        seen = review.payload_hash
        answers = at_once(
            lambda id=review.id, seen=seen: queue.approve(id, "ravi", seen),
            lambda id=review.id, seen=seen: queue.edit(id, "noah", seen, {"phone": "2"}),
            lambda id=review.id: queue.reject(id, "ada", "no"),
            lambda id=review.id, seen=seen: queue.approve(id, "rosa", seen),
        )
        won = [each for each in answers if isinstance(each, Review)]
        assert len(won) == 1 and all(isinstance(each, Conflict) for each in answers if each not in won)
        kinds = [e.kind for e in world_on_each_store.app.ledger.entries(action=review.action_id)]
        assert len(kinds) == 2, kinds


def test_deciding_and_expiring_at_once_leaves_one_outcome(world_on_each_store: World) -> None:
    world = world_on_each_store
    review = ask(world)
    world.clock.advance(timedelta(days=4))
    at_once(
        world.app.reviews.expire,
        lambda: world.app.reviews.approve(review.id, "ravi", review.payload_hash),
        world.app.reviews.expire,
    )
    assert world.app.reviews.get(review.id).status is ReviewStatus.EXPIRED
    assert [e.kind for e in world.app.ledger.entries(action=review.action_id)] == ["review.opened", "review.expired"]


def test_two_who_take_up_one_approval_perform_once_and_the_story_stays_true(world: World) -> None:
    world.promote("crm.account.update", Mode.ASSISTED)
    held = world.submit(world.action())
    world.app.reviews.approve(held.review, "ravi", world.app.reviews.get(held.review).payload_hash)
    approved = world.app.reviews.get(held.review)

    class Late(type(world.app.reviews)):  # a worker that read the review just before another used it
        def get(self, review_id: str) -> Review:
            return approved

    reviews = Late(world.app.ledger, world.app.directory, world.clock)
    late = Gateway(world.gateway.door, reviews, world.gateway.keeper, world.gateway.canaries)
    assert world.gateway.resume(held.review).status is S.EXECUTED
    with pytest.raises(Conflict):
        late.resume(held.review)
    assert world.gateway.row(held.action.id).status == "executed" and len(world.committed()) == 1


def test_an_approval_of_tier_2_does_not_cover_what_became_tier_3(world: World) -> None:
    review = ask(world)
    world.app.reviews.approve(review.id, "rosa", review.payload_hash)
    with world.app.ledger.engine.connect() as connection:
        consume_guard(review.id, review.payload_hash, Tier.T2)(connection)
        consume_guard(review.id, review.payload_hash, Tier.T1)(connection)
        for stricter in (Tier.T3, Tier.TX):
            with pytest.raises(Conflict) as refused:
                consume_guard(review.id, review.payload_hash, stricter)(connection)
            assert refused.value.code == "approval_for_lower_tier"


def test_a_reviewer_who_leaves_or_loses_the_role_meanwhile_cannot_decide(world: World) -> None:
    review = ask(world)
    world.app.directory.change_role("ravi", Role.AUDITOR, by="ada")
    world.app.directory.deactivate("noah", by="ada")
    for who in ("ravi", "noah"):
        with pytest.raises(Forbidden):
            world.app.reviews.approve(review.id, who, review.payload_hash)
    assert world.app.reviews.get(review.id).status is ReviewStatus.OPEN


def test_admin_or_not_who_stands_behind_a_tier_3_proposal_cannot_approve_it(world: World) -> None:
    review = ask(world, Tier.T3)
    world.app.directory.change_role("gita", Role.ADMIN, by="ada")
    for who in ("gita", "noah"):  # the person the agent acted for; the agent's owner
        for decide in (
            lambda who=who: world.app.reviews.approve(review.id, who, review.payload_hash),
            lambda who=who: world.app.reviews.edit(review.id, who, review.payload_hash, {"phone": "2"}),
        ):
            with pytest.raises(Forbidden) as refused:
                decide()
            assert refused.value.code == "proposer_cannot_approve"
    assert world.app.reviews.reject(review.id, "gita", "I was wrong").status is ReviewStatus.REJECTED


def test_a_rep_decides_neither_tier_3_nor_what_others_were_asked(world: World) -> None:
    with pytest.raises(Forbidden):
        strict = ask(world, Tier.T3)
        world.app.reviews.approve(strict.id, "rosa", strict.payload_hash)
    other = ask(world, to="crm/account/a2")
    with world.app.ledger.engine.begin() as connection:
        connection.execute(update(reviews).where(reviews.c.id == other.id).values(owner="omar"))
    with pytest.raises(Forbidden):
        world.app.reviews.approve(other.id, "rosa", other.payload_hash)


def test_a_payload_changed_in_the_table_is_noticed(world: World) -> None:
    review = ask(world)
    with world.app.ledger.engine.begin() as connection:
        payload = connection.execute(select(reviews.c.payload).where(reviews.c.id == review.id)).scalar_one()
        forged = payload.replace('"phone":"1"', '"phone":"666"')
        assert forged != payload
        connection.execute(update(reviews).where(reviews.c.id == review.id).values(payload=forged))
    with pytest.raises(Conflict) as refused:
        world.app.reviews.approve(review.id, "ravi", review.payload_hash)
    assert refused.value.code == "payload_changed"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**70, {1, 2}])
def test_an_edit_holds_only_what_json_holds(world: World, value: object) -> None:
    review = ask(world)
    with pytest.raises(InvalidInput):
        world.app.reviews.edit(review.id, "ravi", review.payload_hash, {"phone": value})  # type: ignore[dict-item]
    assert world.app.reviews.get(review.id).status is ReviewStatus.OPEN


def test_an_edit_to_the_same_values_is_an_approval(world: World) -> None:
    review = ask(world)
    world.app.reviews.show([review.id], "ravi")
    world.clock.advance(timedelta(seconds=20))
    world.app.reviews.edit(review.id, "ravi", review.payload_hash, {"phone": "1"})
    assert world.app.reviews.overrides() == []
    assert [tally.approved for tally in world.app.reviews.tallies()] == [1]


def test_what_was_erased_can_be_rejected_but_not_approved(world: World) -> None:
    edited, waiting = ask(world, to="crm/contact/c9"), ask(world, to="crm/contact/c9")
    world.app.reviews.edit(edited.id, "ravi", edited.payload_hash, {"phone": "+49 30 5550199"}, "her new number")
    assert world.app.ledger.erase("crm/contact/c9", Actor("ada"), "asked to") == 3
    assert world.app.reviews.view(waiting.id).why_not.startswith("Its payload was erased")
    with pytest.raises(Conflict) as refused:
        world.app.reviews.approve(waiting.id, "ravi", waiting.payload_hash)
    assert refused.value.code == "payload_erased"
    world.app.reviews.reject(waiting.id, "ravi", "gone")
    with pytest.raises(Conflict), world.app.ledger.engine.connect() as connection:
        consume_guard(edited.id, world.app.reviews.get(edited.id).payload_hash)(connection)
    [rejected, kept] = world.app.reviews.overrides()
    assert (rejected.kind, kept.kind, kept.proposed, kept.chosen) == ("rejected", "edited", None, None)
    assert "5550199" not in " ".join(str(entry) for entry in world.app.ledger.entries())


def test_personal_values_stand_beside_the_tree(world: World) -> None:
    review = ask(world, to="crm/contact/c1")
    [opened] = world.app.ledger.entries(kinds={"review.opened"})
    assert set(opened.private or {}) == {"payload", "changes"} and "phone" not in str(opened.body)
    assert review.action is not None and review.action.payload_hash == opened.body["payload_hash"]


def test_an_expired_action_may_be_asked_about_again_but_a_live_one_only_once(world: World) -> None:
    review = ask(world)
    action = review.action
    assert action is not None
    reason = (Reason("band", "Not sure enough.", Treatment.REVIEW),)

    def again() -> None:
        due = deadline(world.clock.now())
        verdict = Verdict(Treatment.REVIEW, Tier.T2, reason, "v9")
        draft, _ = opening(action, verdict, actor=AGENT, owner="rosa", agent_owner="", deadline=due, changes=[])
        world.app.ledger.append([draft])

    with pytest.raises(Conflict):
        again()
    world.clock.advance(timedelta(days=4))
    world.app.reviews.expire()
    again()
    assert len(world.app.reviews.list()) == 1


def test_counts_come_by_agent_and_action_type_with_their_n_and_the_time_it_took(world: World) -> None:
    fill = "crm.account.update:fill-empty"
    for minutes, how in ((1, "approve"), (3, "edit"), (20, "reject"), (0, "wait")):
        review = ask(world, to=f"crm/account/a{minutes}", action_type=fill)
        world.app.reviews.show([review.id], "ravi")
        world.clock.advance(timedelta(minutes=minutes))
        match how:
            case "approve":
                world.app.reviews.approve(review.id, "ravi", review.payload_hash)
            case "edit":
                world.app.reviews.edit(review.id, "ravi", review.payload_hash, {"phone": "2"})
            case "reject":
                world.app.reviews.reject(review.id, "ravi", "no")
    ask(world, to="crm/account/a9")
    [plain, filled] = world.app.reviews.tallies("tester")
    assert (plain.action_type, plain.n, plain.unmodified_rate, plain.waiting) == ("crm.account.update", 0, None, 1)
    assert (filled.approved, filled.edited, filled.rejected, filled.waiting, filled.n) == (1, 1, 1, 1, 3)
    assert filled.unmodified_rate == pytest.approx(1 / 3) and filled.median_seconds == pytest.approx(180, abs=1)
    assert world.app.reviews.tallies("test") == [] and world.app.reviews.tallies("tester@1") == [plain, filled]
    assert world.app.reviews.tallies(since=world.clock.now() + timedelta(days=1)) == []


def test_one_screen_shows_everything_and_why_somebody_cannot_approve(world: World) -> None:
    review = ask(world, Tier.T3)
    view = world.app.reviews.view(review.id, "gita")
    assert (view.owner_name, view.agent, view.on_behalf_of_name) == ("Rosa Conte", "tester@1", "Gita Rao")
    assert (view.code, view.sentence, view.rule, view.policy_version) == ("band", "Not sure enough.", "r7", "v9")
    assert view.changes[0]["before"] is None and view.changes[0]["after"] == "1" and view.confidence == 0.7
    assert view.intent == "Fill what is missing." and "stands behind" in view.why_not and not view.overdue
    assert world.app.reviews.view(review.id, "ravi").why_not == ""
    world.clock.advance(timedelta(days=4))
    late = world.app.reviews.view(review.id, "ravi")
    assert late.overdue and "deadline" in late.why_not
    with pytest.raises(NotFound):
        world.app.reviews.view("rev_none")


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        (datetime(2026, 1, 14, 9), 1, datetime(2026, 1, 15, 9)),
        (datetime(2026, 1, 17, 9), 1, datetime(2026, 1, 19, 9)),  # asked on a Saturday
        (datetime(2026, 1, 18, 9), 1, datetime(2026, 1, 19, 9)),
        (datetime(2026, 1, 15, 9), 3, datetime(2026, 1, 20, 9)),
    ],
)
def test_only_business_days_count(start: datetime, days: int, due: datetime) -> None:
    assert deadline(start.replace(tzinfo=UTC), days) == due.replace(tzinfo=UTC)


@pytest.mark.parametrize("days", [0, -1])
def test_nobody_is_given_no_time(days: int) -> None:
    with pytest.raises(InvalidInput):
        deadline(datetime(2026, 1, 14, tzinfo=UTC), days)
