"""From a pattern to a rule: what policy would have to say, and what that would have done (R-090, R-281, R-290).

A proposal is a change to a copy of the policy. What must never happen here: the live policy changed; a proposal without
its replay; a graduation past what is built in, which no rule can relax.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pilothouse.decision.policy import Policy
from pilothouse.decision.replaying.recorded import Recorded
from pilothouse.decision.replaying.replay import Replayer
from pilothouse.decision.replaying.report import Window
from pilothouse.decision.replaying.rewriting import Change, Exempt, NewRule, apply_to
from pilothouse.decision.replaying.tally import Tally
from pilothouse.ledger.ledger import Ledger
from pilothouse.observability.override_patterns import FILL, Key, Pattern
from pilothouse.observability.replaying import recorded, tally_of
from pilothouse.vocabulary.capabilities import Capability
from pilothouse.vocabulary.values import Json

MOST_ID = 80
Load = Callable[[Path], Policy]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change to policy that a pattern speaks for, or why there is none (`why_none`).

    `flips` counts decisions that would have been others, `right` those of them where people had said what the change would
    have made of it, `wrong` where they had said the contrary, `unjudged` where nobody had said anything.
    """

    pattern: Pattern
    changes: tuple[Change, ...] = ()
    why_none: str = ""
    flips: int = 0
    right: int = 0
    wrong: int = 0

    @property
    def unjudged(self) -> int:
        """Flips about which nobody had spoken."""
        return self.flips - self.right - self.wrong

    def as_json(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {
            "pattern": self.pattern.as_json(),
            "changes": [each.text for each in self.changes],
            "why_none": self.why_none,
            "replay": {"flips": self.flips, "right": self.right, "wrong": self.wrong, "unjudged": self.unjudged},
        }


@dataclass(frozen=True)
class Workbench:
    """Everything needed to try a change: the ledger, the policy folder and how to read one."""

    ledger: Ledger
    folder: Path
    current: Policy
    capabilities: Mapping[str, Capability]
    load: Load
    window: Window

    def tighten(self, pattern: Pattern) -> Proposal:
        """Propose that what is often overridden is reviewed, or, where it is and mostly overridden, refused."""
        for then in ("review", "refuse"):
            if then == "refuse" and pattern.interval[0] < 0.5:
                break
            changes = (_rule(pattern, then),)
            tally = self._tried(pattern, changes)
            if tally.flipped:
                right, wrong = _judged(tally)
                return Proposal(pattern, changes, "", tally.flipped, right, wrong)
        return Proposal(
            pattern, why_none="It is for people to decide already, and not overridden so often that it should stop."
        )

    def graduate(self, pattern: Pattern) -> Proposal:
        """Propose that what is never overridden runs by itself, where a written rule is all that holds it."""
        held = self._held_by(pattern)
        rules = {rule for treatment, code, rule in held if treatment != "auto" and code == "rule"}
        others = {code for treatment, code, _ in held if treatment != "auto" and code != "rule"}
        if not rules and not others:
            return Proposal(pattern, why_none="Policy lets it run already; it waits because of its mode. Promote it.")
        built_in = f"It is held by {', '.join(sorted(others))} too, which no rule relaxes."
        if not rules:
            return Proposal(pattern, why_none=built_in)
        free = _rule(pattern, "auto")
        changes: tuple[Change, ...] = (free, *(Exempt(each, free.when) for each in sorted(rules)))
        tally = self._tried(pattern, changes)
        if not tally.flipped:
            return Proposal(pattern, why_none=built_in if others else "Another rule would hold it still.")
        wrong, right = _judged(tally)
        return Proposal(pattern, changes, "", tally.flipped, right, wrong)

    def write(self, proposals: Sequence[Proposal], target: Path) -> Policy:
        """Write a copy of the policy folder with every proposed change; the live one stays as it is."""
        shutil.copytree(self.folder, target)
        apply_to(target, [change for each in proposals for change in each.changes])
        return self.load(target)

    def _tried(self, pattern: Pattern, changes: Sequence[Change]) -> Tally:
        with TemporaryDirectory(prefix="pilothouse-proposed-") as name:
            folder = Path(name) / "policy"
            shutil.copytree(self.folder, folder)
            apply_to(folder, changes)
            replayer = Replayer(self.current, self.load(folder), self.capabilities)
        return tally_of(self.ledger, replayer, self._window(pattern), 0, self.ledger.size())

    def _window(self, pattern: Pattern) -> Window:
        return Window(self.window.since, self.window.until, pattern.key.agent, pattern.key.action_type)

    def _held_by(self, pattern: Pattern) -> Counter[tuple[str, str, str]]:
        mine, found = set(pattern.reviews), Counter[tuple[str, str, str]]()
        for each in recorded(self.ledger, self._window(pattern), 0, self.ledger.size()):
            if each.review in mine and not each.again:
                found.update(_asking(each))
        return found


def _asking(each: Recorded) -> set[tuple[str, str, str]]:
    """Everything that asked for a person, not only what is quoted: to free an act, all of it must let go."""
    reasons: Sequence[Mapping[str, Any]] = each.verdict["reasons"]
    return {(reason["treatment"], reason["code"], reason["rule"]) for reason in reasons}


def _judged(tally: Tally) -> tuple[int, int]:
    """Return how many flips people had overridden, and how many they had approved as proposed."""
    overridden = sum(count for (_, _, said), count in tally.spoken.items() if said != "approved")
    return overridden, tally.spoken.total() - overridden


def _rule(pattern: Pattern, then: str) -> NewRule:
    key = pattern.key
    capability = key.action_type.removesuffix(FILL)
    words = "-".join(
        (then, key.agent, capability, *(("filled",) if capability != key.action_type else ()), key.field, key.source)
    )
    name = re.sub(r"[^a-z0-9]+", "-", words.casefold()).strip("-")[:MOST_ID]
    verb = "overrode" if then != "auto" else "approved"
    count = pattern.overridden if then != "auto" else pattern.approved
    return NewRule(name, capability, condition_of(key), then, f"People {verb} {count} of {pattern.n} of these.")


def condition_of(key: Key) -> str:
    """Return a pattern as a condition in CEL."""
    parts = [f"agent.name == '{key.agent}'"]
    parts.append("change.fills_empty" if key.action_type.endswith(FILL) else "!change.fills_empty")
    parts += [f"'{key.field}' in change.fields"] if key.field else []
    parts += [f"'{_quoted(key.source)}' in evidence.systems"] if key.source else []
    return " && ".join(parts)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
