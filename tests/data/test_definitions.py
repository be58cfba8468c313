"""Definitions say yes, no or cannot tell, why, and by which version; what is written wrongly is named with file and line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.world import World

from pilothouse.data.contracts import Contract
from pilothouse.data.defining.answers import Answer
from pilothouse.data.defining.cases import run_cases
from pilothouse.data.defining.evaluating import Evaluator
from pilothouse.data.defining.facts import CATALOGUE, FACTS
from pilothouse.data.defining.reading import check_definitions, load_definitions
from pilothouse.data.definitions import Definitions
from pilothouse.data.store import Observation, Record
from pilothouse.data.view import DataView
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.documents import DocumentError
from pilothouse.vocabulary.errors import InvalidInput, NotFound
from pilothouse.vocabulary.records import FieldValue, RecordRef, WriterKind
from pilothouse.workspace.config import STARTER

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SHIPPED = load_definitions(STARTER / "definitions")


class Given:
    """Records that are all there is."""

    def __init__(self, *records: Record) -> None:
        self.records = records

    def records_of(self, object_name: str, system: str) -> Sequence[Record]:
        return [each for each in self.records if each.ref.object == object_name and each.ref.system == system]

    def histories(self, object_name: str, field: str, system: str) -> Mapping[str, Sequence[FieldValue]]:
        return {}


def record(object_name: str = "opportunity", ident: str = "d", told: datetime = NOW, **fields: Any) -> Record:
    values = {name: FieldValue(value, "x", told, WriterKind.IMPORT, "t") for name, value in fields.items()}
    return Record(RecordRef("x", object_name, ident), values)


def ask(name: str, deal: Record, *others: Record, definitions: Definitions = SHIPPED, **facts: Any):
    return Evaluator(definitions, Given(deal, *others), NOW, facts).evaluate(name, deal)


def written(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "words.yaml").write_text(text)
    return folder


def test_the_golden_cases_that_ship_come_out_as_wanted() -> None:
    results = run_cases(STARTER / "definitions" / "cases", SHIPPED)
    assert len(results) >= 15 and [each for each in results if each.problem] == []
    assert 8 <= len(SHIPPED.terms) <= 14 and all(each.meaning and each.owner for each in SHIPPED.terms)


def test_a_golden_case_that_does_not_hold_says_what_came_out(tmp_path: Path) -> None:
    written(tmp_path, "cases:\n  - {title: t, term: phantom, record: {stage: Lost}, want: yes}\n")
    [result] = run_cases(tmp_path, SHIPPED)
    assert "wanted yes, got no" in result.problem and "open_deal = no" in result.problem


@pytest.mark.parametrize(
    "case",
    ["term: fantom", "term: phantom, facts: {age: 3}", "term: phantom, facts: {age_days: old}", "related: {stage: {}}"],
)
def test_a_golden_case_about_nothing_is_an_error(tmp_path: Path, case: str) -> None:
    written(tmp_path, f"cases:\n  - {{title: t, {case}, record: {{}}, want: yes}}\n")
    with pytest.raises(DocumentError, match=r"words\.yaml:2"):
        run_cases(tmp_path, SHIPPED)


def test_an_answer_says_what_decided_it_with_the_values_and_the_version() -> None:
    found = ask("phantom", record(stage="Proposal", engaged_date="2025-01-01"), longest_cycle_days=100)
    assert found.holds and "age_days = 516, longest_cycle_days = 100" in found.reason
    assert found.version.startswith("2-") and len(found.version) == 18
    no = ask("phantom", record(stage="Lost", engaged_date="2025-01-01"), longest_cycle_days=100)
    assert no.answer is Answer.NO and no.reason == "not: open_deal = no"


def test_what_is_missing_is_named_also_behind_another_term() -> None:
    open_ = ask("at_risk", record(stage="Proposal"))
    assert open_.answer is Answer.CANNOT_TELL
    assert set(open_.missing) == {"fact.slips", "fact.days_to_close", "fact.quiet_days", "fact.usual_pause_days"}
    lead = record("contact", email="a@b", opted_out=False, account="gone")
    assert "the account in account" in ask("sales_qualified_lead", lead).missing


def test_a_term_of_another_object_is_asked_through_its_reference() -> None:
    lead = record("contact", email="a@b", opted_out=False, account="a")
    account = record("account", "a", industry="retail", country="Spain", employee_count=400)
    small = record("account", "a", industry="retail", country="Spain", employee_count=4)
    assert ask("sales_qualified_lead", lead, account, meetings_90d=1).holds
    assert ask("sales_qualified_lead", lead, small, meetings_90d=1).answer is Answer.NO


def test_a_term_asked_of_the_wrong_object_or_not_there_is_an_error() -> None:
    with pytest.raises(InvalidInput):
        ask("phantom", record("account"))
    with pytest.raises(NotFound, match="no term"):
        ask("fantom", record())


def test_facts_are_worked_out_from_the_records_around() -> None:
    deal = record(ident="d", stage="Discovery", account="a", created_date="2026-05-01", told=NOW - timedelta(days=9))
    won = [
        record(ident=f"w{n}", stage="Won", engaged_date="2026-01-01", close_date=f"2026-03-{n + 1:02}")
        for n in range(3)
    ]
    seen = [
        record("activity", f"v{n}", opportunity="d", account="a", kind="Meeting", at=f"2026-05-{n:02}T10:00:00Z")
        for n in (1, 20, 30)
    ]
    around = Evaluator(SHIPPED, Given(deal, *won, *seen, record("account", "a")), NOW)

    def fact(name: str, of: Record = deal) -> Any:
        return around.fact(FACTS[of.ref.object, name], of)

    names = ("stage", "stage_order", "age_days", "stage_days", "quiet_days", "activities", "activities_30d", "closed")
    assert [fact(name) for name in names] == ["Engaging", 2, 31, 9, 2, 3, 2, False]
    assert (fact("longest_cycle_days"), fact("usual_pause_days")) == (61, 14)
    account = record("account", "a")
    assert (fact("open_deals", account), fact("contacts", account), fact("activities_90d", account)) == (1, None, 3)
    assert fact("activities_30d", won[0]) == 0  # some were told of, none of this deal
    assert Evaluator(SHIPPED, Given(deal), NOW).fact(FACTS["opportunity", "activities_30d"], deal) is None


def test_every_fact_says_what_it_is() -> None:
    assert len(CATALOGUE) == len(FACTS)
    assert all(each.words and each.type in ("INT", "BOOL", "STRING") for each in CATALOGUE)
    assert all(each.unit for each in CATALOGUE if each.type == "INT")


WORDS = """version: 3
terms:
  - name: big
    object: account
    meaning: An account that is big.
    owner: revops
    all: [{condition}]
