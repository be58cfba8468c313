"""What a definition answers about one record: yes, no or cannot tell, with what decided it and the values it saw.

What must never happen here: an answer without its reason and version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pilothouse.data.definitions import Criterion
from pilothouse.data.typed import Value


class Answer(StrEnum):
    """Cannot tell: a fact that could decide is missing."""

    YES = "yes"
    NO = "no"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class Judged:
    """One criterion asked about one record: the values it saw, what it lacked, and why it failed, if it did.

    `bases` says of values that may come about in different ways which it was.
    """

    criterion: Criterion
    answer: Answer
    values: Mapping[str, Value]
    missing: tuple[str, ...]
    error: str = ""
    bases: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def sentence(self) -> str:
        """The criterion in words, with the values that decided it."""
        if self.criterion.source in self.values and not self.criterion.words:
            return f"{_plain(self.criterion.source)} = {_shown(self.values[self.criterion.source])}"
        seen = ", ".join(self._seen(name, value) for name, value in sorted(self.values.items()))
        lacks = f"{', '.join(map(_plain, self.missing))} missing" if self.missing else ""
        told = "; ".join(each for each in (seen, lacks, self.error) if each)
        return self.criterion.text + (f" ({told})" if told else "")

    def _seen(self, name: str, value: Value) -> str:
        return f"{_plain(name)} = {_shown(value)}" + (f" ({self.bases[name]})" if name in self.bases else "")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Whether a term holds of a record, by which criteria that was decided, and by which version of the term."""

    term: str
    record: str
    answer: Answer
    deciding: tuple[Judged, ...]
    version: str

    @property
    def holds(self) -> bool:
        """True only for yes."""
        return self.answer is Answer.YES

    @property
    def missing(self) -> tuple[str, ...]:
        """What is missing, when it cannot be told."""
        return tuple(dict.fromkeys(name for each in self.deciding for name in each.missing))

    @property
    def reason(self) -> str:
        """Why, in a sentence: every criterion that decided, with the values it saw."""
        because = "; ".join(each.sentence for each in self.deciding) or "nothing is asked"
        return {Answer.YES: "", Answer.NO: "not: ", Answer.CANNOT_TELL: "open: "}[self.answer] + because


@dataclass(frozen=True, slots=True)
class Unmet:
    """A stage's criterion that does not hold, or that cannot be told. `kind` is entry or exit."""

    stage: str
    kind: str
    judged: Judged

    @property
    def sentence(self) -> str:
        """What the stage asks, and what is there instead."""
        asks = "asks" if self.kind == "entry" else "is left only when"
        return f"{self.stage} {asks}: {self.judged.sentence}"


@dataclass(frozen=True, slots=True)
class StageCheck:
    """Whether a deal meets what its stage asks. `stage` is None for a stage that is not defined, `named` as it stands."""

    record: str
    named: str
    stage: str | None
    against: tuple[Unmet, ...]
    open: tuple[Unmet, ...]
    version: str

    @property
    def answer(self) -> Answer:
        """No when a criterion is not met or the stage is not defined; cannot tell when one is open; else yes."""
        if self.stage is None or self.against:
            return Answer.NO
        return Answer.CANNOT_TELL if self.open else Answer.YES

    @property
    def sentences(self) -> Sequence[str]:
        """Every contradiction in a sentence."""
        if self.stage is None:
            return (f"{self.named!r} is no stage that is defined." if self.named else "It is in no stage.",)
        return tuple(each.sentence for each in self.against)


def _shown(value: Value) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _plain(variable: str) -> str:
    """Return a variable without saying whether it is a field, a fact or a term."""
    for prefix in ("record.", "fact.", "defined."):
        variable = variable.removeprefix(prefix)
    return variable
