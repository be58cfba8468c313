"""An approval that counts as no evidence says so to who gave it, on every surface."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi.testclient import TestClient
from tests.surfaces.test_rest import client, enter
from tests.world import World
from typer.testing import CliRunner

from pilothouse.handoff.batches import batches_of
from pilothouse.handoff.queue import Review
from pilothouse.surfaces.cli.main import app
from pilothouse.vocabulary.verdicts import Mode

__all__ = ["client"]
HASTY = "faster than it can be read: it does not count as evidence for the agent."
UNSEEN = "You never opened it"


def held(world: World, number: int) -> Review:
    world.promote("crm.account.update:fill-empty", Mode.ASSISTED)
    return world.app.reviews.get(world.submit(world.action(to=f"crm/account/a{number}")).review)


def test_over_rest(world: World, client: TestClient) -> None:
    csrf = enter(world, client, "noah")

    def approved(review: Review) -> str:
        path, given = f"/v1/reviews/{review.id}/approve", {"payload_hash": review.payload_hash}
        return client.post(path, json=given, headers=csrf).json()["no_evidence"]

    assert UNSEEN in approved(held(world, 1))
    hasty, read = held(world, 2), held(world, 3)
    for each in (hasty, read):
        client.get(f"/v1/reviews/{each.id}")
    world.clock.advance(timedelta(seconds=2))
    assert approved(hasty).startswith("Decided in 2 s") and approved(held(world, 4)).startswith(UNSEEN)
    world.clock.advance(timedelta(minutes=2))
    assert approved(read) == ""


def test_in_the_console_one_by_one_and_in_a_batch(world: World, client: TestClient) -> None:
    csrf = enter(world, client, "noah")["X-CSRF-Token"]
    first = held(world, 1)
    client.get(f"/reviews/{first.id}")
    form = {"csrf": csrf, "payload_hash": first.payload_hash, "decision": "approve"}
    done = client.post(f"/reviews/{first.id}", data=form)
    assert HASTY in client.get(done.headers["location"]).text
    for number in (2, 3, 4):
        held(world, number)
    [batch] = batches_of(world.app.reviews.list())
    client.get(f"/batches/{batch.id}")
    rows = [f"{each.id}:{each.payload_hash}" for each in batch.rows]
    done = client.post(f"/batches/{batch.id}", data={"csrf": csrf, "decision": "approve", "row": rows})
    assert f"3 of 3: Decided in 0 s, {HASTY}" in client.get(done.headers["location"]).text


def test_on_the_command_line_one_by_one_and_in_a_batch(world: World) -> None:
    def told(*words: str) -> Any:
        done = CliRunner().invoke(app, ["reviews", *words, "--as", "noah", "-w", str(world.root)])
        return done.output

    world.clock.advance(datetime.now(UTC) - world.clock.now())  # the command line goes by the true time
    first = held(world, 1)
    for number in (2, 3, 4, 5):
        held(world, number)
    assert UNSEEN in told("approve", first.id)
    [batch] = batches_of(world.app.reviews.list())
    left = [word for each in batch.rows[:2] for word in ("--without", each.id)]
    made = json.loads(told("batch", "approve", batch.id, "--seen", batch.seen, *left, "--json"))
    assert [UNSEEN in each["no_evidence"] for each in made] == [True, True]
    [batch] = batches_of(world.app.reviews.list())
    assert f"2 of 2: {UNSEEN}" in told("batch", "approve", batch.id, "--seen", batch.seen)
