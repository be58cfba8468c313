"""One threshold changed in the text of a policy: that line and no other; comments and layout stay as people wrote them.

What must never happen here: a text that says anything else than before but for the one value. Every edit is read again
and held against the same change made in memory.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

import yaml

from pilothouse.decision.policy import Policy
from pilothouse.decision.publishing.content import Content
from pilothouse.decision.publishing.thresholds import Place, places_of
from pilothouse.decision.replaying.differences import differences
from pilothouse.decision.settings import Setting, changed, full_name, keys_of, settings_of
from pilothouse.vocabulary.documents import entries_of
from pilothouse.vocabulary.errors import InvalidInput

ADDED = "policy/settings.yaml"
"""Where a number is written that no file sets yet, and that has no section to stand in."""
_PLAIN = re.compile(r"\w[\w .-]*")
_COMMENT = re.compile(r"( +)#")


def edited(
    content: Content, policy: Policy, name: str, written: str, read: Callable[[Content], Policy]
) -> dict[str, str]:
    """Return a policy's text with one threshold changed to what was written.

    `policy` is what was read from the text, `read` reads another. Raises `NotFound` for a threshold that is not there,
    `InvalidInput` for a value that it cannot have, that it has already, or that cannot be written into these files.
    """
    name = full_name(policy, name)
    wanted = changed(policy, name, written)
    value = settings_of(wanted)[name]
    if value == settings_of(policy)[name]:
        raise InvalidInput(f"{name} is {written.strip()} already.", hint="Write another value.")
    new = _written_into(content, keys_of(name), value)
    if differences(read(new), wanted):
        place = next(places_of(content, keys_of(name)), None)
        raise InvalidInput(
            f"{name} is written in a way that cannot be changed by itself"
            + (f" ({place.where})." if place else ".")
            + " An anchor shares it, maybe.",
            hint="Change the file, and `pilothouse policy publish` it.",
        )
    return new


def _written_into(content: Content, keys: Sequence[str], value: Setting) -> dict[str, str]:
    place = next(places_of(content, keys), None)
    if place is not None:
        return {**content, place.path: _replaced(content[place.path], place.value, value)}
    below: Sequence[str] = keys[len(keys) :]
    for depth in range(len(keys) - 1, 0, -1):
        section, below = next(places_of(content, keys[:depth]), None), keys[depth:]
        if section is not None:
            return {**content, section.path: _added(content[section.path], section, below, value)}
    begun = content.get(ADDED, "# Numbers that were set by themselves.\n")
    return {**content, ADDED: f"{begun.rstrip()}\n{keys[0]}: {_flow(keys[1:], value)}\n"}


def _replaced(text: str, node: yaml.Node, value: Setting) -> str:
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and isinstance(value, tuple) and value:
        return _items(text, node, value)
    begin, end = node.start_mark.index, node.end_mark.index
    if isinstance(node, yaml.SequenceNode) and not node.flow_style:
        end = node.value[-1].end_mark.index
    new, rest = _flow((), value), text[end:]
    gap = _COMMENT.match(rest)
    if gap:  # the comments of neighbouring lines stand below one another
        width = max(1, len(gap[1]) + (end - begin) - len(new))
        rest = " " * width + rest[len(gap[1]) :]
    return text[:begin] + new + rest


def _items(text: str, node: yaml.SequenceNode, value: tuple[str, ...]) -> str:
    """Change a list that has a line for each item: lines go and come, those that stay keep their comments."""
    lines = text.splitlines(keepends=True)
    dash = " " * node.start_mark.column + "- "
    kept = [each for each in node.value if each.value in value]
    gone = {each.start_mark.line for each in node.value if each.value not in value}
    last = (kept or node.value)[-1].start_mark.line
    have = {each.value for each in kept}
    come = [f"{dash}{_word(each)}\n" for each in value if each not in have]
    out: list[str] = []
    for number, line in enumerate(lines):
        if number not in gone:
            out.append(line if line.endswith("\n") else f"{line}\n")
        if number == last:
            out += come
    return "".join(out)


def _added(text: str, section: Place, below: Sequence[str], value: Setting) -> str:
    new = f"{below[0]}: {_flow(below[1:], value)}"
    entries = list(entries_of(section.value).values())
    if not entries:
        begin, end = section.value.start_mark.index, section.value.end_mark.index
        return f"{text[:begin]}{{{new}}}{text[end:]}"
    first = entries[0][0].start_mark
    between = (
        ", " if isinstance(section.value, yaml.MappingNode) and section.value.flow_style else f"\n{' ' * first.column}"
    )
    return f"{text[: first.index]}{new}{between}{text[first.index :]}"


def _flow(keys: Sequence[str], value: Setting) -> str:
    if keys:
        return f"{{{keys[0]}: {_flow(keys[1:], value)}}}"
    if isinstance(value, tuple):
        return f"[{', '.join(_word(each) for each in value)}]"
    number = float(value)
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _word(word: str) -> str:
    plain = _PLAIN.fullmatch(word) and yaml.safe_load(word) == word
    return word if plain else json.dumps(word, ensure_ascii=False)
