"""Business policy asked about one record: the answer, the condition that decided it, the values it saw, the version.

Everything here is worked out from tables and conditions and is the same for the same records. What must never happen
here: an owner named who does not work there any longer; a missing value that decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pilothouse.data.defining.answers import Answer, Evaluation
from pilothouse.data.defining.evaluating import Evaluator
from pilothouse.data.store import Record
from pilothouse.decision.business.policy import BusinessPolicy, Clause, Question, Table, plain
from pilothouse.vocabulary.errors import InvalidInput
from pilothouse.vocabulary.values import Json

NOTHING = {Question.TRIGGER: "Nothing starts on it.", Question.DISQUALIFIED: "Nothing puts it out."}
CANNOT_TELL = Answer.CANNOT_TELL.value


@dataclass(frozen=True, slots=True)
class Finding:
    """One clause or table that bore on the answer: its words, what it came to, and the record it was asked of."""

    id: str
    reason: str
    answer: Answer
    where: str
    values: dict[str, Json]
    missing: tuple[str, ...] = ()
    because: str = ""
    gives: str = ""
    points: int = 0


@dataclass(frozen=True, slots=True)
class BusinessAnswer:
    """What policy says of a record.

    `answer` is the level of fit, yes or no, the points, or the owner; "cannot tell" where a missing value could decide.
    `by` names the clause or table that decided. `confidence` is how sure whoever acts on it may say to be; None where the answer is no judgement to act on.
    """

    question: Question
    record: str
    asked_of: str
    answer: str
    by: str
    reason: str
    confidence: float | None
    missing: tuple[str, ...]
    findings: tuple[Finding, ...]
    version: str


class Asker:
    """Asks one business policy about the records of one evaluator, which must be made with the policy's definitions."""

    def __init__(self, policy: BusinessPolicy, evaluator: Evaluator) -> None:
        self._policy, self._evaluator = policy, evaluator

    def ask(self, question: Question, record: Record) -> BusinessAnswer:
        """Answer a question about a record, or about the account it belongs to where policy speaks of accounts.

        Raises `InvalidInput` where policy says nothing about such records.
        """
        match question:
            case Question.ICP:
                return self._icp(record)
            case Question.TRIGGER:
                return self._any(question, record, self._policy.triggers)
            case Question.DISQUALIFIED:
                return self._any(question, record, self._policy.disqualifiers)
            case Question.PRIORITY:
                return self._priority(record)
            case Question.ROUTE:
                return self._route(record)

    def _icp(self, record: Record) -> BusinessAnswer:
        fit = self._policy.fit
        if fit is None:
            raise _silent(Question.ICP, "icp")
        of = self._of(record, fit.object)
        if of is None:
            return self._lost(Question.ICP, record)
        looked: list[Finding] = []
        for level in fit.levels:
            found = self._finding(level, of)
            looked.append(found)
            if found.answer is Answer.YES:
                return self._said(Question.ICP, record, of, level.gives, found, looked, level.confidence)
            if found.answer is Answer.CANNOT_TELL and not level.skips:
                return self._said(Question.ICP, record, of, CANNOT_TELL, found, looked, None)
        otherwise = Finding(fit.otherwise, fit.otherwise_reason, Answer.YES, "", {})
        return self._said(Question.ICP, record, of, fit.otherwise, otherwise, looked, 1.0)

    def _any(self, question: Question, record: Record, clauses: Sequence[Clause]) -> BusinessAnswer:
        asked = [(each, of) for each in clauses if (of := self._of(record, each.object)) is not None]
        looked = [self._finding(clause, of) for clause, of in asked]
        holding = [each for each in looked if each.answer is Answer.YES]
        if holding:
            first = holding[0]
            return self._said(question, record, record, Answer.YES.value, first, looked, 1.0)
        open_ = [
            found
            for found, (clause, _) in zip(looked, asked, strict=True)
            if found.answer is Answer.CANNOT_TELL and not clause.skips
        ]
        if open_:
            return self._said(question, record, record, CANNOT_TELL, open_[0], looked, None)
        none = Finding("none", NOTHING[question], Answer.YES, "", {})
        return self._said(question, record, record, Answer.NO.value, none, looked, 1.0)

    def _priority(self, record: Record) -> BusinessAnswer:
        weights = self._policy.priority
        if not weights:
            raise _silent(Question.PRIORITY, "priority")
        of = self._of(record, weights[0].object)
        if of is None:
            return self._lost(Question.PRIORITY, record)
        looked = [self._finding(each, of) for each in weights]
        holding = [each for each in looked if each.answer is Answer.YES]
        open_ = [each for each in looked if each.answer is Answer.CANNOT_TELL]
        points = sum(each.points for each in holding)
        told = "; ".join(f"{each.points:+d} {each.reason}" for each in holding) or "Nothing that counts holds of it."
        if open_:
            told += f" Not known: {', '.join(each.id for each in open_)}."
        total = Finding("points", told, Answer.YES, "", {}, tuple(n for each in open_ for n in each.missing))
        return self._said(Question.PRIORITY, record, of, str(points), total, looked, None if open_ else 1.0)

    def _route(self, record: Record) -> BusinessAnswer:
        routing = self._policy.routing
        if routing is None:
            raise _silent(Question.ROUTE, "routing")
        of = self._of(record, routing.object)
        looked: list[Finding] = []
        gone = ""
        for table in routing.tables if of is not None else ():
            assert of is not None
            found = self._in_table(table, of)
            looked.append(found)
            if found.answer is Answer.YES and self._works(found.gives, of):
                return self._said(Question.ROUTE, record, of, found.gives, found, looked, 1.0)
            if found.answer is Answer.YES:
                gone = f" ({found.gives}, named by {table.id}, is no active user of {of.ref.system})"
                break
            if found.answer is Answer.CANNOT_TELL and not table.skips:
                return self._said(Question.ROUTE, record, of, CANNOT_TELL, found, looked, None)
        unowned = Finding("unowned", routing.unowned_reason + gone, Answer.YES, "", {})
        return self._said(Question.ROUTE, record, of or record, routing.unowned, unowned, looked, 1.0)

    def _in_table(self, table: Table, of: Record) -> Finding:
        value = of.text(table.field)
        name = f"record.{table.field}"
        if not value:
            return Finding(table.id, table.reason, Answer.CANNOT_TELL, table.where, {}, (name,))
        owner = table.owners.get(plain(value), "")
        answer = Answer.YES if owner else Answer.NO
        because = f"{table.field} = {value}"
        return Finding(table.id, table.reason, answer, table.where, {name: value}, (), because, owner)

    def _works(self, owner: str, of: Record) -> bool:
        """True when a person is an active user of the system, or the system tells of no users at all."""
        around = self._evaluator.around(of)
        if not around.records("user"):
            return True
        user = around.record("user", owner)
        return user is not None and user.value("is_active") is not False

    def _finding(self, clause: Clause, of: Record) -> Finding:
        found = self._evaluator.evaluate(clause.term, of)
        return Finding(
            clause.id,
            clause.reason,
            found.answer,
            clause.where,
            _values(found),
            found.missing,
            found.reason.removeprefix("not: ").removeprefix("open: "),
            clause.gives,
            clause.points,
        )

    def _of(self, record: Record, object_name: str) -> Record | None:
        if record.ref.object == object_name:
            return record
        if object_name != "account":
            return None
        return self._evaluator.around(record).record("account", record.text("account"))

    def _lost(self, question: Question, record: Record) -> BusinessAnswer:
        sentence = "It is not known which account it belongs to."
        finding = Finding("account", sentence, Answer.CANNOT_TELL, "", {}, ("record.account",))
        return self._said(question, record, record, CANNOT_TELL, finding, [finding], None)

    def _said(
        self,
        question: Question,
        record: Record,
        of: Record,
        answer: str,
        by: Finding,
        looked: Sequence[Finding],
        confidence: float | None,
    ) -> BusinessAnswer:
        lacks = f" Missing: {', '.join(by.missing)}." if answer == CANNOT_TELL and by.missing else ""
        because = f" ({by.because})" if by.because and answer != CANNOT_TELL else ""
        return BusinessAnswer(
            question,
            str(record.ref),
            str(of.ref),
            answer,
            by.id,
            f"{by.reason}{because}{lacks}",
            confidence,
            by.missing,
            tuple(looked),
            self._policy.version,
        )


def _values(found: Evaluation) -> dict[str, Json]:
    return {
        name: value if isinstance(value, str | int | float | bool) else str(value)
        for each in found.deciding
        for name, value in each.values.items()
    }


def _silent(question: Question, section: str) -> InvalidInput:
    return InvalidInput(
        f"policy says nothing about {question.value}.", hint=f"Write `{section}:` in a file under policy/business/."
    )
