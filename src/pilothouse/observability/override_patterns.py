"""Where people keep overriding agents, and where they never do (R-090, R-290).

A pattern is an agent and an action type, narrowed by a field, narrowed by the system that the evidence came from. Every
rate comes with its n and its interval. What must never happen here: a reviewer's name in a pattern; it is about agents.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pilothouse.decision.autonomy.wilson import interval
from pilothouse.handoff.overrides import APPROVED, EDITED, REJECTED, decision_of
from pilothouse.handoff.queue import Review
from pilothouse.vocabulary.actions import evidence_systems
from pilothouse.vocabulary.values import Json

FEWEST, OFTEN, SELDOM = 5, 0.4, 0.1
"""A pattern has at least so many decisions. It is often overridden when the lower bound of the share is at least `OFTEN`,
never when nothing was and the upper bound is at most `SELDOM` (35 decisions)."""
MOST_WORDS, MOST_EXAMPLES = 5, 5
FILL = ":fill-empty"
COMMON = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "but",
        "by",
        "for",
        "from",
        "had",
        "has",
        "have",
        "in",
        "is",
        "it",
        "its",
        "no",
        "not",
        "of",
        "on",
        "or",
        "our",
        "so",
        "than",
        "that",
        "the",
        "their",
        "them",
        "they",
        "this",
        "to",
        "was",
        "we",
        "were",
        "with",
        "wrong",
        "right",
        "please",
        "should",
    ]
)


class Key(NamedTuple):
    """What a pattern is about; an empty field or source means any."""

    agent: str
    action_type: str
    field: str = ""
    source: str = ""

    def holds(self, other: Key) -> bool:
        """True when everything the other is about, this is about too."""
        same = (self.agent, self.action_type) == (other.agent, other.action_type)
        return same and self.field in ("", other.field) and self.source in ("", other.source)

    def overlaps(self, other: Key) -> bool:
        """True when one of the two holds the other."""
        return self.holds(other) or other.holds(self)


@dataclass(slots=True)
class Pattern:
    """What people decided about one kind of proposal. `words` counts reviews whose note has a word; `codes`, why they were
    held; `reviews` are all of them."""

    key: Key
    approved: int = 0
    edited: int = 0
    rejected: int = 0
    words: Counter[str] = field(default_factory=Counter[str])
    codes: Counter[str] = field(default_factory=Counter[str])
    reviews: list[str] = field(default_factory=list[str])
    overridden_reviews: list[str] = field(default_factory=list[str])

    @property
    def n(self) -> int:
        """How many a person decided."""
        return self.approved + self.edited + self.rejected

    @property
    def overridden(self) -> int:
        """How many were changed or refused."""
        return self.edited + self.rejected

    @property
    def interval(self) -> tuple[float, float]:
        """The Wilson score interval at 95 % of the overridden share."""
        return interval(self.overridden, self.n)

    @property
    def sentence(self) -> str:
        """The pattern in words."""
        key, (low, high) = self.key, self.interval
        what = "filling" if key.action_type.endswith(FILL) else "changing"
        kind = key.action_type.removesuffix(FILL)
        about = f"{key.agent} {what} {key.field} ({kind})" if key.field else f"{key.agent}, {key.action_type}"
        source = f" from {key.source}" if key.source else ""
        verb = "rejected" if not self.edited else "edited" if not self.rejected else "rejected or edited"
        return f"{about}{source}: {verb} {self.overridden} of {self.n} times ({low:.0%} to {high:.0%})"

    def as_json(self) -> dict[str, Json]:
        """Return it as JSON."""
        low, high = self.interval
        return {
            **self.key._asdict(),
            "n": self.n, "approved": self.approved, "edited": self.edited, "rejected": self.rejected,
            "share": self.overridden / self.n if self.n else None, "low": low, "high": high,
            "words": dict(self.words.most_common(MOST_WORDS)), "codes": dict(self.codes.most_common(MOST_WORDS)),
            "examples": list(self.overridden_reviews[:MOST_EXAMPLES]), "sentence": self.sentence,
        }  # fmt: skip


def patterns_of(found: Iterable[Review]) -> list[Pattern]:
    """Return every pattern with a decision, the most decided first."""
    counted: dict[Key, Pattern] = {}
    for review in found:
        said = decision_of(review)
        if not said or review.actor.agent is None:
            continue
        for key in _keys(review):
            pattern = counted.setdefault(key, Pattern(key))
            _count(pattern, review, said)
    return sorted(counted.values(), key=lambda each: (-each.n, each.key))


def often_overridden(found: Sequence[Pattern]) -> list[Pattern]:
    """Return what is overridden often: of those that overlap the one of which it is surest, and of equals the broadest."""
    often = [each for each in found if each.n >= FEWEST and each.interval[0] >= OFTEN]
    return _apart(sorted(often, key=lambda each: (-each.interval[0], _breadth(each.key), each.key)))


def never_overridden(found: Sequence[Pattern]) -> list[Pattern]:
    """Return what is never overridden, the broadest of those that overlap."""
    never = [each for each in found if not each.overridden and each.interval[1] <= SELDOM]
    return _apart(sorted(never, key=lambda each: (_breadth(each.key), -each.n, each.key)))


def _apart(found: Sequence[Pattern]) -> list[Pattern]:
    kept: list[Pattern] = []
    for each in found:
        if not any(each.key.overlaps(other.key) for other in kept):
            kept.append(each)
    return kept


def _breadth(key: Key) -> int:
    return bool(key.field) + bool(key.source)


def _keys(review: Review) -> Iterator[Key]:
    agent, kind = review.actor.agent, review.action_type
    assert agent is not None
    yield Key(agent.name, kind)
    systems = evidence_systems(review.action.evidence) if review.action else ()
    for name in sorted({change["field"] for change in review.changes}):
        yield Key(agent.name, kind, name)
        for system in systems:
            yield Key(agent.name, kind, name, system)


def _count(pattern: Pattern, review: Review, said: str) -> None:
    if said == EDITED and pattern.key.field and not _edited(review, pattern.key.field):
        said = APPROVED
    pattern.approved += said == APPROVED
    pattern.edited += said == EDITED
    pattern.rejected += said == REJECTED
    pattern.reviews.append(review.id)
    pattern.codes[review.code if review.code != "rule" else review.rule] += 1
    if said != APPROVED:
        pattern.overridden_reviews.append(review.id)
        words = set(re.findall(r"[^\W\d_]{3,}", review.note.casefold())) - COMMON
        pattern.words.update(words)


def _edited(review: Review, name: str) -> bool:
    if review.action is None or review.edited is None:
        return True  # erased since: that it was edited stands, what no longer does
    return review.edited.get(name) != review.action.arguments.get(name)
