"""Like reviews decided together: one screen, one decision for each row, bound to what was shown."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.world import World

from pilothouse.gateway.batching import decide_together
from pilothouse.handoff.batches import Batch, batches_of, rows_to_decide
from pilothouse.vocabulary.errors import Conflict, InvalidInput
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.verdicts import Mode


def batched(world: World, count: int = 4) -> Batch:
    world.promote("crm.account.update:fill-empty", Mode.ASSISTED)
    for number in range(1, count + 1):
        world.submit(world.action(to=f"crm/account/a{number}"))
    world.submit(world.action("phone", "1", to="crm/account/a1"))  # another field: not alike
    [batch] = batches_of(world.app.reviews.list())
    return batch


def test_alike_are_the_same_fields_changed_in_the_same_way_for_the_same_reason(world: World) -> None:
    batch = batched(world)
    assert len(batch.rows) == 4 and batch.fields == ("industry",) and batch.agent == "tester@1"


def test_each_row_is_decided_by_itself_for_the_payload_shown(world_on_each_store: World) -> None:
    world = world_on_each_store
    batch = batched(world)
    chosen = rows_to_decide(batch, batch.seen, [batch.rows[0].id])
    done = decide_together(world.gateway, chosen, "ravi", approve=True, note="same source")
    assert [row.status for row in done] == ["executed"] * 3 and len(world.committed()) == 3
    approved = list(world.app.ledger.entries(kinds={"review.approved"}))
    assert {e.body["review"]: e.body["payload_hash"] for e in approved} == chosen
    assert {e.body["batch_size"] for e in approved} == {3} and len({e.body["batch"] for e in approved}) == 1
    assert world.app.reviews.get(batch.rows[0].id).status is ReviewStatus.OPEN


def test_a_batch_that_grew_since_it_was_seen_is_not_decided(world: World) -> None:
    batch = batched(world)
    world.submit(world.action(to="crm/account/a7"))
    [now] = batches_of(world.app.reviews.list())
    with pytest.raises(Conflict):
        rows_to_decide(now, batch.seen, [])
    with pytest.raises(InvalidInput):
        rows_to_decide(now, now.seen, ["rev_other"])


def test_one_rows_trouble_is_not_the_others(world: World) -> None:
    batch = batched(world)
    rows = {each.id: each.payload_hash for each in batch.rows}
    rows[batch.rows[1].id] = "0" * 64
    done = decide_together(world.gateway, rows, "ravi", approve=True, note="")
    assert [row.status for row in done].count("executed") == 3 and done[1].status == "payload_changed"
    assert [row.review is None for row in decide_together(world.gateway, rows, "rosa", approve=False, note="no")]


def test_what_a_write_set_held_is_one_batch_whatever_its_fields(world: World) -> None:
    world.promote("crm.account.update:fill-empty", Mode.LIVE)
    for number in range(1, 9):
        world.submit(world.action(["industry", "phone"][number % 2], "x", to=f"crm/account/a{number}"))
    [batch] = batches_of(world.app.reviews.list())
    assert batch.code == "write_set" and len(batch.rows) == 3 and batch.fields == ("industry", "phone")


def test_a_batch_waved_through_is_no_evidence_and_one_that_was_read_is(world: World) -> None:
    batch = batched(world, 8)
    rows = {each.id: each.payload_hash for each in batch.rows}
    first, second = dict(list(rows.items())[:4]), dict(list(rows.items())[4:])
    world.app.reviews.show(list(rows), "ravi")

    world.clock.advance(timedelta(seconds=4))
    decide_together(world.gateway, first, "ravi", approve=True, note="")
    world.clock.advance(timedelta(seconds=60))
    decide_together(world.gateway, second, "ravi", approve=True, note="")
    assert not any(world.app.reviews.counts_as_evidence(world.app.reviews.get(each)) for each in first)
    assert all(world.app.reviews.counts_as_evidence(world.app.reviews.get(each)) for each in second)
