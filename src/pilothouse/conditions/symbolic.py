"""A condition as a formula: for which values it holds, and for which it comes to an error.

Comparisons, `in`, `&&`, `||`, `!`, `?:`, `startsWith` and `double` are taken exactly, errors among them. Everything else
(arithmetic, sizes, patterns, times, conversions) is *open*: it may come to anything, an error too, but to the same
for the same values. What must never happen here: an operation taken for more exact than it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal as OneOf
from typing import TypeAlias

from pilothouse.conditions.expression import Call, Expression, ListOf, Literal, Name, Other, walk
from pilothouse.conditions.logic import (
    FALSE,
    TRUE,
    Bool,
    Number,
    a_bool,
    as_real,
    at_most,
    below,
    choose,
    choose_number,
    equal,
    every,
    no,
    real,
    same,
    some,
    truth,
    whole,
    written,
)
from pilothouse.conditions.words import Words, after

EXACT_DOUBLE = 2**53
"""Up to here every whole number is a double (IEEE 754, binary64)."""


@dataclass(frozen=True, slots=True)
class Flag:
    """Yes or no."""

    term: Bool


@dataclass(frozen=True, slots=True)
class Amount:
    """A number or the point of a text."""

    kind: OneOf["INT", "DOUBLE", "STRING"]
    term: Number
    literal: str | None = None
    odd: Bool = FALSE
    """Where this holds it is no number at all (NaN), and every comparison is open."""


@dataclass(frozen=True, slots=True)
class Texts:
    """A list, known by what is in it; None when that cannot be told. The name stands for the list's content."""

    name: str
    holds: Callable[[Amount], Bool | None]


@dataclass(frozen=True, slots=True)
class Open:
    """What may be anything."""


