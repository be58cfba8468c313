"""The time machine: what is recorded is decided again exactly, and another policy flips what it would have flipped."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.world import World, letter

from pilothouse.decision.engine import decide
from pilothouse.decision.policy import Policy, load_policy
from pilothouse.decision.publishing.content import hash_of
from pilothouse.decision.recording import facts_from_json
from pilothouse.decision.replaying.attached import attach, newest_replay, replay_at, replays_of
from pilothouse.decision.replaying.differences import differences
from pilothouse.decision.replaying.replay import Replayer, text_of
from pilothouse.decision.replaying.report import FEWEST, Report, Window
from pilothouse.decision.settings import changed
from pilothouse.observability.replaying import recorded, replay
from pilothouse.surfaces.replaying import named, replaced, replay_of, replayer_of
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import NotFound
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.verdicts import Mode

HOUR = timedelta(hours=1)
STRICT = """
rules:
  - id: never-industry
    applies_to: [crm.account.update]
    when: "'industry' in change.fields"
    then: refuse
    reason: Industries are not for agents.
"""


def again(world: World, policy: Policy | None = None, window: Window | None = None, **more: Any) -> Report:
    new = policy or world.app.policy
    known = world.gateway.door.registry.capabilities
    return replay(world.app.ledger, Replayer(world.app.policy, new, known), window or Window(), **more)


def with_file(world: World, text: str = STRICT) -> tuple[Path, Policy]:
    folder = world.root.parent / "proposed"
    shutil.copytree(world.root / "policy", folder)
    (folder / "more.yaml").write_text(text)
    door = world.gateway.door
    return folder, load_policy(folder, door.registry.capabilities, world.app.definitions.closed_stages)


def hold(world: World, to: str, field: str = "industry", value: str = "software") -> str:
    return world.submit(world.action(field, value, to=to)).review


def decide_some(world: World) -> None:
    """One approved, one edited, one rejected, each an hour after it was asked."""
    world.promote("crm.account.update:fill-empty", Mode.ASSISTED)
    for number, how in enumerate(("approve", "edit", "reject"), 1):
        review = world.app.reviews.get(hold(world, f"crm/account/a{number}"))
        world.clock.advance(HOUR)
        match how:
            case "approve":
                world.app.reviews.approve(review.id, "ravi", review.payload_hash)
                world.gateway.resume(review.id)
            case "edit":
                world.app.reviews.edit(review.id, "ravi", review.payload_hash, {"industry": "retail"})
            case _:
                world.app.reviews.reject(review.id, "ravi", "wrong source")


def test_the_policy_in_force_comes_to_what_is_recorded(world_on_each_store: World) -> None:
    world = world_on_each_store
    decide_some(world)
    world.submit(world.action("country", "France", to="crm/account/a5"))  # in shadow
    told = again(world).as_json()
    assert told["decisions"] == told["replayed"] == told["reproduction"]["reproduced"] == 5
    assert told["reproduction"]["differ"] == told["flips"]["count"] == told["other_reason"] == 0
    assert told["approved_again"] == 1 and told["not_replayed"] == []


acts = st.lists(
    st.tuples(
        st.integers(1, 8),
        st.sampled_from([("industry", "software"), ("country", "France"), ("phone", "+49 30 1"), ("flags", ["x"])]),
        st.floats(0, 1),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=acts, confidence=st.floats(0.5, 1), mode=st.sampled_from(list(Mode)))
def test_whatever_was_done_is_decided_the_same_and_a_changed_number_flips_what_deciding_flips(
    world: World, acts: Sequence[Any], confidence: float, mode: Mode
) -> None:
    world.promote("crm.account.update", mode)
    for number, (field, value), sure, unsure in acts:
        world.clock.advance(HOUR / 12)
        said = "two sources differ" if unsure else ""
        world.submit(world.action(field, value, to=f"crm/account/a{number}", confidence=sure, ambiguity=said))
    assert again(world).as_json()["reproduction"]["differ"] == 0
    stricter = changed(world.app.policy, "bands.default.auto_above", str(confidence))
    known, flips = world.gateway.door.registry.capabilities, 0
    for each in recorded(world.app.ledger, Window(), 0, world.app.ledger.size()):
        assert each.facts is not None
        flips += (
            decide(facts_from_json(each.facts, known), stricter).treatment.name.lower() != each.verdict["treatment"]
        )
    told = again(world, stricter).tally
    assert (told.flipped, told.decisions) == (flips, told.replayed)


def test_flips_are_told_with_what_people_had_said(world_on_each_store: World) -> None:
    world = world_on_each_store
    decide_some(world)
    _, policy = with_file(world)
    told = again(world, policy).as_json()
    assert [(e["before"], e["after"], e["count"], e["effective"]) for e in told["flips"]["pairs"]] == [
        ("auto", "refuse", 3, 3)
    ]
    assert told["flips"]["rules"][0]["rule_after"] == "never-industry"
    listed = told["people"]["listed"]
    assert [(e["decision"], e["by"], e["subject"]) for e in listed] == [
        ("approved", "ravi", "crm/account/a1"), ("edited", "ravi", "crm/account/a2"), ("rejected", "ravi", "crm/account/a3"),
    ]  # fmt: skip
    assert all(world.app.reviews.get(e["review"]).action_id == e["action"] for e in listed)
    assert told["reviews"]["saved"] == 3 and told["reviews"]["hours_saved"] is None  # three are no measurement
    assert told["reviews"]["not_measured"] == 3 and told["reviews"]["types"][0]["n"] == 3


def test_hours_come_from_what_was_measured(world: World) -> None:
    world.promote("crm.account.update:fill-empty", Mode.ASSISTED)
    for number in range(1, FEWEST + 1):
        review = hold(world, f"crm/account/a{number}")
        world.clock.advance(2 * HOUR)
        world.app.reviews.reject(review, "ravi", "no")
    _, policy = with_file(world)
    [row] = again(world, policy).as_json()["reviews"]["types"]
    assert (row["saved"], row["n"], round(row["median_seconds"]), row["hours_saved"]) == (
        FEWEST,
        FEWEST,
        7200,
        2.0 * FEWEST,
    )


def test_what_is_in_shadow_flips_without_effect(world: World) -> None:
    world.submit(world.action())
    _, policy = with_file(world, STRICT.replace("refuse", "review"))
    tally = again(world, policy).tally
    assert (tally.flipped, tally.effective, dict(tally.held)) == (1, 0, {})


def test_a_window_holds_its_begin_and_not_its_end(world_on_each_store: World) -> None:
    world = world_on_each_store
    for number in (1, 2, 3):
        world.submit(world.action(to=f"crm/account/a{number}"))
        world.clock.advance(HOUR)
    first, second, third = (each.at for each in recorded(world.app.ledger, Window(), 0, world.app.ledger.size()))
    assert again(world, window=Window(first, third)).tally.decisions == 2
    assert again(world, window=Window(second)).tally.decisions == 2
    assert again(world, window=Window(agent="tester")).tally.decisions == 3
    assert again(world, window=Window(agent="tester@2")).tally.decisions == 0
    assert again(world, window=Window(action_type="crm.account.update")).tally.decisions == 3
    assert again(world, window=Window(action_type="crm.account.update:fill-empty")).tally.decisions == 3
    assert again(world, window=Window(action_type="crm.contact.update")).tally.decisions == 0


def test_what_was_erased_is_said(world_on_each_store: World) -> None:
    world = world_on_each_store
    world.submit(world.action("phone", "+49 30 1", to="crm/contact/c1"))
    world.submit(world.action())
    world.app.ledger.erase("crm/contact/c1", Actor("ada"), "asked to")
    told = again(world).as_json()
    assert (told["decisions"], told["replayed"]) == (2, 1)
    [why] = told["not_replayed"]
    assert (why["why"], why["count"], why["examples"][0]["subject"]) == ("facts_erased", 1, "crm/contact/c1")


def test_a_capability_classified_otherwise_is_said(world: World) -> None:
    world.submit(world.action())
    known = dict(world.gateway.door.registry.capabilities)
    known["crm.account.update"] = replace(known["crm.account.update"], external=True)
    told = replay(world.app.ledger, Replayer(world.app.policy, world.app.policy, known), Window()).as_json()
    assert [(e["why"], e["count"]) for e in told["not_replayed"]] == [("other_capability", 1)]


def test_decisions_under_another_version_are_counted_by_it(world: World) -> None:
    world.submit(world.action())
    older, path = world.app.policy, world.root / "policy" / "crm.yaml"
    path.write_text(path.read_text() + "# Another version.\n")
    world = world.reopened()
    world.submit(world.action(to="crm/account/a2"))
    told = again(world).as_json()["reproduction"]
    assert (told["checked"], told["reproduced"]) == (1, 1)
    assert told["other_versions"] == [{"version": older.version, "count": 1}]


def test_closed_stages_that_changed_since_are_seen_as_no_reproduction(world: World) -> None:
    world.submit(
        world.action("stage", "Qualified", to="crm/opportunity/o1", capability="crm.opportunity.stage", confidence=0.9)
    )
    other = replace(world.app.policy, closed_stages=frozenset({"qualified"}))
    known = world.gateway.door.registry.capabilities
    told = replay(world.app.ledger, Replayer(other, other, known), Window()).as_json()
    assert (told["reproduction"]["differ"], len(told["reproduction"]["examples"])) == (1, 1)


def test_a_replay_writes_nothing_and_calls_nobody(world: World) -> None:
    decide_some(world)
    journal, size = list(world.app.twin.journal()), world.app.ledger.size()
    _, policy = with_file(world)
    again(world, policy)
    assert (list(world.app.twin.journal()), world.app.ledger.size()) == (journal, size)


def test_an_attached_replay_is_found_by_the_text_it_is_about(world_on_each_store: World) -> None:
    world = world_on_each_store
    decide_some(world)
    folder, _ = with_file(world)
    new, ledger = named(world.app, str(folder)), world.app.ledger
    report = replay_of(world.app, Window(), new)
    attached = attach(ledger, report, "gita")
    [found] = replays_of(ledger, hash_of(new.content))
    assert (found.by, found.report, found.digest) == ("gita", report.as_json(), report.digest)
    assert replay_at(ledger, attached.position) == found and found.figures()["flips"]["count"] == 3
    assert (found.figures()["overridden"], found.figures()["upheld"]) == (2, 1)
    assert replays_of(ledger, "0" * 12) == []
    text = text_of(world.app.policy.version)
    assert newest_replay(ledger, report.text, text) == newest_replay(ledger, report.text, "") == found
    assert newest_replay(ledger, report.text, "0" * 12) is None
    with pytest.raises(NotFound, match="no replay"):
        replay_at(ledger, 0)


def test_the_same_text_is_the_same_policy_in_a_folder_published_and_after_a_rollback(world: World) -> None:
    world.submit(world.action())
    first = world.publish({})
    world.submit(world.action(to="crm/account/a2"))
    world.publish({"policy/more.yaml": STRICT})
    world.submit(world.action(to="crm/account/a3"))
    world.app.versions.rollback(first.id, "gita", "Back.")
    world.submit(world.action(to="crm/account/a4"))
    told = again(world).as_json()["reproduction"]
    assert (told["checked"], told["reproduced"], told["differ"]) == (3, 3, 0)
    assert [each["count"] for each in told["other_versions"]] == [1]


def test_several_processes_count_as_one_does(world_on_each_store: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_on_each_store
    decide_some(world)
    folder, _ = with_file(world)
    monkeypatch.setattr("pilothouse.observability.replaying.PART", 7)
    new = named(world.app, str(folder))
    assert replay_of(world.app, Window(), new, workers=2).as_json() == replay_of(world.app, Window(), new).as_json()


def test_what_a_process_of_its_own_compiles_is_the_same(world: World) -> None:
    old, new = replaced(world.app), named(world.app, str(with_file(world)[0]))
    known = dict(world.gateway.door.registry.capabilities)
    made = replayer_of(known, *((each.content, each.policy.version) for each in (old, new)))
    assert differences(made.current, old.policy) == differences(made.proposed, new.policy) == []
    assert text_of(new.policy.version) == hash_of(new.content) != text_of(old.policy.version)


def test_the_same_act_on_a_message_is_replayed_too(world: World) -> None:
    world.promote("crm.message.send", Mode.LIVE)
    message = RecordRef("crm", "message", "")
    world.submit(world.action(capability="crm.message.send", target=message, arguments=letter("c1"), expects=None))
    assert again(world).as_json()["reproduction"]["reproduced"] == 1


def test_a_change_is_held_against_what_it_replaces_and_not_against_what_came_before_that(world: World) -> None:
    world.submit(world.action())
    world.submit(world.action("country", "France", to="crm/account/a2"))
    world.publish({"policy/more.yaml": STRICT})
    stop = (
        STRICT.replace("never-industry", "look-at-countries")
        .replace("'industry'", "'country'")
        .replace("refuse", "person")
    )
    told = again(world, with_file(world, STRICT + stop.partition("rules:\n")[2])[1]).as_json()
    assert (told["replayed"], told["reproduction"]["checked"]) == (2, 0)
    # The refusal of the first act is the doing of the version that stands; only the second one is the proposal's.
    assert [(e["before"], e["after"], e["rule_after"], e["count"]) for e in told["flips"]["rules"]] == [
        ("review", "person", "look-at-countries", 1)
    ]
