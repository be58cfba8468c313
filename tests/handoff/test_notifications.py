"""Notification: told once, at once, over every channel; written down; retried; and seen when it does not arrive."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from tests.handoff.receivers import Endpoint, Mailbox, http, smtp
from tests.world import World

from pilothouse.assembly import assemble
from pilothouse.data.store import Observation
from pilothouse.directory.sources import TOLERANCE, sign
from pilothouse.handoff.notifying.delivering import LEASE, WAITS
from pilothouse.handoff.notifying.digests import week_before
from pilothouse.handoff.notifying.outbox import notifications
from pilothouse.handoff.queue import reviews
from pilothouse.ledger.entries import Draft, Entry
from pilothouse.orchestration.jobs import Jobs
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor, AgentRef
from pilothouse.vocabulary.documents import DocumentError
from pilothouse.vocabulary.errors import Conflict, NotFound
from pilothouse.vocabulary.records import RecordRef, WriterKind
from pilothouse.vocabulary.verdicts import Mode

SECRET = "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0IQ=="
OVER = "over: [post, team, hook]\n"
CHANNELS = """address: http://127.0.0.1:8321
channels:
  post: {{kind: mail, host: 127.0.0.1, port: {port}, sender: pilothouse@example.com, encryption: none}}
  team: {{kind: slack, url: TEAM_URL}}
  hook: {{kind: webhook, url: "{hook}/in", secret: HOOK_SECRET}}
