"""What a policy says in vain is found, and nothing is called useless that is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilothouse.connectors.twin.capabilities import CAPABILITIES
from pilothouse.decision.cases import Case, Wanted, facts_of
from pilothouse.decision.engine import decide
from pilothouse.decision.policy import check_policy, load_policy
from pilothouse.vocabulary.documents import DocumentError

UPDATE = "crm.account.update"
KNOWN = {each.name: each for each in CAPABILITIES if each.name == UPDATE}


def rule(ident: str, when: str, then: str, more: str = "") -> str:
    return (
        f'  - {{id: {ident}, applies_to: [{UPDATE}], when: "{when}", then: {then}, reason: Because it is so.{more}}}\n'
    )


def problems(folder: Path, *rules: str, head: str = "") -> list[DocumentError]:
    (folder / "a.yaml").write_text(head + "rules:\n" + "".join(rules))
    return check_policy(folder, KNOWN)


@pytest.mark.parametrize(
    "when",
    [
        "false",
        "confidence > 0.9 && confidence < 0.5",
        "change.fills_empty && !change.fills_empty",
        "person.role == 'rep' && person.role == 'admin'",
        "records > 5 && records < 6",
        "'name' in change.fields && !('name' in change.fields)",
        "person.role in ['rep', 'admin'] && person.role == 'auditor'",
        "record.annual_revenue > threshold.big && record.annual_revenue < 5.0",
    ],
)
def test_a_condition_that_contradicts_itself_is_named(tmp_path: Path, when: str) -> None:
    head = "thresholds: {big: 10}\n"
    used = rule("used", "record.annual_revenue > threshold.big", "review")
    [found] = problems(tmp_path, used, rule("odd", when, "refuse"), head=head)
    assert found.line == 4 and "rule odd can never hold" in found.problem and found.hint


@pytest.mark.parametrize(
    "when",
    [
        "confidence > 0.5 && confidence < 0.51",
        "records > 5 && records < 7",
        "confidence + 1.0 > 5.0",
        "agent.name < 'a'",
    ],
)
def test_what_can_hold_or_is_not_understood_is_let_be(tmp_path: Path, when: str) -> None:
    assert not problems(tmp_path, rule("mine", when, "refuse"))


def test_a_rule_under_a_stricter_one_never_decides(tmp_path: Path) -> None:
    [found] = problems(
        tmp_path, rule("wide", "confidence > 0.5", "refuse"), rule("narrow", "confidence > 0.7", "review")
    )
    assert "rule narrow never decides anything: wide" in found.problem


def test_a_rule_that_speaks_first_of_a_missing_value_decides(tmp_path: Path) -> None:
    refuses = rule("size", "record.employee_count > 5", "review")
    assert not problems(tmp_path, rule("always", "true", "review"), refuses)
    [found] = problems(tmp_path, rule("always", "true", "review"), refuses.replace("}", ", if_missing: skip}"))
    assert "size" in found.problem


def test_a_rule_for_one_side_does_not_cover_both(tmp_path: Path) -> None:
    assert not problems(
        tmp_path, rule("agents", "true", "review", ", by: agent"), rule("all", "confidence > 0.1", "review")
    )


def test_a_rule_that_begins_later_covers_nothing_before(tmp_path: Path) -> None:
    later = rule("later", "true", "review", ", effective_from: 2027-01-01")
    assert not problems(tmp_path, later, rule("now", "confidence > 0.1", "review"))


def test_duplicates_and_thresholds_nobody_mentions_are_named(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        rule("one", "confidence > 0.1", "review"),
        rule("two", "confidence  > 0.1", "review"),
        head="thresholds: {idle: 3}\n",
    )
    assert [(each.line, each.problem.split(" (")[0]) for each in found] == [
        (1, "no rule mentions the threshold 'idle', and no clause of business policy"),
        (4, "rule two says the same as one"),
    ]


def test_a_grant_that_no_rule_speaks_of_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rules:\n" + rule("people", "true", "review", ", by: person"))
    [found] = check_policy(tmp_path, KNOWN, {"hygiene@1": [UPDATE]})
    assert "hygiene@1 is granted crm.account.update" in found.problem


NUMBERS = st.sampled_from(["0.2", "0.4", "0.6"])
ATOMS = st.one_of(
    st.builds("confidence {} {}".format, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), NUMBERS),
    st.sampled_from(
        ["change.fills_empty", "!change.fills_empty", "'industry' in change.fields", "record.employee_count > 5"]
    ),
)
WHENS = st.one_of(ATOMS, st.builds("({}) && ({})".format, ATOMS, ATOMS), st.builds("({}) || ({})".format, ATOMS, ATOMS))
RULES = st.lists(
    st.tuples(WHENS, st.sampled_from(["auto", "review", "person", "refuse"]), st.sampled_from(["refuse", "skip"])),
    min_size=2,
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(rules=RULES, data=st.data())
def test_taking_out_what_is_called_useless_changes_no_verdict(
    tmp_path_factory: pytest.TempPathFactory, rules: list[tuple[str, str, str]], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("rules")
    written = [rule(f"r{n}", when, then, f", if_missing: {missing}") for n, (when, then, missing) in enumerate(rules)]
    named = {each.line - 2 for each in problems(folder, *written) if each.line >= 2}
    whole = load_policy(folder, KNOWN)
    kept = [each for number, each in enumerate(written) if number not in named]
    if not kept:
        return
    (folder / "a.yaml").write_text("rules:\n" + "".join(kept))
    less = load_policy(folder, KNOWN)
    for _ in range(20):
        case = Case(
            title="any",
            action=UPDATE,
            confidence=data.draw(st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.9])),
            record=data.draw(st.sampled_from([{}, {"employee_count": 5}, {"employee_count": 6}])),
            changes=data.draw(
                st.sampled_from(
                    [({"field": "industry", "after": "x"},), ({"field": "name", "before": "a", "after": "b"},)]
                )
            ),
            want=Wanted(treatment="auto"),
        )
        facts = facts_of(case, KNOWN[UPDATE])
        assert decide(facts, less).treatment == decide(facts, whole).treatment
