"""Who is asked, and what happens by the clock while nobody answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.world import World, letter

from pilothouse.decision.handing import Ask
from pilothouse.decision.policy import check_policy
from pilothouse.directory.availability import Absence
from pilothouse.directory.people import Person
from pilothouse.handoff.routing import Question, Roster, can_be_asked, route
from pilothouse.orchestration.continuing import carry_on
from pilothouse.testing.clock import TestClock
from pilothouse.vocabulary.actors import Role
from pilothouse.vocabulary.errors import Forbidden, InvalidInput, NotFound
from pilothouse.vocabulary.outcomes import ReviewStatus
from pilothouse.vocabulary.verdicts import Mode, Tier

NAMES: tuple[str, ...] = ("ada", "bo", "cy", "di", "ed", "flo")
ASKS = ("owner", "manager", "role:revops", "role:admin", "person:bo", "team:desk", "")
NOW = TestClock().now()
REVIEW_STALE = """
rules:
  - id: industries
    applies_to: [crm.account.update]
    by: agent
    when: "'industry' in change.fields"
    then: review
    ask: {ask}
    reason: Somebody in particular looks at industries.
"""


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    people = {
        name: Person(
            name, name.title(), f"{name}@example.com", draw(st.sampled_from(list(Role))), active=draw(st.booleans())
        )
        for name in NAMES
    }
    away = {
        name: Absence(f"away_{name}", name, NOW, NOW + timedelta(days=3), draw(st.sampled_from(["", *NAMES])))
        for name in draw(st.sets(st.sampled_from(NAMES)))
    }
    managers = draw(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(NAMES)))
    load = draw(st.dictionaries(st.sampled_from(NAMES), st.integers(0, 9)))
    team = tuple(draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3)))
    return Roster(people, away, managers, load, {"desk": team}, {"desk": "crm.yaml:9"})


@settings(max_examples=150)
@given(
    roster=rosters(),
    tier=st.sampled_from([Tier.T1, Tier.T2, Tier.T3, Tier.TX]),
    barred=st.frozensets(st.sampled_from(NAMES)),
    whom=st.sampled_from(ASKS),
    owner=st.sampled_from([*NAMES, ""]),
    without=st.frozensets(st.sampled_from(NAMES), max_size=1),
)
def test_somebody_able_is_asked_whenever_there_is_one_and_never_somebody_barred(
    roster: Roster, tier: Tier, barred: frozenset[str], whom: str, owner: str, without: frozenset[str]
) -> None:
    ask = Ask(whom, "r1", "crm.yaml:3") if whom else None
    question = Question({"owner": owner}, tier, barred, ask, without)
    able = {name for name in NAMES if name not in without and not can_be_asked(name, question, roster)}
    staff = {name for name in able if roster.people[name].role in (Role.REVIEWER, Role.REVOPS, Role.ADMIN)}
    try:
        chosen = route(question, roster)
    except NotFound:
        assert not staff
        return
    assert chosen.person in able and chosen.because
    assert not (tier in (Tier.T3, Tier.TX) and chosen.person in barred)
    if chosen.person in roster.away:
        assert not staff - roster.away.keys()


def ask_for(world: World, ask: str, teams: str = "") -> World:
    path = world.root / "policy" / "asking.yaml"
    path.write_text(REVIEW_STALE.format(ask=ask) + teams)
    again = world.reopened()
    again.promote("crm.account.update:fill-empty", Mode.LIVE)
    return again


@pytest.mark.parametrize(
    ("ask", "teams", "asked"),
    [
        ("owner", "", "rosa"),
        ("manager", "", "noah"),
        ("role:admin", "", "ada"),
        ("person:noah", "", "noah"),
        ("team:deal-desk", "teams: {deal-desk: [noah, ada]}", "ada"),
    ],
)
def test_the_rule_that_hands_over_names_who_is_asked(world: World, ask: str, teams: str, asked: str) -> None:
    world = ask_for(world, ask, teams)
    world.app.availability.set_manager("rosa", "noah", "ada")
    review = world.app.reviews.get(world.submit(world.action()).review)
    assert review.owner == asked and "rule industries asks" in review.asked_because


def test_of_equals_the_one_with_the_fewest_questions_is_asked(world: World) -> None:
    world = ask_for(world, "team:desk", "teams: {desk: [noah, ada]}")
    owners = [
        world.app.reviews.get(world.submit(world.action(to=f"crm/account/a{n}")).review).owner for n in range(1, 5)
    ]
    assert sorted(owners) == ["ada", "ada", "noah", "noah"] and owners[0] != owners[1]


def test_a_deputy_stands_in_and_an_absence_can_be_struck(world_on_each_store: World) -> None:
    world = ask_for(world_on_each_store, "person:noah")
    now = world.clock.now()
    with pytest.raises(Forbidden):
        world.app.availability.away("noah", now, now + timedelta(days=9), "ada", by="rosa")
    absence = world.app.availability.away("noah", now, now + timedelta(days=9), "ravi", by="noah")
    review = world.app.reviews.get(world.submit(world.action()).review)
    assert review.owner == "ravi" and "stands in for noah" in review.asked_because
    world.app.ledger.rebuild()
    assert world.app.availability.list() == [absence]
    world.app.availability.returned(absence.id, "ada")
    assert world.app.reviews.get(world.submit(world.action(to="crm/account/a2")).review).owner == "noah"


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        (REVIEW_STALE.format(ask="team:desk"), "asking.yaml:8", "no team with anybody in it is called 'desk'"),
        (REVIEW_STALE.format(ask="person:nohal"), "asking.yaml:3", "there is no person 'nohal'; did you mean 'noah'?"),
        (REVIEW_STALE.format(ask="team:desk") + "teams: {desk: [zoe]}", "asking.yaml:10", "there is no person 'zoe'"),
        (REVIEW_STALE.format(ask="anybody"), "asking.yaml:8", "ask"),
        (REVIEW_STALE.format(ask="owner").replace("then: review", "then: auto"), "asking.yaml:8", "hands nothing over"),
    ],
)
def test_a_name_nobody_knows_is_an_error_with_file_and_line(world: World, text: str, place: str, problem: str) -> None:
    (world.root / "policy" / "asking.yaml").write_text(text)
    known = {each.id for each in world.app.directory.people()}
    problems = check_policy(world.root / "policy", world.gateway.door.registry.capabilities, people=known)
    assert any(place in f"{Path(p.path).name}:{p.line}" and problem in str(p) for p in problems), list(
        map(str, problems)
    )


def test_where_policy_names_somebody_nobody_knows_the_act_is_refused(world: World) -> None:
    world = ask_for(world, "person:zoe")
    result = world.submit(world.action())
    assert result.code == "policy_error" and "asking.yaml:3" in result.sentence and world.app.reviews.list() == []


def test_reminded_once_then_somebody_else_is_asked_then_it_is_rejected(world_on_each_store: World) -> None:
    world = world_on_each_store
    world.promote("crm.account.update:fill-empty", Mode.ASSISTED)
    review = world.app.reviews.get(world.submit(world.action()).review)
    assert review.owner == "rosa" and review.answer_by is not None
    assert carry_on(world.gateway).kept.reminded == []
    world.clock.advance(review.answer_by - world.clock.now() - timedelta(hours=3))
    assert carry_on(world.gateway).kept.reminded == [review.id]
    assert carry_on(world.gateway).kept.reminded == []
    world.clock.advance(timedelta(hours=3, minutes=1))
    assert carry_on(world.gateway).kept.reassigned == [review.id]
    handed = world.app.reviews.get(review.id)
    assert handed.owner == "ravi" and "rosa did not answer by" in handed.asked_because and handed.handed_on == 1
    assert carry_on(world.gateway).kept.reassigned == []
    world.app.ledger.rebuild()
    assert world.app.reviews.get(review.id) == handed
    world.clock.advance(timedelta(days=4))
    assert carry_on(world.gateway).expired == [review.id]
    assert world.app.reviews.get(review.id).status is ReviewStatus.EXPIRED and world.committed() == []


def test_a_review_is_handed_on_by_hand_only_to_somebody_who_may_decide_it(world: World) -> None:
    world.promote("crm.message.send", Mode.LIVE)
    message = world.action(capability="crm.message.send", to="crm/message/", arguments=letter("c1"), expects=None)
    review = world.app.reviews.get(world.submit(message).review)
    keeper = world.gateway.keeper
    for to, by, reason in (
        ("gita", "noah", "hers"),
        ("rosa", "noah", "hers"),
        ("iris", "noah", "x"),
        ("ada", "rosa", "x"),
    ):
        with pytest.raises(Forbidden):
            keeper.reassign(review.id, to, by, reason)
    with pytest.raises(InvalidInput):
        keeper.reassign(review.id, "ada", "noah", " ")
    assert keeper.reassign(review.id, "ada", "noah", "she knows them").owner == "ada"


def test_who_leaves_or_is_away_is_relieved_at_once(new_world: Callable[..., World]) -> None:
    world = new_world()
    world.promote("crm.account.update:fill-empty", Mode.ASSISTED)
    review = world.app.reviews.get(world.submit(world.action()).review)
    world.app.directory.deactivate("rosa", "ada")
    carry_on(world.gateway)
    assert world.app.reviews.get(review.id).owner == "ravi"
    now = world.clock.now()
    world.app.availability.away("ravi", now, now + timedelta(days=2), "", "ravi")
    carry_on(world.gateway)
    assert world.app.reviews.get(review.id).owner in ("gita", "noah")
