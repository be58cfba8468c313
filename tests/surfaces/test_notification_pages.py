"""The inbox, the links that letters carry, and one's own notifications over REST."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.surfaces.test_cli_json import told
from tests.surfaces.test_rest import WORD, enter
from tests.world import World

from pilothouse.surfaces.server import build
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.verdicts import Mode


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    world.promote("crm.account.update", Mode.ASSISTED)
    yield TestClient(build(world.app), follow_redirects=False)  # without its loops: the tests say when


def asked(world: World, record: str = "a1") -> tuple[str, str]:
    """Have a review opened; return it and the notification that stands in its owner's inbox."""
    world.app.notifications.inbox.read("rosa")
    review = world.submit(world.action(to=f"crm/account/{record}")).review
    world.app.notifications.round()
    return review, world.app.notifications.inbox.of("rosa")[0].id


def form_of(page: str) -> dict[str, str]:
    return dict(re.findall(r'name="(csrf|payload_hash|notice)" value="([^"]*)"', page))


def test_the_link_of_a_letter_leads_through_the_log_in_to_the_review(world: World, client: TestClient) -> None:
    review, notice = asked(world)
    arrived = client.get(f"/n/{notice}/{review}")
    assert arrived.status_code == 200 and f"/inbox/{notice}/{review}" in arrived.text and "Alder" not in arrived.text
    unknown = client.get("/n/ntf_unknown/rev_unknown").text
    assert unknown == arrived.text.replace(notice, "ntf_unknown").replace(review, "rev_unknown")
    refused = client.get(f"/inbox/{notice}/{review}")
    assert refused.headers["location"] == f"/login?next=%2Finbox%2F{notice}%2F{review}"
    credentials = world.app.credentials
    credentials.redeem_link(credentials.issue_link("rosa", "ada"), WORD)
    login = client.get(refused.headers["location"]).text
    onward = re.search(r'name="next" value="([^"]*)"', login)
    assert onward is not None
    given = {"email": "rosa@example.com", "password": WORD, "next": onward[1]}
    entered = client.post("/login", data=given)
    assert entered.headers["location"] == f"/inbox/{notice}/{review}"
    shown = client.get(client.get(entered.headers["location"]).headers["location"])
    assert "Alder 1" in shown.text and form_of(shown.text)["notice"] == notice


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "/a\nb"])
def test_nobody_is_led_elsewhere_after_logging_in(world: World, client: TestClient, elsewhere: str) -> None:
    enter(world, client, "rosa")
    given = {"email": "rosa@example.com", "password": WORD, "next": elsewhere}
    assert client.post("/login", data=given).headers["location"] == "/"
    assert "evil" not in client.get("/login", params={"next": elsewhere}).text


def test_opening_links_decides_and_marks_nothing(world: World, client: TestClient) -> None:
    review, notice = asked(world)
    enter(world, client, "rosa")
    size = world.written("review.shown")  # that somebody looked is written down, and decides nothing
    for path in (f"/n/{notice}/{review}", f"/inbox/{notice}", f"/inbox/{notice}/{review}", "/inbox"):
        for _ in range(2):
            assert client.get(path).status_code in (200, 303)
    assert client.get(f"/reviews/{review}?notice={notice}&decision=approve").status_code == 200
    assert world.app.reviews.get(review).status is ReviewStatus.OPEN and world.written("review.shown") == size
    assert client.head(f"/n/{notice}/{review}").status_code == 405


def test_a_link_is_good_for_one_decision(world: World, client: TestClient) -> None:
    review, notice = asked(world)
    enter(world, client, "rosa")
    form = form_of(client.get(f"/reviews/{review}?notice={notice}").text) | {"decision": "approve"}
    done = client.post(f"/reviews/{review}", data=form)
    assert done.status_code == 303 and world.read("account", "a1")["industry"] == "software"
    again = client.get(f"/reviews/{review}?notice={notice}").text
    assert "This link was used: rosa decided with it on" in again and 'value="approve"' not in again
    assert client.post(f"/reviews/{review}", data=form).status_code == 409
    [used] = world.app.ledger.entries(kinds={"notification.used"})
    assert (used.body["id"], used.body["review"], used.body["by"]) == (notice, review, "rosa")


