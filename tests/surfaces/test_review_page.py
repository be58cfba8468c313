"""The page of a review: what cannot be taken leads back to it, with what was typed."""

from __future__ import annotations

from fastapi.testclient import TestClient
from tests.surfaces.test_rest import client, enter
from tests.world import World
from typer.testing import CliRunner

from pilothouse.surfaces.cli.main import app
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


def test_the_queue_says_who_is_asked_and_can_show_ones_own(world: World, client: TestClient) -> None:
    world.promote("crm.account.update", Mode.ASSISTED)
    review = world.app.reviews.get(world.submit(world.action()).review)
    other = "noah" if review.owner != "noah" else "gita"
    enter(world, client, other)
    listed = client.get("/reviews").text
    assert "<th>Asked</th>" in listed and 'href="/reviews?mine=1"' in listed and review.id in listed
    assert review.id not in client.get("/reviews?mine=1").text
    enter(world, client, review.owner)
    assert review.id in client.get("/reviews?mine=1").text

    def told(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, ["reviews", "list", *words, "-w", str(world.root)], env={"COLUMNS": "240"})
        assert done.exit_code == code, done.output
        return done.output

    assert "asked" in told("--as", other) and review.id in told("--as", other)
    assert review.id in told("--mine", "--as", review.owner) and review.id not in told("--mine", "--as", other)
    assert "say who you are" in told("--mine", code=2)
    assert "no person" in told("--as", "nobody", code=1)
    assert CliRunner().invoke(app, ["notifications", "list", "--as", other, "-w", str(world.root)]).exit_code == 0


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
