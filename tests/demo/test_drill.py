"""The drill: what it measures is what happened, it touches nothing of the workspace, and it fails when it should."""

from __future__ import annotations

import pytest
from tests.world import World

from pilothouse.demo import drill as module
from pilothouse.demo.drill import KIND, drill
from pilothouse.directory import suspensions
from pilothouse.gateway.stages import authorize
from pilothouse.handoff import deciding
from pilothouse.vocabulary.errors import Forbidden
from pilothouse.vocabulary.values import canonical


def test_a_drill_passes_is_recorded_and_touches_no_record(world: World) -> None:
    objects = ("account", "contact", "opportunity", "activity", "message")
    before = {name: canonical([dict(row) for row in world.app.twin.records(name)]) for name in objects}
    journal, size = len(world.app.twin.journal()), world.app.ledger.size()
    done = drill(world.app, "noah")
    assert done.passed, done.failures
    assert {name: canonical([dict(row) for row in world.app.twin.records(name)]) for name in objects} == before
    assert len(world.app.twin.journal()) == journal and world.app.ledger.size() == size + 1
    [entry] = world.app.ledger.entries(kinds={KIND})
    assert entry.actor.person == "noah" and entry.body["passed"] is True
    assert entry.body["counts"]["intents_while_suspended"] == 0 and entry.body["counts"]["found_downstream"] == 1
    assert {"detected", "suspended", "rollback plan", "contained", "recovered", "closed"} == set(entry.body["seconds"])


def test_a_suspension_that_does_not_hold_fails_the_drill(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in (authorize, deciding, suspensions):
        monkeypatch.setattr(place, "stopping", lambda *_: None, raising=False)
    from pilothouse.gateway.stages import decide, perform, record_intent

    monkeypatch.setattr(decide, "stopping", lambda *_: None)
    monkeypatch.setattr(record_intent, "stopping", lambda *_: None)
    monkeypatch.setattr(perform, "stopped", lambda *_: None)
    done = drill(world.app, "noah")
    assert not done.passed and any("while_suspended" in each for each in done.failures)


def test_a_rollback_that_leaves_something_fails_the_drill(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    original = module._bytes
    calls = iter(range(10))

    def spoiled(app: object) -> dict[str, str]:
        found = original(app)  # type: ignore[arg-type]
        return {**found, "d5": "left"} if next(calls) else found

    monkeypatch.setattr(module, "_bytes", spoiled)
    done = drill(world.app, "noah")
    assert not done.passed and done.counts["records_that_differ"] == 2


def test_a_drill_needs_the_right_to_stop_and_undo(world: World) -> None:
    with pytest.raises(Forbidden):
        drill(world.app, "ravi")
