"""Definitions asked about records: yes, no, or cannot tell and what is missing; with the reason and the version.

A criterion is asked by itself. One that says no decides against `all`, one that says yes decides for `any`, whatever
else is missing; a missing value that could still decide makes the answer "cannot tell". Inside a criterion nothing is
absorbed: a value it mentions and that is missing leaves it open (docs/decisions/0002).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from pilothouse.conditions.conditions import ConditionError
from pilothouse.data.defining.answers import Answer, Evaluation, Judged, StageCheck, Unmet
from pilothouse.data.defining.facts import FACTS, Fact
from pilothouse.data.defining.surroundings import Source, Surroundings
from pilothouse.data.defining.variables import DEFINED, FACT, Getter, getter
from pilothouse.data.definitions import Criterion, Definitions, Stage, Term
from pilothouse.data.store import Record
from pilothouse.data.typed import Value
from pilothouse.vocabulary.errors import InvalidInput
from pilothouse.vocabulary.records import RecordRef

TRUTH = {True: Answer.YES, False: Answer.NO}


class Evaluator:
    """Asks the definitions about records of one source, as of a moment. Answers are kept: the records must stand still.

    `given` stands in for facts that would be worked out from other records, as golden cases give them.
    """

    def __init__(
        self, definitions: Definitions, source: Source, as_of: datetime, given: Mapping[str, Value] | None = None
    ) -> None:
        self.definitions, self.as_of = definitions, as_of
        self._source, self._given = source, given or {}
        self._around: dict[str, Surroundings] = {}
        self._getters: dict[tuple[str, str], Getter] = {}
        self._answers: dict[str, dict[RecordRef, Answer]] = {}

    def around(self, record: Record) -> Surroundings:
        """Return what the record's own system tells around it."""
        return self.surroundings(record.ref.system)

    def surroundings(self, system: str) -> Surroundings:
        """Return what a system tells around its records."""
        if system not in self._around:
            self._around[system] = Surroundings(self._source, self.definitions, system, self.as_of)
        return self._around[system]

    def fact(self, fact: Fact, record: Record) -> Value | None:
        """Return a derived fact about a record, None when it cannot be known."""
        return self._given[fact.name] if fact.name in self._given else fact.work(self.around(record), record)

    def truth(self, name: str, record: Record) -> bool | None:
        """Return whether a term holds of a record, None when that cannot be told."""
        answer = self.answer(name, record)
        return None if answer is Answer.CANNOT_TELL else answer is Answer.YES

    def answer(self, name: str, record: Record) -> Answer:
        """Return the bare answer, which is much the quicker; raises as `evaluate`."""
        term = self._term(name, record)
        known = self._answers.setdefault(name, {})
        found = known.get(record.ref)
        if found is None:
            found = known[record.ref] = self._decide(term, record)
        return found

    def evaluate(self, name: str, record: Record) -> Evaluation:
        """Return the answer with its reason; raises `NotFound` for no such term, `InvalidInput` for another object."""
        term = self._term(name, record)
        every = [self._judged(each, record) for each in term.all]
        some = [self._judged(each, record) for each in term.any]
        answers = [each.answer for each in every]
        answer = _least([*answers, _most(each.answer for each in some)] if some else answers)
        return Evaluation(term.name, str(record.ref), answer, tuple(_deciding(answer, every, some)), term.version)

    def evaluations(self, record: Record) -> list[Evaluation]:
        """Return what every term of the record's object says of it."""
        return [self.evaluate(term.name, record) for term in self.definitions.terms_of(record.ref.object)]

    def stage_check(self, deal: Record) -> StageCheck:
        """Return whether a deal meets the criteria of its stage and those for leaving the stages it went through."""
        stage = self.definitions.stage(deal.text("stage"))
        version = self.definitions.stages_version
        if stage is None:
            return StageCheck(str(deal.ref), deal.text("stage"), None, (), (), version)
        judged = [Unmet(each.name, kind, self._judged(criterion, deal)) for each, kind, criterion in self._asked(stage)]
        against = tuple(each for each in judged if each.judged.answer is Answer.NO)
        open_ = tuple(each for each in judged if each.judged.answer is Answer.CANNOT_TELL)
        return StageCheck(str(deal.ref), deal.text("stage"), stage.name, against, open_, version)

    def may_leave(self, stage: Stage, deal: Record) -> Answer:
        """Return whether a deal meets every criterion for leaving a stage; "cannot tell" too for a stage that names none."""
        if not stage.exit:
            return Answer.CANNOT_TELL
        return _least(self._asked_of(each, deal)[0] for each in stage.exit)

    def _asked(self, stage: Stage) -> Iterator[tuple[Stage, str, Criterion]]:
        yield from ((stage, "entry", each) for each in stage.entry)
        for earlier in self.definitions.passed(stage):
            yield from ((earlier, "exit", each) for each in earlier.exit)

    def _term(self, name: str, record: Record) -> Term:
        term = self.definitions.term(name)
        if term.object != record.ref.object:
            raise InvalidInput(
                f"{name} is judged on a {term.object}, and {record.ref} is none.", hint="Ask of another."
            )
        return term

    def _decide(self, term: Term, record: Record) -> Answer:
        values = self._values(term.object, term.together.needs, record)
        answers = term.together.answers(values, self._activation(term.object, values))
        if answers is None:
            return self._one_by_one(term, record)
        some = answers[len(term.all) :]
        return TRUTH[all(answers[: len(term.all)]) and (not some or any(some))]

    def _one_by_one(self, term: Term, record: Record) -> Answer:
        every = _least(self._asked_of(each, record)[0] for each in term.all)
        if every is Answer.NO or not term.any:
            return every
        return _least((every, _most(self._asked_of(each, record)[0] for each in term.any)))

    def _judged(self, criterion: Criterion, record: Record) -> Judged:
        answer, values, error = self._asked_of(criterion, record)
        missing = sorted(criterion.condition.needs - values.keys())
        lacking = tuple(dict.fromkeys(name for each in missing for name in self._lacking(each, record)))
        bases = {name: told for name in sorted(values) if (told := self._basis(name, record))}
        return Judged(criterion, answer, values, lacking, error, bases)

    def _basis(self, variable: str, record: Record) -> str:
        fact = FACTS.get((record.ref.object, variable.removeprefix(FACT))) if variable.startswith(FACT) else None
        if fact is None or fact.basis is None or fact.name in self._given:
            return ""
        return fact.basis(self.around(record), record)

    def _asked_of(self, criterion: Criterion, record: Record) -> tuple[Answer, dict[str, Value], str]:
        """Return the answer to one criterion, the values it saw, and why it failed, if it did."""
        condition, object_name = criterion.condition, record.ref.object
        values = self._values(object_name, condition.needs, record)
        if len(values) < len(condition.needs):
            return Answer.CANNOT_TELL, values, ""
        try:
            return TRUTH[condition.holds(values, self._activation(object_name, values))], values, ""
        except ConditionError as error:
            return Answer.CANNOT_TELL, values, str(error)

    def _activation(self, object_name: str, values: Mapping[str, Value]) -> object:
        return self.definitions.conditions[object_name].activation(values)

    def _values(self, object_name: str, wanted: Iterable[str], record: Record) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for name in wanted:
            key = (object_name, name)
            get = self._getters.get(key)
            if get is None:
                get = self._getters[key] = self._getter(object_name, name)
            value = get(self, record)
            if value is not None:
                values[name] = value
        return values

    def _getter(self, object_name: str, name: str) -> Getter:
        constant = self.definitions.constants.get(name)
        return getter(object_name, name) if constant is None else lambda _, __: constant

    def _lacking(self, variable: str, record: Record) -> Sequence[str]:
        """Return what is missing behind a variable: for another term, what that term lacks."""
        if not variable.startswith(DEFINED):
            return (variable,)
        reference, _, term = variable.removeprefix(DEFINED).rpartition(".")
        target = self.definitions.term(term).object
        other = self.around(record).record(target, record.text(reference)) if reference else record
        if other is None:
            return (f"the {target} in {reference}",)
        return self.evaluate(term, other).missing or (variable,)


