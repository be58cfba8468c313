"""A search answers the same whatever it was asked before, and formulas made twice are one."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pilothouse.conditions.logic import (
    FALSE,
    TRUE,
    Bool,
    Search,
    a_bool,
    a_real,
    an_int,
    at_most,
    below,
    choose,
    equal,
    every,
    no,
    real,
    same,
    some,
    whole,
)

ATOMS: list[Bool] = [
    TRUE, FALSE, a_bool("p"), a_bool("q"), below(an_int("n"), whole(3)), at_most(whole(3), an_int("n")),
    equal(an_int("n"), whole(5)), below(a_real("x"), real(0.5)), equal(a_real("x"), real(0.5)),
]  # fmt: skip
formulas: st.SearchStrategy[Bool] = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(every),
        st.lists(inner, max_size=3).map(some),
        inner.map(no),
        st.tuples(inner, inner).map(lambda pair: same(*pair)),
        st.tuples(inner, inner, inner).map(lambda three: choose(*three)),
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(formulas, max_size=2), st.lists(st.lists(formulas, max_size=3), min_size=2, max_size=6))
def test_what_was_asked_before_changes_no_answer(given_terms: list[Bool], questions: list[list[Bool]]) -> None:
    search = Search(*given_terms)
    for terms in questions:
        found, alone = search.find(*terms), Search(*given_terms, *terms).find()
        assert (found is None) == (alone is None)
        assert search.possible(*terms) == (alone is not None)
        assert found is None or all(found.true(each) for each in (*given_terms, *terms))


def test_a_formula_made_twice_is_one() -> None:
    p, q, n = a_bool("p"), a_bool("q"), an_int("n")
    assert every([p, no(q), below(n, whole(3))]) is every([p, no(q), below(n, whole(3))])
    assert some([p, q]) is not every([p, q]) and below(n, whole(3)) is not at_most(n, whole(3))
    assert every([p, p]) is p and some([]) is FALSE and every([]) is TRUE
