"""Signals over REST and webhooks: who may send, how much, how often, and that the same thing sent again is the same thing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.data.test_signals import event
from tests.surfaces.test_rest import enter
from tests.world import World

from pilothouse.data.quarantine import set_aside_rows
from pilothouse.directory.sources import sign
from pilothouse.surfaces.intake import Bucket
from pilothouse.surfaces.server import build
from pilothouse.vocabulary.errors import TooMany

ONE = {"Content-Type": "application/cloudevents+json"}
SEVERAL = {"Content-Type": "application/cloudevents-batch+json; charset=UTF-8"}


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    with TestClient(build(world.app), follow_redirects=False) as client:
        yield client


def post(client: TestClient, content: Any, headers: dict[str, str]) -> tuple[int, list[dict[str, Any]]]:
    given = client.post("/v1/signals", content=json.dumps(content), headers=headers)
    return given.status_code, given.json().get("signals", [given.json()])


def test_one_event_is_answered_by_its_fate_and_a_list_by_each(world: World, client: TestClient) -> None:
    csrf = enter(world, client, "gita")
    status, [first] = post(client, event(), csrf | ONE)
    assert (status, first["fate"]) == (200, "accepted")
    assert world.app.ledger.entry(first["position"]).body["id"] == "e1"
    status, [again] = post(client, event(), csrf | ONE)
    assert (status, again["fate"], again["position"]) == (200, "known", first["position"])
    status, [other] = post(client, event(data={"page": "/else"}), csrf | ONE)
    assert (status, other["fate"], other["position"]) == (409, "refused", first["position"])
    status, [bad] = post(client, event("e2", type="no.such"), csrf | ONE)
    assert (status, bad["fate"]) == (422, "quarantined") and len(set_aside_rows(world.app.ledger)) == 2
    status, several = post(client, [event("e3"), event("e4", type="no.such"), event()], csrf | SEVERAL)
    assert status == 200 and [each["fate"] for each in several] == ["accepted", "quarantined", "known"]


def test_a_refusal_names_the_event_and_its_place(world: World, client: TestClient) -> None:
    csrf = enter(world, client, "gita")
    timeless = event("e10")
    del timeless["time"]
    status, [bad] = post(client, timeless, csrf | ONE)
    assert (status, bad["fate"], bad["id"], bad["source"]) == (422, "quarantined", "e10", timeless["source"])
    status, several = post(client, [event("e11"), timeless | {"id": 7}], csrf | SEVERAL)
    assert [(each["index"], each["id"]) for each in several] == [(0, "e11"), (1, "")]


def test_who_may_not_send_is_refused(world: World, client: TestClient) -> None:
    assert post(client, event(), ONE)[0] == 401
    assert post(client, event(), ONE | {"Authorization": "Bearer forged"})[0] == 401
    assert post(client, event(), ONE | {"Authorization": f"Bearer {world.token()}"})[0] == 403
    csrf = enter(world, client, "iris")
    assert post(client, event(), csrf | ONE)[0] == 403
    assert post(client, event(), ONE)[0] == 403  # no CSRF token


def test_an_agent_whose_contract_allows_it_tells_under_its_own_name(world: World, client: TestClient) -> None:
    path = world.root / "contracts" / "wide.yaml"
    path.write_text(path.read_text() + "  signal: {type: {}}\n")
    again = world.reopened()
    with TestClient(build(again.app)) as client:
        token = {"Authorization": f"Bearer {again.token()}"}
        status, [told] = post(client, event(), token | ONE)
    assert (status, told["source"]) == (200, "agent/tester:web")
    again.app.close()


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{", ONE, 400),
        (b"[]", ONE, 400),
        (b"{}", SEVERAL, 400),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b" " * 1_000_001, ONE, 413),
        (json.dumps([event(f"e{n}") for n in range(1001)]).encode(), SEVERAL, 413),
    ],
)
def test_what_cannot_be_read_is_refused(
    world: World, client: TestClient, content: bytes, headers: dict[str, str], status: int
) -> None:
    csrf = enter(world, client, "gita")
    size = world.written()
    assert client.post("/v1/signals", content=content, headers=csrf | headers).status_code == status
    pieces = (content[start : start + 9999] for start in range(0, len(content), 9999))
    assert client.post("/v1/signals", content=pieces, headers=csrf | headers).status_code == status
    assert world.written() == size


def test_requests_come_no_faster_than_the_limit() -> None:
    now = 0.0
    bucket = Bucket(per_second=2, burst=3, clock=lambda: now)
    for _ in range(3):
        bucket.take("a")
    with pytest.raises(TooMany):
        bucket.take("a")
    bucket.take("b")
    now = 0.5
    bucket.take("a")
    with pytest.raises(TooMany):
        bucket.take("a")


def test_the_signature_is_the_one_of_the_standard() -> None:
    """The example of the Standard Webhooks specification's reference libraries."""
    secret, ident, at = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330"
    assert sign(secret, ident, at, b'{"test": 2432232314}') == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def hook(
    world: World, client: TestClient, secret: str, content: Any, ident: str = "msg_1", ahead: float = 0, **more: str
) -> tuple[int, Any]:
    body = json.dumps(content).encode()
    at = str(int((world.clock.now() + timedelta(seconds=ahead)).timestamp()))
    headers = {"webhook-id": ident, "webhook-timestamp": at, "webhook-signature": sign(secret, ident, at, body)}
    given = client.post("/v1/webhooks/site", content=body, headers={**headers, **more})
    return given.status_code, given.json()