def test_a_link_for_another_payload_or_another_person_is_not_good(world: World, client: TestClient) -> None:
    review, notice = asked(world)
    other, _ = asked(world, "a3")
    enter(world, client, "rosa")
    form = form_of(client.get(f"/reviews/{review}?notice={notice}").text)
    forged = client.post(f"/reviews/{other}", data=form | {"decision": "approve"})
    assert forged.status_code == 404 and world.app.reviews.get(other).status is ReviewStatus.OPEN
    stale = client.post(f"/reviews/{review}", data=form | {"decision": "approve", "payload_hash": "0" * 64})
    assert stale.status_code == 409 and world.app.reviews.get(review).status is ReviewStatus.OPEN
    assert list(world.app.ledger.entries(kinds={"notification.used"})) == []
    enter(world, client, "iris")
    assert client.get(f"/inbox/{notice}").status_code == 404
    assert client.get(f"/reviews/{review}?notice={notice}").status_code == 403


def test_the_inbox_counts_and_marks_what_was_read(world: World, client: TestClient) -> None:
    review, notice = asked(world)
    enter(world, client, "rosa")
    page = client.get("/inbox").text
    assert 'aria-label="1 unread"' in page and "Review for you: Alder 1" in page
    opened = client.post(f"/inbox/{notice}", data=form_of(page))
    assert opened.headers["location"] == f"/reviews/{review}?notice={notice}"
    assert "unread" not in client.get("/reviews").text
    asked(world, "a3")
    assert client.post("/inbox", data={"csrf": "wrong"}).status_code == 403
    assert "1+marked" in client.post("/inbox", data=form_of(page)).headers["location"]


def test_what_is_not_delivered_stands_on_the_overview(world: World, client: TestClient) -> None:
    (world.root / "notifications.yaml").write_text(
        "channels: {team: {kind: slack, url: NOT_SET_ANYWHERE}}\nover: [team]\n"
    )
    again = world.reopened()
    world.promote("crm.account.update", Mode.ASSISTED)
    again.app.notifications.round()
    with TestClient(build(again.app), follow_redirects=False) as other:
        enter(again, other, "gita")
        page = other.get("/").text
        assert "could not be delivered" in page and "There is no address for this channel." in page
        enter(again, other, "rosa")
        assert "could not be delivered" not in other.get("/").text
    again.app.close()


def test_ones_own_notifications_over_rest(world: World, client: TestClient) -> None:
    assert client.get("/v1/notifications").status_code == 401
    review, notice = asked(world)
    csrf = enter(world, client, "rosa")
    got = client.get("/v1/notifications", params={"unread": True}).json()
    [one] = got["notifications"]
    assert (got["unread"], one["id"], one["event"], one["items"][0]["review"]) == (1, notice, "review_opened", review)
    assert client.post(f"/v1/notifications/{notice}/read").status_code == 403
    assert client.post(f"/v1/notifications/{notice}/read", headers=csrf).json() == {"read": 1}
    assert client.get("/v1/notifications").json()["unread"] == 0
    csrf = enter(world, client, "ravi")
    assert client.post(f"/v1/notifications/{notice}/read", headers=csrf).status_code == 404
    assert client.post("/v1/notifications/read", headers=csrf).json() == {"read": 0}


def test_the_server_tells_within_a_minute(world: World, client: TestClient) -> None:
    with TestClient(build(world.app)):
        review = world.submit(world.action()).review
        began = world.clock.now()
        while not world.app.notifications.inbox.unread("rosa"):
            world.clock.advance(timedelta(milliseconds=50))
            assert world.clock.now() - began < timedelta(seconds=60)
            time.sleep(0.05)
    assert world.app.notifications.inbox.of("rosa")[0].items[0].review == review


def test_the_commands(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.promote("crm.account.update", Mode.ASSISTED)
    world.submit(world.action())
    world.app.close()
    monkeypatch.setenv("PILOTHOUSE_WORKSPACE", str(world.root))
    monkeypatch.setenv("PILOTHOUSE_PERSON", "rosa")
    done = told("notifications", "deliver")
    assert done["delivered"] == 0 and done["queued"] >= 1
    assert "Review for you: Alder 1" in [each["title"] for each in told("notifications", "list")]
    assert told("notifications", "list", "--status", "undelivered") == []
    monkeypatch.setenv("PILOTHOUSE_PERSON", "gita")
    assert told("notifications", "digest", "weekly")["groups"] == []
    assert told("notifications", "digest", "daily") == []
    assert told("notifications", "digest", "daily", "--send") == []


def test_a_test_that_does_not_arrive_fails(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (world.root / "notifications.yaml").write_text("channels: {team: {kind: slack, url: NOT_SET_ANYWHERE}}\n")
    world.app.close()
    monkeypatch.setenv("PILOTHOUSE_WORKSPACE", str(world.root))
    monkeypatch.setenv("PILOTHOUSE_PERSON", "gita")
    tried = told("notifications", "test", "team", code=1)
    assert (tried["status"], tried["reason"]) == ("undelivered", "there is no address for this channel.")
