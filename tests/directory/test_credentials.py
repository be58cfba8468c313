"""Log-in: no default password, one-time links, lock-out, sessions that end; nothing secret in the ledger."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.world import World

from pilothouse.directory.people import Person
from pilothouse.vocabulary.actors import Role
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput, Unauthenticated

WORD = "correct horse battery"


def enrol(world: World, person: str = "ravi") -> None:
    world.app.credentials.redeem_link(world.app.credentials.issue_link(person, "ada"), WORD)


def test_the_first_log_in_is_by_a_link_that_works_once(world: World) -> None:
    credentials = world.app.credentials
    with pytest.raises(Unauthenticated):
        credentials.log_in("ravi@example.com", "")
    token = credentials.issue_link("ravi", "ada")
    with pytest.raises(InvalidInput):
        credentials.redeem_link(token, "short")
    assert credentials.redeem_link(token, WORD).person.id == "ravi"
    with pytest.raises(Unauthenticated):
        credentials.redeem_link(token, WORD)
    assert credentials.log_in("RAVI@example.com ", WORD).person.id == "ravi"


def test_a_link_expires(world: World) -> None:
    token = world.app.credentials.issue_link("ravi", "ada")
    world.clock.advance(timedelta(hours=25))
    with pytest.raises(Unauthenticated):
        world.app.credentials.redeem_link(token, WORD)


def test_wrong_passwords_lock_for_a_while_and_the_right_one_then_too(world: World) -> None:
    enrol(world)
    for _ in range(6):
        with pytest.raises(Unauthenticated):
            world.app.credentials.log_in("ravi@example.com", "wrong")
    with pytest.raises(Unauthenticated, match="too many"):
        world.app.credentials.log_in("ravi@example.com", WORD)
    world.clock.advance(timedelta(hours=1))
    assert world.app.credentials.log_in("ravi@example.com", WORD).person.id == "ravi"


def test_a_session_ends_by_idling_by_age_by_leaving_and_by_logging_out(world: World) -> None:
    enrol(world)
    credentials = world.app.credentials
    one = credentials.log_in("ravi@example.com", WORD)
    assert credentials.session(one.cookie) is not None and one.csrf_matches(one.csrf) and not one.csrf_matches("x")
    world.clock.advance(timedelta(hours=3))
    assert credentials.session(one.cookie) is None
    two = credentials.log_in("ravi@example.com", WORD)
    credentials.log_out(two.cookie)
    assert credentials.session(two.cookie) is None
    three = credentials.log_in("ravi@example.com", WORD)
    world.app.directory.deactivate("ravi", by="ada")
    assert credentials.session(three.cookie) is None and credentials.session("") is None


def test_nothing_secret_is_in_the_ledger_or_a_repr(world: World) -> None:
    token = world.app.credentials.issue_link("ravi", "ada")
    session = world.app.credentials.redeem_link(token, WORD)
    text = " ".join(str(entry) for entry in world.app.ledger.entries())
    for secret in (token, WORD, session.cookie, session.csrf):
        assert secret not in text and secret not in repr(session)


def test_only_admins_manage_people_and_nobody_promotes_themselves(world: World) -> None:
    directory = world.app.directory
    with pytest.raises(Forbidden):
        directory.add(Person("eve", "Eve", "eve@example.com", Role.ADMIN), by="gita")
    with pytest.raises(Forbidden):
        directory.change_role("ada", Role.REVOPS, by="ada")
    with pytest.raises(Conflict):
        directory.add(Person("eve", "Eve", "ADA@example.com", Role.REP), by="ada")
    directory.change_role("rosa", Role.REVIEWER, by="ada")
    assert directory.person("rosa").role is Role.REVIEWER
