"""Thresholds where they are written: which file and line, what their comment says, and what compares with them.

A threshold here is any number or list of a policy that can be changed by itself (`decision/settings.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import yaml

from pilothouse.decision.policy import Policy
from pilothouse.decision.publishing.content import Content
from pilothouse.decision.settings import MEANINGS, Setting, full_name, keys_of, settings_of
from pilothouse.decision.written import THRESHOLD, Rule
from pilothouse.vocabulary.documents import entries_of


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written. `key` is None for what has no key, `value` is the node that holds it."""

    path: str
    key: yaml.Node | None
    value: yaml.Node

    @property
    def where(self) -> str:
        """The file and the line."""
        return f"{self.path}:{(self.key or self.value).start_mark.line + 1}"


@dataclass(frozen=True, slots=True)
class Use:
    """A rule that compares with a threshold, or a clause of business policy: its `then` is empty, as it judges no act."""

    rule: str
    where: str
    then: str
    escalates: str
    when: str
    reason: str
    applies_to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Threshold:
    """One threshold. `where` is empty for a number that no file sets: then it is what is built in."""

    name: str
    value: Setting
    meaning: str
    where: str
    uses: tuple[Use, ...]


def thresholds_of(content: Content, policy: Policy) -> list[Threshold]:
    """Return every threshold of a text and of the policy that was read from it."""
    return [_described(content, policy, name) for name in settings_of(policy)]


def threshold_of(content: Content, policy: Policy, name: str) -> Threshold:
    """Return one threshold; raises `NotFound`."""
    return _described(content, policy, full_name(policy, name))


def places_of(content: Content, keys: Sequence[str]) -> Iterator[Place]:
    """Yield where the value under these keys stands in a policy's files; more than one place is an error elsewhere."""
    for path in sorted(content):
        if path.startswith("policy/") and path.count("/") == 1:
            key, node = None, yaml.compose(content[path], Loader=yaml.SafeLoader)
            for name in keys:
                key, node = entries_of(node).get(name, (None, None))
            if node is not None:
                yield Place(path, key, node)


def _described(content: Content, policy: Policy, name: str) -> Threshold:
    place = next(places_of(content, keys_of(name)), None)
    said = _comment(content[place.path], place) if place else ""
    built_in = MEANINGS.get(name.rpartition(".")[2], "") if not name.startswith("thresholds.") else ""
    return Threshold(
        name,
        settings_of(policy)[name],
        built_in or said,
        place.where if place else "",
        tuple(_uses(policy, name)),
    )


def _uses(policy: Policy, name: str) -> Iterator[Use]:
    section, _, own = name.partition(".")
    mentioned = f"{THRESHOLD}{own}" if section == "thresholds" else ""
    rules: dict[str, tuple[Rule, list[str]]] = {}
    for capability, those in policy.rules.items():
        for rule in those:
            if mentioned in rule.condition.needs:
                rules.setdefault(rule.id, (rule, []))[1].append(capability)
    for rule, named in rules.values():
        then = rule.treatment.name.lower()
        yield Use(
            rule.id,
            f"policy/{rule.where}",
            then,
            rule.escalates,
            rule.condition.source,
            rule.reason,
            tuple(sorted(named)),
        )
    for each in policy.business.get(own, ()) if section == "thresholds" else ():
        where = f"policy/business/{each.where}"
        yield Use(each.clause, where, "", "", each.when, each.reason, (each.object,))


def _comment(text: str, place: Place) -> str:
    """Return the comment behind a value, else the one right above its key."""
    lines = text.splitlines()
    end = place.value.end_mark
    behind = lines[end.line][end.column :].strip().lstrip(",}] ") if end.line < len(lines) else ""
    if behind.startswith("#"):
        return behind.lstrip("# ").strip()
    above: list[str] = []
    for line in reversed(lines[: (place.key or place.value).start_mark.line]):
        if not line.strip().startswith("#"):
            break
        above.insert(0, line.strip().lstrip("# "))
    return " ".join(above)