"""


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ("record.employe_count > 3", "did you mean 'record.employee_count'"),
        ("record.employee_count > 3.5", "point"),
        ("record.employee_count + 1", "must come to yes or no"),
        ("defined.large", "there is no 'defined.large'"),
        ("fact.age_days > 3", "there is no 'fact.age_days'"),  # a fact of deals, not of accounts
        ("defined.big", "big refers to itself: big → big"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(tmp_path: Path, condition: str, problem: str) -> None:
    folder = written(tmp_path, WORDS.format(condition=f'"{condition}"'))
    [error] = check_definitions(folder)
    assert problem in error.problem and error.path.name == "words.yaml" and error.line in (3, 7)
    with pytest.raises(DocumentError):
        load_definitions(folder)


def test_terms_that_refer_in_a_circle_are_an_error_at_each_of_them(tmp_path: Path) -> None:
    terms = "\n".join(
        f"  - {{name: t{n}, object: account, meaning: A term in a circle., owner: o, all: [defined.t{(n + 1) % 3}]}}"
        for n in range(3)
    )
    errors = check_definitions(written(tmp_path, f"version: 1\nterms:\n{terms}\n"))
    assert [each.line for each in errors] == [3, 4, 5] and "t0 → t1 → t2 → t0" in errors[0].problem


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    text = """version: 1
stages:
  - {name: Won, closed: false, won: true}
  - {name: won, closed: true, entry: ["record.amout > 1.0"]}
