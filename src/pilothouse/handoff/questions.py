"""Questions and doubts about past acts, each with an owner, a day by which it is due, and an answer (R-103).

What must never happen here: a question closed that nobody answered, other than by who asked it; words of a person in the
part of an entry that cannot be erased; an answer overwritten by a second one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Connection, Table, Text, insert, select, update

from pilothouse.directory.people import Person, read_people, read_person
from pilothouse.directory.roles import permissions_of
from pilothouse.handoff.deciding import need_a_person
from pilothouse.handoff.sla import deadline
from pilothouse.ledger.actions import action_get
from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Draft, Entry
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import Actor, Role
from pilothouse.vocabulary.clock import Clock, new_id, stamp, unstamp
from pilothouse.vocabulary.errors import Conflict, Forbidden, InvalidInput, NotFound

DUE_BUSINESS_DAYS = 2
questions = Table(
    "questions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("action", Text, nullable=False, index=True),
    Column("subject", Text, nullable=False, index=True),
    Column("agent", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("asked_at", Text, nullable=False),
    Column("due", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("answered_by", Text, nullable=False),
    Column("answered_at", Text),
    Column("closed_at", Text),
)


class Kind(StrEnum):
    """Somebody wonders why, or says that it is wrong."""

    WHY = "why"
    WRONG = "wrong"


class QuestionStatus(StrEnum):
    """Where a question has come to."""

    OPEN = "open"
    ANSWERED = "answered"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Question:
    """One question about an act. `owner` is who answers; `words` and `answer` are empty once erased."""

    id: str
    kind: Kind
    action: str
    subject: str
    agent: str
    asked_by: str
    owner: str
    words: str
    asked_at: datetime
    due: datetime
    status: QuestionStatus
    answer: str
    answered_by: str
    answered_at: datetime | None
    closed_at: datetime | None


class QuestionProjector:
    """Follows questions: asked, then answered once, then closed."""

    name = "questions"
    kinds = frozenset({"question.asked", "question.answered", "question.closed"})
    tables = (questions,)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Bring the table up to date."""
        for entry in entries:
            body = entry.body
            if entry.kind == "question.asked":
                same = {key: body[key] for key in ("kind", "agent", "owner", "due")}
                told = {"id": body["question"], "action": entry.action, "subject": entry.subject}
                asked = {"asked_by": entry.actor.person, "asked_at": stamp(entry.at), "words": entry.value("words", "")}
                blank = {"status": QuestionStatus.OPEN.value, "answer": "", "answered_by": ""}
                connection.execute(insert(questions), {**same, **told, **asked, **blank})
                continue
            values: dict[str, Any] = {"status": QuestionStatus.CLOSED.value, "closed_at": stamp(entry.at)}
            if entry.kind == "question.answered":
                values = {"status": QuestionStatus.ANSWERED.value, "answer": entry.value("answer", "")}
                values |= {"answered_by": entry.actor.person, "answered_at": stamp(entry.at)}
            mine = update(questions).where(
                questions.c.id == body["question"], questions.c.status != QuestionStatus.CLOSED.value
            )
            if connection.execute(mine.values(**values)).rowcount != 1:
                raise Conflict(f"question {body['question']} is closed.", hint="Ask a new one.", code="question_closed")


