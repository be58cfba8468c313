"""People and roles: who may change whom, which records are whose, and that the table can be made again."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from tests.world import PEOPLE, World

from pilothouse.directory.people import Person, people
from pilothouse.directory.roles import may_see, permissions_of
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor, Role
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput, NotFound, PilothouseError

ROSA = Person("rosa", "Rosa Conte", "rosa@example.com", Role.REP, territory="North")


def rows(world: World) -> list[tuple[object, ...]]:
    with world.app.ledger.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(select(people).order_by(people.c.id))]


def test_the_table_can_be_made_again_from_the_entries(world_on_each_store: World) -> None:
    directory = world_on_each_store.app.directory
    directory.change_role("rosa", Role.REVIEWER, by="ada")
    directory.deactivate("noah", by="ada")
    before = rows(world_on_each_store)
    world_on_each_store.app.ledger.rebuild({"people"})
    assert rows(world_on_each_store) == before and len(before) == len(PEOPLE)


def test_somebody_erased_keeps_their_id_and_loses_name_and_address(world: World) -> None:
    world.app.directory.deactivate("rosa", by="ada")
    assert world.app.ledger.erase("person/rosa", Actor("ada"), "asked to") == 1
    gone = world.app.directory.person("rosa")
    assert (gone.name, gone.active) == ("erased-rosa", False)
    assert world.app.directory.by_email("rosa@example.com") is None
    assert "Conte" not in " ".join(str(entry) for entry in world.app.ledger.entries())


def test_an_admin_who_left_manages_nobody(world: World) -> None:
    directory = world.app.directory
    directory.add(Person("abe", "Abe", "abe@example.com", Role.ADMIN), by="ada")
    directory.deactivate("ada", by="abe")
    with pytest.raises(Forbidden):
        directory.change_role("rosa", Role.ADMIN, by="ada")
    with pytest.raises(Forbidden):
        directory.add(Person("eve", "Eve", "eve@example.com", Role.ADMIN), by="ada")


@pytest.mark.parametrize("by", ["gita", "ravi", "rosa", "iris", "nobody", ""])
def test_nobody_else_manages_people(world: World, by: str) -> None:
    before = rows(world)
    for act in (
        lambda: world.app.directory.add(Person("eve", "Eve", "eve@example.com", Role.ADMIN), by=by),
        lambda: world.app.directory.change_role("noah", Role.ADMIN, by=by),
        lambda: world.app.directory.deactivate("noah", by=by),
    ):
        with pytest.raises((Forbidden, NotFound)):
            act()
    assert rows(world) == before


def test_there_is_always_an_admin_also_when_two_demote_each_other(world_on_each_store: World) -> None:
    directory = world_on_each_store.app.directory
    with pytest.raises(Conflict, match="last admin"):
        directory.deactivate("ada", by=SYSTEM_PERSON)
    directory.add(Person("abe", "Abe", "abe@example.com", Role.ADMIN), by="ada")
    gate = threading.Barrier(2)

    def demote(who: str, by: str) -> None:
        gate.wait()
        with suppress(PilothouseError):
            directory.change_role(who, Role.REP, by=by)

    threads = [threading.Thread(target=demote, args=pair) for pair in (("ada", "abe"), ("abe", "ada"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(p.role for p in directory.people() if p.id in ("ada", "abe")) == [Role.ADMIN, Role.REP]


@pytest.mark.parametrize(
    ("ident", "name", "email"),
    [
        ("", "Eve", "eve@example.com"),
        (SYSTEM_PERSON, "Eve", "eve@example.com"),
        ("tester@1", "Eve", "eve@example.com"),
        ("a b", "Eve", "eve@example.com"),
        ("eve\n", "Eve", "eve@example.com"),
        ("eve", " ", "eve@example.com"),
        ("eve", "Eve", "eve.example.com"),
    ],
)
def test_who_cannot_be_told_from_an_agent_or_the_system_is_not_added(
    world: World, ident: str, name: str, email: str
) -> None:
    with pytest.raises(InvalidInput):
        world.app.directory.add(Person(ident, name, email, Role.REP), by="ada")


@pytest.mark.parametrize(
    ("fields", "seen"),
    [
        ({"owner": "rosa"}, True),
        ({"owner": "ROSA@example.com "}, True),
        ({"owner": "Rosa Conte"}, True),
        ({"owner": "Rosa C"}, False),
        ({"owner": "omar", "territory": "North"}, False),
        ({"owner": None, "territory": "north"}, True),
        ({"owner": " ", "territory": "North"}, True),
        ({"territory": "South"}, False),
        ({"owner": "", "territory": ""}, False),
        ({"owner": 5, "territory": "North"}, False),
        ({}, False),
    ],
)
def test_a_rep_reaches_what_they_own_and_what_nobody_owns_in_their_territory(
    fields: dict[str, object], seen: bool
) -> None:
    assert may_see(ROSA, fields) is seen  # type: ignore[arg-type]


@given(owner=st.text(max_size=20), territory=st.text(max_size=20))
def test_a_rep_without_territory_reaches_only_what_names_them(owner: str, territory: str) -> None:
    person = Person("rosa", "Rosa Conte", "rosa@example.com", Role.REP)
    named = owner.strip().casefold() in {"rosa", "rosa conte", "rosa@example.com"}
    assert may_see(person, {"owner": owner, "territory": territory}) is named


def test_what_roles_may_do(world: World) -> None:
    may = {role: permissions_of(role).may for role in Role}
    assert {role for role in Role if "review" in may[role]} == {Role.ADMIN, Role.REVOPS, Role.REVIEWER}
    assert {role for role in Role if "promote" in may[role]} == {Role.ADMIN, Role.REVOPS, Role.ENGINEERING}
    assert {role for role in Role if "manage_people" in may[role]} == {Role.ADMIN}
    assert [role for role in Role if not permissions_of(role).write] == [Role.ENGINEERING, Role.AUDITOR, Role.LEGAL]
    assert [role for role in Role if permissions_of(role).own_records_only] == [Role.REP]
    assert may_see(Person("iris", "Iris", "iris@example.com", Role.AUDITOR), {"owner": "omar"})
