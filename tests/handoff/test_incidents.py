"""An incident's life: timeline, cascade, plan, tasks, and what keeps it from being closed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.world import World, letter
from typer.testing import CliRunner

from pilothouse.directory.suspensions import EVERY, Reach
from pilothouse.gateway.agents import Manifest
from pilothouse.gateway.passage import Result
from pilothouse.gateway.rollback import Fate
from pilothouse.handoff.incident_table import IncidentStatus, incident_tasks, incidents
from pilothouse.handoff.incidents import Finding
from pilothouse.handoff.playbook import Playbook, load_playbook
from pilothouse.ledger.consumed import action_evidence
from pilothouse.surfaces.cli.main import app
from pilothouse.vocabulary.actions import Evidence
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput, NotFound
from pilothouse.vocabulary.outcomes import ActionStatus as S
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.verdicts import Mode

FILL = "crm.account.update:fill-empty"


def second_agent(world: World, name: str, *types: str) -> str:
    manifest = Manifest(
        name=name, version="1", owner="gita", summary="Another.", contract="wide",
        grants=("crm.account.assign", "crm.message.draft", "crm.message.send"),
    )  # fmt: skip
    world.gateway.door.agents.register(manifest, by="ada")
    for each in types:
        world.promote(each, bulk_allowance=50, agent=f"{name}@1")
    return world.token(f"{name}@1")


def drew_on(world: World, result: Result, field: str) -> tuple[Evidence, ...]:
    row = world.gateway.row(result.action.id)
    return (Evidence("it says so", row.subject, field, None, row.result_position),)


@pytest.fixture
def wrong(world_on_each_store: World) -> dict[str, Result]:
    """Industry → routing → a letter that went out and one that waits, across three agents; and one act apart."""
    world = world_on_each_store
    world.promote(FILL, bulk_allowance=50)
    world.app.twin.edit_as("rosa", "account", "a1", {"owner": None})
    world.app.take_in()
    done = {
        "industry": world.submit(world.action("industry", "mining")),
        "apart": world.submit(world.action("phone", "1")),
    }
    world.clock.advance(timedelta(minutes=3))
    router = second_agent(world, "router", "crm.account.assign")
    assign = {"capability": "crm.account.assign", "evidence": drew_on(world, done["industry"], "industry")}
    done["routing"] = world.submit(world.action("owner", "rosa", **assign), router)
    writer = second_agent(world, "writer", "crm.message.draft", "crm.message.send")
    text = letter("c1")
    for name in ("letter", "waiting"):
        fact = drew_on(world, done["routing"], "owner")
        action = world.action(
            to="crm/message/",
            capability="crm.message.send",
            arguments={**text, "body": name + text["body"]},
            expects=None,
            evidence=fact,
        )
        done[name] = world.submit(action, writer)
    review = world.app.reviews.get(done["letter"].review)
    world.app.reviews.approve(review.id, "ada", review.payload_hash)
    done["letter"] = world.gateway.resume(review.id)
    states = {name: result.status for name, result in done.items()}
    assert states == {**dict.fromkeys(states, S.EXECUTED), "waiting": S.HELD}, {n: r.sentence for n, r in done.items()}
    return done


def test_the_cascade_goes_from_industry_over_routing_to_the_letters(
    world_on_each_store: World, wrong: dict[str, Result]
) -> None:
    world = world_on_each_store
    incident = world.app.incidents.incidents.open(
        Finding(Reach("tester"), 1, "Wrong industry.", actions=(wrong["industry"].action.id,)), "noah"
    )
    [root] = world.app.incidents.dossier(incident.id).cascade
    assert root.action == wrong["industry"].action.id and root.subject == "crm/account/a1"
    [routing] = root.children
    assert routing.action == wrong["routing"].action.id and [w.field for w in routing.drew_on] == ["industry"]
    assert {(node.action, node.status) for node in routing.children} == {
        (wrong["letter"].action.id, "executed"),
        (wrong["waiting"].action.id, "held"),
    }
    assert {str(node.agent) for node in root.walk()} == {"tester@1", "router@1", "writer@1"}


def test_evidence_without_a_position_counts_while_the_value_was_the_latest(world: World) -> None:
    world.promote(FILL, bulk_allowance=50)
    done = world.submit(world.action("industry", "mining"))
    named = (Evidence("the record says so", "crm/account/a1", "industry", "mining"),)
    during = world.submit(world.action("phone", "1", evidence=named))
    world.app.twin.edit_as("rosa", "account", "a1", {"industry": "retail"})
    world.app.take_in()
    world.submit(world.action("phone", "2", evidence=named, to="crm/account/a2"))
    finding = Finding(Reach("tester"), 2, "Wrong.", actions=(done.action.id,))
    incident = world.app.incidents.incidents.open(finding, "noah")
    [root] = world.app.incidents.dossier(incident.id).cascade
    assert [node.action for node in root.children] == [during.action.id]


def test_a_position_that_cannot_have_been_read_is_no_evidence(world_on_each_store: World) -> None:
    world = world_on_each_store
    for number, position in enumerate((2**53, -1, 10**6), 1):
        fact = (Evidence("made up", position=position),)
        assert world.submit(world.action(to=f"crm/account/a{number}", evidence=fact)).status is S.REFUSED
    with world.app.ledger.engine.connect() as connection:
        assert connection.execute(action_evidence.select()).all() == []


def test_from_the_first_wrong_act_to_the_end(world_on_each_store: World, wrong: dict[str, Result]) -> None:
    world, desk = world_on_each_store, world_on_each_store.app.incidents
    world.clock.advance(timedelta(minutes=10))
    finding = Finding(Reach("tester"), 1, "Wrong industry.", actions=(wrong["industry"].action.id,))
    incident = desk.incidents.open(finding, "rosa")
    assert set(incident.notify) == {"ada", "gita", "noah"} and incident.opened_by == "rosa"
    with pytest.raises(Conflict) as early:
        desk.contain(incident.id, "noah")
    assert early.value.code == "not_suspended"
    world.clock.advance(timedelta(minutes=6))
    world.gateway.door.agents.suspend(Reach("tester@1"), "noah", "not wide enough")
    with pytest.raises(Conflict):
        desk.contain(incident.id, "noah")
    world.gateway.door.agents.suspend(Reach(), "noah", "stop")
    assert desk.contain(incident.id, "noah").status is IncidentStatus.CONTAINED
    by_name = {each.name: each for each in desk.dossier(incident.id).milestones}
    assert (round(by_name["detected"].minutes or 0), by_name["detected"].met) == (13, True)
    assert (round(by_name["suspended"].minutes or 0), by_name["suspended"].met) == (6, False)
    assert by_name["rollback plan"].met is None

    world.app.twin.edit_as("rosa", "account", "a1", {"owner": "omar"})
    world.app.take_in()
    found = desk.plan(incident.id, "noah")
    fates = {(item.record.object, item.field): item.fate for item in found.plan.items}
    assert fates[("account", "industry")] is Fate.RESTORE and fates[("account", "owner")] is Fate.STAYS
    assert ("account", "phone") not in fates and fates[("message", "body")] is Fate.CANNOT
    assert sorted((task.action, task.field) for task in found.tasks) == sorted(
        [(wrong["letter"].action.id, ""), (wrong["routing"].action.id, "owner"), (wrong["waiting"].action.id, "")]
    )
    assert len(desk.plan(incident.id, "noah").tasks) == 3  # again, and no task twice

    with pytest.raises(Conflict) as left:
        desk.resolve(incident.id, "noah", "done")
    assert left.value.code == "not_restored"
    undone = desk.roll_back(incident.id, "noah", "wrong source")
    assert undone.restored == 1 and world.read("account", "a1")["industry"] is None
    assert world.read("account", "a1")["owner"] == "omar" and world.read("account", "a1")["phone"] == "1"
    desk.resolve(incident.id, "noah", "restored")
    with pytest.raises(Conflict) as open_tasks:
        desk.incidents.close(incident.id, "noah", "done")
    assert open_tasks.value.code == "open_tasks"
    for task in desk.incidents.tasks(incident=incident.id):
        with pytest.raises(Forbidden):
            desk.incidents.tick(task.id, "iris", "not mine")
        with pytest.raises(InvalidInput):
            desk.incidents.tick(task.id, task.owner, " ")
        desk.incidents.tick(task.id, task.owner, "called them")
        with pytest.raises(Conflict):
            desk.incidents.tick(task.id, task.owner, "again")
    assert desk.incidents.close(incident.id, "noah", "a check was added").status is IncidentStatus.CLOSED
    kinds = [entry.kind for entry in desk.incidents.entries(incident.id)]
    assert kinds[0] == "incident.opened" and kinds[-1] == "incident.closed" and "incident.rolled_back" in kinds
    [industry] = [each for each in desk.dossier(incident.id).affected if each.field == "industry"]
    assert (industry.old, industry.agent, industry.present, industry.fate) == (None, "mining", None, "restored")
    shown = CliRunner().invoke(app, ["incidents", "show", incident.id, "-w", str(world.root)])
    if world.app.ledger.engine.dialect.name == "sqlite":
        assert "restored" in shown.stdout and "mining" in shown.stdout and "incidents rollback" not in shown.stdout
        assert "True" not in shown.stdout and "False" not in shown.stdout
    same_after_a_rebuild(world)


def same_after_a_rebuild(world: World) -> None:
    tables = (incidents, incident_tasks, action_evidence)

    def everything() -> list[list[tuple[object, ...]]]:
        with world.app.ledger.engine.connect() as connection:
            return [sorted((tuple(row) for row in connection.execute(each.select())), key=repr) for each in tables]

    before = everything()
    assert all(before)
    world.app.ledger.rebuild()
    assert everything() == before


def test_what_people_write_can_be_erased_and_the_rest_stands(world: World) -> None:
    desk = world.app.incidents.incidents
    incident = desk.open(Finding(Reach("tester"), 3, "Ms Example complained."), "rosa")
    desk.note(incident.id, "noah", "Called Ms Example.")
    told = [entry.body for entry in desk.entries(incident.id)]
    assert "Example" not in str(told)
    assert world.app.ledger.erase(f"incident/{incident.id}", Actor("ada"), "asked for") == 2
    assert desk.get(incident.id).summary is None and desk.get(incident.id).severity == 3


def test_a_window_and_an_action_type_bound_what_is_suspected(world: World) -> None:
    world.promote(FILL, bulk_allowance=50)
    world.promote("crm.record.flag")
    first = world.submit(world.action())
    world.clock.advance(timedelta(hours=2))
    middle = world.clock.now() - timedelta(hours=1)
    second = world.submit(world.action(to="crm/account/a2"))
    flag = {"capability": "crm.record.flag", "arguments": {"code": "odd", "note": "x"}, "expects": {"flags": None}}
    flagged = world.submit(world.action(to="crm/account/a3", **flag))
    desk, ids = world.app.incidents, [each.action.id for each in (first, second, flagged)]

    def suspected(**more: object) -> list[str]:
        reach = Reach("tester", str(more.pop("type", EVERY)))
        return desk.suspected(desk.incidents.open(Finding(reach, 3, "x", **more), "noah"))  # type: ignore[arg-type]

    assert suspected() == ids
    assert suspected(since=middle) == ids[1:] and suspected(until=middle) == ids[:1]
    assert suspected(type="crm.account.update") == ids[:2] and suspected(type="crm.record.flag") == ids[2:]


def test_a_detector_opens_one_incident_for_one_finding(world_on_each_store: World) -> None:
    desk = world_on_each_store.app.incidents.incidents
    finding = Finding(Reach("tester"), 2, "Ten times the usual volume.", entries=(0,))
    first = desk.open_by_detector(finding, "volume")
    assert desk.open_by_detector(finding, "volume").id == first.id and first.opened_by == "system"
    assert desk.open_by_detector(finding, "overrides").id != first.id


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"severity": 4}, InvalidInput),
        ({"summary": " "}, InvalidInput),
        ({"actions": ("act_none",)}, NotFound),
        ({"entries": (10**6,)}, NotFound),
    ],
)
def test_what_cannot_be_an_incident(world: World, change: dict[str, object], error: type[Exception]) -> None:
    told: dict[str, object] = {"reach": Reach("tester"), "severity": 2, "summary": "x", **change}
    with pytest.raises(error):
        world.app.incidents.incidents.open(Finding(**told), "noah")  # type: ignore[arg-type]


def test_when_nobody_can_say_when_it_began_the_detection_is_not_measured(world: World) -> None:
    desk = world.app.incidents
    incident = desk.incidents.open(Finding(Reach("tester"), 3, "x"), "rosa")
    detected = desk.dossier(incident.id).milestones[0]
    assert (detected.name, detected.minutes, detected.met) == ("detected", None, None)


def test_a_false_alarm_is_resolved_with_what_is_there(world: World) -> None:
    world.promote(FILL, Mode.LIVE)
    world.submit(world.action())
    desk = world.app.incidents
    incident = desk.incidents.open(Finding(Reach("tester"), 3, "Is it right?"), "rosa")
    desk.resolve(incident.id, "noah", "it is right", leave=True)
    assert desk.incidents.close(incident.id, "noah", "a false alarm").status is IncidentStatus.CLOSED
    assert world.read("account", "a1")["industry"] == "software"
    for again in (
        lambda: desk.resolve(incident.id, "noah", "x", leave=True),
        lambda: desk.contain(incident.id, "noah"),
    ):
        with pytest.raises(Conflict):
            again()


def test_a_record_that_is_nobodys_has_a_task_all_the_same(world: World) -> None:
    matters = world.app.incidents._matter  # pyright: ignore[reportPrivateUsage]
    from pilothouse.gateway.rollback import Item

    made = matters(
        Item(RecordRef("crm", "account", "gone"), "phone", Fate.CANNOT, "gone", actions=("act_1",)), "act_1", "", "x"
    )
    assert made.owner == "ravi"


def test_the_playbook_that_init_writes_is_ours_until_it_is_edited(world: World) -> None:
    assert world.app.incidents.incidents.playbook == Playbook() and Playbook().ours
    path = world.root / "incidents" / "playbook.yaml"
    path.write_text(path.read_text().replace("detect: 15", "detect: 10"))
    mine = load_playbook(world.root / "incidents")
    assert not mine.ours and mine.timeframes.detect == 10
    path.write_text("timeframes: {detect: -1}\n")
    with pytest.raises(InvalidInput, match=r"playbook\.yaml:1: timeframes\.detect"):
        load_playbook(world.root / "incidents")
