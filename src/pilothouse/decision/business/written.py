"""The shapes of the files under `policy/business/`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pilothouse.data.defining.written import WANTED, GivenFile, PartFile, parts
from pilothouse.decision.business.policy import Question

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,40}$")]
Sentence = Annotated[str, Field(min_length=8)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClauseFile(_Strict):
    """It holds when every criterion of `all` does, and one of `any` where there are some.

    `if_missing` says what comes of a value that could decide and is not there: the question cannot be answered, or this
    clause is passed over.
    """

    id: Name
    all: tuple[PartFile, ...] = ()
    any: tuple[PartFile, ...] = ()
    reason: Sentence
    if_missing: Literal["cannot_tell", "skip"] = "cannot_tell"

    _read = field_validator("all", "any", mode="before")(parts)


class LevelFile(ClauseFile):
    """One level of fit, named by its id. `confidence` is how sure whoever acts on it may say to be."""

    confidence: float = Field(default=1.0, ge=0, le=1)


class OtherwiseFile(_Strict):
    """What is said when no level holds."""

    id: Name = "none"
    reason: Sentence


class FitFile(_Strict):
    """Who counts as an ideal customer: the first level that holds."""

    object: str = "account"
    levels: tuple[LevelFile, ...] = Field(min_length=1)
    otherwise: OtherwiseFile


class TriggerFile(ClauseFile):
    """What starts something: outreach, a review of a deal, a look at a forecast that is off."""

    object: str = "account"
    starts: Literal["outbound", "deal_review", "forecast_anomaly"] = "outbound"


class DisqualifierFile(ClauseFile):
    """What puts a record out, whatever else speaks for it."""

    object: str = "account"


class WeightFile(ClauseFile):
    """Points for what holds; below zero they speak against."""

    points: int = Field(ge=-1000, le=1000)


class PriorityFile(_Strict):
    """What comes first: the sum of the points of what holds."""

    object: str = "account"
    weights: tuple[WeightFile, ...] = Field(min_length=1)


class TableFile(_Strict):
    """Who owns records by the value of one field, whatever its case. The first table that knows the value decides."""

    id: Name
    field: str
    owners: dict[str, str] = Field(min_length=1)
    reason: Sentence
    if_missing: Literal["cannot_tell", "skip"] = "skip"


class UnownedFile(_Strict):
    """Who gets what no table knows."""

    to: str = Field(min_length=1)
    reason: Sentence


class RoutingFile(_Strict):
    """Who owns a record, by tables: specialisations before territories, as they stand."""

    object: str = "account"
    tables: tuple[TableFile, ...] = Field(min_length=1)
    unowned: UnownedFile


class BusinessFile(_Strict):
    """One file under `policy/business/`. Each of icp, priority and routing may stand in one file only."""

    icp: FitFile | None = None
    triggers: tuple[TriggerFile, ...] = ()
    disqualifiers: tuple[DisqualifierFile, ...] = ()
    priority: PriorityFile | None = None
    routing: RoutingFile | None = None


class AskWanted(_Strict):
    """The answer that is wanted; what is left out may be anything. `by` is the clause or table that decided."""

    answer: str
    confidence: float | None = None
    by: str | None = None
    missing: tuple[str, ...] | None = None

    @field_validator("answer", mode="before")
    @classmethod
    def _spoken(cls, given: object) -> object:
        """YAML reads a bare yes or no as a boolean, and points as a number."""
        return WANTED[given] if isinstance(given, bool) else str(given)


class AskCase(GivenFile):
    """A golden case of business policy: a record of an object, a question, and the answer that is wanted."""

    ask: Question
    object: str = "account"
    want: AskWanted
