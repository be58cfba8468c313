"""The mails that come by the clock."""

from __future__ import annotations

from datetime import timedelta

from tests.handoff.telling import Make, held, plain_part

from pilothouse.data.store import Observation
from pilothouse.handoff.notifying.digests import week_before
from pilothouse.vocabulary.actors import Actor, AgentRef
from pilothouse.vocabulary.records import RecordRef, WriterKind
from pilothouse.vocabulary.verdicts import Mode


def test_digests_go_out_once_at_their_hour(make: Make) -> None:
    # The clock stands at Wednesday, 14 January 2026, 9:00 UTC.
    told = make("daily: {at: 10:00, over: [post]}\nweekly: {day: thursday, at: '09:00', over: [post]}\n")
    held(told.world)
    told.round()
    assert told.subjects() == []
    told.world.clock.advance(timedelta(hours=1, minutes=1))
    for _ in range(2):
        told.round()
    assert told.subjects() == ["Your queue on 2026-01-14"] and told.box.recipients == ["rosa@example.com"]
    assert "1 wait for you, 1 of them due within a day" in plain_part(told.box.letters[0])
    told.world.clock.advance(timedelta(hours=23))
    told.round()
    assert told.subjects()[1:] == ["What agents in shadow would have done, 2026-01-08 to 2026-01-15"] * 3


def test_the_weekly_report_counts_what_was_shadowed_and_what_people_did(make: Make) -> None:
    told = make()
    world = told.world
    for n, value in ((1, "software"), (3, "retail"), (5, "banking")):
        assert world.submit(world.action("country", value, to=f"crm/account/a{n}")).status == "held"
        world.gateway.door.agents.demote(AgentRef.parse("tester@1"), "crm.account.update", "noah", "for this test")
        result = world.submit(world.action(value=value, to=f"crm/account/a{n}"))
        assert result.status == "shadowed"
        world.promote("crm.account.update", Mode.ASSISTED)
    world.clock.advance(timedelta(minutes=5))
    now = world.clock.now()
    done = [
        Observation(RecordRef("crm", "account", f"a{n}"), {"industry": value}, now, WriterKind.PERSON, "rosa")
        for n, value in ((1, "software"), (3, "wholesale"))
    ]
    world.app.store.observe(done, Actor("gita"))
    world.clock.advance(timedelta(days=1))
    begin, end = week_before(world.clock.now())
    [group] = world.app.notifications.digests.shadow(begin, end)
    assert (group.agent, group.action_type) == ("tester@1", "crm.account.update:fill-empty")
    assert (group.count, group.same, group.other, group.unknown, group.would) == (3, 1, 1, 1, {"auto": 3})
    assert {(each.subject, each.people) for each in group.examples} == {
        ("crm/account/a1", "same"), ("crm/account/a3", "other"), ("crm/account/a5", ""),
    }  # fmt: skip
    assert group.examples[0].changes == (("industry", None, "software"),)
