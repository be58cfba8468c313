"""The endpoints about questions on past acts."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from pilothouse.directory.roles import permissions_of
from pilothouse.handoff.questions import Kind
from pilothouse.surfaces.asking import ask as ask_about
from pilothouse.surfaces.auth import CurrentPerson, Pilothouse
from pilothouse.surfaces.plain import plain
from pilothouse.surfaces.rest.models import QuestionIn, Words
from pilothouse.surfaces.rest.routes import PROBLEMS, Id

router = APIRouter(prefix="/v1/questions", responses=PROBLEMS)


@router.get("")
def questions(person: CurrentPerson, pilothouse: Pilothouse, every: bool = False) -> list[dict[str, Any]]:
    """Return questions, those due first on top; who does not read the ledger sees their own."""
    mine = None if "read_ledger" in permissions_of(person.role).may else person.id
    return plain(pilothouse.questions.list(open_only=not every, asked_by=mine))


@router.post("", status_code=201)
def ask(given: QuestionIn, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Ask why something was done, or say that it is wrong; the agent's owner answers."""
    return plain(ask_about(pilothouse, given.action, person, given.words, Kind(given.kind)))


@router.post("/{question}/answer")
def answer(question: Id, given: Words, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Answer a question."""
    return plain(pilothouse.questions.answer(question, person.id, given.words))


@router.post("/{question}/close")
def close(question: Id, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, Any]:
    """Close a question."""
    return plain(pilothouse.questions.close(question, person.id))
