"""What kind of automation an agent is (R-295), from what its manifest declares and how far it has come.

What must never happen here: "autonomous" said of what a person still approves act by act.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pilothouse.vocabulary.verdicts import Mode

TRIGGERED = 2
"""Up to this level an agent answers or is set off; it looks for nothing by itself."""


class Kind(StrEnum):
    """The labels, from the least of its own mind to the most."""

    RULES = "rule-based automation"
    ENHANCED = "AI-enhanced automation"
    GUIDED = "guided agent"
    AUTONOMOUS = "autonomous agent"


TOLD = {
    Kind.RULES: "Written rules alone decide what it proposes; the same data gives the same proposal.",
    Kind.ENHANCED: "A model does one step of a fixed sequence that something else sets off.",
    Kind.GUIDED: "It looks for work by itself and proposes it; a person approves every act.",
    Kind.AUTONOMOUS: "It acts by itself within its bounds. What goes out to people is approved by a person before it is sent.",
}


def kind_of(reasoning: str, level: int, modes: Iterable[Mode]) -> Kind:
    """Return the label. `reasoning` is "rules" or "model", `level` what the agent may be at most by manifest and evidence,
    `modes` what its action types come to now."""
    if reasoning == "rules":
        return Kind.RULES
    if level <= TRIGGERED:
        return Kind.ENHANCED
    return Kind.AUTONOMOUS if Mode.LIVE in set(modes) else Kind.GUIDED
