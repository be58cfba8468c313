"""Policy: the golden cases ship and pass; nothing relaxes; silence and errors refuse."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilothouse.conditions.conditions import ConditionError, Conditions
from pilothouse.connectors.twin.capabilities import CAPABILITIES
from pilothouse.data.contracts import FieldRule
from pilothouse.decision.cases import run_cases
from pilothouse.decision.engine import decide
from pilothouse.decision.facts import Facts
from pilothouse.decision.modes import Disposition, effective
from pilothouse.decision.policy import Policy, check_policy, load_policy
from pilothouse.decision.publishing.checking import check_rules
from pilothouse.vocabulary.actors import AgentRef, Role
from pilothouse.vocabulary.capabilities import Blast, Capability, ChangeKind, Effect, Reversibility
from pilothouse.vocabulary.documents import DocumentError
from pilothouse.vocabulary.records import FieldChange, WriterKind
from pilothouse.vocabulary.verdicts import Mode, Treatment
from pilothouse.workspace.config import STARTER

KNOWN = {capability.name: capability for capability in CAPABILITIES}
CLOSED = frozenset({"Closed Won", "Closed Lost"})
POLICY = load_policy(STARTER / "policy", KNOWN, CLOSED)
CASES = run_cases(STARTER / "policy" / "cases", POLICY, KNOWN)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_the_settled_questions(case: Any) -> None:
    assert case.problem == ""


def test_the_cases_are_there() -> None:
    assert len(CASES) >= 30 and check_rules(STARTER, KNOWN, {}) == []


def facts(capability: Capability = KNOWN["crm.account.update"], **more: Any) -> Facts:
    given: dict[str, Any] = {
        "capability": capability, "agent": AgentRef("a", "1"), "person": "ana", "role": Role.REVOPS, "mode": Mode.LIVE,
        "confidence": 0.95, "object": "account", "record": {"industry": None},
        "changes": (FieldChange("industry", None, "software"),), "now": datetime(2026, 1, 1, tzinfo=UTC),
        "contract_rules": {"industry": FieldRule(review="never")},
    }  # fmt: skip
    return Facts(**{**given, **more})


capabilities = st.sampled_from(list(KNOWN.values()))
writers = st.sampled_from([None, *WriterKind])


@st.composite
def some_facts(draw: st.DrawFn) -> Facts:
    before = draw(st.sampled_from([None, "", "retail"]))
    change = FieldChange("industry", before, "software", draw(writers))
    return facts(
        draw(capabilities),
        confidence=draw(st.floats(0, 1)),
        changes=(change,),
        record={"industry": before},
        recipients=draw(st.integers(0, 60)),
        write_set_records=draw(st.integers(1, 20)),
        write_set_recipients=draw(st.integers(0, 80)),
        bulk_allowance=draw(st.sampled_from([0, 10, 100])),
    )


@settings(max_examples=300, deadline=None)
@given(some_facts(), st.floats(0, 1), st.integers(0, 40), st.integers(0, 60))
def test_less_sure_wider_or_larger_is_never_freer(some: Facts, less: float, records: int, recipients: int) -> None:
    now = decide(some, POLICY).treatment
    worse = replace(
        some,
        confidence=min(less, some.confidence),
        write_set_records=some.write_set_records + records,
        recipients=some.recipients + recipients,
        write_set_recipients=some.write_set_recipients + recipients,
    )
    assert decide(worse, POLICY).treatment >= now
    irreversible = replace(some.capability, reversibility=Reversibility.IRREVERSIBLE)
    assert decide(replace(some, capability=irreversible), POLICY).treatment >= now
    wide = replace(some.capability, blast=Blast.HIGH)
    assert decide(replace(some, capability=wide), POLICY).treatment >= now


@settings(max_examples=300, deadline=None)
@given(some_facts(), st.sampled_from(list(Mode)))
def test_what_cannot_be_undone_or_leaves_the_house_never_runs_alone(some: Facts, mode: Mode) -> None:
    verdict = decide(some, POLICY)
    outside = some.capability.effect is Effect.WRITE and (not some.capability.reversible or some.capability.external)
    if outside:
        assert verdict.treatment >= Treatment.PERSON
        assert effective(verdict, mode) is not Disposition.EXECUTE
    if some.capability.change in (ChangeKind.DELETE, ChangeKind.PRICE):
        assert verdict.treatment is Treatment.REFUSE
    if mode is Mode.SHADOW:
        assert effective(verdict, mode) in (Disposition.SHADOW, Disposition.REFUSE)


def written(folder: Path, text: str) -> Policy:
    (folder / "p.yaml").write_text(text)
    return load_policy(folder, {"crm.account.update": KNOWN["crm.account.update"]})


RULE = "rules:\n  - id: only-rule\n    applies_to: [crm.account.update]\n    when: {when}\n    then: auto\n    reason: It is fine.\n"


def test_silence_is_a_no(tmp_path: Path) -> None:
    policy = written(tmp_path, RULE.format(when="confidence > 2.0"))
    assert (decide(facts(), policy).treatment, decide(facts(), policy).code) == (Treatment.REFUSE, "policy_silent")


@pytest.mark.parametrize(
    "when",
    [
        "record.phone == '1'",
        "record.phone == '1' || confidence > 0.5",
        "confidence > 0.5 || record.phone == '1'",
        "!(record.phone == '1' && record.city == 'x')",
        "record.phone != '1'",
        "!(record.phone in ['1'])",
        "confidence > 0.5 ? true : record.phone == '1'",
        "record.phone.startsWith('1') || true",
        "size(record.phone) < 5 || true",
    ],
)
def test_a_rule_that_mentions_a_missing_field_never_allows(tmp_path: Path, when: str) -> None:
    verdict = decide(facts(), written(tmp_path, RULE.format(when=f'"{when}"')))
    assert (verdict.treatment, verdict.code) == (
        Treatment.REFUSE,
        "policy_error",
    ) and "record.phone" in verdict.sentence


@pytest.mark.parametrize(
    ("when", "record", "holds"),
    [
        ("record.industry == record.country", {"industry": "x", "country": "x"}, True),
        ("record.industry == record.country", {"industry": "x", "country": "y"}, False),
        ("(confidence > 0.9 && confidence < 1.0) || false", {}, True),
        ("confidence * 2.0 > 1.8", {}, True),
        ("record.industry == 'this and that'", {"industry": "this and that"}, True),
        ("record.annual_revenue > -5.0", {"annual_revenue": -4.0}, True),
        ("record.employee_count == 7", {"employee_count": 7}, True),
        ("!(record.industry in ['a', 'b'])", {"industry": "c"}, True),
        ("known.record.phone && record.industry == 'x'", {"industry": "x"}, False),
    ],
)
def test_conditions_mean_what_they_say(tmp_path: Path, when: str, record: dict[str, Any], holds: bool) -> None:
    policy = written(tmp_path, RULE.format(when=f'"{when}"'))
    verdict = decide(facts(record=record), policy)
    assert (verdict.treatment is Treatment.AUTO) is holds, verdict.sentence


@pytest.mark.parametrize("wrong", [True, "7", None, 7.5])
def test_a_value_of_the_wrong_type_is_a_missing_one(tmp_path: Path, wrong: Any) -> None:
    policy = written(tmp_path, RULE.format(when='"record.employee_count >= 0 || true"'))
    assert decide(facts(record={"employee_count": wrong}), policy).code == "policy_error"


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ("record.idustry == 'x'", "did you mean 'record.industry'"),
        ("confidence > 1", "5.0"),
        ("confidence", "must come to yes or no"),
        ("gibberish here", "Syntax error"),
        ("['a'].all(x, x == 'a')", "loops"),
        ("[1].exists(x, [2].exists(y, x == y))", "loops"),
        ("'a' == 'b' && " * 100 + "true", "longer than"),
        ("new.industry > 5", "no matching overload"),
    ],
)
def test_a_condition_that_is_wrong_is_named_with_file_and_line(tmp_path: Path, when: str, says: str) -> None:
    with pytest.raises(DocumentError) as caught:
        written(tmp_path, RULE.format(when='"' + when + '"'))
    assert says in caught.value.problem and caught.value.line == 4 and caught.value.path.name == "p.yaml"


@pytest.mark.parametrize(
    ("text", "says", "line"),
    [
        (RULE.format(when="true").replace("crm.account.update", "crm.acount.update"), "no capability", 3),
        (RULE.format(when="true") + RULE.format(when="true").partition("\n")[2], "stands also at", 7),
        ("bands: {default: {auto_above: 0.3, block_below: 0.5}}\n", "lies above", 1),
        ("bands:\n  crm.nothing: {}\n", "no capability", 2),
        ("limits: {write_set_records: 6}\n", "lies between 1 and 5", 1),
        ("limits: {recipients: 51}\n", "lies between 1 and 50", 1),
        ("rules: []\nrules: []\n", "stands here twice", 2),
        ("rules: [\n", "not valid YAML", 2),
        ("surprise: 1\n", "unknown field 'surprise'", 1),
        (RULE.format(when="true") + "    escaltes: volume\n", "unknown field 'escaltes'; did you mean 'escalates'?", 7),
        (
            "thresholds:\n  large_deal: lots\n",
            "thresholds.large_deal: a number or a list of texts is needed, not 'lots'",
            2,
        ),
        (
            "bands: {default: {auto_above: 1.7}}\n",
            "bands.default.auto_above: 1.7 is out of bounds; it lies between 0 and 1",
            1,
        ),
        ("rules: [{id: ab-c, then: auto, reason: A reason.}]\n", "rules.ab-c.applies_to: this field is missing", 1),
    ],
)
def test_a_policy_file_that_is_wrong_is_named_with_file_and_line(
    tmp_path: Path, text: str, says: str, line: int
) -> None:
    (tmp_path / "p.yaml").write_text(text)
    problems = check_policy(tmp_path, {"crm.account.update": KNOWN["crm.account.update"]})
    found = [p for p in problems if says in p.problem]
    assert len(found) == 1 and found[0].line == line, [str(p) for p in problems]


def test_no_file_can_make_a_message_run_by_itself(tmp_path: Path) -> None:
    text = RULE.format(when="true").replace("crm.account.update", "crm.message.send")
    (tmp_path / "p.yaml").write_text(text)
    problems = check_policy(tmp_path, {"crm.message.send": KNOWN["crm.message.send"]})
    assert any("no rule can make it run by itself" in p.problem for p in problems)


def test_an_uncovered_action_type_is_reported() -> None:
    extra = replace(KNOWN["crm.account.update"], name="crm.account.paint")
    assert any(
        "silent on crm.account.paint" in p.problem
        for p in check_policy(STARTER / "policy", {**KNOWN, extra.name: extra})
    )


def test_a_rule_waits_for_its_day(tmp_path: Path) -> None:
    policy = written(tmp_path, RULE.format(when="true") + "    effective_from: 2026-02-01\n")
    assert decide(facts(), policy).code == "policy_silent"
    assert decide(facts(now=datetime(2026, 2, 1, tzinfo=UTC)), policy).treatment is Treatment.AUTO


def test_the_version_names_the_exact_text(tmp_path: Path) -> None:
    first = written(tmp_path, RULE.format(when="true")).version
    assert written(tmp_path, RULE.format(when="true") + "# more\n").version != first


def test_an_unclassified_capability_counts_as_one_that_cannot_be_undone() -> None:
    bare = Capability("crm.account.update", "?", "crm", "account", Effect.WRITE, {"additionalProperties": False})
    assert decide(facts(bare), POLICY).treatment >= Treatment.PERSON


def test_a_name_inside_a_literal_is_no_mention() -> None:
    conditions = Conditions({"record.phone": "STRING", "confidence": "DOUBLE"})
    assert conditions.compile("'record.phone' == 'x' || confidence > 0.5").needs == {"confidence"}
    with pytest.raises(ConditionError):
        conditions.compile("nothing == 1")


@pytest.mark.parametrize(
    ("missing", "treatment"),
    [("refuse", Treatment.REFUSE), ("holds", Treatment.PERSON), ("skip", Treatment.AUTO)],
)
def test_a_rule_says_what_a_missing_value_comes_to(tmp_path: Path, missing: str, treatment: Treatment) -> None:
    policy = written(
        tmp_path,
        f"""
