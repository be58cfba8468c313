"""The inbox, and where the links in letters and messages lead.

What must never happen here: a GET that decides or marks anything; anything told to somebody who has not logged in.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pilothouse.surfaces.auth import Pilothouse
from pilothouse.surfaces.console.pages import Posted, SignedIn, Text, go, page
from pilothouse.vocabulary.errors import NotFound

router = APIRouter(include_in_schema=False)


@router.get("/n/{notification}")
@router.get("/n/{notification}/{review}")
def arrive(request: Request, notification: str, review: str = "") -> Response:
    """Lead on to the console.

    A browser that comes from a mail does not send the session's cookie with the first request (SameSite=Strict), but
    does with the next, which this page asks for. It looks nothing up, and is the same for every link.
    """
    return page(request, "arrive.html", None, onward=f"/inbox/{notification}" + (f"/{review}" if review else ""))


@router.get("/inbox")
def inbox(request: Request, session: SignedIn, pilothouse: Pilothouse, said: str = "") -> Response:
    """What this person was told, newest first."""
    notifications = pilothouse.notifications
    found = notifications.inbox.of(session.person.id)
    shown = [(each, notifications.wording.title(each), notifications.wording.lines(each)) for each in found]
    return page(request, "inbox.html", session, shown=shown, alerts=notifications.inbox.alerts(), said=said)


@router.get("/inbox/{notification}")
def follow(notification: str, session: SignedIn, pilothouse: Pilothouse) -> Response:
    """Lead to what a notification is about."""
    found = pilothouse.notifications.inbox.get(notification)
    if found.person not in ("", session.person.id):
        raise NotFound(f"there is no notification {notification!r} of yours.", hint="The inbox shows yours.")
    return go(pilothouse.notifications.wording.target(found))


@router.get("/inbox/{notification}/{review}")
def follow_to_review(notification: str, review: str, session: SignedIn, pilothouse: Pilothouse) -> Response:
    """Lead to a review that a notification told of. The review's page asks who may see it."""
    pilothouse.notifications.inbox.item(notification, review)
    return go(f"/reviews/{review}?notice={notification}")


@router.post("/inbox")
def read_all(session: Posted, pilothouse: Pilothouse) -> Response:
    """Mark everything as read."""
    count = pilothouse.notifications.inbox.read(session.person.id)
    return go("/inbox", f"{count} marked as read.")


@router.post("/inbox/{notification}")
def open_one(notification: str, session: Posted, pilothouse: Pilothouse, review: Text = "") -> Response:
    """Mark one as read and lead to what it is about."""
    inbox = pilothouse.notifications.inbox
    inbox.read(session.person.id, [notification])
    if review:
        inbox.item(notification, review)
        return go(f"/reviews/{review}?notice={notification}")
    return go(pilothouse.notifications.wording.target(inbox.get(notification)))
