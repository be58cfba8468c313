"""What a compiled condition mentions, read from CEL's own checked tree and never from its text.

Reading the text would need CEL's whole lexer: an apostrophe in a comment or a triple-quoted literal hides a name from a
simpler one, and a hidden name is a missing value that nobody asks for. The tree comes as a `cel.expr.CheckedExpr` in
protobuf's wire format; the few message fields needed here are named below after their definition in the CEL
specification (checked.proto, syntax.proto).

What must never happen here: a part of the tree passed over in silence. What is not understood raises.
"""

from __future__ import annotations

from collections.abc import Iterator

Field = tuple[int, bytes]

_ANY_VALUE = 2
_CHECKED_EXPR = 4
_IDENT, _SELECT, _CALL, _LIST, _STRUCT, _COMPREHENSION = 4, 5, 6, 7, 8, 9
_LEAVES = {2, 3}  # id, constant
_IDENT_NAME = 1
_OPERANDS = {_SELECT: (1,), _CALL: (1, 3), _LIST: (1,)}
"""In which fields of each kind of node further expressions stand: operand; target and arguments; elements."""


class UnknownNode(Exception):
    """The tree holds a kind of node that conditions may not use. The message says which."""


def mentioned(serialized: bytes) -> frozenset[str]:
    """Return the names that `Expression.serialize()`'s tree refers to; raises `UnknownNode` for loops and messages."""
    return frozenset(_names(root(serialized)))


def root(serialized: bytes) -> bytes:
    """Return the outermost node of `Expression.serialize()`'s tree."""
    return only(only(serialized, _ANY_VALUE), _CHECKED_EXPR)


def _names(node: bytes) -> Iterator[str]:
    for number, content in fields(node):
        if number in _LEAVES:
            continue
        if number == _COMPREHENSION:
            raise UnknownNode("loops (all, exists, exists_one, map, filter) are not allowed in a condition")
        if number == _IDENT:
            yield only(content, _IDENT_NAME).decode()
        elif number in _OPERANDS:
            for inner, operand in fields(content):
                if inner in _OPERANDS[number]:
                    yield from _names(operand)
        else:
            raise UnknownNode("maps and messages are not allowed in a condition")


def only(message: bytes, wanted: int) -> bytes:
    """Return the one field of this number; raises `UnknownNode` when there is none or more."""
    found = [content for number, content in fields(message) if number == wanted]
    if len(found) != 1:
        raise UnknownNode(f"the checked condition has {len(found)} parts where one was expected")
    return found[0]


def fields(message: bytes) -> Iterator[Field]:
    """Yield each field of a protobuf message: its number and its content, that of a number as the bytes it is written in."""
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        number, wire = key >> 3, key & 7
        start = at
        match wire:
            case 0:
                _, at = varint(message, at)
            case 1 | 5:
                at += 8 if wire == 1 else 4
            case 2:
                size, start = varint(message, at)
                at = start + size
            case _:
                raise UnknownNode(f"the checked condition has a part of unknown wire type {wire}")
        if at > len(message):
            raise UnknownNode("the checked condition is cut short")
        yield number, message[start:at]


def varint(message: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins at a byte, and where it ends; raises `UnknownNode` when it is cut short."""
    value = shift = 0
    while at < len(message):
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise UnknownNode("the checked condition is cut short")
