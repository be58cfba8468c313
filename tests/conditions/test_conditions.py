"""What a condition mentions is never hidden by how it is written; what it cannot tell is an error, never a yes."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilothouse.conditions.checked_tree import UnknownNode, mentioned
from pilothouse.conditions.conditions import MOST_CHARACTERS, ConditionError, Conditions

VARIABLES = {
    "record.phone": "STRING",
    "known.record.phone": "BOOL",
    "agent": "STRING",
    "agent.name": "STRING",
    "names": "LIST_STRING",
    "confidence": "DOUBLE",
    "count": "INT",
    "now": "TIMESTAMP",
}
CONDITIONS = Conditions(VARIABLES)
SURE = {"confidence": 0.9, "names": ["a"], "agent": "a@1", "agent.name": "a"}

HIDDEN = [
    "// it's\nrecord.phone == '1' || confidence > 0.5",
    "// say \"\nrecord.phone == '1' || confidence > 0.5",
    "'''a'b''' == record.phone || confidence > 0.5 || 'z' == 'y'",
    '"""a"b""" == record.phone || confidence > 0.5 || "z" == "y"',
    r"r'\d' == record.phone || confidence > 0.5 || 'a' == '\''",
    "confidence > 0.5 || record\n.\nphone == '1'",
    "confidence > 0.5 || record // '\n . phone == '1'",
    "confidence > 0.5 || .record.phone == '1'",
    "confidence > 0.5 || [record.phone][0] == '1'",
    "confidence > 0.5 || record.phone.startsWith(agent)",
    "confidence > 0.5 || agent.startsWith(record.phone)",
    "confidence > 0.5 || size(record.phone + agent) > 3",
    "(confidence > 0.5 ? 'x' : record.phone) == 'x'",
]


@pytest.mark.parametrize("source", HIDDEN)
def test_no_way_of_writing_hides_a_missing_field(source: str) -> None:
    condition = CONDITIONS.compile(source)
    assert "record.phone" in condition.needs
    with pytest.raises(ConditionError, match=r"record\.phone has no value here"):
        condition.holds(SURE, CONDITIONS.activation(SURE))


@pytest.mark.parametrize(
    "source",
    [
        "names.all(a, a != 'q')",
        "names. // x\nall(a, a != 'q')",
        "names.exists(a, names.exists(b, a == b))",
        "names.exists_one(a, a == 'a')",
        "names.map(a, a + 'x') == ['ax']",
        "names.filter(a, a == 'a').size() == 1",
    ],
)
def test_loops_are_refused_however_they_are_written(source: str) -> None:
    with pytest.raises(ConditionError, match="loops"):
        CONDITIONS.compile(source)


@pytest.mark.parametrize("source", ["{'a': record.phone}.a == '1'", "has({'a': 1}.a)", "type(count) == int"])
def test_what_needs_no_place_in_a_condition_is_refused(source: str) -> None:
    with pytest.raises(ConditionError):
        CONDITIONS.compile(source)


def test_the_longer_name_is_the_one_that_is_meant() -> None:
    assert CONDITIONS.compile("agent.name == 'a'").needs == {"agent.name"}
    assert CONDITIONS.compile("agent == 'a@1'").needs == {"agent"}
    assert CONDITIONS.compile("known.record.phone").needs == {"known.record.phone"}


def test_every_problem_is_named_with_its_row() -> None:
    with pytest.raises(ConditionError) as caught:
        CONDITIONS.compile("record.fone == 'x'\n|| confidence > 1\n|| nothing")
    rows = [row for row, _ in caught.value.problems]
    texts = [text for _, text in caught.value.problems]
    assert rows == [1, 2, 3]
    assert "did you mean 'record.phone'?" in texts[0] and "5.0" in texts[1] and "'nothing'" in texts[2]


@pytest.mark.parametrize(
    ("source", "values"),
    [
        ("count > 3", {"count": 2**70}),
        ("record.phone == 'x'", {"record.phone": "\ud800"}),
        ("count / 0 == 1", {"count": 1}),
        ("names[5] == 'x'", {"names": ["a"]}),
        ("record.phone.matches(agent)", {"record.phone": "x", "agent": "("}),
        ("timestamp(agent) < now", {"agent": "no time", "now": datetime(2026, 1, 1, tzinfo=UTC)}),
    ],
)
def test_an_evaluation_that_fails_is_an_error_and_no_crash(source: str, values: dict[str, Any]) -> None:
    condition = CONDITIONS.compile(source)
    with pytest.raises(ConditionError):
        condition.holds(values, CONDITIONS.activation(values))


def test_times_are_compared_as_times() -> None:
    values = {"now": datetime(2026, 2, 1, tzinfo=UTC)}
    condition = CONDITIONS.compile("now > timestamp('2026-01-31T23:59:59Z')")
    assert condition.holds(values, CONDITIONS.activation(values))


@pytest.mark.parametrize("source", ["!" * 900 + "known.record.phone", "(" * 450 + "true" + ")" * 450])
def test_deep_nesting_is_an_error_and_no_crash(source: str) -> None:
    assert len(source) <= MOST_CHARACTERS
    with contextlib.suppress(ConditionError):
        assert CONDITIONS.compile(source).needs <= VARIABLES.keys()


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_tree_that_is_cut_or_changed_is_never_read_in_silence(data: st.DataObject) -> None:
    whole = CONDITIONS.compile("record.phone == '1' || confidence > 0.5").program.serialize()
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with contextlib.suppress(UnknownNode, UnicodeDecodeError):
        assert {"record.phone", "confidence"} <= mentioned(cut)


SOURCES = (
    "confidence > 0.5", "confidence > 0.5 // it's", "count / (count - 1) == 2", "names[1] == 'b'", "record.phone == '1'",
    "agent == 'a@1' || agent == 'b@1'", "true", "!known.record.phone", "timestamp(agent) < now",
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    sources=st.lists(st.sampled_from(SOURCES), min_size=1, max_size=8),
    values=st.fixed_dictionaries(
        {"confidence": st.sampled_from([0.2, 0.9]), "agent": st.sampled_from(["a@1", "2026-01-01T00:00:00Z"])},
        optional={
            "count": st.sampled_from([1, 2, 2**70]),
            "names": st.sampled_from([["a"], ["a", "b"]]),
            "record.phone": st.sampled_from(["1", "2", "\ud800"]),
            "known.record.phone": st.booleans(),
            "now": st.just(datetime(2026, 2, 1, tzinfo=UTC)),
        },
    ),
)
def test_asked_together_conditions_answer_as_they_do_alone_or_not_at_all(
    sources: list[str], values: dict[str, Any]
) -> None:
    conditions = [CONDITIONS.compile(source) for source in sources]
    activation = CONDITIONS.activation(values)
    alone: list[bool | None] = []
    for condition in conditions:
        try:
            alone.append(condition.holds(values, activation))
        except ConditionError:
            alone.append(None)
    together = CONDITIONS.together(conditions).answers(values, activation)
    assert (together is None) == (None in alone)
    assert together is None or list(together) == alone


def test_conditions_too_many_for_one_expression_are_still_asked_singly() -> None:
    many = [CONDITIONS.compile("confidence > 0.5 || " + " || ".join(["agent == 'a@1'"] * 50))] * 300
    assert CONDITIONS.together(many).answers(SURE, CONDITIONS.activation(SURE)) in (None, [True] * 300)
