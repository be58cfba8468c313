"""What somebody was told and has not read, what could not be delivered, and the links that lead to a review.

A link is bound to the payload that the message was about and is good for one decision. Opening it decides nothing:
what scans mail opens every link in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, or_, select

from pilothouse.handoff.notifying.events import Item
from pilothouse.handoff.notifying.outbox import (
    QUEUED,
    UNDELIVERED,
    Notice,
    notice_of,
    notification_uses,
    notifications,
)
from pilothouse.handoff.notifying.settings import CONSOLE
from pilothouse.handoff.queue import Review
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.errors import Conflict, NotFound

ALERT_FOR, LATE = timedelta(days=7), timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Alert:
    """A channel that does not deliver: how many messages were given up or are late, and why the last one failed."""

    channel: str
    undelivered: int
    late: int
    reason: str


class Inbox:
    """Reads the table of notifications for people, and writes down what they did with them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def get(self, ident: str) -> Notice:
        """Return one notification; raises `NotFound`."""
        with self._ledger.engine.connect() as connection:
            row = connection.execute(select(notifications).where(notifications.c.id == ident)).first()
        if row is None:
            raise NotFound(f"there is no notification {ident!r}.", hint="The inbox shows yours.")
        return notice_of(row)

    def of(self, person: str, *, unread: bool = False, limit: int = 100) -> list[Notice]:
        """Return what stands in somebody's inbox, newest first."""
        mine = (notifications.c.person == person, notifications.c.channel == CONSOLE)
        query = select(notifications).where(*mine)
        if unread:
            query = query.where(notifications.c.read_at.is_(None))
        return self._read(query.order_by(notifications.c.queued_at.desc()).limit(limit))

    def all(self, *, status: str | None = None, channel: str | None = None, limit: int = 100) -> list[Notice]:
        """Return every notification, newest first, with how it stands."""
        query = select(notifications).order_by(notifications.c.queued_at.desc()).limit(limit)
        for column, wanted in (("status", status), ("channel", channel)):
            if wanted is not None:
                query = query.where(notifications.c[column] == wanted)
        return self._read(query)

    def _read(self, query: object) -> list[Notice]:
        with self._ledger.engine.connect() as connection:
            return [notice_of(row) for row in connection.execute(query)]  # pyright: ignore[reportArgumentType, reportCallIssue, reportUnknownVariableType]

    def unread(self, person: str) -> int:
        """Return how many notifications somebody has not read."""
        mine = (notifications.c.person == person, notifications.c.channel == CONSOLE)
        query = select(func.count()).where(*mine, notifications.c.read_at.is_(None))
        with self._ledger.engine.connect() as connection:
            return connection.execute(query).scalar_one()

    def read(self, person: str, idents: Sequence[str] | None = None) -> int:
        """Mark somebody's own notifications as read, all of them unless some are named; returns how many were not.

        Raises `NotFound` for one that is not theirs.
        """
        unread = {each.id for each in self.of(person, unread=True, limit=100_000)}
        for ident in idents or ():
            found = self.get(ident)
            if (found.person, found.channel) != (person, CONSOLE):
                raise NotFound(f"there is no notification {ident!r} of yours.", hint="The inbox shows yours.")
        chosen = sorted(unread if idents is None else unread & set(idents))
        if chosen:
            self._ledger.append([Draft("notification.read", Actor(person), {"ids": chosen})])
        return len(chosen)

    def alerts(self) -> list[Alert]:
        """Return the channels over which something could not be delivered in the last week, or is late now."""
        now, columns = self._ledger.clock.now(), notifications.c
        lost = (columns.status == UNDELIVERED) & (columns.queued_at >= stamp(now - ALERT_FOR))
        late = (columns.status == QUEUED) & (columns.reason != "") & (columns.queued_at < stamp(now - LATE))
        found = self._read(select(notifications).where(or_(lost, late)).order_by(columns.queued_at))
        alerts: list[Alert] = []
        for channel in sorted({each.channel for each in found}):
            mine = [each for each in found if each.channel == channel]
            given_up = sum(each.status == UNDELIVERED for each in mine)
            alerts.append(Alert(channel, given_up, len(mine) - given_up, mine[-1].reason))
        return alerts

    def item(self, ident: str, review: str) -> Item:
        """Return what a notification told of a review; raises `NotFound`."""
        found = next((each for each in self.get(ident).items if each.review == review), None)
        if found is None:
            raise NotFound(f"{ident} does not tell of {review!r}.", hint="Open it from your inbox.")
        return found

    def why_not(self, ident: str, review: Review) -> str:
        """Return the sentence that keeps a link from being good, the empty string when it is; raises `NotFound`."""
        item = self.item(ident, review.id)
        uses = notification_uses.c
        mine = select(notification_uses).where(uses.notification == ident, uses.review == review.id)
        with self._ledger.engine.connect() as connection:
            used = connection.execute(mine).first()
        if used is not None:
            return f"This link was used: {used.by} decided with it on {used.at[:16].replace('T', ' ')} UTC."
        if item.payload_hash != review.payload_hash:
            return "What this review asks about is no longer what the message told of. Open it from the queue and look."
        return ""

    def need_good(self, ident: str, review: Review) -> None:
        """Raise `Conflict` unless a link may be used to decide this review as it stands."""
        why_not = self.why_not(ident, review)
        if why_not:
            raise Conflict(why_not, hint="Open the review from the queue.", code="link_not_good")

    def use(self, ident: str, review: str, by: str) -> None:
        """Write down that somebody decided a review by this link."""
        body = {"id": ident, "review": review, "by": by}
        self._ledger.append([Draft("notification.used", Actor(by), body, subject=f"notification/{ident}")])
