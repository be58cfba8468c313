"""Guessing passwords: counted before they are judged, alike for addresses nobody has, ever slower, and recorded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from tests.world import World

from pilothouse.directory import credentials as room
from pilothouse.directory.attempts import FREE_TRIES, lock_until
from pilothouse.vocabulary.errors import Unauthenticated

WORD = "correct horse battery"


@pytest.fixture
def enrolled(world: World) -> World:
    world.app.credentials.redeem_link(world.app.credentials.issue_link("ravi", "ada"), WORD)
    return world


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every hash that a password was really compared with: the costly work that would tell people apart."""
    seen: list[str] = []
    real = room.HASHER

    class Counting:
        def verify(self, kept: str, given: bytes) -> bool:
            seen.append(kept)
            return real.verify(kept, given)

        def __getattr__(self, name: str) -> object:
            return getattr(real, name)

    monkeypatch.setattr(room, "HASHER", Counting())
    yield seen


def refused(world: World, email: str, password: str = "wrong password") -> str:
    with pytest.raises(Unauthenticated) as error:
        world.app.credentials.log_in(email, password)
    return str(error.value)


def test_known_unknown_and_unenrolled_people_are_answered_alike(enrolled: World, checked: list[str]) -> None:
    enrolled.app.directory.deactivate("noah", by="ada")
    answers = [
        [refused(enrolled, email) for _ in range(FREE_TRIES + 2)]
        for email in ("ravi@example.com", "nobody@example.com", "rosa@example.com", "noah@example.com")
    ]
    assert len({tuple(text.split("after")[0] for text in answer) for answer in answers}) == 1
    assert "too many" in answers[0][-1] and "too many" not in answers[0][-2]
    assert len(checked) == 4 * (FREE_TRIES + 1)  # the same work for each; none once locked
    failures = list(enrolled.app.ledger.entries(kinds={"login.failed"}))
    assert [entry.body["person"] for entry in failures] == [
        who for who in ("ravi", "", "rosa", "noah") for _ in range(FREE_TRIES + 1)
    ]
    assert not any("nobody" in str(entry) for entry in failures)


def test_a_lock_doubles_and_is_recorded_and_success_forgets_it(enrolled: World) -> None:
    for _ in range(FREE_TRIES + 1):
        refused(enrolled, "ravi@example.com")
    last = list(enrolled.app.ledger.entries(kinds={"login.failed"}))[-1]
    assert last.body["failures"] == FREE_TRIES + 1 and last.body["locked_until"]
    enrolled.clock.advance(timedelta(seconds=11))
    refused(enrolled, "ravi@example.com")
    enrolled.clock.advance(timedelta(seconds=11))
    assert "too many" in refused(enrolled, "ravi@example.com", WORD)  # the second lock is twice as long
    enrolled.clock.advance(timedelta(seconds=10))
    assert enrolled.app.credentials.log_in("ravi@example.com", WORD).person.id == "ravi"
    for _ in range(FREE_TRIES):
        assert "too many" not in refused(enrolled, "ravi@example.com")


def test_the_lock_grows_to_an_hour_and_no_further(world: World) -> None:
    now = world.clock.now()
    waits = [(until - now).total_seconds() if (until := lock_until(n, now)) else 0 for n in range(1, 200)]
    assert waits[:FREE_TRIES] == [0] * FREE_TRIES and waits[FREE_TRIES : FREE_TRIES + 3] == [10, 20, 40]
    assert max(waits) == 3600 and waits == sorted(waits)


def test_guesses_made_at_once_are_all_counted(world_on_each_store: World, checked: list[str]) -> None:
    world = world_on_each_store
    world.app.credentials.redeem_link(world.app.credentials.issue_link("ravi", "ada"), WORD)
    checked.clear()
    gate = threading.Barrier(12)

    def guess(number: int) -> None:
        gate.wait()
        with pytest.raises(Unauthenticated):
            world.app.credentials.log_in("ravi@example.com", f"guess number {number}")

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(checked) == FREE_TRIES + 1


def test_old_failures_are_forgotten_after_a_day(enrolled: World) -> None:
    for _ in range(FREE_TRIES):
        refused(enrolled, "ravi@example.com")
    enrolled.clock.advance(timedelta(hours=25))
    for _ in range(FREE_TRIES):
        assert "too many" not in refused(enrolled, "ravi@example.com")


@pytest.mark.parametrize("password", ["", "\ud800 half a character", "x" * 100_000, "pass\x00word and more"])
def test_odd_passwords_and_addresses_are_wrong_not_errors(world_on_each_store: World, password: str) -> None:
    world = world_on_each_store
    world.app.credentials.redeem_link(world.app.credentials.issue_link("ravi", "ada"), WORD)
    refused(world, "ravi@example.com", password)
    refused(world, password)


def test_passwords_are_kept_as_argon2_and_moved_to_newer_settings(
    enrolled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from argon2 import PasswordHasher
    from sqlalchemy import select

    def kept() -> str:
        with enrolled.app.ledger.engine.connect() as connection:
            return connection.execute(select(room.passwords.c.hash)).scalar_one()

    before = kept()
    assert before.startswith("$argon2id$") and WORD not in before
    monkeypatch.setattr(room, "HASHER", PasswordHasher(time_cost=4))
    enrolled.app.credentials.log_in("ravi@example.com", WORD)
    assert kept() != before and "t=4" in kept()
    enrolled.app.credentials.log_in("ravi@example.com", WORD)
