"""One threshold changed in the text: it says what was written and nothing else, and comments and layout stay."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import unified_diff

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.decision.test_decision import KNOWN

from pilothouse.decision.policy import Policy
from pilothouse.decision.publishing.content import Content, gather, spread
from pilothouse.decision.publishing.editing import edited
from pilothouse.decision.publishing.rules import read_rules
from pilothouse.decision.publishing.thresholds import threshold_of, thresholds_of
from pilothouse.decision.settings import changed, settings_of
from pilothouse.vocabulary.errors import InvalidInput, NotFound
from pilothouse.workspace.config import STARTER

PATH = "policy/escalations.yaml"
SHIPPED = gather(STARTER)


def read(content: Content) -> Policy:
    with spread(content) as root:
        return read_rules(root, KNOWN, "x").policy


POLICY = read(SHIPPED)


def lines_changed(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    found: list[str] = []
    for path in sorted(old.keys() | new.keys()):
        both = (old.get(path, "").splitlines(), new.get(path, "").splitlines())
        found += [line for line in unified_diff(*both, lineterm="", n=0) if not line.startswith(("+++", "---", "@@"))]
    return found


def test_the_line_changes_and_its_comment_stays_where_it_is() -> None:
    old, new = lines_changed(SHIPPED, edited(SHIPPED, POLICY, "large_deal", "50000", read))
    assert old[1:] == old[1:].replace("50000", "") and new[1:].startswith("  large_deal: 50000 ")
    assert old.index("#") == new.index("#") and old.split("#")[1] == new.split("#")[1]


BOUNDS = {"auto_above": (0.6, 1.0), "block_below": (0.0, 0.6), "write_set_minutes": (10, 1440), "write_set_records": (1, 5),
          "recipients": (1, 50), "above_records": (0, 5), "discount_authority": (0, 100)}  # fmt: skip


@st.composite
def changes(draw: st.DrawFn) -> tuple[str, str]:
    name = draw(st.sampled_from(sorted(settings_of(POLICY))))
    if isinstance(settings_of(POLICY)[name], tuple):
        words = st.text(st.characters(exclude_characters=",", exclude_categories=["C", "Z"]), min_size=1, max_size=12)
        return name, ", ".join(draw(st.lists(words | st.sampled_from(["no", "a: b", "12", "# x", "'"]), unique=True)))
    low, high = BOUNDS.get(name.rpartition(".")[2], (0, 1e12))
    parts = name.startswith(("thresholds", "bands", "discount"))
    return name, str(draw(st.floats(low, high) if parts else st.integers(int(low), int(high))))


@settings(max_examples=40, deadline=None)
@given(change=changes())
def test_what_is_written_is_what_was_meant_and_nothing_else(change: tuple[str, str]) -> None:
    name, written = change
    wanted = settings_of(changed(POLICY, name, written))
    if wanted == settings_of(POLICY):
        with pytest.raises(InvalidInput, match="already"):
            edited(SHIPPED, POLICY, name, written, read)
        return
    new = edited(SHIPPED, POLICY, name, written, read)
    assert settings_of(read(new)) == wanted
    lines = lines_changed(SHIPPED, new)
    if name.startswith("notify"):  # no file sets it: two lines of a new file
        assert set(new) - set(SHIPPED) == {"policy/settings.yaml"} and len(lines) == 2
    else:
        assert len(lines) == 2 and set(new) == set(SHIPPED)
    back = edited(new, read(new), name, _written(settings_of(POLICY)[name]), read)
    assert settings_of(read(back)) == settings_of(POLICY)


def _written(value: float | tuple[str, ...]) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)


LISTED = """thresholds:
  large_deal: 1
  strategic_revenue: 2
  strategic_accounts:
    - a1   # the first
    - a2
    # between
    - a3   # the last
  regulated_industries: []
  most_executives: 0
  reviewed_deal: 3
"""


def test_a_list_with_a_line_for_each_item_loses_and_gains_lines() -> None:
    text = LISTED + SHIPPED[PATH][SHIPPED[PATH].index("\nrules:") :]
    content = {**SHIPPED, PATH: text}
    policy = read(content)
    new = edited(content, policy, "strategic_accounts", "a1, a3, a9", read)
    assert lines_changed(content, new) == ["-    - a2", "+    - a9"]
    none = edited(content, policy, "strategic_accounts", "", read)
    assert read(none).thresholds["strategic_accounts"] == ()
    other = edited(content, policy, "strategic_accounts", "b1", read)
    assert read(other).thresholds["strategic_accounts"] == ("b1",)


def test_a_number_that_no_file_sets_is_added_to_its_section() -> None:
    path = "policy/crm.yaml"
    content = {**SHIPPED, path: SHIPPED[path].replace("  write_set_minutes: 10\n", "")}
    policy = read(content)
    assert lines_changed(content, edited(content, policy, "limits.write_set_minutes", "30", read)) == [
        "+  write_set_minutes: 30"
    ]
    flow = {**SHIPPED, path: SHIPPED[path].replace("{auto_above: 0.85, block_below: 0.50}", "{auto_above: 0.85}")}
    new = edited(flow, read(flow), "bands.default.block_below", "0.4", read)
    assert lines_changed(flow, new)[1] == "+  default: {block_below: 0.4, auto_above: 0.85}"


def test_what_two_thresholds_share_is_not_changed_by_itself() -> None:
    text = LISTED.replace("large_deal: 1", "large_deal: &n 1").replace("strategic_revenue: 2", "strategic_revenue: *n")
    content = {**SHIPPED, PATH: text + SHIPPED[PATH][SHIPPED[PATH].index("\nrules:") :]}
    for name in ("large_deal", "strategic_revenue"):
        with pytest.raises(InvalidInput):
            edited(content, read(content), name, "7", read)


def test_what_cannot_be() -> None:
    for name, value in (("large_deal", "many"), ("bands.default.auto_above", "2"), ("limits.recipients", "51")):
        with pytest.raises(InvalidInput):
            edited(SHIPPED, POLICY, name, value, read)
    with pytest.raises(NotFound, match="large_deal'"):
        edited(SHIPPED, POLICY, "large_deals", "1", read)


def test_thresholds_say_what_they_are_and_who_uses_them() -> None:
    large = threshold_of(SHIPPED, POLICY, "large_deal")
    line = SHIPPED[PATH].splitlines()[int(large.where.partition(":")[2]) - 1]
    assert line.strip().startswith("large_deal: 100000") and large.meaning in line
    [use] = large.uses
    assert (use.rule, use.escalates, use.then) == ("large-deals", "deal_size", "person")
    rule = SHIPPED[PATH].splitlines()[int(use.where.partition(":")[2]) - 1]
    assert rule.strip() == "- id: large-deals"
    every = thresholds_of(SHIPPED, POLICY)
    assert [each.name for each in every] == list(settings_of(POLICY)) and all(each.meaning for each in every)
