"""Notification as the rest of Pilothouse uses it: one round that follows, reminds and delivers, and one message now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pilothouse.data.store import DataStore
from pilothouse.directory.people import Directory, Person
from pilothouse.directory.roles import permissions_of
from pilothouse.handoff.keeping import Kept
from pilothouse.handoff.notifying.channels import Channel
from pilothouse.handoff.notifying.delivering import Delivery
from pilothouse.handoff.notifying.digests import Digests, week_before
from pilothouse.handoff.notifying.events import AgentOwners, Event, Item
from pilothouse.handoff.notifying.following import Follower, queued
from pilothouse.handoff.notifying.inbox import Inbox
from pilothouse.handoff.notifying.outbox import Notice
from pilothouse.handoff.notifying.settings import DAYS, Settings
from pilothouse.handoff.notifying.wording import Wording
from pilothouse.handoff.reviews import Reviews
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.clock import new_id
from pilothouse.vocabulary.errors import Conflict, InvalidInput, NotFound


@dataclass
class Round:
    """What one round did: reviews reminded of, notifications queued or grown, and how attempts ended."""

    reminded: int = 0
    queued: int = 0
    outcomes: Counter[str] = field(default_factory=Counter[str])


class Notifications:
    """Follows the ledger, delivers, and knows everybody's inbox."""

    def __init__(
        self,
        ledger: Ledger,
        directory: Directory,
        store: DataStore,
        reviews: Reviews,
        tend: Callable[[], Kept],
        settings: Settings,
        channels: Mapping[str, Channel],
        owners_of: AgentOwners,
        address: str,
    ) -> None:
        self._ledger, self._directory, self._reviews, self._tend = ledger, directory, reviews, tend
        self.settings, self.channels = settings, channels
        self.inbox = Inbox(ledger)
        self.digests = Digests(ledger, store, reviews)
        self.wording = Wording(store, directory, settings.address or address, self.digests.lines)
        self._follower = Follower(ledger, directory, settings, channels, owners_of)
        self._delivery = Delivery(ledger, channels, self.wording.message)

    def round(self) -> Round:
        """Remind, queue what happened and what the clock calls for, and attempt what is due. Safe to repeat."""
        done = Round(reminded=len(self._tend().reminded), queued=self._follower.follow())
        done.queued += self.by_the_clock()
        done.outcomes = self._delivery.deliver()
        return done

    def by_the_clock(self) -> int:
        """Queue the digests that are due today and were not queued yet; returns how many."""
        now, count = self._ledger.clock.now(), 0
        daily, weekly = self.settings.daily, self.settings.weekly
        if daily is not None and now.time() >= daily.at:
            count += len(self.queue_daily(now, daily.over))
        if weekly is not None and DAYS[now.weekday()] == weekly.day and now.time() >= weekly.at:
            count += len(self.queue_weekly(now, weekly.over))
        return count

    def queue_daily(self, now: datetime, over: tuple[str, ...] | None = None) -> list[str]:
        """Queue today's mail for everybody for whom a review waits; returns the notifications that are new."""
        owners = {each.owner for each in self._reviews.list()}
        people = [each for each in self._directory.people() if each.active and each.id in owners]
        return self._digest(Event.DAILY_QUEUE, f"{now:%Y-%m-%d}", people, over)

    def queue_weekly(self, now: datetime, over: tuple[str, ...] | None = None) -> list[str]:
        """Queue the report on the seven days before today; returns the notifications that are new."""
        begin, end = week_before(now)
        weekly = self.settings.weekly
        to = {"revops", "admin"} if weekly is None else set(weekly.to)
        # A report holds values of any record: it goes to those alone who may read all of them.
        people = [
            each
            for each in self._directory.people()
            if each.active and {each.id, each.role.value} & to and "read_ledger" in permissions_of(each.role).may
        ]
        return self._digest(Event.WEEKLY_SHADOW, f"{begin:%Y-%m-%d} to {end:%Y-%m-%d}", people, over)

    def _digest(self, event: Event, what: str, people: list[Person], over: tuple[str, ...] | None) -> list[str]:
        named = over if over is not None else self.settings.channels_for(event)
        letters = [name for name in named if name in self.channels and self.channels[name].to_people]
        new: list[str] = []
        for person in people:
            for channel in letters:
                draft = self._queued(event, f"{event.value}/{person.id}/{channel}", person.id, channel, what, what)
                if self._known(str(draft.body["id"])):
                    continue
                try:
                    self._ledger.append([draft])
                except Conflict:
                    continue  # Another worker queued it in this moment.
                new.append(str(draft.body["id"]))
        return new

    def _known(self, ident: str) -> bool:
        try:
            self.inbox.get(ident)
        except NotFound:
            return False
        return True

    def _queued(self, event: Event, topic: str, person: str, channel: str, what: str, key: str) -> Draft:
        told = {"items": [Item(self._ledger.size(), what=what).as_json()], "count": 1}
        return queued(event, topic, person, channel, told, key=key, due=self._ledger.clock.now())

    def test(self, channel: str, person: str) -> Notice:
        """Send one message over a channel now, and return how that went; raises `NotFound`, `InvalidInput`."""
        found = self.channels.get(channel)
        if found is None:
            known = ", ".join(sorted(self.channels)) or "none but the console; see notifications.yaml"
            raise NotFound(f"there is no channel {channel!r}.", hint=f"There is: {known}.")
        if not self._directory.person(person).active:
            raise InvalidInput(f"{person} is no longer active.", hint="Name somebody who is.")
        key = new_id("try")
        to = person if found.to_people else ""
        draft = self._queued(Event.TEST, f"test/{key}", to, channel, channel, key)
        self._ledger.append([draft])
        return self.send_now(str(draft.body["id"]))

    def send_now(self, ident: str) -> Notice:
        """Attempt one notification now, if it is due; return how it stands then."""
        self._delivery.deliver(ident)
        return self.inbox.get(ident)