def _least(answers: Iterable[Answer]) -> Answer:
    """Return no when one is no, else cannot tell when one is open, else yes; asks no further than it must."""
    found = Answer.YES
    for each in answers:
        if each is Answer.NO:
            return each
        found = Answer.CANNOT_TELL if each is Answer.CANNOT_TELL else found
    return found


def _most(answers: Iterable[Answer]) -> Answer:
    """Return yes when one is yes, else cannot tell when one is open, else no; asks no further than it must."""
    found = Answer.NO
    for each in answers:
        if each is Answer.YES:
            return each
        found = Answer.CANNOT_TELL if each is Answer.CANNOT_TELL else found
    return found


def _deciding(answer: Answer, every: Sequence[Judged], some: Sequence[Judged]) -> Iterator[Judged]:
    """Yield the criteria that made the answer what it is."""
    against = [each for each in every if each.answer is Answer.NO]
    if answer is Answer.NO:
        yield from against or some
    elif answer is Answer.YES:
        yield from every
        yield from [each for each in some if each.answer is Answer.YES][:1]
    else:
        yield from [each for each in every if each.answer is Answer.CANNOT_TELL]
        if _most(each.answer for each in some) is Answer.CANNOT_TELL:
            yield from [each for each in some if each.answer is Answer.CANNOT_TELL]