class Questions:
    """Asking, answering, closing."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger, self._clock = ledger, clock

    def ask(self, action: str, by: Person, words: str, kind: Kind, agent_owner: str) -> Question:
        """Ask about an act; its agent's owner answers, or RevOps where there is none, or it is the one who asks.

        Raises `NotFound` for an unknown act, `InvalidInput` without words, `Forbidden` for somebody inactive.
        """
        need_a_person(by.id)
        if not words.strip():
            raise InvalidInput("a question needs words.", hint="One sentence is enough.")
        if not by.active:
            raise Forbidden(f"{by.name} is no longer active.")
        with self._ledger.engine.connect() as connection:
            row = action_get(connection, action)
            if row is None:
                raise NotFound(f"there is no action {action!r}.", hint="`pilothouse actions list` shows them.")
            owner = _answers(connection, agent_owner, by.id)
        ident = new_id("qst")
        body = {
            "question": ident, "kind": kind.value, "agent": row.agent, "owner": owner,
            "due": stamp(deadline(self._clock.now(), DUE_BUSINESS_DAYS)),
        }  # fmt: skip
        private = {"words": words.strip()}
        self._ledger.append([Draft("question.asked", Actor(by.id), body, private, row.subject, action, row.subject)])
        return self.get(ident)

    def answer(self, question: str, by: str, words: str) -> Question:
        """Answer; the owner may, and whoever may review.

        Raises `InvalidInput`, `Forbidden`, and `Conflict` when it is answered already, or closed.
        """
        if not words.strip():
            raise InvalidInput("an answer needs words.", hint="One sentence is enough.")
        return self._follow("question.answered", question, by, {"answer": words.strip()})

    def close(self, question: str, by: str) -> Question:
        """Close: who asked may at any time, others once it is answered. Raises `Forbidden`, `Conflict`."""
        return self._follow("question.closed", question, by, {})

    def _follow(self, kind: str, question: str, by: str, private: dict[str, str]) -> Question:
        need_a_person(by)
        found = self.get(question)

        def may(connection: Connection) -> None:
            person, now = read_person(connection, by), _read(connection, question)
            asked = kind == "question.closed" and by == now.asked_by
            staff = by == now.owner or "review" in permissions_of(person.role).may
            if not person.active or not (asked or staff):
                raise Forbidden(f"{person.name} may not do this.", hint="Its owner, a reviewer, or who asked may.")
            if kind == "question.answered" and now.status is QuestionStatus.ANSWERED:
                said = f"{now.answered_by} answered it already."
                raise Conflict(said, hint="Ask a new question about the act.", code="answered_already")
            if kind == "question.closed" and not asked and now.status is QuestionStatus.OPEN:
                raise Conflict("nobody answered it yet.", hint="Answer it first.", code="not_answered")

        body = {"question": question}
        draft = Draft(kind, Actor(by), body, private or None, found.subject, found.action, found.subject)
        self._ledger.append([draft], guard=may)
        return self.get(question)

    def get(self, question: str) -> Question:
        """Return one; raises `NotFound`."""
        with self._ledger.engine.connect() as connection:
            return _read(connection, question)

    def list(
        self, *, open_only: bool = True, owner: str | None = None, asked_by: str | None = None, action: str | None = None,
        subject: str | None = None,
    ) -> list[Question]:  # fmt: skip
        """Return questions, those due first on top; open means not closed."""
        query = select(questions).order_by(questions.c.due, questions.c.id)
        given = {"owner": owner, "asked_by": asked_by, "action": action, "subject": subject}
        for name, value in given.items():
            if value is not None:
                query = query.where(questions.c[name] == value)
        if open_only:
            query = query.where(questions.c.status != QuestionStatus.CLOSED.value)
        with self._ledger.engine.connect() as connection:
            return [_question(row) for row in connection.execute(query)]


def _answers(connection: Connection, agent_owner: str, asker: str) -> str:
    people = {each.id: each for each in read_people(connection) if each.active and each.id != asker}
    if agent_owner in people:
        return agent_owner
    staff = [
        each.id for role in (Role.REVOPS, Role.ADMIN, Role.REVIEWER) for each in people.values() if each.role is role
    ]
    if not staff:
        raise NotFound("there is nobody who could answer.", hint="Add somebody from RevOps.")
    return staff[0]


def _read(connection: Connection, question: str) -> Question:
    row = connection.execute(select(questions).where(questions.c.id == question)).first()
    if row is None:
        raise NotFound(f"there is no question {question!r}.", hint="`pilothouse questions list` shows them.")
    return _question(row)


def _question(row: Any) -> Question:
    values: dict[str, Any] = dict(row._mapping)
    for name in ("asked_at", "due", "answered_at", "closed_at"):
        values[name] = unstamp(values[name]) if values[name] else None
    values["kind"], values["status"] = Kind(row.kind), QuestionStatus(row.status)
    return Question(**values)
