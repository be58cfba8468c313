"""Versions of policy: two people always, what is in force comes from the ledger, nothing unpublished decides anything."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from tests.world import World

from pilothouse.assembly import assemble
from pilothouse.decision.publishing.content import gather
from pilothouse.decision.publishing.versions import VersionStatus, versions
from pilothouse.directory.people import Person
from pilothouse.surfaces.following import differs, pull
from pilothouse.surfaces.versions import roll_back
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Role
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput, NotFound
from pilothouse.vocabulary.outcomes import ActionStatus
from pilothouse.workspace.config import STARTER

CRM = "policy/crm.yaml"
REFUSE = """rules:
  - {id: stop, applies_to: ["crm.*"], then: refuse, reason: Nothing moves for now.}
"""


def strict(world: World) -> dict[str, str]:
    return {**gather(world.root), "policy/stop.yaml": REFUSE}


def test_a_version_counts_once_two_people_stand_behind_it(world_on_each_store: World) -> None:
    world = world_on_each_store
    world.promote("crm.account.update:fill-empty")
    folder = world.app.policy.version
    assert world.submit(world.action()).status is ActionStatus.EXECUTED
    proposed = world.app.versions.propose(strict(world), "gita", "Stop for the audit.", commit="abc", cases=7)
    assert proposed.status is VersionStatus.PROPOSED and world.app.versions.in_force() is None
    assert world.app.policy.version == folder
    assert world.submit(world.action(to="crm/account/a2")).status is ActionStatus.EXECUTED
    done = world.app.versions.approve("v1", "noah", proposed.hash)
    assert (done.author, done.decided_by, done.commit, done.cases) == ("gita", "noah", "abc", 7)
    result = world.submit(world.action(to="crm/account/a3"))
    assert (result.status, result.code) == (ActionStatus.REFUSED, "rule")
    assert result.verdict is not None
    assert (result.verdict.policy_version, result.verdict.rule) == (proposed.id, "stop")
    # The version that the decision cites finds the text again, and the same verdict's policy.
    found = world.app.versions.get(result.verdict.policy_version)
    assert found.content["policy/stop.yaml"] == REFUSE
    assert world.app.versions.load(found.id).version == found.id
    before = _rows(world)
    world.app.ledger.rebuild()
    assert _rows(world) == before


def _rows(world: World) -> list[tuple[object, ...]]:
    with world.app.ledger.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(select(versions).order_by(versions.c.number))]


@pytest.mark.parametrize("author", ["ada", "gita", "noah"])
def test_nobody_approves_what_they_proposed_and_only_revops_approves(world: World, author: str) -> None:
    proposed = world.app.versions.propose(strict(world), author, "Stop.")
    for person in ("ada", "gita", "noah", "ravi", "rosa", "iris"):
        if person in ("gita", "noah") and person != author:
            continue
        with pytest.raises(Forbidden):
            world.app.versions.approve(proposed.id, person)
    assert world.app.versions.in_force() is None
    other = next(each for each in ("gita", "noah") if each != author)
    assert world.app.versions.approve(proposed.id, other).decided_by == other
    with pytest.raises(Conflict, match=f"^{other} approved {proposed.id} already; it is in force"):
        world.app.versions.approve(proposed.id, other)


def test_only_revops_and_admins_propose_and_somebody_who_left_does_neither(world: World) -> None:
    for person in ("ravi", "rosa", "iris", "nobody"):
        with pytest.raises((Forbidden, NotFound)):
            world.app.versions.propose(strict(world), person, "Stop.")
    world.app.versions.propose(strict(world), "gita", "Stop.")
    world.app.directory.deactivate("noah", "ada")
    with pytest.raises(Forbidden):
        world.app.versions.approve("v1", "noah")


def test_what_was_written_against_another_version_is_not_published(world: World) -> None:
    both = [world.app.versions.propose(strict(world), "gita", "One."), None]
    both[1] = world.app.versions.propose({**strict(world), CRM: gather(world.root)[CRM] + "\n"}, "gita", "Two.")
    world.app.versions.approve("v2", "noah")
    with pytest.raises(Conflict, match="was published since v1"):
        world.app.versions.approve("v1", "noah")
    assert world.app.versions.get("v1").status is VersionStatus.PROPOSED
    assert world.app.versions.reject("v1", "gita", "Taken back.").status is VersionStatus.REJECTED


def test_a_version_takes_effect_on_its_day(world: World) -> None:
    first = world.publish({})
    begins = world.clock.now() + timedelta(days=2)
    with pytest.raises(InvalidInput, match="passed"):
        world.app.versions.propose(strict(world), "gita", "Stop.", effective=world.clock.now() - timedelta(days=1))
    world.app.versions.propose(strict(world), "gita", "Stop.", effective=begins)
    later = world.app.versions.approve("v2", "noah")
    assert later.effective_from == begins and world.app.policy.version == first.id
    world.clock.advance(timedelta(days=2))
    assert world.app.policy.version == later.id


def test_the_first_version_takes_effect_at_once(world: World) -> None:
    with pytest.raises(InvalidInput, match="the folder would still decide"):
        world.app.versions.propose(strict(world), "gita", "Stop.", effective=world.clock.now() + timedelta(days=1))


def test_a_text_that_cannot_be_read_or_that_changes_nothing_is_not_proposed(world: World) -> None:
    with pytest.raises(InvalidInput, match="no capability"):
        world.app.versions.propose(
            {**strict(world), "policy/x.yaml": REFUSE.replace("crm.*", "crm.nothing").replace("stop", "gone")},
            "gita",
            "?",
        )
    with pytest.raises(InvalidInput, match="note"):
        world.app.versions.propose(strict(world), "gita", " ")
    world.publish({})
    with pytest.raises(Conflict, match="already"):
        world.app.versions.propose(gather(world.root), "gita", "Again.")


def test_who_decides_too_late_hears_who_decided_and_how_it_stands(world: World) -> None:
    first = world.publish({})
    later = world.clock.now() + timedelta(days=2)
    second = world.app.versions.propose(strict(world), "gita", "Stop.", effective=later)
    other = world.app.versions.propose({**strict(world), CRM: gather(world.root)[CRM] + "# x\n"}, "gita", "Or so.")
    dropped = world.app.versions.propose({**strict(world), CRM: gather(world.root)[CRM] + "# y\n"}, "gita", "Or so.")
    world.app.versions.reject(dropped.id, "noah", "Not this one.")
    world.app.versions.approve(second.id, "noah")
    for version, says in (
        (second, f"^noah approved {second.id} already; it takes effect on {later:%Y-%m-%d %H:%M} UTC"),
        (first, f"{first.id} already; it is in force"),
        (dropped, f"^noah rejected {dropped.id} already: Not this one"),
        (other, f"^{second.id} was published since {other.id} was proposed. Propose it again"),
    ):
        with pytest.raises(Conflict, match=says):
            world.app.versions.approve(version.id, "noah" if version.author != "noah" else "gita")
    world.clock.advance(timedelta(days=3))
    with pytest.raises(Conflict, match=f"already; {second.id} is in force now"):
        world.app.versions.approve(first.id, "noah" if first.author != "noah" else "gita")


def test_a_rollback_is_one_act_of_one_person_and_brings_the_files_along(world: World) -> None:
    first = world.publish({})
    (world.root / "policy" / "stop.yaml").write_text(REFUSE)
    world.publish({})
    world.promote("crm.account.update:fill-empty")
    assert world.submit(world.action()).status is ActionStatus.REFUSED
    with pytest.raises(Forbidden):
        world.app.versions.rollback("v1", "ravi", "It stops us.")
    version, left = roll_back(world.app.workspace, world.app.versions, "v1", "ada", "It stops us.", overwrite=False)
    assert not left and not (world.root / "policy" / "stop.yaml").exists()
    assert (version.restores, version.author, version.content) == (first.id, "ada", first.content)
    assert world.submit(world.action(intent="Fill it now.")).status is ActionStatus.EXECUTED
    assert not differs(world.app.workspace, world.app.versions)
    with pytest.raises(Conflict, match=f"^{version.id} is in force already with the text of {first.id}"):
        world.app.versions.rollback("v1", "ada", "Once more.")
    with pytest.raises(Conflict, match=rf"^{version.id} is in force already\. "):
        world.app.versions.rollback(version.id, "ada", "Once more.")
    before = _rows(world)
    world.app.ledger.rebuild()
    assert _rows(world) == before


def test_a_rollback_leaves_unpublished_edits_alone_unless_told(world: World) -> None:
    world.publish({})
    (world.root / "policy" / "stop.yaml").write_text(REFUSE)
    world.publish({})
    (world.root / CRM).write_text((world.root / CRM).read_text() + "# a thought\n")
    version, left = roll_back(world.app.workspace, world.app.versions, "v1", "gita", "Back.", overwrite=False)
    assert world.app.policy.version == version.id and not (world.root / "policy" / "stop.yaml").exists()
    assert not left and "a thought" in (world.root / CRM).read_text()
    done = pull(world.app.workspace, world.app.versions, overwrite=True)[1]
    assert not done.left and "a thought" not in (world.root / CRM).read_text()


def test_what_was_never_published_cannot_be_rolled_back_to(world: World) -> None:
    world.publish({})
    world.app.versions.propose(strict(world), "gita", "Stop.")
    with pytest.raises(Conflict, match="never published"):
        world.app.versions.rollback("v2", "gita", "Try it.")


def test_only_the_text_that_is_shipped_needs_no_second_person(world: World) -> None:
    with pytest.raises(Forbidden):
        world.app.versions.bootstrap(strict(world), gather(STARTER))
    first = world.app.versions.bootstrap(gather(STARTER), gather(STARTER))
    assert first.bootstrap and (first.author, first.decided_by) == (SYSTEM_PERSON, SYSTEM_PERSON)
    with pytest.raises(Conflict):
        world.app.versions.bootstrap(gather(STARTER), gather(STARTER))


def test_another_process_takes_a_new_version_up_without_restart(world_on_each_store: World) -> None:
    world = world_on_each_store
    other = world.reopened()
    assert other.app.policy.version == world.app.policy.version
    version = world.publish({"policy/stop.yaml": REFUSE})
    assert other.app.policy.version == version.id
    assert other.submit(other.action(), world.token()).code == "rule"
    other.app.close()


def test_a_version_that_comes_into_force_while_an_act_is_judged_stops_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pilothouse.gateway import pipeline
    from pilothouse.gateway.stages.hold import hold

    world.promote("crm.account.update:fill-empty")

    def publish_first(passage: object, door: object) -> object:
        monkeypatch.setattr(pipeline, "STAGES", stages)
        world.publish({"policy/stop.yaml": REFUSE})
        return hold(passage, door)  # type: ignore[arg-type]

    stages = pipeline.STAGES
    changed = tuple(publish_first if each is hold else each for each in stages)
    from pilothouse.gateway import gateway

    monkeypatch.setattr(gateway, "STAGES", changed)
    result = world.submit(world.action())
    assert (result.status, result.code) == (ActionStatus.REFUSED, "world_moved") and not world.committed()


def test_a_version_that_cannot_be_read_any_longer_decides_nothing_and_can_be_replaced(world: World) -> None:
    world.publish({})
    version = world.publish({"policy/stop.yaml": REFUSE})
    with world.app.ledger.engine.begin() as connection:
        broken = version.content | {"policy/stop.yaml": "rules: 5"}  # type: ignore[operator]
        from pilothouse.vocabulary.values import canonical

        changed = versions.update().where(versions.c.id == version.id).values(content=canonical(broken))
        connection.execute(changed)
    with pytest.raises(InvalidInput, match="rollback"):
        assemble(world.app.workspace, world.clock)
    world.app.versions.rollback("v1", "gita", "It cannot be read.")
    assemble(world.app.workspace, world.clock).close()


FILES = (
    "policy/crm.yaml",
    "policy/escalations.yaml",
    "contracts/wide.yaml",
    "definitions/stages.yaml",
    "policy/new.yaml",
)
EDITS = ("", "rules: 5", REFUSE, "{", "contract: wide\nversion: 1\nsummary: Nothing.\nread: {}\nwrite: {}\n")


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(edits=st.dictionaries(st.sampled_from(FILES), st.sampled_from(EDITS), min_size=1))
def test_nothing_an_unpublished_file_says_changes_a_decision(published: World, edits: dict[str, str]) -> None:
    before = gather(published.root)
    wanted = [_verdict(published, number) for number in (1, 2, 3)]
    try:
        for path, text in edits.items():
            (published.root / path).write_text(text)
        assert [_verdict(published, number) for number in (1, 2, 3)] == wanted
        fresh = published.reopened()
        assert [_verdict(fresh, number, published.token()) for number in (1, 2, 3)] == wanted
        fresh.app.close()
        told = {each["path"] for each in differs(published.app.workspace, published.app.versions)}
        assert told == {path for path, text in edits.items() if before.get(path) != text}
    finally:
        for path in edits:
            (published.root / path).unlink()
        for path, text in before.items():
            (published.root / path).write_text(text)


@pytest.fixture
def published(world: World) -> World:
    world.publish({})
    return world


def _verdict(world: World, number: int, token: str | None = None) -> tuple[object, ...]:
    fields = {1: ("industry", "software"), 2: ("country", "France"), 3: ("owner", "rosa")}[number]
    result = world.submit(world.action(*fields, to=f"crm/account/a{number}"), token)
    verdict = result.verdict
    return (result.code, verdict.policy_version, verdict.treatment, verdict.rule) if verdict else (result.code,)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    acts=st.lists(st.tuples(st.sampled_from(["propose", "approve", "reject"]), st.sampled_from(range(6))), max_size=8)
)
def test_two_people_stand_behind_everything_that_is_in_force(world: World, acts: list[tuple[str, int]]) -> None:
    people = ("ada", "gita", "noah", "ravi", "rosa", "iris")
    desk = world.app.versions
    for step, (act, number) in enumerate(acts):
        person, newest = people[number], next(iter(desk.list()), None)
        try:
            if act == "propose":
                text = REFUSE.replace("for now", f"for now {len(desk.list())} {step}")
                desk.propose({**gather(world.root), "policy/stop.yaml": text}, person, "Change it.")
            elif newest is not None and act == "approve":
                desk.approve(newest.id, person)
            elif newest is not None:
                desk.reject(newest.id, person, "No.")
        except (Forbidden, Conflict):
            continue
    for version in desk.list():
        if version.status is VersionStatus.PUBLISHED:
            assert version.decided_by != version.author
            assert world.app.directory.person(version.decided_by).role is Role.REVOPS


def test_the_roles_that_stand_for_x_18(world: World) -> None:
    world.app.directory.add(Person("otto", "Otto", "otto@example.com", Role.ADMIN), "ada")
    for author, approver in product(("ada", "otto"), repeat=2):
        version = world.app.versions.propose(
            {**strict(world), CRM: gather(world.root)[CRM] + f"# {author}{approver}\n"}, author, "?"
        )
        with pytest.raises(Forbidden):
            world.app.versions.approve(version.id, approver)