terms:
  - {name: a_b, object: account, meaning: One meaning of it., owner: o, all: ["known.record.name"]}
  - {name: a_b, object: account, meaning: Another meaning., owner: o, all: ["known.record.name"]}
  - {name: c_d, object: acount, meaning: Of no object at all., owner: o, all: ["true"]}
  - {name: e_f, object: account, meaning: It asks nothing., owner: o}
"""
    told = [(each.line, each.problem) for each in check_definitions(written(tmp_path, text))]
    assert [line for line, _ in told] == [3, 4, 4, 7, 8, 9]
    assert "amout" in told[1][1] + told[2][1] and "stands also at words.yaml:6" in told[3][1]


def test_a_version_changes_with_any_definition_because_one_may_refer_to_another(tmp_path: Path) -> None:
    folder = written(tmp_path, WORDS.format(condition='"known.record.name"'))
    before = load_definitions(folder).term("big").version
    (folder / "stages.yaml").write_text("version: 1\nstages: [{name: Won, closed: true}]\n")
    after = load_definitions(folder).term("big").version
    assert before != after and {before[:2], after[:2]} == {"3-"}
    (folder / "cases").mkdir()
    (folder / "cases" / "c.yaml").write_text("cases: []\n")
    assert load_definitions(folder).term("big").version == after


CRITERIA = (
    "record.amount > 5.0", "known.record.amount", "record.is_won", "!record.is_closed", "fact.days_to_close > 0",
    "record.stage == 'Won' || record.amount > 1.0", "true", "defined.part", "1 / (record.amount > 5.0 ? 0 : 1) == 1",
)  # fmt: skip
VALUES: dict[str, Any] = {
    "amount": st.sampled_from([0.0, 3.0, 9.0]),
    "is_won": st.booleans(),
    "is_closed": st.booleans(),
    "close_date": st.sampled_from(["2026-05-01", "2026-07-01"]),
    "stage": st.sampled_from(["Won", "Proposal"]),
}


def _term(name: str, every: list[str], some: list[str]) -> str:
    head = f"  - {{name: {name}, object: opportunity, meaning: A term of a test., owner: o"
    return f"{head}, all: {every!r}, any: {some!r}}}\n"


@settings(max_examples=150, deadline=None)
@given(
    every=st.lists(st.sampled_from(CRITERIA), max_size=3),
    some=st.lists(st.sampled_from(CRITERIA), min_size=1, max_size=3),
    fields=st.fixed_dictionaries({}, optional=VALUES),
    more=st.fixed_dictionaries(VALUES),
)
def test_a_decided_answer_stands_whatever_else_becomes_known(
    tmp_path_factory: pytest.TempPathFactory,
    every: list[str],
    some: list[str],
    fields: dict[str, Any],
    more: dict[str, Any],
) -> None:
    """Yes and no are never guesses: telling what was missing changes neither; and the quick answer is the full one."""
    folder = tmp_path_factory.mktemp("d")
    text = "version: 1\nterms:\n" + _term("part", ["record.is_won"], []) + _term("whole", every, some)
    definitions = load_definitions(written(folder, text.replace("'", '"').replace('"Won"', "'Won'")))
    part = record(**fields)
    evaluator = Evaluator(definitions, Given(part), NOW)
    found = evaluator.evaluate("whole", part)
    assert found.answer is Evaluator(definitions, Given(part), NOW).answer("whole", part)
    known_asked = any("known." in each for each in (*every, *some))  # asking for presence is asking what is told
    complete = Evaluator(definitions, Given(part), NOW).evaluate("whole", record(**{**more, **fields}))
    if found.answer is not Answer.CANNOT_TELL and not known_asked:
        assert complete.answer is found.answer
    if found.answer is Answer.CANNOT_TELL:
        assert found.missing or any(each.error for each in found.deciding)


def tell(world: World, **records: Mapping[str, Any]) -> None:
    refs = {name: RecordRef("x", name.split("_")[0], name) for name in records}
    seen = [Observation(refs[name], fields, NOW, WriterKind.IMPORT, "t") for name, fields in records.items()]
    world.app.store.observe(seen, Actor("gita"))


def test_an_agent_answers_from_what_its_contract_lets_it_see(world: World) -> None:
    tell(
        world,
        opportunity_1={"stage": "Proposal", "engaged_date": "2026-01-01"},
        activity_1={"opportunity": "opportunity_1", "at": "2026-01-02T10:00:00Z"},
    )
    app = world.app

    def stale(read: dict[str, Any]):
        contract = Contract.model_validate({"contract": "c", "version": 1, "summary": "s", "read": read})
        view = DataView(app.store, app.entities, contract, app.definitions, NOW, "x")
        [deal] = view.records("opportunity")
        assert view.holds("stale", deal) is view.defined("stale", deal).holds
        return view.defined("stale", deal)

    assert stale({"opportunity": "*", "activity": "*"}).holds
    assert stale({"opportunity": "*"}).answer is Answer.CANNOT_TELL
    assert stale({"opportunity": ["name"], "activity": "*"}).holds  # no stage is seen, so none is closed


def test_slips_are_counted_from_the_history_of_the_close_date(world: World) -> None:
    ref = RecordRef("x", "opportunity", "o")
    days = ("2026-03-01", "2026-04-01", "2026-03-15", "2026-05-01")
    for number, day in enumerate(days):
        fields = {"stage": "Proposal", "close_date": day}
        seen = Observation(ref, fields, NOW + timedelta(days=number), WriterKind.IMPORT, "t")
        world.app.store.observe([seen], Actor("gita"))
    deal = world.app.store.record(ref)
    assert deal is not None
    evaluator = world.app.judge.at(NOW)
    assert evaluator.fact(FACTS["opportunity", "slips"], deal) == 2 and evaluator.evaluate("at_risk", deal).holds


def test_an_answer_is_worked_out_anew_when_something_was_written(world: World) -> None:
    tell(world, account_1={"name": "A", "industry": "retail"})
    assert world.app.judge.tally("complete_account", "x", NOW).counts == {Answer.NO: 1}
    tell(world, account_1={"name": "A", "industry": "retail", "country": "Spain"})
    tally = world.app.judge.tally("complete_account", "x", NOW)
    assert tally.counts == {Answer.YES: 1} and tally.examples == ["x/account/account_1"]


def test_deals_are_held_against_what_their_stages_ask(world: World) -> None:
    tell(
        world,
        opportunity_1={"stage": "Proposal", "is_closed": False, "close_date": "2026-05-01", "amount": 3.0},
        opportunity_2={"stage": "Closed Won", "is_closed": True, "is_won": True, "close_date": "2026-05-01"},
        opportunity_3={"stage": "Nowhere"},
        opportunity_4={"stage": "Prospecting", "is_closed": False, "close_date": "2026-07-01"},
    )
    found = world.app.judge.stages("x", NOW)
    assert found.deals == {Answer.NO: 2, Answer.CANNOT_TELL: 1, Answer.YES: 1}
    against = {(each.stage, each.criterion): each.against for each in found.criteria if each.against}
    assert against == {("Proposal", "Its close date has not passed"): 1, ("Nowhere", "A stage that is defined"): 1}
    left = next(each for each in found.criteria if each.stage == "Engaging")
    assert (left.kind, left.against, left.open) == ("exit", 0, 1)