thresholds: {{small: 10}}
rules:
  - {{id: all, applies_to: [crm.account.update], then: auto, reason: everything goes}}
  - {{id: big, applies_to: [crm.account.update], when: double(record.employee_count) > threshold.small, then: person,
     escalates: other, if_missing: {missing}, reason: large ones are for people}}
""",
    )
    assert decide(facts(), policy).treatment is treatment
    for count, wanted in ((9, Treatment.AUTO), (11, Treatment.PERSON)):
        assert decide(facts(record={"employee_count": count}), policy).treatment is wanted


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("when: record.amount > 5.0, then: person, escalates: deal_size", "escalates without a threshold"),
        ("when: record.amount > threshold.larg, then: person, escalates: deal_size", "did you mean 'threshold.large'"),
        ("when: record.amount > threshold.large, then: auto, escalates: deal_size", "lets the act run by itself"),
        ("when: record.amount > threshold.large, then: auto, if_missing: holds", "cannot be a reason"),
    ],
)
def test_an_escalation_without_its_threshold_is_an_error_with_its_line(tmp_path: Path, rule: str, says: str) -> None:
    (tmp_path / "a.yaml").write_text(f"""thresholds: {{large: 5}}
rules:
  - {{id: one, applies_to: [crm.opportunity.update], reason: for whatever reason, {rule}}}
""")
    problems = check_policy(tmp_path, KNOWN)
    assert any(says in str(each) and each.line == 3 for each in problems), [str(each) for each in problems]
