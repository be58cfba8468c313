"""The page of questions about past acts, and the forms that ask, answer and close."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pilothouse.directory.roles import permissions_of
from pilothouse.handoff.questions import Kind
from pilothouse.surfaces.asking import ask as ask_about
from pilothouse.surfaces.auth import Pilothouse
from pilothouse.surfaces.console.pages import Posted, SignedIn, Text, go, page

router = APIRouter(include_in_schema=False)


@router.get("/questions")
def questions(request: Request, session: SignedIn, pilothouse: Pilothouse, said: str = "") -> Response:
    """Every open question; who does not read the ledger sees their own."""
    mine = None if "read_ledger" in permissions_of(session.person.role).may else session.person.id
    found = pilothouse.questions.list(asked_by=mine)
    return page(request, "questions.html", session, questions=found, now=pilothouse.clock.now(), said=said)


@router.post("/questions")
def ask(session: Posted, pilothouse: Pilothouse, action: Text = "", words: Text = "", kind: Text = "why") -> Response:
    """Ask about an act."""
    done = ask_about(pilothouse, action, session.person, words, Kind.WRONG if kind == "wrong" else Kind.WHY)
    return go("/questions", f"{done.owner} answers by {done.due:%d %b %H:%M} UTC.")


@router.post("/questions/{question}")
def follow(question: str, session: Posted, pilothouse: Pilothouse, words: Text = "", close: Text = "") -> Response:
    """Answer a question, or close it."""
    if close:
        pilothouse.questions.close(question, session.person.id)
        return go("/questions", "Closed.")
    pilothouse.questions.answer(question, session.person.id, words)
    return go("/questions", "Answered.")
