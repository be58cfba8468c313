"""Reading the ledger on from where it stopped, and queueing what must be told.

What is queued and how far was read are one append, refused when somebody else read on meanwhile: after a crash the same
entries are read again and queued once.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from pilothouse.directory.people import Directory, Person
from pilothouse.directory.roles import permissions_of
from pilothouse.handoff.notifying.channels import Channel
from pilothouse.handoff.notifying.events import FOLLOWED, WINDOWS, AgentOwners, Event, Item, Occasion, occasions_of
from pilothouse.handoff.notifying.outbox import (
    MOST_ITEMS,
    QUEUED,
    Notice,
    notice_of,
    notification_cursor,
    notifications,
)
from pilothouse.handoff.notifying.settings import CONSOLE, Settings
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor, Role
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.errors import Conflict

AT_ONCE = 2000
WORTH_NOTING = 1000
"""Entries passed over without anything to tell, after which how far was read is written down all the same."""
SYSTEM = Actor(SYSTEM_PERSON)


class Follower:
    """Turns entries into queued notifications."""

    def __init__(
        self,
        ledger: Ledger,
        directory: Directory,
        settings: Settings,
        channels: Mapping[str, Channel],
        owners_of: AgentOwners,
    ) -> None:
        self._ledger, self._directory, self._settings = ledger, directory, settings
        self._channels, self._owners_of = channels, owners_of
        self._passed = -1

    def follow(self) -> int:
        """Queue what the entries since last time call for; returns how many notifications are new or grew.

        Of two who read the same entries, one queues them; the other returns and finds the rest next time.
        """
        told = 0
        while True:
            cursor = self._cursor()
            end = self._ledger.size() - 1
            begin = max(cursor, self._passed)
            entries = list(self._ledger.entries(after=begin, limit=AT_ONCE, kinds=FOLLOWED))
            full = len(entries) == AT_ONCE
            reached = entries[-1].position if full else max(end, begin)
            drafts = self.drafts([each for entry in entries for each in occasions_of(entry, self._owners_of)])
            if drafts or reached - cursor >= WORTH_NOTING:
                noted = Draft("notification.followed", SYSTEM, {"position": reached})
                try:
                    self._ledger.append([noted, *drafts], guard=_still_at(cursor))
                except Conflict:
                    return told
            self._passed, told = reached, told + len(drafts)
            if not full:
                return told

    def _cursor(self) -> int:
        with self._ledger.engine.connect() as connection:
            return _read_cursor(connection)

    def drafts(self, occasions: Iterable[Occasion]) -> list[Draft]:
        """Return the entries that queue these occasions, those of one matter for one reader together."""
        groups: defaultdict[tuple[Event, str, str, str], list[Item]] = defaultdict(list)
        for each in occasions:
            for person, channel in self._readers(each):
                groups[(each.event, each.matter, person, channel)].append(each.item)
        return [self._draft(*key, items) for key, items in groups.items()]

    def _readers(self, occasion: Occasion) -> Iterable[tuple[str, str]]:
        """Yield (person, channel); the person is empty for a place that several people read."""
        people = self._people(occasion)
        yield from ((each.id, CONSOLE) for each in people)
        for name in self._over(occasion):
            if self._channels[name].to_people:
                yield from ((each.id, name) for each in people)
            else:
                yield "", name

    def _over(self, occasion: Occasion) -> list[str]:
        # That a channel failed is told over every other one: those named for it may be just the one that failed.
        failed = occasion.event is Event.DELIVERY_FAILED
        named: Iterable[str] = self._channels if failed else self._settings.channels_for(occasion.event)
        return [name for name in dict.fromkeys(named) if name in self._channels and name != occasion.besides]

    def _people(self, occasion: Occasion) -> list[Person]:
        wanted = {*occasion.people, *self._settings.also(occasion.event)}
        active = [each for each in self._directory.people() if each.active]
        found = [
            each
            for each in active
            if {each.id, each.role.value} & wanted or occasion.verb in permissions_of(each.role).may
        ]
        # Nobody left whom it concerns is no reason that nobody hears of it.
        return found or [each for each in active if each.role is Role.ADMIN]

    def _draft(self, event: Event, matter: str, person: str, channel: str, items: Sequence[Item]) -> Draft:
        topic = "/".join((event.value, matter, person, channel))
        now, latest, due = self._ledger.clock.now(), self._latest(topic), None
        told = {"items": [each.as_json() for each in items[:MOST_ITEMS]], "count": len(items)}
        window = WINDOWS.get(event)
        if latest is not None and window is not None:
            before = latest.settled_at or latest.queued_at
            if _takes_more(latest) and (channel != CONSOLE or before + window > now):
                return Draft("notification.folded", SYSTEM, {"id": latest.id, **told}, subject=_subject(latest.id))
            due = before + window
        return queued(
            event, topic, person, channel, told, key=str(items[0].position), due=max(now, due) if due else now
        )

    def _latest(self, topic: str) -> Notice | None:
        query = select(notifications).where(notifications.c.topic == topic)
        with self._ledger.engine.connect() as connection:
            row = connection.execute(query.order_by(notifications.c.queued_at.desc()).limit(1)).first()
        return notice_of(row) if row is not None else None


def queued(
    event: Event, topic: str, person: str, channel: str, told: Mapping[str, object], *, key: str, due: datetime
) -> Draft:
    """Return the entry that queues a notification. The same topic and key make the same one, which stands once."""
    ident = "ntf_" + hashlib.sha256(f"{topic}\n{key}".encode()).hexdigest()[:26]
    body = {"id": ident, "event": event.value, "topic": topic, "person": person, "channel": channel}
    return Draft("notification.queued", SYSTEM, {**body, "due_at": stamp(due), **told}, subject=_subject(ident))  # pyright: ignore[reportArgumentType]


def _subject(ident: str) -> str:
    return f"notification/{ident}"


def _takes_more(latest: Notice) -> bool:
    if latest.channel == CONSOLE:
        return latest.read_at is None
    return latest.status == QUEUED and latest.attempts == 0


def _read_cursor(connection: Connection) -> int:
    row = connection.execute(select(notification_cursor.c.position)).first()
    return -1 if row is None else row.position


def _still_at(cursor: int) -> Callable[[Connection], None]:
    def check(connection: Connection) -> None:
        if _read_cursor(connection) != cursor:
            raise Conflict("somebody else read on meanwhile.", hint="Nothing is to be done.")

    return check