Value: TypeAlias = Flag | Amount | Texts | Open
OPEN = Open()
COMPARISONS = {"_<_", "_<=_", "_>_", "_>=_", "_==_", "_!=_"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A value, and where there is an error instead."""

    value: Value
    error: Bool = FALSE


class Formula:
    """One condition over given values. `open` gathers what was taken as open, in words."""

    def __init__(self, words: Words, values: Mapping[str, Value]) -> None:
        self._words, self._values = words, values
        self.open: set[str] = set()

    def of(self, node: Expression) -> tuple[Bool, Bool]:
        """Return where the condition holds and where it is in error; never both."""
        answer = self._answer(node)
        holds = answer.value.term if isinstance(answer.value, Flag) else self._anything(node)
        return every([holds, no(answer.error)]), answer.error

    def _answer(self, node: Expression) -> Answer:
        match node:
            case Name():
                return Answer(self._values.get(node.name, OPEN))
            case Literal():
                return Answer(self._literal(node.value))
            case ListOf():
                return self._list(node)
            case Other():
                return self._opened(node)
            case Call():
                return self._call(node)

    def _literal(self, value: bool | int | float | str) -> Value:
        if isinstance(value, bool):
            return Flag(truth(value))
        if isinstance(value, int):
            return Amount("INT", whole(value))
        if isinstance(value, float):
            return Amount("DOUBLE", real(value))
        return Amount("STRING", real(self._words.place(value)), value)

    def _list(self, node: ListOf) -> Answer:
        answers = [self._answer(each) for each in node.elements]
        members = [each.value for each in answers if isinstance(each.value, Amount) and each.value.odd is FALSE]
        if len(members) < len(answers) or len({each.kind for each in members}) > 1:
            return self._opened(node)
        return Answer(listed(repr(node), members), some(each.error for each in answers))

    def _call(self, node: Call) -> Answer:
        given = [self._answer(each) for each in node.arguments]
        match node.function, len(given):
            case "_&&_", 2:
                return _both(*self._flags(node, given))
            case "_||_", 2:
                return _negated(_both(*(_negated(each) for each in self._flags(node, given))))
            case "!_", 1:
                return _negated(self._flags(node, given)[0])
            case "_?_:_", 3:
                chosen = _chosen(*self._flags(node, given[:1]), *given[1:])
                return chosen if chosen is not None else self._opened(node)
            case _:
                exact = self._exact(node, [each.value for each in given])
                if exact is None:
                    return self._opened(node)
                return Answer(exact, some(each.error for each in given))

    def _flags(self, node: Call, given: list[Answer]) -> list[Answer]:
        """Return the answers with a variable for each that is open: what stands here is a yes or a no."""
        return [
            each if isinstance(each.value, Flag) else Answer(Flag(self._anything(inner)), each.error)
            for each, inner in zip(given, node.arguments, strict=False)
        ]

    def _exact(self, node: Call, given: list[Value]) -> Value | None:
        match node.function, given:
            case function, [Amount() as this, Amount() as that] if function in COMPARISONS and this.kind == that.kind:
                exact = _compared(function, this, that)
                odd = some([this.odd, that.odd])
                return Flag(exact if odd is FALSE else choose(odd, self._anything(node), exact))
            case "_==_" | "_!=_" as function, [Flag() as this, Flag() as that]:
                return Flag(same(this.term, that.term) if function == "_==_" else no(same(this.term, that.term)))
            case "@in", [Amount() as wanted, Texts() as listed]:
                inside = listed.holds(wanted) if wanted.odd is FALSE else None
                return Flag(inside) if inside is not None else None
            case "startsWith", [Amount() as text, Amount(literal=str() as start)]:
                return Flag(self._starts(text, start))
            case "endsWith" | "contains" as function, [Amount() as text, Amount(literal=str() as part)]:
                return Flag(self._told_of_known(node, function, text, part))
            case "double", [Amount(kind="INT") as number]:
                return self._double(node, number)
            case _:
                return None

    def _starts(self, text: Amount, start: str) -> Bool:
        end = after(start)
        high = TRUE if end is None else below(text.term, real(self._words.place(end)))
        return every([at_most(real(self._words.place(start)), text.term), high])

    def _told_of_known(self, node: Call, function: str, text: Amount, part: str) -> Bool:
        """Open, but right for every text that is mentioned anywhere."""
        answer = self._anything(node)
        for known in self._words.texts:
            yes = known.endswith(part) if function == "endsWith" else part in known
            answer = choose(equal(text.term, real(self._words.place(known))), truth(yes), answer)
        return answer

    def _double(self, node: Call, number: Amount) -> Value | None:
        limit = whole(EXACT_DOUBLE)
        exact = every([at_most(number.term, limit), at_most(whole(-EXACT_DOUBLE), number.term)])
        # Beyond that it is rounded: comparisons with it are open.
        return Amount("DOUBLE", as_real(number.term), odd=no(exact))

    def _opened(self, node: Expression) -> Answer:
        # The comparison around it is open in turn, so that no value needs to be invented here.
        return Answer(OPEN, self._anything(node, "error"))

    def _anything(self, node: Expression, what: str = "holds") -> Bool:
        """Return a variable of its own for this node and the values it depends on."""
        self.open.add(in_words(node))
        names = sorted({each.name for each in walk(node) if isinstance(each, Name)})
        return a_bool(f"?{what} {node!r} " + ", ".join(f"{name}={_content(self._values.get(name))}" for name in names))


def in_words(node: Expression) -> str:
    """Return roughly what was written."""
    match node:
        case Name():
            return node.name
        case Literal():
            return repr(node.value)
        case ListOf():
            return f"[{', '.join(in_words(each) for each in node.elements)}]"
        case Call():
            return f"{node.function}({', '.join(in_words(each) for each in node.arguments)})"
        case Other():
            return "…"


def _both(this: Answer, that: Answer) -> Answer:
    assert isinstance(this.value, Flag) and isinstance(that.value, Flag)
    if this.error is FALSE and that.error is FALSE:
        return Answer(Flag(every([this.value.term, that.value.term])))
    # CEL: an error on one side counts only when the other side does not decide.
    decided = some(
        every([no(each.error), no(each.value.term)]) for each in (this, that) if isinstance(each.value, Flag)
    )
    error = every([no(decided), some([this.error, that.error])])
    return Answer(Flag(every([no(decided), no(error)])), error)


def _negated(answer: Answer) -> Answer:
    assert isinstance(answer.value, Flag)
    return Answer(Flag(no(answer.value.term)), answer.error)


def _chosen(condition: Answer, this: Answer, that: Answer) -> Answer | None:
    assert isinstance(condition.value, Flag)
    error = some([condition.error, choose(condition.value.term, this.error, that.error)])
    match this.value, that.value:
        case Flag() as yes, Flag() as other:
            return Answer(Flag(choose(condition.value.term, yes.term, other.term)), error)
        case Amount() as yes, Amount() as other if yes.kind == other.kind:
            odd = choose(condition.value.term, yes.odd, other.odd)
            return Answer(Amount(yes.kind, choose_number(condition.value.term, yes.term, other.term), odd=odd), error)
        case _:
            return None


def _compared(function: str, this: Amount, that: Amount) -> Bool:
    match function:
        case "_==_":
            return equal(this.term, that.term)
        case "_!=_":
            return no(equal(this.term, that.term))
        case "_<_":
            return below(this.term, that.term)
        case "_<=_":
            return at_most(this.term, that.term)
        case "_>_":
            return below(that.term, this.term)
        case _:
            return at_most(that.term, this.term)


def listed(name: str, members: Sequence[Amount]) -> Texts:
    """Return a list of these and nothing else; all must be of one kind."""

    def holds(wanted: Amount) -> Bool | None:
        if any(each.kind != wanted.kind for each in members):
            return None
        return some(equal(wanted.term, each.term) for each in members)

    return Texts(name, holds)


def _content(value: Value | None) -> str:
    """Return a name for what a value is, so that equal names mean equal values."""
    match value:
        case Flag():
            return written(value.term)
        case Amount():
            return f"{written(value.term)} {written(value.odd)}"
        case Texts():
            return value.name
        case _:
            return ""
