"""The port that every channel implements, and what it is given to send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pilothouse.handoff.notifying.events import Event


@dataclass(frozen=True, slots=True)
class Line:
    """One thing told: a few words, where it leads, and for letters to one person the reason."""

    words: str
    link: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel sends. `id` stays the same at every attempt, so that a receiver can tell a repetition.

    `to` is (name, address) for a letter to one person; None for a place that several people read, for which no line has
    a reason.
    """

    id: str
    event: Event
    title: str
    link: str
    lines: Sequence[Line]
    at: datetime
    to: tuple[str, str] | None = None
    more: int = 0
    """How many more there are than lines."""


class Undelivered(Exception):
    """A message did not arrive. `lasting` says that another attempt would end the same; `wait` is asked for, in seconds.

    `down` says that the channel itself cannot be reached, so that other messages need not be tried now. The reason is
    written down: it must hold neither a secret nor an address.
    """

    def __init__(self, reason: str, *, lasting: bool = False, down: bool = False, wait: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.lasting, self.down, self.wait = reason, lasting, down, wait


class Channel(Protocol):
    """One way to people. `to_people` is True where each message goes to one person, False for a shared place."""

    @property
    def name(self) -> str:
        """The name it has in `notifications.yaml`."""
        ...

    @property
    def to_people(self) -> bool:
        """True for letters, False for a place."""
        ...

    def send(self, message: Message) -> None:
        """Send, within a bounded time; raises `Undelivered`."""
        ...
