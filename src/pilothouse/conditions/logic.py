# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportMissingTypeStubs=false
"""Formulas over yes-or-no and numbers, and the search for values that fulfil them: the one place that speaks to z3.

z3 has no types; here it gets them. What must never happen here: "not found" said of a search that gave up.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import cache
from typing import NewType, cast

import z3

Bool = NewType("Bool", object)
Number = NewType("Number", object)
MILLISECONDS = 60_000
"""How long one question may take before it counts as not answered: by the clock, so a busy machine needs room."""


class NotAnswered(Exception):
    """The search gave up. Whatever was asked is not proved."""


_CONTEXT = z3.main_ctx()
TRUE = cast(Bool, z3.BoolVal(True))
FALSE = cast(Bool, z3.BoolVal(False))
_MADE: dict[tuple[object, ...], tuple[object, tuple[object, ...]]] = {}
"""What was made of which parts. The parts are kept as well, so that no other comes to stand at their place in memory."""
MOST_KEPT = 300_000


def _made(make: Callable[..., object], *parts: object) -> object:
    """Return what `make` makes of the parts: of the same parts the same object, made once.

    Scenes and acts differ in little, and z3's own wrappers take longer to make a formula than the search takes to use it.
    """
    key = (make, *map(id, parts))
    known = _MADE.get(key)
    if known is None:
        if len(_MADE) >= MOST_KEPT:
            _MADE.clear()
        known = _MADE[key] = (make(*parts), parts)
    return known[0]


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
    return cast(Number, _made(z3.ToReal, number))


def every(terms: Iterable[Bool]) -> Bool:
    """True when all are; of none, true."""
    given = {id(each): each for each in terms if each is not TRUE}
    if id(FALSE) in given:
        return FALSE
    return _joined(_and, [*given.values()], TRUE)


def some(terms: Iterable[Bool]) -> Bool:
    """True when at least one is; of none, false."""
    given = {id(each): each for each in terms if each is not FALSE}
    if id(TRUE) in given:
        return TRUE
    return _joined(_or, [*given.values()], FALSE)


def _joined(make: Callable[..., object], given: Sequence[Bool], of_none: Bool) -> Bool:
    if len(given) < 2:
        return given[0] if given else of_none
    return cast(Bool, _made(make, *given))


# Straight to the library: z3's own And, Or and the like ask every part for its sort first.


def _and(*parts: z3.BoolRef) -> z3.BoolRef:
    return z3.BoolRef(z3.Z3_mk_and(_CONTEXT.ref(), len(parts), _array(parts)), _CONTEXT)


def _or(*parts: z3.BoolRef) -> z3.BoolRef:
    return z3.BoolRef(z3.Z3_mk_or(_CONTEXT.ref(), len(parts), _array(parts)), _CONTEXT)


def _array(parts: Sequence[z3.BoolRef]) -> ctypes.Array[z3.Ast]:
    return (z3.Ast * len(parts))(*(each.ast for each in parts))


def _not(part: z3.BoolRef) -> z3.BoolRef:
    return z3.BoolRef(z3.Z3_mk_not(_CONTEXT.ref(), part.ast), _CONTEXT)


def _equal(this: z3.ExprRef, that: z3.ExprRef) -> z3.BoolRef:
    return cast(z3.BoolRef, this == that)


def _below(this: z3.ArithRef, that: z3.ArithRef) -> z3.BoolRef:
    return this < that


def _at_most(this: z3.ArithRef, that: z3.ArithRef) -> z3.BoolRef:
    return this <= that


def no(term: Bool) -> Bool:
    """True when the term is not."""
    if term is FALSE or term is TRUE:
        return FALSE if term is TRUE else TRUE
    return cast(Bool, _made(_not, term))


def implies(this: Bool, that: Bool) -> Bool:
    """True unless this holds and that does not."""
    return some([no(this), that])


def same(this: Bool, that: Bool) -> Bool:
    """True when both hold or neither does."""
    return cast(Bool, _made(_equal, this, that))


def choose(condition: Bool, this: Bool, that: Bool) -> Bool:
    """Return this where the condition holds, else that."""
    return some([every([condition, this]), every([no(condition), that])])


def choose_number(condition: Bool, this: Number, that: Number) -> Number:
    """Return this where the condition holds, else that."""
    return cast(Number, _made(z3.If, condition, this, that))


def equal(this: Number, that: Number) -> Bool:
    """True when two numbers are the same."""
    return cast(Bool, _made(_equal, this, that))


def below(this: Number, that: Number) -> Bool:
    """True when this is strictly less than that."""
    return cast(Bool, _made(_below, this, that))


def at_most(this: Number, that: Number) -> Bool:
    """True when this is that or less."""
    return cast(Bool, _made(_at_most, this, that))


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
    """Looks for values under what was laid down. What was asked once is kept, so that the like is answered sooner."""

    def __init__(self, *terms: Bool) -> None:
        self._solver = z3.SimpleSolver()
        self._solver.set("timeout", MILLISECONDS)
        self._names: dict[int, tuple[z3.BoolRef, Bool]] = {}
        self._defined: dict[int, z3.BoolRef] = {}
        self.lay_down(*terms)

    def lay_down(self, *terms: Bool) -> None:
        """Let something hold from now on."""
        self._solver.add(every(terms))

    def find(self, *terms: Bool) -> Found | None:
        """Return values for which the terms hold as well, None when there are none; raises `NotAnswered`."""
        return Found(self._solver.model()) if self.possible(*terms) else None

    def possible(self, *terms: Bool) -> bool:
        """True when there are values for which the terms hold as well; raises `NotAnswered`."""
        if any(each is FALSE for each in terms):
            return False
        # Straight to the library here too: z3's own check looks at every term again.
        asked = _array([self._named(each) for each in terms if each is not TRUE])
        answer = z3.Z3_solver_check_assumptions(_CONTEXT.ref(), self._solver.solver, len(asked), asked)
        if answer not in (z3.Z3_L_TRUE, z3.Z3_L_FALSE):
            raise NotAnswered(self._solver.reason_unknown())
        return bool(answer == z3.Z3_L_TRUE)

    def _named(self, term: Bool) -> z3.BoolRef:
        """Return a literal that is true just where the term is."""
        known = self._names.get(id(term))
        if known is None:
            known = self._names[id(term)] = (self._literal(cast(z3.BoolRef, term)), term)
        return known[0]

    def _literal(self, term: z3.BoolRef) -> z3.BoolRef:
        if z3.is_not(term):
            return _not(self._literal(cast(z3.BoolRef, term.arg(0))))
        if z3.is_const(term):
            return term
        known = self._defined.get(term.get_id())
        if known is None:
            known = self._defined[term.get_id()] = z3.Bool(f"asked {len(self._defined)}")
            self._solver.add(_equal(known, term))
        return known


def written(term: Bool | Number) -> str:
    """Return the whole formula as text: the same text, the same formula."""
    return str(cast(z3.ExprRef, term).sexpr())


def fixed(term: Bool, values: Iterable[tuple[Bool | Number, Bool | Number]]) -> Bool:
    """Return a formula with values put in, as simple as it then becomes: `TRUE` or `FALSE` when nothing is left open."""
    put = z3.substitute(cast(z3.ExprRef, term), *values)
    plain = z3.simplify(put)
    return TRUE if z3.is_true(plain) else FALSE if z3.is_false(plain) else cast(Bool, plain)
