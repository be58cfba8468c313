"""Your own notifications over REST: what you were told, and that you read it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from pilothouse.assembly import App
from pilothouse.handoff.notifying.outbox import Notice
from pilothouse.surfaces.auth import CurrentPerson, Pilothouse
from pilothouse.surfaces.plain import plain
from pilothouse.surfaces.rest.routes import PROBLEMS, Id

router = APIRouter(prefix="/v1/notifications", responses=PROBLEMS)


@router.get("")
def list_notifications(
    person: CurrentPerson,
    pilothouse: Pilothouse,
    unread: bool = False,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """Return what stands in your inbox, newest first, and how much of it is unread."""
    inbox = pilothouse.notifications.inbox
    found = inbox.of(person.id, unread=unread, limit=limit)
    return {"unread": inbox.unread(person.id), "notifications": [_out(pilothouse, each) for each in found]}


@router.post("/read")
def read_all(person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, int]:
    """Mark all of yours as read; returns how many were not."""
    return {"read": pilothouse.notifications.inbox.read(person.id)}


@router.post("/{notification}/read")
def read_one(notification: Id, person: CurrentPerson, pilothouse: Pilothouse) -> dict[str, int]:
    """Mark one of yours as read; returns 0 when it was already."""
    return {"read": pilothouse.notifications.inbox.read(person.id, [notification])}


def _out(pilothouse: App, notice: Notice) -> dict[str, Any]:
    wording = pilothouse.notifications.wording
    return {
        "id": notice.id,
        "event": notice.event.value,
        "title": wording.title(notice),
        "link": wording.target(notice),
        "count": notice.count,
        "items": plain(notice.items),
        "at": plain(notice.queued_at),
        "read_at": plain(notice.read_at),
    }
