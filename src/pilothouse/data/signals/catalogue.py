"""The catalogue of signal types, as files of the workspace: what each means, holds and weighs, and how fast it fades.

What must never happen here: an attribute that the catalogue does not name let through, or a value turned into its type.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pilothouse.vocabulary.clock import unstamp
from pilothouse.vocabulary.documents import load_document
from pilothouse.vocabulary.values import Json, digest

LONGEST_TEXT = 4000
AttributeType = Literal["text", "number", "integer", "boolean", "moment"]
TYPES: frozenset[str] = frozenset(get_args(AttributeType))


class SignalKind(StrEnum):
    """What a signal tells about."""

    FIRMOGRAPHIC = "firmographic"
    BEHAVIOURAL = "behavioural"
    INTENT = "intent"
    TECHNOGRAPHIC = "technographic"
    RELATIONSHIP = "relationship"
    AGENT_ACTION = "agent_action"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Attribute(_Strict):
    """One attribute: its type, whether it must be there, its unit, the least and most it can be, the words it can hold."""

    type: AttributeType
    required: bool = False
    unit: str = ""
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    words: str = ""

    def problem(self, value: Json) -> str:
        """Return what is wrong with a value, the empty string when nothing is."""
        if not FITS[self.type](value):
            return f"{_shown(value)} is not of type {self.type}"
        if self.choices and value not in self.choices:
            return f"{_shown(value)} is none of {', '.join(self.choices)}"
        if isinstance(value, int | float):
            if self.least is not None and value < self.least:
                return f"{value} is less than {self.least:g}"
            if self.most is not None and value > self.most:
                return f"{value} is more than {self.most:g}"
        return ""


class SignalType(_Strict):
    """One type of signal.

    `strength` is the weight of a fresh one (negative speaks against buying), which halves every `half_life_days`; `scale`
    names an attribute whose share of its `most` multiplies the weight. `engagement` says that somebody at the account
    did it or took part. `activities` names the kinds of CRM activity that are read as this type, and `usage` the
    attribute that counts how much the product was used. Attributes of a `personal` type can be erased.
    """

    type: str = Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$", max_length=80)
    kind: SignalKind
    words: str = Field(min_length=1)
    half_life_days: float = Field(gt=0, le=3650)
    strength: float = Field(ge=-10, le=10)
    personal: bool = False
    engagement: bool = False
    scale: str = ""
    usage: str = ""
    activities: tuple[str, ...] = ()
    attributes: dict[str, Attribute] = {}

    @model_validator(mode="after")
    def _names_its_own(self) -> Self:
        for name in (self.scale, self.usage):
            if name and (name not in self.attributes or self.attributes[name].type not in ("number", "integer")):
                raise ValueError(f"{name!r} is no number among its attributes")
        if self.scale and not self.attributes[self.scale].most:
            raise ValueError(f"{self.scale!r} scales the weight, so it must say the most it can be")
        return self

    def problem(self, attributes: Mapping[str, Json]) -> str:
        """Return what is wrong with a signal's attributes, the empty string when nothing is."""
        known = self.attributes
        for name, value in attributes.items():
            spec = known.get(name)
            if spec is None:
                return f"{self.type} has no attribute {name!r}; it has: {', '.join(known) or 'none'}"
            wrong = spec.problem(value)
            if wrong:
                return f"{name}: {wrong}"
        for name, spec in known.items():
            if spec.required and name not in attributes:
                return f"{self.type} needs the attribute {name!r}"
        return ""

    def weight(self, attributes: Mapping[str, Json], age_days: float) -> float:
        """Return strength × scale × 0.5^(age / half-life): exponential decay, with the age in days counted from 0."""
        fresh = self.strength
        if self.scale:
            told, most = attributes.get(self.scale), self.attributes[self.scale].most
            fresh *= float(told) / most if isinstance(told, int | float) and most else 0.0
        return fresh * 0.5 ** (max(0.0, age_days) / self.half_life_days)


class CatalogueFile(_Strict):
    """One file under `signals/`."""

    version: int = Field(ge=1)
    signals: tuple[SignalType, ...] = Field(min_length=1)


class Catalogue:
    """Every type of signal of a workspace. `version` changes with anything that a weight or a check depends on."""

    def __init__(self, types: tuple[SignalType, ...] = ()) -> None:
        self.types: Mapping[str, SignalType] = {each.type: each for each in types}
        self._by_activity = {name.casefold(): each for each in types for name in each.activities}
        self.version = digest([each.model_dump(mode="json") for each in types])[:12]
        self.agent_action = next((each for each in types if each.kind is SignalKind.AGENT_ACTION), None)

    def of_activity(self, kind: str) -> SignalType | None:
        """Return the type that a CRM activity of this kind is read as, None when it is read as none."""
        return self._by_activity.get(kind.strip().casefold())


def load_catalogue(folder: Path) -> Catalogue:
    """Read every file under `signals/`; raises `DocumentError`, also for a type or an activity that stands twice."""
    types: list[SignalType] = []
    seen: set[str] = set()
    for path in sorted(folder.glob("*.yaml")):
        document = load_document(path, CatalogueFile)
        for index, each in enumerate(document.model.signals):
            for name in (each.type, *(f"activity {kind.casefold()}" for kind in each.activities)):
                if name in seen:
                    raise document.error(f"{name!r} stands twice", "signals", index)
                seen.add(name)
        types += document.model.signals
    return Catalogue(tuple(types))


def _is_moment(value: Json) -> bool:
    try:
        return isinstance(value, str) and bool(unstamp(value))
    except ValueError:
        return False


FITS: Mapping[AttributeType, Callable[[Json], bool]] = {
    "text": lambda value: isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value),
    "moment": _is_moment,
}


def _shown(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


__all__ = ["Attribute", "Catalogue", "SignalKind", "SignalType", "load_catalogue"]