PAYLOAD = {"type": "web.visit", "timestamp": "2026-01-10T12:00:00Z", "data": {"page": "/", "subject": "crm/account/a1"}}


def test_a_webhook_is_taken_when_it_is_signed_and_once(world: World, client: TestClient) -> None:
    secret = world.app.sources.add("site", "gita")
    status, told = hook(world, client, secret, PAYLOAD)
    assert (status, told["signals"][0]["fate"], told["signals"][0]["source"]) == (200, "accepted", "site")
    size = world.written()
    status, again = hook(world, client, secret, PAYLOAD, ahead=60)
    assert (status, again["signals"][0]["position"]) == (200, told["signals"][0]["position"])
    assert world.written() == size
    assert hook(world, client, secret, {**PAYLOAD, "data": {"page": "/x", "subject": "crm/account/a1"}})[0] == 409
    status, told = hook(world, client, secret, event("x1"), "msg_2", **ONE)
    assert (status, told["signals"][0]["source"]) == (200, "site:web")


def test_a_webhook_that_is_not_signed_right_is_refused_and_leaves_nothing(world: World, client: TestClient) -> None:
    secret = world.app.sources.add("site", "gita")
    size = world.written()
    other = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert hook(world, client, other, PAYLOAD)[0] == 401
    assert hook(world, client, secret, PAYLOAD, ahead=-301)[0] == 401
    assert hook(world, client, secret, PAYLOAD, ahead=301)[0] == 401
    assert hook(world, client, secret, PAYLOAD, **{"webhook-id": "msg_other"})[0] == 401
    assert hook(world, client, secret, PAYLOAD, **{"webhook-timestamp": "soon"})[0] == 401
    assert client.post("/v1/webhooks/nobody", content=b"{}").status_code == 401
    assert world.written() == size


def test_a_secret_is_rotated_without_losing_a_webhook(world: World, client: TestClient) -> None:
    old = world.app.sources.add("site", "gita")
    new = world.app.sources.rotate("site", "gita")
    assert hook(world, client, old, PAYLOAD, "msg_1")[0] == hook(world, client, new, PAYLOAD, "msg_2")[0] == 200
    assert world.app.sources.retire("site", "gita") == 1
    assert hook(world, client, old, PAYLOAD, "msg_3")[0] == 401
    both = {"webhook-signature": ""}
    assert hook(world, client, new, PAYLOAD, "msg_4", **both)[0] == 401
    path = world.app.workspace.state / "sources" / "site.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert new not in "".join(str(entry.body) for entry in world.app.ledger.entries())


def test_timeline_and_features_are_read_as_of_a_moment(world: World, client: TestClient) -> None:
    csrf = enter(world, client, "gita")
    post(client, event(), csrf | ONE)
    features = client.get("/v1/accounts/crm/a1/features").json()
    assert features["windows"]["behavioural"]["7"]["count"] == 1 and features["catalogue"]
    timeline = client.get("/v1/accounts/crm/a1/timeline").json()
    assert timeline[-1]["type"] == "web.visit" and timeline[0]["at"] >= timeline[-1]["at"]
    assert client.get("/v1/accounts/crm/a1/features?as_of=2026-01-01T00:00:00Z").status_code == 404
    assert client.get("/v1/accounts/crm/a1/features?as_of=2026-01-01").status_code == 422
    enter(world, client, "rosa")
    assert client.get("/v1/accounts/crm/a1/timeline").status_code == 200  # rosa owns a1, not a2
    assert client.get("/v1/accounts/crm/a2/timeline").status_code == 403
