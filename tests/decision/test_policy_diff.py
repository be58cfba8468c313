"""What changed between two policies is said in words; one number is changed only as far as a file could."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.decision.test_decision import CLOSED, KNOWN, POLICY

from pilothouse.decision.policy import Policy, load_policy
from pilothouse.decision.replaying.differences import differences
from pilothouse.decision.settings import changed, settings_of
from pilothouse.vocabulary.errors import InvalidInput, NotFound
from pilothouse.workspace.config import STARTER


def edited(tmp_path: Path, *pairs: tuple[str, str], name: str = "crm.yaml", more: str = "") -> Policy:
    folder = tmp_path / "policy"
    shutil.copytree(STARTER / "policy", folder)
    text = (folder / name).read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    (folder / name).write_text(text + more)
    return load_policy(folder, KNOWN, CLOSED)


def sentences(old: Policy, new: Policy) -> list[tuple[str, str, str]]:
    return [(each.what, each.sentence, each.direction) for each in differences(old, new)]


def test_the_same_text_has_no_differences_wherever_it_stands(tmp_path: Path) -> None:
    assert differences(POLICY, edited(tmp_path)) == []


def test_moved_lines_and_comments_are_no_difference(tmp_path: Path) -> None:
    assert differences(POLICY, edited(tmp_path, ("rules:\n", "# a word\n\nrules:\n"))) == []


def test_rules_that_came_went_and_changed(tmp_path: Path) -> None:
    old = "  - id: flag-records\n    applies_to: [crm.record.flag]\n    then: auto\n"
    new = "  - id: flag-records\n    applies_to: [crm.record.flag]\n    when: confidence > 0.9\n    then: review\n"
    policy = edited(
        tmp_path,
        (old, new),
        ("  - id: deal-values\n", "  - id: values-of-deals\n"),
        ("applies_to: [crm.account.reassign]", "applies_to: [crm.account.reassign, crm.contact.reassign]"),
        ("  - id: enrolments\n    applies_to: [crm.contact.enrol]\n    then: review\n", "  - id: nobody\n    applies_to: [crm.contact.enrol]\n    then: refuse\n"),
    )  # fmt: skip
    told = sentences(POLICY, policy)
    assert ("changed", "Rule flag-records comes to review instead of auto.", "stricter") in told
    assert ("changed", "Rule flag-records holds when `confidence > 0.9`; it held when `true`.", "") in told
    assert ("renamed", "Rule deal-values is called values-of-deals now and says the same.", "") in told
    assert ("changed", "Rule reassign-accounts also applies to crm.contact.reassign.", "") in told
    assert any(what == "removed" and "Rule enrolments is gone" in said for what, said, _ in told)
    assert any(what == "added" and "Rule nobody is new: crm.contact.enrol → refuse" in said for what, said, _ in told)
    assert len(told) == 6


def test_numbers_and_lists(tmp_path: Path) -> None:
    policy = edited(
        tmp_path,
        ("auto_above: 0.85", "auto_above: 0.9"),
        ("recipients: 50 ", "recipients: 20 "),
        ("discount_authority: 10 ", "discount_authority: 15 "),
        more="\nhuman_only: [crm.record.flag]\n",
    )
    assert [(each.name, each.direction) for each in differences(POLICY, policy)] == [
        ("bands.default.auto_above", "stricter"), ("discount_authority", "looser"), ("limits.recipients", "stricter"),
        ("human_only", "stricter"),
    ]  # fmt: skip
    lists = edited(
        tmp_path / "b",
        ("[banking, ", "[mining, "),
        ("large_deal: 100000 ", "large_deal: 50000 "),
        name="escalations.yaml",
    )
    assert [each.sentence for each in differences(POLICY, lists)] == [
        "thresholds.large_deal is 50,000 instead of 100,000.",
        "thresholds.regulated_industries also names mining and no longer names banking.",
    ]


def test_one_number_changed_is_one_difference() -> None:
    for name, now in settings_of(POLICY).items():
        words = (
            "elsewhere"
            if isinstance(now, tuple)
            else {"limits.write_set_minutes": "20", "bands.default.block_below": "0.3"}.get(name, "1")
        )
        new = changed(POLICY, name, words)
        assert [each.name for each in differences(POLICY, new)] == (
            [] if settings_of(new) == settings_of(POLICY) else [name]
        )
    assert POLICY.thresholds == load_policy(STARTER / "policy", KNOWN, CLOSED).thresholds


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("limits.recipients", "51"), ("limits.write_set_minutes", "5"), ("bands.default.auto_above", "1.5"),
        ("bands.default.auto_above", "0.2"), ("thresholds.large_deal", "many"), ("thresholds.large_deal", "nan"),
        ("discount_authority", "101"), ("notify.above_records", "6"), ("limits.recipients", "2.5"),
    ],
)  # fmt: skip
def test_what_no_file_may_hold_is_not_tried(name: str, written: str) -> None:
    with pytest.raises(InvalidInput):
        changed(POLICY, name, written)


def test_a_setting_that_is_not_there() -> None:
    with pytest.raises(NotFound, match="large_deals"):
        changed(POLICY, "thresholds.large_deals", "5")
