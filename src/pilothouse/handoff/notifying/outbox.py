"""The table of notifications, drawn from their entries, and how far the ledger was read for them.

A notification is queued once (its identifier follows from what it tells of), more of the same matter is folded into it
while it waits, it is attempted under a lease, and ends as delivered or undelivered. The projector refuses all else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Column, Connection, Index, Integer, Table, Text, delete, insert, select, update

from pilothouse.handoff.notifying.events import Event, Item
from pilothouse.handoff.notifying.settings import CONSOLE
from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Entry
from pilothouse.vocabulary.clock import stamp, unstamp
from pilothouse.vocabulary.errors import Conflict
from pilothouse.vocabulary.values import canonical, parse_json

QUEUED, DELIVERED, UNDELIVERED = "queued", "delivered", "undelivered"
MOST_ITEMS = 20
"""So many are told one by one; of the rest, how many they are."""

notifications = Table(
    "notifications",
    metadata,
    Column("id", Text, primary_key=True),
    Column("event", Text, nullable=False),
    Column("topic", Text, nullable=False, index=True),
    Column("person", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("items", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("queued_at", Text, nullable=False),
    Column("due_at", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("settled_at", Text),
    Column("read_at", Text),
    Index("notifications_due", "status", "due_at"),
    Index("notifications_of", "person", "channel", "queued_at"),
)
notification_uses = Table(
    "notification_uses",
    metadata,
    Column("notification", Text, primary_key=True),
    Column("review", Text, primary_key=True),
    Column("by", Text, nullable=False),
    Column("at", Text, nullable=False),
)
notification_cursor = Table(
    "notification_cursor",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification to one person, or to one place (`person` is empty), over one channel."""

    id: str
    event: Event
    topic: str
    person: str
    channel: str
    items: tuple[Item, ...]
    count: int
    status: str
    queued_at: datetime
    due_at: datetime
    attempts: int
    reason: str
    settled_at: datetime | None
    read_at: datetime | None


class NotificationProjector:
    """Follows every `notification.*` entry."""

    name = "notifications"
    kinds = frozenset(
        f"notification.{verb}"
        for verb in ("followed", "queued", "folded", "attempted", "delivered", "failed", "undelivered", "read", "used")
    )
    tables = (notifications, notification_uses, notification_cursor)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Bring the tables up to date, entry by entry."""
        for entry in entries:
            getattr(self, "_" + entry.kind.partition(".")[2])(connection, entry)

    def _followed(self, connection: Connection, entry: Entry) -> None:
        connection.execute(delete(notification_cursor))
        connection.execute(insert(notification_cursor), {"id": 1, "position": entry.body["position"]})

    def _queued(self, connection: Connection, entry: Entry) -> None:
        body, shown = entry.body, entry.body["channel"] == CONSOLE
        same = ("id", "event", "topic", "person", "channel", "count", "due_at")
        row: dict[str, Any] = {key: body[key] for key in same}
        row |= {"items": canonical(body["items"]), "attempts": 0, "reason": "", "queued_at": stamp(entry.at)}
        # What stands in the inbox has arrived: this table is the inbox.
        row |= {"status": DELIVERED if shown else QUEUED, "settled_at": stamp(entry.at) if shown else None}
        connection.execute(insert(notifications), row)

    def _folded(self, connection: Connection, entry: Entry) -> None:
        """Only into what nobody has seen yet: an item folded into a letter that has left would never be told."""
        mine = notifications.c.id == entry.body["id"]
        row = connection.execute(select(notifications).where(mine)).one()
        unseen = row.read_at is None if row.channel == CONSOLE else (row.status, row.attempts) == (QUEUED, 0)
        if not unseen:
            raise Conflict(f"{row.id} was sent a moment ago.", hint="It is queued anew by itself.")
        items = [*cast("list[Any]", parse_json(row.items)), *entry.body["items"]][:MOST_ITEMS]
        values = {"items": canonical(items), "count": row.count + entry.body["count"]}
        connection.execute(update(notifications).where(mine).values(**values))

    def _attempted(self, connection: Connection, entry: Entry) -> None:
        body = entry.body
        mine = (notifications.c.id == body["id"], notifications.c.status == QUEUED)
        turn = (notifications.c.attempts == body["attempt"] - 1, notifications.c.due_at <= stamp(entry.at))
        self._move(connection, entry, [*mine, *turn], attempts=body["attempt"], due_at=body["leased_until"])

    def _delivered(self, connection: Connection, entry: Entry) -> None:
        self._settle(connection, entry, status=DELIVERED, reason="", settled_at=stamp(entry.at))

    def _failed(self, connection: Connection, entry: Entry) -> None:
        self._settle(connection, entry, reason=entry.body["reason"], due_at=entry.body["next_at"])

    def _undelivered(self, connection: Connection, entry: Entry) -> None:
        self._settle(connection, entry, status=UNDELIVERED, reason=entry.body["reason"], settled_at=stamp(entry.at))

    def _settle(self, connection: Connection, entry: Entry, **values: Any) -> None:
        body = entry.body
        mine = (notifications.c.id == body["id"], notifications.c.status == QUEUED)
        self._move(connection, entry, [*mine, notifications.c.attempts == body["attempt"]], **values)

    def _move(self, connection: Connection, entry: Entry, where: Sequence[Any], **values: Any) -> None:
        if connection.execute(update(notifications).where(*where).values(**values)).rowcount != 1:
            verb = entry.kind.partition(".")[2]
            raise Conflict(f"{entry.body['id']} cannot be {verb} now.", hint="Somebody else has it in hand.")

    def _read(self, connection: Connection, entry: Entry) -> None:
        mine = notifications.c.id.in_(entry.body["ids"])
        unread = update(notifications).where(mine, notifications.c.read_at.is_(None))
        connection.execute(unread.values(read_at=stamp(entry.at)))

    def _used(self, connection: Connection, entry: Entry) -> None:
        body = entry.body
        row = {"notification": body["id"], "review": body["review"], "by": body["by"], "at": stamp(entry.at)}
        connection.execute(insert(notification_uses), row)


def notice_of(row: Any) -> Notice:
    """Read a row of the table."""
    items = cast("list[dict[str, Any]]", parse_json(row.items))
    return Notice(
        id=row.id,
        event=Event(row.event),
        topic=row.topic,
        person=row.person,
        channel=row.channel,
        items=tuple(Item(**each) for each in items),
        count=row.count,
        status=row.status,
        queued_at=unstamp(row.queued_at),
        due_at=unstamp(row.due_at),
        attempts=row.attempts,
        reason=row.reason,
        settled_at=unstamp(row.settled_at) if row.settled_at else None,
        read_at=unstamp(row.read_at) if row.read_at else None,
    )
