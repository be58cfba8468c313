"""Business policy: what it answers, why, and what is wrong with it when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.world import World

from pilothouse.connectors.twin.capabilities import CAPABILITIES
from pilothouse.data.defining.reading import load_definitions
from pilothouse.data.store import Observation
from pilothouse.decision.business.cases import run_asks
from pilothouse.decision.business.policy import Question
from pilothouse.decision.business.reading import check_business, load_business
from pilothouse.decision.cases import Case, Wanted, facts_of
from pilothouse.decision.engine import decide
from pilothouse.decision.publishing.checking import check_rules
from pilothouse.decision.publishing.rules import read_rules
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.records import RecordRef, WriterKind
from pilothouse.vocabulary.verdicts import Treatment
from pilothouse.workspace.config import STARTER

KNOWN = {each.name: each for each in CAPABILITIES}
RULES = read_rules(STARTER, KNOWN)
CASES = run_asks(STARTER / "policy" / "cases", RULES.business)
A1 = RecordRef("crm", "account", "a1")


@pytest.mark.parametrize("result", CASES, ids=lambda each: each.title)
def test_the_shipped_cases_come_out_as_wanted(result: object) -> None:
    assert not result.problem  # type: ignore[attr-defined]


def test_there_are_cases_for_every_question_and_the_starter_covers_every_area() -> None:
    assert len(CASES) >= 15 and not check_rules(STARTER, KNOWN, {})


@pytest.mark.parametrize(("level", "wanted"), [("strong", Treatment.AUTO), ("possible", Treatment.REVIEW)])
def test_a_strong_match_passes_by_itself_and_a_possible_one_is_queued(level: str, wanted: Treatment) -> None:
    fit = RULES.business.fit
    assert fit is not None
    confidence = next(each.confidence for each in fit.levels if each.gives == level)
    changes = ({"field": "flags", "after": level},)
    case = Case(
        title="R-064",
        action="crm.record.flag",
        object="account",
        confidence=confidence,
        changes=changes,
        want=Wanted(treatment="auto"),
    )  # type: ignore[arg-type]
    assert decide(facts_of(case, KNOWN["crm.record.flag"]), RULES.policy).treatment is wanted


def tell(world: World, ref: RecordRef, **fields: object) -> None:
    seen = Observation(ref, fields, world.clock.now(), WriterKind.PERSON, "gita")  # type: ignore[arg-type]
    world.app.store.observe([seen], Actor("gita"))


def ask(world: World, question: Question, ref: RecordRef = A1):
    record = world.app.store.record(ref)
    assert record is not None
    return world.app.ask(question, record)


def test_an_answer_says_which_condition_which_values_and_which_version(world: World) -> None:
    tell(world, A1, industry="software", employee_count=500)
    found = ask(world, Question.ICP)
    assert (found.answer, found.confidence, found.by) == ("strong", 0.92, "strong")
    assert "employee_count = 500" in found.reason and found.version == world.app.policy.version
    version = world.publish({})
    assert ask(world, Question.ICP).version == version.id


def test_an_unpublished_edit_answers_nothing_and_a_published_one_does(world: World) -> None:
    path = world.root / "policy" / "business" / "accounts.yaml"
    world.publish({})
    path.write_text(path.read_text().replace("Germany: rosa", "Germany: omar"))
    assert ask(world, Question.ROUTE).answer == "rosa"
    world.publish({})
    assert ask(world, Question.ROUTE).answer == "omar"


def test_nobody_is_routed_to_who_does_not_work_there(world: World) -> None:
    assert ask(world, Question.ROUTE).answer == "rosa"
    tell(world, RecordRef("crm", "user", "rosa"), name="Rosa", is_active=False)
    found = ask(world, Question.ROUTE)
    assert (found.answer, found.by) == ("gita", "unowned") and "no active user" in found.reason


def test_a_contact_without_account_cannot_be_told_of(world: World) -> None:
    lost = RecordRef("crm", "contact", "lost")
    tell(world, lost, email="x@y.example")
    found = ask(world, Question.ICP, lost)
    assert (found.answer, found.confidence, found.missing) == ("cannot tell", None, ("record.account",))
    assert ask(world, Question.ROUTE, lost).answer == "gita"


BAD = """icp:
  levels:
    - {id: strong, all: [record.employes >= 5], reason: It is large.}
  otherwise: {reason: It is none.}
routing:
  tables:
    - {id: table, field: contry, owners: {Spain: rosa, spain: omar}, reason: By country.}
  unowned: {to: gita, reason: Nobody knows.}
disqualifiers:
  - {id: empty, reason: Nothing is asked.}
"""


def test_every_problem_has_its_line_and_what_was_meant(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(BAD)
    (tmp_path / "b.yaml").write_text(
        "icp:\n  levels: [{id: any_one, all: ['true'], reason: Everything fits.}]\n  otherwise: {reason: It is none.}\n"
    )
    found = [
        (each.path.name, each.line) for each in check_business(tmp_path, load_definitions(STARTER / "definitions"))
    ]
    assert found == [("a.yaml", 3), ("a.yaml", 7), ("a.yaml", 7), ("a.yaml", 10), ("b.yaml", 1)]
    told = " ".join(each.problem for each in check_business(tmp_path, load_definitions(STARTER / "definitions")))
    assert "did you mean 'record.employee_count'" in told and "did you mean 'country'" in told


def test_what_nothing_is_decided_about_is_a_gap(tmp_path: Path) -> None:
    definitions = load_definitions(STARTER / "definitions")
    assert load_business(tmp_path, definitions, "v").fit is None
    for name in ("policy", "definitions", "contracts"):
        (tmp_path / name).mkdir()
    for path in (*STARTER.glob("definitions/*.yaml"), *STARTER.glob("contracts/*.yaml")):
        (tmp_path / path.relative_to(STARTER)).write_text(path.read_text())
    text = 'rules:\n  - {id: all, applies_to: ["crm.*"], then: refuse, reason: Nothing yet.}\n'
    (tmp_path / "policy" / "a.yaml").write_text(text)
    told = [each.problem for each in check_rules(tmp_path, KNOWN, {})]
    assert told == [
        f"nothing is decided about {each}" for each in ("qualifying", "prioritising", "discounting", "escalating")
    ]
