"""Business policy: what it answers, why, and what is wrong with it when it is wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.world import World

from pilothouse.connectors.twin.capabilities import CAPABILITIES
from pilothouse.data.defining.answers import Answer
from pilothouse.data.defining.cases import Given
from pilothouse.data.defining.evaluating import Evaluator
from pilothouse.data.defining.reading import load_definitions
from pilothouse.data.store import Observation, Record
from pilothouse.decision.business.asking import Asker, BusinessAnswer
from pilothouse.decision.business.cases import run_asks
from pilothouse.decision.business.policy import BusinessPolicy, Question
from pilothouse.decision.business.reading import check_business, load_business
from pilothouse.decision.cases import Case, Wanted, facts_of
from pilothouse.decision.engine import decide
from pilothouse.decision.publishing.checking import check_rules
from pilothouse.decision.publishing.rules import read_rules
from pilothouse.decision.publishing.thresholds import threshold_of
from pilothouse.decision.replaying.report import Window
from pilothouse.surfaces.proposing import propose_threshold
from pilothouse.surfaces.replaying import replaced, replay_of, with_changes
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.records import FieldValue, RecordRef, WriterKind
from pilothouse.vocabulary.verdicts import Treatment
from pilothouse.workspace.config import STARTER

KNOWN = {each.name: each for each in CAPABILITIES}
RULES = read_rules(STARTER, KNOWN)
CASES = run_asks(STARTER / "policy" / "cases", RULES.policy, RULES.business)
A1 = RecordRef("crm", "account", "a1")
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


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


TRIGGERS = """triggers:
  - id: review
    object: opportunity
    starts: deal_review
    all: [record.amount >= threshold.reviewed_deal]
    reason: It is worth looking at together.
  - id: named
    all: ['record.industry in threshold.named_industries', {when: "double(record.employee_count) > threshold.most_staff"}]
    reason: It is on our list of industries.
"""
NUMBERS = {"reviewed_deal": 50000.0, "named_industries": ("steel", "glass"), "most_staff": 10.0}


def test_a_clause_compares_with_thresholds_and_shows_what_they_were(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(TRIGGERS)
    business = load_business(tmp_path, load_definitions(STARTER / "definitions"), "v", NUMBERS)

    def asked(policy: BusinessPolicy, object_name: str, **fields: object) -> BusinessAnswer:
        values = {name: FieldValue(value, "crm", NOW, WriterKind.PERSON, "gita") for name, value in fields.items()}  # type: ignore[arg-type]
        record = Record(RecordRef("crm", object_name, "x"), values)
        return Asker(policy, Evaluator(policy.definitions, Given([record]), NOW)).ask(Question.TRIGGER, record)

    yes = asked(business, "opportunity", amount=50000.0)
    assert (yes.answer, yes.by) == ("yes", "review")
    assert "amount = 50000.0, threshold.reviewed_deal = 50000.0" in yes.reason
    assert asked(business, "opportunity", amount=49999.0).answer == "no"
    higher = business.presuming(replace(RULES.policy, thresholds={**NUMBERS, "reviewed_deal": 60000.0}))
    assert asked(higher, "opportunity", amount=50000.0).answer == "no"
    listed = asked(business, "account", industry="glass", employee_count=11)
    assert listed.answer == "yes" and "threshold.named_industries = steel, glass" in listed.reason
    assert asked(business, "account", industry="wood", employee_count=11).answer == "no"
    assert {name: [each.clause for each in uses] for name, uses in business.uses().items()} == {
        "reviewed_deal": ["triggers.review"], "named_industries": ["triggers.named"], "most_staff": ["triggers.named"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("threshold.reviewed_deal", "threshold.reviewed_deals", 5, "did you mean 'threshold.reviewed_deal'?"),
        ("threshold.most_staff", "threshold.staff", 8, "there is no 'threshold.staff'"),
        ("double(record.employee_count)", "record.employee_count", 8, "double(record.employee_count)"),
    ],
)
def test_a_threshold_that_is_not_there_is_an_error_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, problem: str
) -> None:
    (tmp_path / "a.yaml").write_text(TRIGGERS.replace(old, new))
    [found] = check_business(tmp_path, load_definitions(STARTER / "definitions"), NUMBERS)
    assert (found.path.name, found.line) == ("a.yaml", line) and problem in found.problem


@pytest.fixture
def text(tmp_path: Path) -> Path:
    for path in STARTER.glob("*/**/*.yaml"):
        (tmp_path / path.relative_to(STARTER)).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path.relative_to(STARTER)).write_text(path.read_text())
    return tmp_path


def test_a_threshold_is_idle_only_where_neither_a_rule_nor_business_policy_mentions_it(text: Path) -> None:
    def idle() -> list[str]:
        return [each.problem for each in check_rules(text, KNOWN, {}) if "no rule mentions" in each.problem]

    assert idle() == []
    accounts = text / "policy" / "business" / "accounts.yaml"
    written = accounts.read_text()
    accounts.write_text(written.replace("threshold.reviewed_deal]", "50000.0]"))
    assert idle() == ["no rule mentions the threshold 'reviewed_deal', and no clause of business policy"]
    accounts.write_text(written.replace("defined.at_risk", "defined.at_rsk"))
    [problem] = check_rules(text, KNOWN, {})
    assert "at_rsk" in problem.problem, "what business policy mentions cannot be told, so nothing is called idle"


def test_a_policy_file_that_cannot_be_read_makes_no_threshold_unknown(text: Path) -> None:
    path = text / "policy" / "escalations.yaml"
    path.write_text(path.read_text() + "nonsense: 1\n")
    assert [each.path.name for each in check_rules(text, KNOWN, {})] == ["escalations.yaml"]


def test_a_changed_threshold_shows_the_clauses_and_keeps_the_cases_right(world: World) -> None:
    world.publish({})
    app = world.app
    [use] = threshold_of(replaced(app).content, replaced(app).policy, "reviewed_deal").uses
    assert (use.rule, use.then, use.applies_to) == ("triggers.slipped_deal", "", ("opportunity",))
    file, _, line = use.where.rpartition(":")
    assert (world.root / file).read_text().splitlines()[int(line) - 1].strip() == "- id: slipped_deal"
    window = Window(world.clock.now() - timedelta(days=1))
    done = propose_threshold(app, "reviewed_deal", "60000", "gita", "We look at fewer deals.", window)
    assert done.replay is not None
    told = [each for each in done.replay.report["notes"] if "Business policy" in each]
    assert len(told) == 1 and "triggers.slipped_deal" in told[0] and "not replayed" in told[0]
    deal = RecordRef("crm", "opportunity", "o1")
    tell(world, RecordRef("crm", "opportunity", "later"), stage="Proposal", created_date="2020-06-01")
    tell(world, deal, stage="Proposal", amount=55000.0, close_date="2020-01-01")
    assert ask(world, Question.TRIGGER, deal).answer == "yes"
    app.versions.approve(done.version.id, "noah")
    after = ask(world, Question.TRIGGER, deal)
    slipped = next(each for each in after.findings if each.id == "slipped_deal")
    assert (slipped.answer, after.version) == (Answer.NO, done.version.id)
    other = replay_of(app, window, with_changes(app, {"large_deal": "1"}))
    assert not [each for each in other.notes if "Business policy" in each]
