"""Links work once, for who they were made for; sessions hold no secret at rest and end with the person's standing."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.world import World

from pilothouse.directory.sessions import Session
from pilothouse.vocabulary.actors import SYSTEM_PERSON
from pilothouse.vocabulary.errors import Forbidden, InvalidInput, NotFound, Unauthenticated

WORD, OTHER = "correct horse battery", "staple staple staple"


def enrol(world: World, person: str = "ravi", word: str = WORD) -> Session:
    return world.app.credentials.redeem_link(world.app.credentials.issue_link(person, "ada"), word)


@pytest.mark.parametrize("who", ["gita", "ravi", "rosa", "iris", "nobody", ""])
def test_only_who_manages_people_issues_links(world: World, who: str) -> None:
    with pytest.raises((Forbidden, NotFound)):
        world.app.credentials.issue_link("ada", who)
    assert list(world.app.ledger.entries(kinds={"login.link_issued"})) == []
    assert world.app.credentials.issue_link("ada", SYSTEM_PERSON)


def test_who_left_gets_no_link_and_the_one_they_have_is_worth_nothing(world: World) -> None:
    token = world.app.credentials.issue_link("ravi", "ada")
    world.app.directory.deactivate("ravi", by="ada")
    for use in (
        lambda: world.app.credentials.redeem_link(token, WORD),
        lambda: world.app.credentials.enter_by_link(token),
    ):
        with pytest.raises(Unauthenticated):
            use()
    with pytest.raises(Forbidden):
        world.app.credentials.issue_link("ravi", "ada")


def test_a_first_link_lasts_a_day_and_one_that_replaces_a_password_a_quarter_of_an_hour(world: World) -> None:
    credentials = world.app.credentials
    first = credentials.issue_link("ravi", "ada")
    world.clock.advance(timedelta(hours=23))
    credentials.redeem_link(first, WORD)
    late = credentials.issue_link("ravi", "ada")
    world.clock.advance(timedelta(minutes=16))
    with pytest.raises(Unauthenticated):
        credentials.redeem_link(late, OTHER)
    assert credentials.log_in("ravi@example.com", WORD)


def test_a_new_link_ends_the_one_before_and_a_new_password_ends_every_session(world: World) -> None:
    credentials = world.app.credentials
    session = enrol(world)
    older, newer = credentials.issue_link("ravi", "ada"), credentials.issue_link("ravi", "ada")
    with pytest.raises(Unauthenticated):
        credentials.redeem_link(older, OTHER)
    assert credentials.session(session.cookie) is not None
    credentials.redeem_link(newer, OTHER)
    assert credentials.session(session.cookie) is None
    with pytest.raises(Unauthenticated):
        credentials.log_in("ravi@example.com", WORD)


def test_of_many_who_use_one_link_at_once_one_gets_in(world_on_each_store: World) -> None:
    credentials = world_on_each_store.app.credentials
    token = credentials.issue_link("ravi", "ada")
    gate, entered = threading.Barrier(8), list[str]()

    def enter() -> None:
        gate.wait()
        with suppress(Unauthenticated):
            entered.append(credentials.enter_by_link(token).cookie)

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(entered) == 1


def test_a_bad_password_does_not_use_the_link_up(world: World) -> None:
    token = world.app.credentials.issue_link("ravi", "ada")
    for bad in ("", "short", "x" * 257):
        with pytest.raises(InvalidInput):
            world.app.credentials.redeem_link(token, bad)
    assert world.app.credentials.redeem_link(token, "x" * 256).person.id == "ravi"
    assert world.app.credentials.log_in("ravi@example.com", "x" * 256)
    with pytest.raises(Unauthenticated):
        world.app.credentials.log_in("ravi@example.com", "x" * 257)


def test_no_secret_is_kept_as_it_is_anywhere_in_the_database(world: World) -> None:
    token = world.app.credentials.issue_link("rosa", "ada")
    session = enrol(world)
    secrets = (token, WORD, session.cookie, session.csrf)
    with world.app.ledger.engine.connect() as connection:
        names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        kept = " ".join(str(row) for name in names for row in connection.execute(text(f'SELECT * FROM "{name}"')))
    assert "login_sessions" in names and "$argon2id$" in kept
    assert not [secret for secret in secrets if secret in kept]
    assert not [secret for secret in secrets if secret in repr(session)]


def test_the_csrf_token_belongs_to_one_session(world: World) -> None:
    one, two = enrol(world), world.app.credentials.log_in("ravi@example.com", WORD)
    again = world.app.credentials.session(one.cookie)
    assert again is not None and again.csrf_matches(one.csrf) and not again.csrf_matches(two.csrf)
    for odd in ("", "ü", "\ud800", one.csrf + "x", one.csrf.upper()):
        assert not again.csrf_matches(odd)


def test_use_keeps_a_session_from_idling_out_but_not_from_growing_old(world: World) -> None:
    session = enrol(world)
    for _ in range(11):
        world.clock.advance(timedelta(hours=1))
        assert world.app.credentials.session(session.cookie) is not None
    world.clock.advance(timedelta(hours=1))
    assert world.app.credentials.session(session.cookie) is None


def test_a_session_shows_the_role_of_now(world: World) -> None:
    session = enrol(world)
    world.app.directory.change_role("ravi", world.app.directory.person("iris").role, by="ada")
    found = world.app.credentials.session(session.cookie)
    assert found is not None and found.person.role.value == "auditor"


@pytest.mark.parametrize("cookie", ["", "x", "ü", "\ud800"])
def test_an_unknown_cookie_is_nobody(world: World, cookie: str) -> None:
    assert world.app.credentials.session(cookie) is None
    world.app.credentials.log_out(cookie)
