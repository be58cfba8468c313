"""Sending what is queued: each attempt is taken under a lease, its outcome written down, and the next one set later.

Each channel has its own thread and its own share of time, so that one that is dead or slow holds up no other. Of two
workers one attempts. After a crash between sending and writing that down, a message is sent again once the lease is
over, under the same identifier; otherwise it is sent once.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

import structlog
from sqlalchemy import select

from pilothouse.handoff.notifying.channels import Channel, Message, Undelivered
from pilothouse.handoff.notifying.outbox import DELIVERED, QUEUED, UNDELIVERED, Notice, notice_of, notifications
from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.errors import Conflict, PilothouseError
from pilothouse.vocabulary.values import JsonObject

WAITS = tuple(timedelta(seconds=each) for each in (5, 15, 60, 180, 600))
"""Between one attempt and the next; after the last there is none, and the message counts as undelivered."""
LONGEST_WAIT = timedelta(minutes=30)
"""However long a receiver asks to be left alone."""
LEASE = timedelta(minutes=2)
SHARE = 20.0
"""Seconds that one channel may take of one round."""
AT_ONCE = 500
FAILED = "failed"
log = structlog.get_logger()


class Delivery:
    """Sends what is due over the channels."""

    def __init__(self, ledger: Ledger, channels: Mapping[str, Channel], compose: Callable[[Notice], Message]) -> None:
        self._ledger, self._channels, self._compose = ledger, channels, compose

    def deliver(self, only: str = "") -> Counter[str]:
        """Attempt everything that is due, or one notification; returns how many ended in which way.

        The ways are "delivered", "failed" (will be tried again) and "undelivered" (will not).
        """
        found: Counter[str] = Counter()
        threads: list[threading.Thread] = []
        for name, notices in self._due(only).items():
            thread = threading.Thread(target=self._work, args=(name, notices, found), daemon=True)
            thread.start()
            threads.append(thread)
        for thread in threads:
            thread.join()
        return found

    def _due(self, only: str) -> Mapping[str, Sequence[Notice]]:
        due = notifications.c.due_at <= stamp(self._ledger.clock.now())
        query = select(notifications).where(notifications.c.status == QUEUED, due)
        if only:
            query = query.where(notifications.c.id == only)
        groups: defaultdict[str, list[Notice]] = defaultdict(list)
        with self._ledger.engine.connect() as connection:
            for row in connection.execute(query.order_by(notifications.c.due_at).limit(AT_ONCE)):
                groups[row.channel].append(notice_of(row))
        return groups

    def _work(self, name: str, notices: Sequence[Notice], found: Counter[str]) -> None:
        until = time.monotonic() + SHARE
        try:
            for notice in notices:
                if not self._attempt(name, notice, found) or time.monotonic() > until:
                    return
        except PilothouseError as error:  # The ledger cannot be written: the leases end, and the next round goes on.
            log.error("delivery stopped", channel=name, error=error.code)

    def _attempt(self, name: str, notice: Notice, found: Counter[str]) -> bool:
        """Attempt one; return False when the channel is down and the rest need not be tried now."""
        attempt = notice.attempts + 1
        until = self._ledger.clock.now() + LEASE
        try:
            self._write("attempted", notice, {"attempt": attempt, "leased_until": stamp(until)})
        except Conflict:
            return True  # Another worker has it in hand.
        try:
            self._send(name, notice)
        except Undelivered as problem:
            self._failed(notice, attempt, problem, found)
            return not problem.down
        self._write("delivered", notice, {"attempt": attempt})
        found[DELIVERED] += 1
        return True

    def _send(self, name: str, notice: Notice) -> None:
        channel = self._channels.get(name)
        if channel is None:
            raise Undelivered(f"there is no channel {name!r} any more.", lasting=True)
        try:
            channel.send(self._compose(notice))
        except Undelivered:
            raise
        except PilothouseError as error:  # ours are made to be read, and hold no secret
            raise Undelivered(error.message) from None
        except Exception as error:  # Whatever a channel meets is an outcome to be written down, and never its text.
            log.exception("sending failed", channel=name)
            raise Undelivered(f"it could not be sent ({type(error).__name__}).") from None

    def _failed(self, notice: Notice, attempt: int, problem: Undelivered, found: Counter[str]) -> None:
        told: JsonObject = {"attempt": attempt, "reason": problem.reason}
        if problem.lasting or attempt > len(WAITS):
            self._write(UNDELIVERED, notice, {**told, "event": notice.event.value})
            found[UNDELIVERED] += 1
            return
        wait = max(WAITS[attempt - 1], min(timedelta(seconds=problem.wait or 0), LONGEST_WAIT))
        self._write(FAILED, notice, {**told, "next_at": stamp(self._ledger.clock.now() + wait)})
        found[FAILED] += 1

    def _write(self, verb: str, notice: Notice, more: JsonObject) -> None:
        body: JsonObject = {"id": notice.id, "channel": notice.channel, "person": notice.person, **more}
        draft = Draft(f"notification.{verb}", Actor(SYSTEM_PERSON), body, subject=f"notification/{notice.id}")
        self._ledger.append([draft])
