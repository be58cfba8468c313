"""Channels: what leaves, how it is signed, retried and given up, and what a dead one holds up."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.handoff.receivers import smtp
from tests.handoff.telling import SECRET, Make, held
from tests.world import World

from pilothouse.assembly import assemble
from pilothouse.data.store import Observation
from pilothouse.directory.sources import TOLERANCE, sign
from pilothouse.handoff.notifying.delivering import LEASE, WAITS
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import Conflict
from pilothouse.vocabulary.records import RecordRef, WriterKind
from pilothouse.vocabulary.verdicts import Mode


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
    assert sorted(told.box.recipients) == [f"{each}@example.com" for each in ("ada", "emil", "gita", "noah")]
    assert [each.json["type"] for each in told.hook.requests] == ["pilothouse.delivery_failed"]
    assert len(told.slack.requests) == len(WAITS) + 1
    told.hook.statuses, told.box.answer = [410], "550 no"
    assert told.round() == {}


def test_an_alert_that_does_not_arrive_is_not_told_of_again(make: Make) -> None:
    told = make("over: [hook]\n")
    told.hook.statuses, told.box.answer, told.slack.statuses = [410], "550 no", [404]
    held(told.world)
    assert told.round() == {"undelivered": 1}
    assert told.round() == {"undelivered": 5}  # four letters and one post about it
    assert told.round() == {} and told.world.app.notifications.round().queued == 0
    found = {each.channel: each.undelivered for each in told.world.app.notifications.inbox.alerts()}
    assert found == {"hook": 1, "post": 4, "team": 1}


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
