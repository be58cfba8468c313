"""Questions about past acts: owned, due, tracked to an answer."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from tests.surfaces.test_rest import enter
from tests.world import World

from pilothouse.handoff.questions import Kind, QuestionStatus
from pilothouse.surfaces.asking import ask
from pilothouse.surfaces.server import build
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput, NotFound
from pilothouse.vocabulary.verdicts import Mode


def acted(world: World, to: str = "crm/account/a1", field: str = "industry") -> str:
    world.promote(f"crm.{to.split('/')[1]}.update:fill-empty", Mode.LIVE)
    return world.submit(world.action(field, "x", to=to)).action.id


def test_a_rep_asks_the_agents_owner_answers_and_the_rep_closes(world_on_each_store: World) -> None:
    world = world_on_each_store
    rosa = world.app.directory.person("rosa")
    asked = ask(world.app, acted(world), rosa, "Why did this change?", Kind.WHY)
    assert (asked.owner, asked.agent, asked.status) == ("gita", "tester@1", QuestionStatus.OPEN)
    assert asked.due > world.clock.now()
    with pytest.raises(Conflict):
        world.app.questions.close(asked.id, "gita")  # nobody answered
    with pytest.raises(Forbidden):
        world.app.questions.answer(asked.id, "rosa", "Because.")
    answered = world.app.questions.answer(asked.id, "gita", "Billing said so.")
    world.app.ledger.rebuild()
    assert world.app.questions.list(subject="crm/account/a1") == [answered]
    assert world.app.questions.close(asked.id, "rosa").status is QuestionStatus.CLOSED
    with pytest.raises(Conflict):
        world.app.questions.answer(asked.id, "gita", "Once more.")
    assert world.app.questions.list() == []


def test_a_rep_asks_only_about_records_within_reach_and_needs_words(world: World) -> None:
    rosa, omars = world.app.directory.person("rosa"), acted(world, "crm/account/a2")
    with pytest.raises(Forbidden):
        ask(world.app, omars, rosa, "Why?", Kind.WHY)
    with pytest.raises(InvalidInput):
        ask(world.app, acted(world), rosa, " ", Kind.WRONG)
    with pytest.raises(NotFound):
        ask(world.app, "act_none", rosa, "Why?", Kind.WHY)


def test_nobody_answers_their_own_question_and_words_can_be_erased(world: World) -> None:
    action = acted(world, "crm/contact/c1", "title")
    asked = ask(world.app, action, world.app.directory.person("gita"), "Her name is Eva.", Kind.WRONG)
    assert asked.owner != "gita"
    world.app.ledger.erase("crm/contact/c1", Actor("ada"), "asked to")
    world.app.ledger.rebuild()
    assert world.app.questions.get(asked.id).words == ""


def test_an_answer_stands_and_a_second_one_is_refused(world: World) -> None:
    asked = ask(world.app, acted(world), world.app.directory.person("rosa"), "Why?", Kind.WHY)
    world.app.questions.answer(asked.id, "gita", "Billing said so.")
    with pytest.raises(Conflict) as caught:
        world.app.questions.answer(asked.id, "ravi", "No idea.")
    assert caught.value.code == "answered_already" and "gita" in caught.value.message
    assert world.app.questions.get(asked.id).answer == "Billing said so."


def test_the_page_shows_who_answered_what_and_asks_for_no_second_answer(world: World) -> None:
    asked = ask(world.app, acted(world), world.app.directory.person("rosa"), "Why?", Kind.WHY)
    with TestClient(build(world.app), follow_redirects=False) as client:
        csrf = enter(world, client, "gita")["X-CSRF-Token"]
        assert 'name="words"' in client.get("/questions").text
        world.app.questions.answer(asked.id, "gita", "Billing said so.")
        page = client.get("/questions").text
        assert ">answered<" in page and "answered by gita" in page and "gita: Billing said so." in page
        assert 'name="words"' not in page
        again = client.post(f"/questions/{asked.id}", data={"csrf": csrf, "words": "Once more."})
        assert again.status_code == 409
