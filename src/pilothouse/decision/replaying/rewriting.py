"""A copy of a policy folder with one rule more, or with one rule narrowed; comments and everything else stay as they are.

What must never happen here: a file of the live policy written.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from pilothouse.vocabulary.documents import entries_of
from pilothouse.vocabulary.errors import InvalidInput

ADDED = "from-overrides.yaml"


@dataclass(frozen=True, slots=True)
class NewRule:
    """A rule to add. `when` is a condition in CEL."""

    id: str
    capability: str
    when: str
    then: str
    reason: str

    @property
    def text(self) -> str:
        """The rule as it is written in a policy file."""
        return (
            f"  - id: {self.id}\n    applies_to: [{self.capability}]\n    by: agent\n    when: {json.dumps(self.when)}\n"
            f"    then: {self.then}\n    reason: {json.dumps(self.reason)}\n"
        )


@dataclass(frozen=True, slots=True)
class Exempt:
    """Makes a written rule hold no longer where a condition does."""

    rule: str
    unless: str

    @property
    def text(self) -> str:
        """The change in words."""
        return f"Rule {self.rule}: && !({self.unless})"


Change = NewRule | Exempt


def apply_to(folder: Path, changes: Sequence[Change]) -> None:
    """Change a copy of a policy folder; raises `InvalidInput` when a rule to be narrowed is not in it."""
    rules = [each for each in changes if isinstance(each, NewRule)]
    if rules:
        path = folder / ADDED
        begun = path.read_text(encoding="utf-8") if path.exists() else "# Proposed from what people overrode.\nrules:\n"
        path.write_text(begun + "".join(each.text for each in rules), encoding="utf-8")
    for each in changes:
        if isinstance(each, Exempt):
            _narrow(folder, each)


def _narrow(folder: Path, change: Exempt) -> None:
    for path in sorted(folder.glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        rule = _rule(yaml.compose(text, Loader=yaml.SafeLoader), change.rule)
        if rule is not None:
            path.write_text(_spliced(text, rule, change.unless), encoding="utf-8")
            return
    raise InvalidInput(f"{folder} has no rule {change.rule!r}.", hint="It was removed since; look again.")


def _rule(document: yaml.Node | None, name: str) -> dict[str, tuple[yaml.Node, yaml.Node]] | None:
    top = entries_of(document).get("rules")
    for node in top[1].value if top is not None and isinstance(top[1], yaml.SequenceNode) else ():
        found = entries_of(node)
        if "id" in found and found["id"][1].value == name:
            return found
    return None


def _spliced(text: str, rule: dict[str, tuple[yaml.Node, yaml.Node]], unless: str) -> str:
    if "when" in rule:
        node = rule["when"][1]
        old = str(node.value)
        new = f"!({unless})" if old == "true" else f"({old}) && !({unless})"
        return text[: node.start_mark.index] + json.dumps(new) + text[node.end_mark.index :]
    key, value = rule["id"]
    line = f"\n{' ' * key.start_mark.column}when: {json.dumps(f'!({unless})')}"
    return text[: value.end_mark.index] + line + text[value.end_mark.index :]
