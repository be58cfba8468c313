"""Each recipient's own way out: in the headers of what goes out, readable by nobody, good for years, once a click."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import example, given
from hypothesis import strategies as st
from tests.world import World, letter

from pilothouse.gateway.passage import Result
from pilothouse.handoff.ways_out import WaysOut
from pilothouse.surfaces.console import unsubscribe
from pilothouse.surfaces.server import build
from pilothouse.testing.clock import TestClock
from pilothouse.vocabulary.errors import InvalidInput
from pilothouse.vocabulary.outcomes import ActionStatus
from pilothouse.vocabulary.records import RecordRef

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
WAYS_OUT = WaysOut("a secret", TestClock())


@pytest.fixture(autouse=True)
def full_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unsubscribe, "bucket", unsubscribe.Bucket(per_second=1.0, burst=5.0, clock=lambda: 0.0))


@pytest.fixture
def sending(world: World) -> World:
    world.promote("crm.message.send")
    return world


def send(world: World, *recipients: str, **more: Any) -> Result:
    there = RecordRef("crm", "message", "")
    given = letter(*recipients, **more)
    return world.submit(world.action(capability="crm.message.send", target=there, arguments=given, expects=None))


def gone_out(world: World, *recipients: str) -> dict[str, Any]:
    held = send(world, *recipients)
    assert held.status is ActionStatus.HELD, held.sentence
    world.app.reviews.approve(held.review, "ravi", world.app.reviews.get(held.review).payload_hash)
    assert world.gateway.resume(held.review).status is ActionStatus.EXECUTED
    return next(row for row in world.app.twin.records("message") if row["status"] == "sent")


def link_of(headers: dict[str, str]) -> str:
    address = headers["List-Unsubscribe"]
    assert address.startswith("<https://alder.example/unsubscribe/") and address.endswith(">")
    return "/unsubscribe/" + address[1:-1].rpartition("/")[2]


def suppressions(world: World) -> int:
    return sum(each.kind == "suppression.added" for each in world.app.ledger.entries())


def test_each_recipient_of_what_goes_out_has_a_way_out_of_their_own(sending: World) -> None:
    record = gone_out(sending, "c1", "C2@alder.example")
    headers: dict[str, dict[str, str]] = record["headers"]
    assert set(headers) == {"c1", "C2@alder.example"}
    links = [link_of(headers[each]) for each in ("c1", "C2@alder.example")]
    assert links[0] != links[1]
    assert {each["List-Unsubscribe-Post"] for each in headers.values()} == {"List-Unsubscribe=One-Click"}
    with TestClient(build(sending.app)) as client:
        assert client.post(links[1], data=ONE_CLICK).status_code == 200
    assert sending.app.compliance.is_suppressed("c2@alder.example")
    assert not sending.app.compliance.is_suppressed("c1@alder.example")
    assert send(sending, "c2", body="Hello again").code == "suppressed"


def test_what_was_approved_is_what_is_recorded_and_no_link_stands_in_the_ledger(sending: World) -> None:
    record = gone_out(sending, "c1")
    link = link_of(record["headers"]["c1"]).rpartition("/")[2]
    done = next(each for each in sending.app.ledger.entries() if each.kind == "action.executed")
    intended = next(each for each in sending.app.ledger.entries() if each.kind == "action.intended")
    assert done.body["payload_hash"] == intended.body["payload_hash"]
    assert done.value("arguments", {}) == letter("c1") and done.body["verified"] is True
    assert not [each for each in sending.app.ledger.entries() if link in str(each.body) + str(each.private)]


def test_opening_the_link_changes_nothing_and_one_click_does_it_once(sending: World) -> None:
    link = link_of(gone_out(sending, "c1")["headers"]["c1"])
    sending.clock.advance(timedelta(days=3650))
    with TestClient(build(sending.app)) as client:
        opened = client.get(link)
        assert opened.status_code == 200 and opened.text.count("<button") == 1
        assert "c…@alder.example" in opened.text and "c1@alder.example" not in opened.text
        assert client.post(link).status_code == client.post(link, data={"List-Unsubscribe": "no"}).status_code == 400
        assert suppressions(sending) == 0
        clicked = client.post(link, data=ONE_CLICK, follow_redirects=False)
        assert clicked.status_code == 200 and "not written to any longer" in clicked.text
        for _ in range(30):  # one mail provider asks for many people, and sometimes twice
            assert client.post(link, files={"List-Unsubscribe": (None, "One-Click")}).status_code == 200
        assert suppressions(sending) == 1
    sending.app.ledger.rebuild()
    assert sending.app.compliance.is_suppressed("c1@alder.example")


def test_a_link_that_was_not_made_here_changes_nothing_and_is_slowed_down(sending: World) -> None:
    elsewhere = WaysOut("another secret", sending.clock).token("c1@alder.example")
    size = sending.app.ledger.size()
    with TestClient(build(sending.app)) as client:
        for wrong in ("x", elsewhere, elsewhere[:-4], "x" * 5000, "é"):
            shown = client.get(f"/unsubscribe/{wrong}")
            assert shown.status_code == 404 and "not made here" in shown.text and "<button" not in shown.text
            assert client.post(f"/unsubscribe/{wrong}", data=ONE_CLICK).status_code == 404
        assert client.post("/unsubscribe/x", data=ONE_CLICK).status_code == 429
        kept = link_of(gone_out(sending, "c1")["headers"]["c1"])
        size = sending.app.ledger.size()
        assert client.post(kept, data=ONE_CLICK).status_code == 200, "who has a link is let in all the same"
    assert sending.app.ledger.size() == size + 1


def test_links_are_good_after_a_start_anew(sending: World) -> None:
    token = sending.gateway.door.ways_out.token("c1@alder.example")
    assert sending.reopened().gateway.door.ways_out.address(token) == "c1@alder.example"


def test_nothing_goes_to_a_contact_without_an_address(sending: World) -> None:
    sending.app.twin.seed([("contact", "c9", {"email": "no address", "account": "a1"})])
    assert send(sending, "c9").code == "no_address"


@given(st.emails())
def test_a_link_gives_the_address_back_and_does_not_show_it(address: str) -> None:
    token = WAYS_OUT.token(address)
    assert WAYS_OUT.address(token) == address
    assert token != WAYS_OUT.token(address)
    told = token.encode() + base64.urlsafe_b64decode(token)
    assert address.encode() not in told


@given(st.integers(0, 119), st.characters())
@example(119, "A")
def test_an_altered_link_is_never_anothers(place: int, put: str) -> None:
    token = WAYS_OUT.token("c1@alder.example")
    altered = token[:place] + put + token[place + 1 :]
    try:
        assert WAYS_OUT.address(altered) == "c1@alder.example"
    except InvalidInput as error:
        assert error.code == "unknown_link"


@pytest.mark.parametrize(
    ("way_out", "post"),
    [("https://alder.example/unsubscribe/", True), ("http://127.0.0.1:8321/unsubscribe", False)],
)
def test_one_click_is_offered_over_https_alone(way_out: str, post: bool) -> None:
    headers = WAYS_OUT.headers(way_out, "c1@alder.example")
    assert ("List-Unsubscribe-Post" in headers) is post
    link = headers["List-Unsubscribe"][1:-1]
    assert WAYS_OUT.address(link.removeprefix(way_out.rstrip("/") + "/")) == "c1@alder.example"


def test_a_mail_address_as_the_way_out_stands_as_it_is() -> None:
    headers = WAYS_OUT.headers("mailto:stop@alder.example", "c1@alder.example")
    assert headers == {"List-Unsubscribe": "<mailto:stop@alder.example>"}
