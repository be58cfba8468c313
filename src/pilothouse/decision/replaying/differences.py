"""What changed between two policies, in words: rules, thresholds, bands, limits and lists; not lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pilothouse.decision.policy import Policy
from pilothouse.decision.settings import Setting, settings_of
from pilothouse.decision.written import Rule
from pilothouse.vocabulary.values import Json

STRICTER, LOOSER = "stricter", "looser"
RAISED_IS_STRICTER = ("auto_above", "block_below", "write_set_minutes")
LOWERED_IS_STRICTER = ("write_set_records", "recipients", "above_records", "discount_authority")


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `what` is added, removed, changed or renamed; `direction` is stricter or looser where that is
    certain from the text alone, else empty: `policy replay` shows what it comes to."""

    about: str
    name: str
    what: str
    sentence: str
    direction: str = ""

    def as_json(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class _Written:
    rule: Rule
    applies_to: frozenset[str]

    @property
    def meaning(self) -> tuple[object, ...]:
        rule = self.rule
        aspects = (rule.condition.source, rule.treatment, rule.reason, rule.by, rule.effective_from, rule.if_missing)
        return (self.applies_to, *aspects, rule.escalates)


def differences(old: Policy, new: Policy) -> list[Difference]:
    """Return every difference in what two policies decide or tell; the order of rules and their lines are none."""
    return [*_rules(old, new), *_settings(old, new), *_lists(old, new)]


def _by_id(policy: Policy) -> dict[str, _Written]:
    named: dict[str, tuple[Rule, set[str]]] = {}
    for capability, rules in policy.rules.items():
        for rule in rules:
            named.setdefault(rule.id, (rule, set()))[1].add(capability)
    return {name: _Written(rule, frozenset(where)) for name, (rule, where) in named.items()}


def _rules(old: Policy, new: Policy) -> Iterator[Difference]:
    before, after = _by_id(old), _by_id(new)
    gone, come = before.keys() - after.keys(), after.keys() - before.keys()
    renamed = {
        name: next((each for each in sorted(come) if after[each].meaning == before[name].meaning), "") for name in gone
    }
    for name in sorted(gone):
        other = renamed[name]
        if other:
            yield Difference("rule", name, "renamed", f"Rule {name} is called {other} now and says the same.")
        else:
            yield Difference("rule", name, "removed", f"Rule {name} is gone. It said: {_says(before[name])}")
    for name in sorted(come - set(renamed.values())):
        yield Difference("rule", name, "added", f"Rule {name} is new: {_says(after[name])}")
    for name in sorted(before.keys() & after.keys()):
        yield from _changed(name, before[name], after[name])


def _says(written: _Written) -> str:
    rule = written.rule
    who = {"anyone": "", "agent": " by an agent", "person": " by a person"}[rule.by]
    when = "" if rule.condition.source == "true" else f" when {rule.condition.source}"
    return f"{', '.join(sorted(written.applies_to))}{who}{when} → {rule.treatment.name.lower()} ({rule.reason})"


def _changed(name: str, before: _Written, after: _Written) -> Iterator[Difference]:
    one, other = before.rule, after.rule

    def told(sentence: str, direction: str = "") -> Difference:
        return Difference("rule", name, "changed", f"Rule {name} {sentence}.", direction)

    if one.treatment is not other.treatment:
        direction = STRICTER if other.treatment > one.treatment else LOOSER
        yield told(f"comes to {other.treatment.name.lower()} instead of {one.treatment.name.lower()}", direction)
    if one.condition.source != other.condition.source:
        yield told(f"holds when `{other.condition.source}`; it held when `{one.condition.source}`")
    for word, names in (
        ("also", after.applies_to - before.applies_to),
        ("no longer", before.applies_to - after.applies_to),
    ):
        if names:
            yield told(f"{word} applies to {', '.join(sorted(names))}")
    plain = (("by", "speaks about acts by"), ("effective_from", "is in effect from"), ("if_missing", "takes a missing value for"),
             ("escalates", "escalates"), ("reason", "gives as its reason"))  # fmt: skip
    for aspect, words in plain:
        was, now = getattr(one, aspect), getattr(other, aspect)
        if was != now:
            yield told(f"{words} {_shown(now)} instead of {_shown(was)}")


def _settings(old: Policy, new: Policy) -> Iterator[Difference]:
    before, after = settings_of(old), settings_of(new)
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        about = name.partition(".")[0].rstrip("s")
        if was is None:
            yield Difference(about, name, "added", f"{name} is new: {_shown(now)}.")
        elif now is None:
            yield Difference(about, name, "removed", f"{name} is gone; it was {_shown(was)}.")
        elif isinstance(was, tuple) and isinstance(now, tuple) and was != now:
            yield Difference(about, name, "changed", f"{name} {_members(was, now)}.")
        elif was != now:
            yield Difference(
                about, name, "changed", f"{name} is {_shown(now)} instead of {_shown(was)}.", _direction(name, was, now)
            )


def _direction(name: str, was: Setting, now: Setting) -> str:
    key = name.rpartition(".")[2]
    if isinstance(was, tuple) or isinstance(now, tuple) or name.startswith("thresholds."):
        return ""
    if key in RAISED_IS_STRICTER:
        return STRICTER if now > was else LOOSER
    return (STRICTER if now < was else LOOSER) if key in LOWERED_IS_STRICTER else ""


def _lists(old: Policy, new: Policy) -> Iterator[Difference]:
    lists: Mapping[str, tuple[frozenset[str], frozenset[str], bool]] = {
        "human_only": (old.human_only, new.human_only, True),
        "notify.actions": (old.notify_actions, new.notify_actions, False),
        "closed stages": (old.closed_stages, new.closed_stages, True),
    }
    for name, (was, now, strict) in lists.items():
        if was != now:
            direction = STRICTER if strict and was < now else LOOSER if strict and now < was else ""
            sentence = f"{name} {_members(sorted(was), sorted(now))}."
            yield Difference(name, name, "changed", sentence, direction)


def _members(was: tuple[str, ...] | list[str], now: tuple[str, ...] | list[str]) -> str:
    come, gone = [each for each in now if each not in was], [each for each in was if each not in now]
    parts = [f"also names {', '.join(come)}"] if come else []
    parts += [f"no longer names {', '.join(gone)}"] if gone else []
    return " and ".join(parts) or "names the same in another order"


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.10g}"
    if isinstance(value, tuple):
        return ", ".join(str(each) for each in value) or "nothing"  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return str(value) if value not in (None, "") else "nothing"
