"""Records that a source was asked for: they follow the one they were asked for, unless people said otherwise."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilothouse.data.identity.attaching import standing, with_attached, words_for

NAMES = st.sampled_from("abcde")
ASKED = st.dictionaries(st.sampled_from(["x", "y", "z"]), NAMES)
WORDS = st.sets(st.tuples(st.sampled_from("abcdexyz"), st.sampled_from("abcdexyz")).filter(lambda p: p[0] < p[1]))


def test_a_word_that_it_is_another_stands_above_the_asking() -> None:
    assert standing({"x": "a"}, [], []) == {"x": "a"}
    assert standing({"x": "a"}, [], [("a", "x")]) == {}


def test_so_does_what_follows_from_several_words() -> None:
    assert standing({"x": "a"}, [("a", "b")], [("b", "x")]) == {}
    assert standing({"x": "a", "y": "b"}, [("x", "y")], [("a", "b")]) == {"x": "a"}


def test_a_word_about_it_counts_for_the_one_it_was_asked_for() -> None:
    assert words_for({"x": "a"}, [("b", "x"), ("a", "x")]) == {("b", "a")}


@given(ASKED, WORDS, WORDS)
def test_what_goes_together_is_never_what_somebody_called_different(
    asked: dict[str, str], same: set[tuple[str, str]], different: set[tuple[str, str]]
) -> None:
    home = {name: name for name in "abcdexyz"}

    def root(name: str) -> str:
        while home[name] != name:
            name = home[name]
        return name

    for one, other in same:
        home[root(one)] = root(other)
    different = {
        pair for pair in different if root(pair[0]) != root(pair[1])
    }  # people are not let contradict themselves
    kept = standing(asked, same, different)
    assert kept.items() <= asked.items()
    for name, to in kept.items():
        home[root(name)] = root(to)
    assert all(root(one) != root(other) for one, other in different)


@pytest.mark.parametrize("order", list(permutations([["a"], ["b", "c"]])))
def test_groups_take_along_what_goes_with_a_member(order: tuple[list[str], ...]) -> None:
    found = with_attached([*order], {"x": "a", "y": "c", "z": "gone"}, ["x", "z"])
    assert sorted(map(sorted, found)) == [["a", "x"], ["b", "c", "y"], ["z"]]
