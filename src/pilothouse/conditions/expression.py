"""A compiled condition as a tree that can be walked: names, literals, calls and lists, read from CEL's own checked tree.

What must never happen here: a node taken for one that it is not. What is not known becomes `Other`, which says nothing.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from pilothouse.conditions.checked_tree import fields, only, root, varint

_CONSTANT, _IDENT, _CALL, _LIST = 3, 4, 6, 7
_BOOL, _INT, _DOUBLE, _STRING = 2, 3, 5, 6
_TARGET, _FUNCTION, _ARGUMENT, _ELEMENT, _NAME = 1, 2, 3, 1, 1


@dataclass(frozen=True, slots=True)
class Name:
    """A variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that stands in the text."""

    value: bool | int | float | str


@dataclass(frozen=True, slots=True)
class Call:
    """An operator or a function, named as CEL does (`_&&_`, `@in`, `startsWith`); a method's object comes first."""

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of expressions."""

    elements: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Other:
    """A node of another kind, by its bytes."""

    content: bytes


Expression: TypeAlias = Name | Literal | Call | ListOf | Other


def expression(serialized: bytes) -> Expression:
    """Return the tree of `Expression.serialize()`; raises `UnknownNode` for one that is damaged."""
    return _node(root(serialized))


def walk(node: Expression) -> Iterator[Expression]:
    """Yield a node and everything under it."""
    yield node
    for inner in node.arguments if isinstance(node, Call) else node.elements if isinstance(node, ListOf) else ():
        yield from walk(inner)


def _node(node: bytes) -> Expression:
    for number, content in fields(node):
        if number == _CONSTANT:
            return _literal(content)
        if number == _IDENT:
            return Name(only(content, _NAME).decode())
        if number == _CALL:
            return _call(content)
        if number == _LIST:
            return ListOf(tuple(_node(each) for inner, each in fields(content) if inner == _ELEMENT))
    return Other(node)


def _call(content: bytes) -> Call:
    parts = list(fields(content))
    target = [_node(each) for number, each in parts if number == _TARGET]
    arguments = [_node(each) for number, each in parts if number == _ARGUMENT]
    return Call(only(content, _FUNCTION).decode(), (*target, *arguments))


def _literal(content: bytes) -> Literal | Other:
    for kind, raw in fields(content):
        if kind == _BOOL:
            return Literal(varint(raw, 0)[0] != 0)
        if kind == _INT:
            number = varint(raw, 0)[0]
            return Literal(number - 2**64 if number >= 2**63 else number)
        if kind == _DOUBLE:
            value = struct.unpack("<d", raw)[0]
            return Literal(value) if math.isfinite(value) else Other(content)
        if kind == _STRING:
            return Literal(raw.decode())
    return Other(content)
