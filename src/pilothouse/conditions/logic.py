# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportMissingTypeStubs=false
"""Formulas over yes-or-no and numbers, and the search for values that fulfil them: the one place that speaks to z3.

z3 has no types; here it gets them. What must never happen here: "not found" said of a search that gave up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import cache
from typing import NewType, cast

import z3

Bool = NewType("Bool", object)
Number = NewType("Number", object)
MILLISECONDS = 20_000
"""How long one question may take before it counts as not answered."""


class NotAnswered(Exception):
    """The search gave up. Whatever was asked is not proved."""


_CONTEXT = z3.main_ctx()
TRUE = cast(Bool, z3.BoolVal(True))
FALSE = cast(Bool, z3.BoolVal(False))


def truth(value: bool) -> Bool:
    """Return a constant."""
    return TRUE if value else FALSE


@cache
def a_bool(name: str) -> Bool:
    """Return a variable that is true or false."""
    return cast(Bool, z3.Bool(name))


@cache
def an_int(name: str) -> Number:
    """Return a variable over the whole numbers."""
    return cast(Number, z3.Int(name))


@cache
def a_real(name: str) -> Number:
    """Return a variable over the real numbers."""
    return cast(Number, z3.Real(name))


@cache
def whole(value: int) -> Number:
    """Return a whole number."""
    return cast(Number, z3.IntVal(value))


@cache
def real(value: float | Fraction) -> Number:
    """Return exactly this number; it must be finite."""
    exact = Fraction(value)
    return cast(Number, z3.RealVal(f"{exact.numerator}/{exact.denominator}"))


def as_real(number: Number) -> Number:
    """Return a whole number as a real one."""
    return cast(Number, z3.ToReal(number))


def every(terms: Iterable[Bool]) -> Bool:
    """True when all are; of none, true."""
    given = [each for each in terms if each is not TRUE]
    if any(each is FALSE for each in given):
        return FALSE
    return given[0] if len(given) == 1 else _joined(z3.Z3_mk_and, given) if given else TRUE


def some(terms: Iterable[Bool]) -> Bool:
    """True when at least one is; of none, false."""
    given = [each for each in terms if each is not FALSE]
    if any(each is TRUE for each in given):
        return TRUE
    return given[0] if len(given) == 1 else _joined(z3.Z3_mk_or, given) if given else FALSE


def _joined(make: Callable[..., object], given: Sequence[Bool]) -> Bool:
    # Straight to the library: z3's own And and Or ask every part for its sort, which takes most of a proof's time.
    parts = (z3.Ast * len(given))(*(cast(z3.BoolRef, each).ast for each in given))
    return cast(Bool, z3.BoolRef(make(_CONTEXT.ref(), len(given), parts), _CONTEXT))


def no(term: Bool) -> Bool:
    """True when the term is not."""
    if term is FALSE or term is TRUE:
        return FALSE if term is TRUE else TRUE
    return cast(Bool, z3.BoolRef(z3.Z3_mk_not(_CONTEXT.ref(), cast(z3.BoolRef, term).ast), _CONTEXT))


def implies(this: Bool, that: Bool) -> Bool:
    """True unless this holds and that does not."""
    return some([no(this), that])


def same(this: Bool, that: Bool) -> Bool:
    """True when both hold or neither does."""
    return cast(Bool, this == that)


def choose(condition: Bool, this: Bool, that: Bool) -> Bool:
    """Return this where the condition holds, else that."""
    return some([every([condition, this]), every([no(condition), that])])


def choose_number(condition: Bool, this: Number, that: Number) -> Number:
    """Return this where the condition holds, else that."""
    return cast(Number, z3.If(condition, this, that))


def equal(this: Number, that: Number) -> Bool:
    """True when two numbers are the same."""
    return cast(Bool, this == that)


def below(this: Number, that: Number) -> Bool:
    """True when this is strictly less than that."""
    return cast(Bool, cast(z3.ArithRef, this) < cast(z3.ArithRef, that))


def at_most(this: Number, that: Number) -> Bool:
    """True when this is that or less."""
    return cast(Bool, cast(z3.ArithRef, this) <= cast(z3.ArithRef, that))


def largest(this: Number, that: Number) -> Number:
    """Return the larger of two."""
    return choose_number(below(this, that), that, this)


class Found:
    """Values that fulfil what was searched for."""

    def __init__(self, model: z3.ModelRef) -> None:
        self._model = model

    def true(self, term: Bool) -> bool:
        """Return what a formula comes to; what does not matter is false."""
        return z3.is_true(self._model.eval(cast(z3.ExprRef, term), model_completion=True))

    def number(self, term: Number) -> Fraction:
        """Return what a number comes to; what does not matter is 0."""
        value = self._model.eval(cast(z3.ExprRef, term), model_completion=True)
        return Fraction(
            cast(z3.RatNumRef, value).as_fraction() if z3.is_real(value) else cast(z3.IntNumRef, value).as_long()
        )


class Search:
    """Looks for values under what was laid down."""

    def __init__(self, *terms: Bool) -> None:
        self._solver = z3.Solver()
        self._solver.set("timeout", MILLISECONDS)
        self.lay_down(*terms)

    def lay_down(self, *terms: Bool) -> None:
        """Let something hold from now on."""
        self._solver.add(*terms)

    def find(self, *terms: Bool) -> Found | None:
        """Return values for which the terms hold as well, None when there are none; raises `NotAnswered`."""
        self._solver.push()
        self._solver.add(*terms)
        answer = self._solver.check()
        found = Found(self._solver.model()) if answer == z3.sat else None
        why = self._solver.reason_unknown() if answer == z3.unknown else ""
        self._solver.pop()
        if why:
            raise NotAnswered(why)
        return found


def written(term: Bool | Number) -> str:
    """Return the whole formula as text: the same text, the same formula."""
    return str(cast(z3.ExprRef, term).sexpr())


def fixed(term: Bool, values: Iterable[tuple[Bool | Number, Bool | Number]]) -> Bool:
    """Return a formula with values put in, as simple as it then becomes: `TRUE` or `FALSE` when nothing is left open."""
    put = z3.substitute(cast(z3.ExprRef, term), *values)
    plain = z3.simplify(put)
    return TRUE if z3.is_true(plain) else FALSE if z3.is_false(plain) else cast(Bool, plain)
