"""Who is calling: a person with a session cookie, or an agent with a bearer token. The same for REST and console."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Header, Request

from pilothouse.assembly import App
from pilothouse.directory.credentials import Session
from pilothouse.directory.people import Person
from pilothouse.directory.roles import permissions_of
from pilothouse.gateway.asking import Asker, asker
from pilothouse.vocabulary.errors import Forbidden, Unauthenticated

COOKIE = "pilothouse_session"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def pilothouse_of(request: Request) -> App:
    """Return the app that serves a request."""
    return cast(App, request.app.state.pilothouse)


def session_of(request: Request) -> Session | None:
    """Return the caller's session, if they have one."""
    return pilothouse_of(request).credentials.session(request.cookies.get(COOKIE, ""))


def person_of(request: Request, x_csrf_token: Annotated[str, Header()] = "") -> Person:
    """Return the person calling; a request that changes something must show the session's CSRF token too."""
    session = session_of(request)
    if session is None:
        raise Unauthenticated("nobody is logged in.", hint="POST /v1/session first.")
    if request.method not in SAFE and not session.csrf_matches(x_csrf_token):
        raise Forbidden("the X-CSRF-Token header is missing or wrong.", hint="Send the one you got at log-in.")
    return session.person


def token_of(authorization: Annotated[str, Header()] = "") -> str:
    """Return the agent's token."""
    scheme, _, token = authorization.partition(" ")
    if scheme.casefold() != "bearer" or not token:
        raise Unauthenticated("no agent token.", hint="Send Authorization: Bearer TOKEN.")
    return token


def caller_of(
    request: Request, authorization: Annotated[str, Header()] = "", x_csrf_token: Annotated[str, Header()] = ""
) -> Person | Asker:
    """Return who asks where both may: the agent whose token is shown, else the person who is logged in."""
    if authorization:
        return asker(pilothouse_of(request).gateway.door, token_of(authorization))
    return person_of(request, x_csrf_token)


def require(person: Person, verb: str) -> None:
    """Raise `Forbidden` unless a person may do something."""
    if verb not in permissions_of(person.role).may:
        raise Forbidden(f"{person.name} ({person.role}) may not do this.", hint=f"It takes the permission {verb!r}.")


Pilothouse = Annotated[App, Depends(pilothouse_of)]
CurrentPerson = Annotated[Person, Depends(person_of)]
Caller = Annotated[Person | Asker, Depends(caller_of)]
AgentToken = Annotated[str, Depends(token_of)]
