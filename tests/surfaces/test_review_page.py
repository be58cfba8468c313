"""The page of a review: what cannot be taken leads back to it, with what was typed."""

from __future__ import annotations

from fastapi.testclient import TestClient
from tests.surfaces.test_rest import client, enter
from tests.world import World

from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.verdicts import Mode

__all__ = ["client"]


def test_a_rejection_without_a_reason_stays_on_the_review_and_keeps_the_edit(world: World, client: TestClient) -> None:
    world.promote("crm.account.update", Mode.ASSISTED)
    held = world.submit(world.action())
    csrf = enter(world, client, "noah")["X-CSRF-Token"]
    review = world.app.reviews.get(held.review)
    form = {"csrf": csrf, "payload_hash": review.payload_hash, "decision": "reject", "note": ""}
    answer = client.post(f"/reviews/{review.id}", data={**form, "value-industry": "mining"})
    assert answer.status_code == 400 and "needs a reason" in answer.text and 'value="mining"' in answer.text
    assert world.app.reviews.get(review.id).status is ReviewStatus.OPEN
    done = client.post(f"/reviews/{review.id}", data={**form, "note": "not what they do"})
    assert done.status_code == 303 and world.app.reviews.get(review.id).status is ReviewStatus.REJECTED


def test_who_may_decide_nothing_sees_that_it_waits_for_others(world: World, client: TestClient) -> None:
    world.promote("crm.account.update", Mode.ASSISTED)
    enter(world, client, "emil")
    assert "Nothing waits for a person." in client.get("/reviews").text
    assert "Nothing waits for you." in client.get("/").text
    for number in (1, 2):
        world.submit(world.action(to=f"crm/account/a{number}"))
    for path in ("/reviews", "/"):
        shown = client.get(path).text
        assert "Nothing waits that you may decide; 2 wait for others." in shown
        assert "Nothing waits for a person." not in shown
    assert "<b>2</b> waiting for a person" in client.get("/").text
