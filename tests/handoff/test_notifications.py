"""Notification: who is told of what, once and at once, and what stands in the inbox."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from tests.handoff.telling import Make, held, plain_part
from tests.world import World, letter

from pilothouse.assembly import assemble
from pilothouse.directory.suspensions import Reach
from pilothouse.handoff.incidents import Finding
from pilothouse.handoff.notifying.outbox import notifications
from pilothouse.handoff.tables import reviews
from pilothouse.orchestration.upkeep import Upkeep
from pilothouse.vocabulary.actors import AgentRef
from pilothouse.vocabulary.documents import DocumentError
from pilothouse.vocabulary.errors import Conflict, NotFound
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.verdicts import Mode


def test_a_review_is_told_to_its_owner_over_every_channel(make: Make, database_url: str) -> None:
    told = make(database_url=database_url)
    review = held(told.world)
    assert told.round() == {"delivered": 3}
    assert told.titles("rosa") == ["Review for you: Alder 1"] and told.world.app.notifications.inbox.unread("rosa") == 1
    assert told.box.recipients == ["rosa@example.com"] and told.subjects() == ["Review for you: Alder 1"]
    [letter], [post], [event] = told.box.letters, told.slack.requests, told.hook.requests
    assert f"/{review}" in plain_part(letter)
    html = letter.get_body(("html",))
    assert html is not None and f'/{review}">crm.account.update: Alder 1</a>' in html.get_content()
    assert post.path == "/services/very-secret" and set(post.json) == {"text"}
    assert "*Review for a person: Alder 1*" in post.json["text"] and review in post.json["text"]
    assert event.json["type"] == "pilothouse.review_opened" and event.json["data"]["id"] == event.headers["webhook-id"]
    assert told.round() == {}  # once


def test_several_of_one_matter_are_told_together_and_the_first_at_once(make: Make) -> None:
    told = make("over: [post]\n")
    held(told.world, "a1")
    told.round()
    for n in (3, 5, 7):
        held(told.world, f"a{n}")
        told.round()
    assert told.subjects() == ["Review for you: Alder 1"]
    told.world.clock.advance(timedelta(seconds=46))
    told.round()
    assert told.subjects() == ["Review for you: Alder 1", "3 reviews for you"]
    assert plain_part(told.box.letters[1]).count("/rev_") == 3
    assert told.titles("rosa") == ["4 reviews for you"]


def test_more_than_five_records_in_one_operation_are_told_at_once(make: Make) -> None:
    told = make("tell: {over_threshold: {over: [team]}}\n")
    told.world.promote("crm.account.update:fill-empty", Mode.LIVE, bulk_allowance=100)
    told.clear()
    for n in range(1, 6):
        assert told.world.submit(told.world.action(to=f"crm/account/a{n}")).status == "executed"
    told.round()
    assert told.slack.requests == []
    for n in (6, 7, 8):
        assert told.world.submit(told.world.action(to=f"crm/account/a{n}")).status == "executed"
        told.round()
    [post] = told.slack.requests  # one operation, one message now; the rest of it when the window is over
    assert "Over a threshold: tester@1: crm.account.update on Alder 6" in post.json["text"]
    assert told.titles("gita")[0] == "Over a threshold: tester@1: crm.account.update, 3 times"
    told.world.clock.advance(timedelta(minutes=10, seconds=1))
    told.round()
    assert "2 times" in told.slack.requests[1].json["text"]


def test_a_message_to_somebody_outside_is_told_when_held_and_when_sent(make: Make) -> None:
    told = make("tell: {over_threshold: {over: [team]}}\n")
    told.world.promote("crm.message.send", Mode.LIVE)
    told.clear()
    target = RecordRef("crm", "message", "")
    result = told.world.submit(
        told.world.action(capability="crm.message.send", target=target, arguments=letter("c1"), expects=None)
    )
    told.round()
    review = told.world.app.reviews.get(result.review)
    told.world.app.reviews.approve(review.id, "ravi", review.payload_hash)
    told.world.gateway.resume(review.id)
    told.round()
    assert [each.json["text"].splitlines()[0] for each in told.slack.requests] == [
        "*Over a threshold: tester@1: crm.message.send on a new message*"
    ] * 2
    inbox = told.world.app.notifications.inbox.of("gita")
    assert [each.items[0].sentence.partition(":")[0] for each in inbox[:2]] == ["Performed", "Held"]


def test_a_review_due_soon_is_told_once_then_somebody_else_is_told_and_an_overdue_one_too(
    make: Make, database_url: str
) -> None:
    told = make("over: [post]\n", database_url)
    review = told.world.app.reviews.get(held(told.world))
    assert review.answer_by is not None
    told.round()
    told.world.clock.advance(review.answer_by - told.world.clock.now() - timedelta(hours=4, minutes=1))
    told.round()
    assert told.subjects()[1:] == []
    told.world.clock.advance(timedelta(minutes=2))
    for _ in range(2):
        told.round()
    assert told.subjects()[1:] == ["Review due soon: Alder 1"]
    told.world.clock.advance(timedelta(hours=4))
    for _ in range(2):
        told.round()
    other = told.world.app.reviews.get(review.id).owner
    assert other != review.owner and told.subjects()[2:] == ["Review for you: Alder 1"]
    assert told.titles(other)[0] == "Review for you: Alder 1"
    told.world.clock.advance(review.deadline - told.world.clock.now())
    told.world.app.reviews.expire()
    told.round()
    assert told.subjects()[3:] == ["Review overdue, counts as rejected: Alder 1"]


def test_agents_incidents_and_failing_jobs_are_told_to_those_who_can_act(make: Make) -> None:
    told = make()
    app, ref = told.world.app, AgentRef.parse("tester@1")
    app.gateway.door.agents.suspend(ref, "noah", "a drill")
    app.gateway.door.agents.resume(ref, "noah", "over")
    app.gateway.door.agents.demote(ref, "crm.account.update", "noah", "too eager")
    app.gateway.door.agents.suspend(Reach(action_type="crm.account.update"), "noah", "all of it")
    app.gateway.door.agents.suspend(Reach(), "noah", "everything")
    incident = app.incidents.incidents.open(Finding(Reach("tester@1"), 1, "Wrong industries."), "noah").id

    def broken() -> None:
        raise RuntimeError("secret words")

    jobs, works = Upkeep(app.ledger), [False]
    for _ in range(3):
        assert not jobs.run("take in", broken)
    assert jobs.run("take in", lambda: works)
    told.round()
    assert told.titles("gita")[::-1][-7:] == [
        "Suspended: tester@1",
        "Active again: tester@1",
        "Back in shadow: crm.account.update of tester@1",
        "Suspended: crm.account.update of every agent",
        "Suspended: every agent",
        f"Incident opened: {incident}, severity 1, about tester@1",
        "Failed: take in",
    ]
    assert f"Incident opened: {incident}, severity 1, about tester@1" in told.titles(
        "ada"
    ) and "Suspended: tester@1" not in told.titles("ada")
    assert "secret words" not in json.dumps([each.body for each in app.ledger.entries()])
    assert [each.kind for each in app.ledger.entries(kinds={"job.failed", "job.recovered"})] == [
        "job.failed",
        "job.recovered",
    ]


def test_who_else_hears_of_it_is_written_in_the_file(make: Make) -> None:
    told = make("tell: {review_opened: {also: [auditor, ada], over: [post]}}\n")
    held(told.world)
    told.round()
    assert sorted(told.box.recipients) == ["ada@example.com", "iris@example.com", "rosa@example.com"]
    told.world.app.directory.deactivate("iris", "ada")
    held(told.world, "a3")
    told.world.clock.advance(timedelta(minutes=1))
    told.round()
    assert told.box.recipients.count("iris@example.com") == 1


def test_without_a_file_the_inbox_alone_is_told(world: World) -> None:
    world.promote("crm.account.update", Mode.ASSISTED)
    held(world)
    assert world.app.notifications.round().outcomes == {}
    assert {each.channel for each in world.app.notifications.inbox.all()} == {"console"}
    inbox = world.app.notifications.inbox
    assert inbox.unread("rosa") == 1 and inbox.read("rosa") == 1 and inbox.unread("rosa") == 0
    with pytest.raises(NotFound):
        inbox.read("ravi", [inbox.of("rosa")[0].id])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("over: [nowhere]", "there is no channel 'nowhere'"),
        ("tell: {review_opend: {over: []}}", "review_opened"),
        ("channels: {console: {kind: slack}}", "the console is always told"),
        ("channels: {a: {kind: mail, host: mail.example, port: 25, sender: a@b.c, encryption: none}}", "loopback"),
        ("channels: {a: {kind: webhook, url: 'http://hooks.example/x', secret: A}}", "https"),
        ("channels: {a: {kind: webhook, url: 'https://u:p@hooks.example/x', secret: A}}", "without user"),
        ("channels: {a: {kind: slack, url: 'https://hooks.slack.example/secret'}}", "pattern"),
        ("address: javascript:alert(1)", "pattern"),
        ("weekly: {day: moonday}", "pattern"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_its_line(world: World, text: str, problem: str) -> None:
    (world.root / "notifications.yaml").write_text(text + "\n")
    with pytest.raises(DocumentError, match=problem) as refused:
        assemble(world.app.workspace, world.clock)
    assert refused.value.line == 1


STEPS = st.lists(st.sampled_from(["ask", "follow", "wait", "reopen", "read"]), min_size=1, max_size=14)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_happens_each_review_is_told_exactly_once(
    template: Path, tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    from tests.world import make_world

    from pilothouse.testing.clock import TestClock

    root = tmp_path_factory.mktemp("once") / "w"
    shutil.copytree(template, root)
    world, asked = make_world(root, TestClock()), set[str]()
    world.promote("crm.account.update", Mode.ASSISTED)
    for number, step in enumerate(steps):
        match step:
            case "ask":
                asked.add(held(world, f"a{2 * (number % 4) + 1}", f"trade {number}"))
            case "follow":
                world.app.notifications.round()
            case "wait":
                world.clock.advance(timedelta(seconds=30))
            case "read":
                world.app.notifications.inbox.read("rosa")
            case _:
                world.app.close()
                world = world.reopened()
    world.app.notifications.round()
    told = [item.review for each in world.app.notifications.inbox.of("rosa") for item in each.items if item.review]
    assert Counter(told) == Counter(asked)
    before = rows(world)
    world.app.ledger.rebuild()
    assert rows(world) == before
    world.app.close()


def rows(world: World) -> list[object]:
    with world.app.ledger.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(select(notifications).order_by(notifications.c.id))]


def test_a_link_is_bound_to_what_was_shown_and_good_once(make: Make) -> None:
    told = make("over: [post]\n")
    app = told.world.app
    review = app.reviews.get(held(told.world))
    told.round()
    inbox, ident = app.notifications.inbox, app.notifications.inbox.of("rosa")[0].id
    assert inbox.why_not(ident, review) == ""
    with app.ledger.engine.begin() as connection:  # as if somebody had changed it behind everybody's back
        connection.execute(update(reviews).where(reviews.c.id == review.id).values(payload_hash="0" * 64))
    with pytest.raises(Conflict, match="no longer what the message told of"):
        inbox.need_good(ident, app.reviews.get(review.id))
    app.ledger.rebuild({"reviews"})
    inbox.need_good(ident, app.reviews.get(review.id))
    inbox.use(ident, review.id, "rosa")
    with pytest.raises(Conflict, match="This link was used: rosa decided with it on"):
        inbox.need_good(ident, app.reviews.get(review.id))
    with pytest.raises(Conflict):
        inbox.use(ident, review.id, "rosa")
    with pytest.raises(NotFound):
        inbox.why_not(ident, app.reviews.get(held(told.world, "a3")))


def test_a_policy_that_waits_and_one_that_was_rolled_back_are_told_to_those_who_approve(make: Make) -> None:
    told = make()
    world = told.world
    first = world.publish({"policy/more.yaml": "discount_authority: 5\n"}, without="policy/crm")
    told.clear()
    text = {**first.content, "policy/more.yaml": "discount_authority: 6\n"}
    proposed = world.app.versions.propose(text, "gita", "Larger discounts", cases=1)
    told.round()
    assert told.titles("noah")[0] == f"Policy waits for approval: {proposed.id}, by gita"
    assert not [each for each in told.titles("ravi") if "Policy" in each]
    world.app.versions.approve(proposed.id, "noah")
    back = world.app.versions.rollback(first.id, "gita", "too many reviews")
    told.round()
    assert told.titles("noah")[0] == f"Policy rolled back: {back.id}, by gita"