"""
SYSTEM = Actor(SYSTEM_PERSON)


@dataclass
class Told:
    """A world whose notifications arrive somewhere."""

    world: World
    box: Mailbox
    slack: Endpoint
    hook: Endpoint

    def round(self) -> Counter[str]:
        return self.world.app.notifications.round().outcomes

    def titles(self, person: str) -> list[str]:
        told = self.world.app.notifications
        return [told.wording.title(each) for each in told.inbox.of(person)]

    def subjects(self) -> list[str]:
        return [str(each["subject"]).strip().removeprefix("Pilothouse: ") for each in self.box.letters]

    def entries(self, *verbs: str) -> list[Entry]:
        kinds = {f"notification.{verb}" for verb in verbs}
        return list(self.world.app.ledger.entries(kinds=kinds))

    def clear(self) -> None:
        """Deliver what the making of the world gave to tell, and forget it."""
        self.round()
        for each in (self.box.letters, self.box.recipients, self.slack.requests, self.hook.requests):
            each.clear()


Make = Callable[..., Told]


@pytest.fixture
def make(new_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    with ExitStack() as stack:

        def made(more: str = OVER, database_url: str | None = None) -> Told:
            box, slack, hook = stack.enter_context(smtp()), stack.enter_context(http()), stack.enter_context(http())
            monkeypatch.setenv("TEAM_URL", f"{slack.url}/services/very-secret")
            monkeypatch.setenv("HOOK_SECRET", SECRET)
            world = new_world(database_url)
            world.promote("crm.account.update", Mode.ASSISTED)
            (world.root / "notifications.yaml").write_text(CHANNELS.format(port=box.port, hook=hook.url) + more)
            world.app.close()
            world.app = assemble(world.app.workspace, world.clock)
            told = Told(world, box, slack, hook)
            told.clear()
            return told

        yield made


def held(world: World, record: str = "a1", value: str = "software") -> str:
    return world.submit(world.action(value=value, to=f"crm/account/{record}")).review


def plain_part(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body is not None
    return body.get_content()


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


def test_a_webhook_is_verified_by_what_verifies_ours(make: Make) -> None:
    told = make()
    held(told.world)
    told.round()
    [event] = told.hook.requests
    sources, now = told.world.app.sources, told.world.clock.now()
    folder = told.world.root / "state" / "sources"
    folder.mkdir(exist_ok=True)
    (folder / "us.json").write_text(json.dumps({"secrets": [SECRET]}))
    assert sources.verify("us", event.headers, event.body, now) == event.headers["webhook-id"]
    with pytest.raises(Exception, match="no signature fits"):
        sources.verify("us", event.headers, event.body + b" ", now)
    with pytest.raises(Exception, match="from now"):
        sources.verify("us", event.headers, event.body, now + 2 * TOLERANCE)
    assert event.headers["webhook-signature"] == sign(
        SECRET, event.headers["webhook-id"], event.headers["webhook-timestamp"], event.body
    )


def test_no_secret_and_no_reason_stands_in_what_leaves_for_a_place_or_in_the_ledger(make: Make) -> None:
    told = make()
    told.world.promote("crm.contact.update", Mode.ASSISTED)
    told.clear()
    told.world.submit(told.world.action("title", "Chief Secret Officer", to="crm/contact/c1"))
    told.round()
    outside = told.slack.requests[0].body + told.hook.requests[0].body
    for private in (b"Chief Secret", b"c1@alder.example", b"empty field"):
        assert private not in outside
    assert b"crm/contact/c1" in outside
    lines = json.dumps([[each.kind, each.body] for each in told.world.app.ledger.entries()])
    assert "very-secret" not in lines and SECRET not in lines


def test_a_failing_channel_is_tried_again_and_arrives_once(make: Make, database_url: str) -> None:
    told = make("over: [team]\n", database_url)
    told.slack.statuses = [500, 503]
    held(told.world)
    assert told.round() == {"failed": 1}
    for wait, outcome in zip(WAITS, ("failed", "delivered"), strict=False):
        told.world.clock.advance(wait - timedelta(seconds=1))
        assert told.round() == {}
        told.world.clock.advance(timedelta(seconds=1))
        assert told.round() == {outcome: 1}
    kinds = [(each.kind, each.body["attempt"]) for each in told.entries("attempted", "failed", "delivered")[-6:]]
    assert kinds == [
        ("notification.attempted", 1), ("notification.failed", 1), ("notification.attempted", 2),
        ("notification.failed", 2), ("notification.attempted", 3), ("notification.delivered", 3),
    ]  # fmt: skip
    assert told.entries("failed")[-1].body["reason"] == "it answered 503."
    assert len(told.slack.requests) == 3 and told.world.app.notifications.inbox.alerts() == []


def test_what_was_given_up_is_an_alert_on_the_console_and_over_the_other_channels(make: Make) -> None:
    told = make("over: [team]\n")
    told.slack.statuses = [500] * 20
    held(told.world)
    for wait in (timedelta(), *WAITS):
        told.world.clock.advance(wait)
        told.round()
    [alert] = told.world.app.notifications.inbox.alerts()
    assert (alert.channel, alert.undelivered, alert.late, alert.reason) == ("team", 1, 0, "it answered 500.")
    told.round()
    assert told.titles("gita")[0] == "Not delivered over team"
    assert sorted(told.box.recipients) == ["ada@example.com", "gita@example.com", "noah@example.com"]
    assert [each.json["type"] for each in told.hook.requests] == ["pilothouse.delivery_failed"]
    assert len(told.slack.requests) == len(WAITS) + 1
    told.hook.statuses, told.box.answer = [410], "550 no"
    assert told.round() == {}


def test_an_alert_that_does_not_arrive_is_not_told_of_again(make: Make) -> None:
    told = make("over: [hook]\n")
    told.hook.statuses, told.box.answer, told.slack.statuses = [410], "550 no", [404]
    held(told.world)
    assert told.round() == {"undelivered": 1}
    assert told.round() == {"undelivered": 4}  # three letters and one post about it
    assert told.round() == {} and told.world.app.notifications.round().queued == 0
    found = {each.channel: each.undelivered for each in told.world.app.notifications.inbox.alerts()}
    assert found == {"hook": 1, "post": 3, "team": 1}


@pytest.mark.parametrize(
    ("answer", "reason", "lasting"),
    [
        ("550 no such person", "the mail server refused the message (550).", True),
        ("450 later", "the mail server refused the message (450).", False),
        ("rcpt 550 unknown", "the mail server refused the recipient (550).", True),
        ("rcpt 451 greylisted", "the mail server refused the recipient (451).", False),
    ],
)
def test_what_a_mail_server_answers_decides_about_another_attempt(
    make: Make, answer: str, reason: str, lasting: bool
) -> None:
    told = make("over: [post]\n")
    told.box.answer = answer
    held(told.world)
    assert told.round() == {"undelivered" if lasting else "failed": 1}
    assert told.entries("undelivered", "failed")[-1].body["reason"] == reason


def test_a_mail_server_with_a_password_and_none_given(
    new_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    with smtp(password="right") as box:
        world = new_world()
        (world.root / "notifications.yaml").write_text(
            f"channels: {{post: {{kind: mail, host: 127.0.0.1, port: {box.port}, sender: p@example.com, encryption: none, user: us}}}}"
        )
        app = assemble(world.app.workspace, world.clock)
        assert app.notifications.test("post", "ada").reason == "there is no password for the mail server."
        monkeypatch.setenv("SMTP_PASSWORD", "wrong")
        refused = app.notifications.test("post", "ada")
        assert (refused.status, refused.reason) == ("undelivered", "the mail server refused the log-in (535).")
        monkeypatch.setenv("SMTP_PASSWORD", "right")
        assert app.notifications.test("post", "ada").status == "delivered"
        assert [each["subject"] for each in box.letters] == ["Pilothouse: A test of post"]
        app.close()


def test_a_dead_channel_holds_up_neither_the_others_nor_the_gateway(make: Make) -> None:
    told = make()
    told.hook.stall = threading.Event()
    for n in (1, 3, 5):
        held(told.world, f"a{n}")
    rounds = threading.Thread(target=told.round)
    rounds.start()
    deadline = time.monotonic() + 5
    while not (told.box.letters and told.slack.requests and told.hook.requests):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert rounds.is_alive()  # the webhook has not been answered, and all else has arrived
    assert held(told.world, "a7")
    assert rounds.is_alive()
    told.hook.stall.set()
    rounds.join(15)
    assert len(told.hook.requests) == 1 and not rounds.is_alive()


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
    letter = {"recipients": ["c1"], "subject": "Hello", "body": "Hi"}
    target = RecordRef("crm", "message", "")
    result = told.world.submit(
        told.world.action(capability="crm.message.send", target=target, arguments=letter, expects=None)
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


def test_a_review_due_soon_is_told_once_and_an_overdue_one_too(make: Make, database_url: str) -> None:
    told = make("over: [post]\n", database_url)
    review = told.world.app.reviews.get(held(told.world))
    told.round()
    told.world.clock.advance(review.deadline - told.world.clock.now() - timedelta(hours=4, minutes=1))
    told.round()
    assert told.subjects()[1:] == []
    told.world.clock.advance(timedelta(minutes=2))
    for _ in range(2):
        told.round()
    assert told.subjects()[1:] == ["Review due soon: Alder 1"]
    told.world.clock.advance(timedelta(hours=4))
    told.world.app.reviews.expire()
    told.round()
    assert told.subjects()[2:] == ["Review overdue, counts as rejected: Alder 1"]


def test_agents_incidents_and_failing_jobs_are_told_to_those_who_can_act(make: Make) -> None:
    told = make()
    app, ref = told.world.app, AgentRef.parse("tester@1")
    app.gateway.door.agents.suspend(ref, "noah", "a drill")
    app.gateway.door.agents.resume(ref, "noah", "over")
    app.gateway.door.agents.demote(ref, "crm.account.update", "noah", "too eager")
    app.ledger.append([Draft("incident.opened", Actor("noah"), {"incident": "inc_1", "severity": "1"})])

    def broken() -> None:
        raise RuntimeError("secret words")

    jobs, works = Jobs(app.ledger), [False]
    for _ in range(3):
        assert not jobs.run("take in", broken)
    assert jobs.run("take in", lambda: works)
    told.round()
    assert told.titles("gita")[::-1][-5:] == [
        "Suspended: tester@1",
        "Active again: tester@1",
        "Back in shadow: tester@1 crm.account.update",
        "Incident opened: inc_1 1",
        "Failed: take in",
    ]
    assert "Incident opened: inc_1 1" in told.titles("ada") and "Suspended: tester@1" not in told.titles("ada")
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


def test_a_crash_between_sending_and_writing_it_down_sends_again_under_the_same_name(make: Make) -> None:
    told = make("over: [hook]\n")
    held(told.world)
    delivery = told.world.app.notifications._delivery
    write = delivery._write

    def dies(verb: str, notice: object, more: object) -> None:
        if verb == "delivered":
            raise Conflict("the machine stopped here")
        write(verb, notice, more)  # type: ignore[arg-type]

    delivery._write = dies  # type: ignore[method-assign, assignment]
    told.round()
    told.world = told.world.reopened()
    assert told.round() == {}  # the lease
    told.world.clock.advance(LEASE)
    assert told.round() == {"delivered": 1}
    assert len({each.headers["webhook-id"] for each in told.hook.requests}) == 1 and len(told.hook.requests) == 2
    told.world.app.close()


def test_two_workers_send_each_message_once(make: Make, database_url: str) -> None:
    told = make("over: [team]\n", database_url)
    other = told.world.reopened()
    for n in (1, 3, 5, 7):
        held(told.world, f"a{n}")
    workers = [threading.Thread(target=each.app.notifications.round) for each in (told.world, other) for _ in range(3)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    told.round()
    asked = "\n".join(each.json["text"] for each in told.slack.requests)
    assert asked.count("/rev_") == 4
    other.app.close()


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


def test_a_record_cannot_write_headers_or_call_a_channel(make: Make) -> None:
    told = make()
    name = "Alder\r\nBcc: everybody@example.com <!channel> & <b>x</b>"
    seen = Observation(
        RecordRef("crm", "account", "a1"), {"name": name}, told.world.clock.now(), WriterKind.PERSON, "x"
    )
    told.world.app.store.observe([seen], Actor("gita"))
    held(told.world)
    told.round()
    [letter] = told.box.letters
    assert letter["Bcc"] is None and told.box.recipients == ["rosa@example.com"]
    html = letter.get_body(("html",))
    assert html is not None and "<b>x</b>" not in html.get_content() and "&lt;b&gt;" in html.get_content()
    assert "<!channel>" not in told.slack.requests[0].json["text"]


def test_digests_go_out_once_at_their_hour(make: Make) -> None:
    # The clock stands at Wednesday, 14 January 2026, 9:00 UTC.
    told = make("daily: {at: 10:00, over: [post]}\nweekly: {day: thursday, at: '09:00', over: [post]}\n")
    held(told.world)
    told.round()
    assert told.subjects() == []
    told.world.clock.advance(timedelta(hours=1, minutes=1))
    for _ in range(2):
        told.round()
    assert told.subjects() == ["Your queue on 2026-01-14"] and told.box.recipients == ["rosa@example.com"]
    assert "1 wait for you, 1 of them due within a day" in plain_part(told.box.letters[0])
    told.world.clock.advance(timedelta(hours=23))
    told.round()
    assert told.subjects()[1:] == ["What agents in shadow would have done, 2026-01-08 to 2026-01-15"] * 3


def test_the_weekly_report_counts_what_was_shadowed_and_what_people_did(make: Make) -> None:
    told = make()
    world = told.world
    for n, value in ((1, "software"), (3, "retail"), (5, "banking")):
        assert world.submit(world.action("country", value, to=f"crm/account/a{n}")).status == "held"
        world.gateway.door.agents.demote(AgentRef.parse("tester@1"), "crm.account.update", "noah", "for this test")
        result = world.submit(world.action(value=value, to=f"crm/account/a{n}"))
        assert result.status == "shadowed"
        world.promote("crm.account.update", Mode.ASSISTED)
    world.clock.advance(timedelta(minutes=5))
    now = world.clock.now()
    done = [
        Observation(RecordRef("crm", "account", f"a{n}"), {"industry": value}, now, WriterKind.PERSON, "rosa")
        for n, value in ((1, "software"), (3, "wholesale"))
    ]
    world.app.store.observe(done, Actor("gita"))
    world.clock.advance(timedelta(days=1))
    begin, end = week_before(world.clock.now())
    [group] = world.app.notifications.digests.shadow(begin, end)
    assert (group.agent, group.action_type) == ("tester@1", "crm.account.update:fill-empty")
    assert (group.count, group.same, group.other, group.unknown, group.would) == (3, 1, 1, 1, {"auto": 3})
    assert {(each.subject, each.people) for each in group.examples} == {
        ("crm/account/a1", "same"), ("crm/account/a3", "other"), ("crm/account/a5", ""),
    }  # fmt: skip
    assert group.examples[0].changes == (("industry", None, "software"),)


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
