"""What goes over the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from pilothouse.gateway.passage import Result
from pilothouse.vocabulary.actions import Action, Evidence
from pilothouse.vocabulary.records import RecordRef
from pilothouse.vocabulary.values import canonical, parse_json

Text = Annotated[str, StringConstraints(max_length=4000, pattern=r"^[^\x00]*$")]
Named = Annotated[str, StringConstraints(min_length=1, max_length=400, pattern=r"^[^\x00]+$")]
Ref = Annotated[str, StringConstraints(pattern=r"^[^/\x00]+/[^/\x00]+/[^\x00]*$", max_length=600)]
Scalar = str | bool | int | float | None


def _holdable(given: dict[str, Any]) -> dict[str, Any]:
    """Refuse what canonical JSON cannot hold: whole numbers beyond 64 bits, broken text, numbers that are not finite."""
    try:
        text = canonical(given)
    except TypeError as error:
        raise ValueError(str(error)) from None
    if parse_json(text) != given:
        raise ValueError("a number in it is not finite")
    return given


Values = Annotated[dict[Named, Any], AfterValidator(_holdable)]


class Model(BaseModel):
    """No unknown fields, no guessing of types."""

    model_config = ConfigDict(extra="forbid", strict=True)


class LogIn(Model):
    """An address and a password."""

    email: Named
    password: Named


class Me(Model):
    """Who is logged in; `csrf` goes into the X-CSRF-Token header of every change."""

    person: str
    name: str
    role: str
    csrf: str


class EvidenceIn(Model):
    """One fact a proposal rests on."""

    note: Named
    record: Text = ""
    field: Text = ""
    value: Scalar = None
    position: Annotated[int, Field(ge=0, le=2**53)] | None = None


class ActionIn(Model):
    """An action an agent asks for."""

    capability: Named
    target: Ref
    arguments: Values
    intent: Named
    confidence: Annotated[float, Field(ge=0, le=1)]
    evidence: tuple[EvidenceIn, ...] = Field(default=(), max_length=50, strict=False)
    based_on: Annotated[int, Field(ge=0, le=2**53)] | None = None
    expects: Values | None = None
    idempotency_key: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")] = ""
    ambiguity: Text = ""

    def action(self) -> Action:
        """Return the action."""
        return Action(
            capability=self.capability,
            target=RecordRef.parse(self.target),
            arguments=self.arguments,
            intent=self.intent,
            confidence=self.confidence,
            evidence=tuple(Evidence(e.note, e.record, e.field, e.value, e.position) for e in self.evidence),
            based_on=self.based_on,
            expects=self.expects,
            idempotency_key=self.idempotency_key,
            ambiguity=self.ambiguity,
        )


class ResultOut(Model):
    """What became of an action. `no_evidence` says to who approved it why that does not count as evidence for the agent."""

    action: str
    status: str
    code: str
    sentence: str
    tier: str
    treatment: str
    rule: str
    policy_version: str
    review: str
    replayed: bool
    no_evidence: str = ""


def result_out(result: Result, no_evidence: str = "") -> ResultOut:
    """Return a result as it goes over the wire."""
    verdict = result.verdict
    return ResultOut(
        action=result.action.id,
        status=result.status.value,
        code=result.code,
        sentence=result.sentence,
        tier=verdict.tier.value if verdict else "",
        treatment=verdict.treatment.name.lower() if verdict else "",
        rule=verdict.rule if verdict else "",
        policy_version=verdict.policy_version if verdict else "",
        review=result.review,
        replayed=result.replayed,
        no_evidence=no_evidence,
    )


class Approve(Model):
    """An approval of exactly the payload with this hash."""

    payload_hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    note: Text = ""


class Edit(Approve):
    """An approval with other values."""

    arguments: Values


class Reassign(Model):
    """Who is asked from now on, and why."""

    to: Named
    reason: Named


class Verdict(Model):
    """Whether an act was right, and what was wrong where it was not."""

    passed: bool
    note: Text = ""


class QuestionIn(Model):
    """A question about an act: why it was done, or that it is wrong."""

    action: Named
    words: Named
    kind: Literal["why", "wrong"] = "why"


class Words(Model):
    """An answer."""

    words: Named


class Reason(Model):
    """A reason in a sentence."""

    reason: Named


class JudgementIn(Model):
    """A person's word that two records are one account or contact, or are not."""

    one: Ref
    other: Ref
    same: bool
    why: Named


class RollbackScope(Model):
    """What to undo; an agent or a single action must be named. Times carry their offset."""

    agent: Named | None = None
    since: AwareDatetime | None = Field(default=None, strict=False)
    until: AwareDatetime | None = Field(default=None, strict=False)
    field: Named | None = None
    action: Named | None = None


class RollbackIn(RollbackScope):
    """A rollback to be carried out. `severity` 1 puts the action types concerned into shadow at once."""

    reason: Named
    severity: Annotated[int, Field(ge=1, le=4, strict=True)] | None = None


class Problem(Model):
    """What is wrong, where, and what to do next."""

    code: str
    message: str
    hint: str = ""


Status = Literal["open", "approved", "rejected", "expired", "used"]
