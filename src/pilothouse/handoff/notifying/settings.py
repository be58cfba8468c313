"""Who hears of what over which channel: the part of `notifications.yaml` that routing asks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from pilothouse.handoff.notifying.events import Event

CONSOLE = "console"
"""The channel that is always there: the inbox page."""
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _clock_time(value: object) -> object:
    # YAML 1.1 reads 07:30 without quotes as the number 450.
    return f"{value // 60:02}:{value % 60:02}" if isinstance(value, int) and 0 <= value < 24 * 60 else value


At = Annotated[time, BeforeValidator(_clock_time)]


class Strict(BaseModel):
    """Refuses words it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Telling(Strict):
    """For one event: who hears of it besides those it concerns (roles or people), and over which channels."""

    also: tuple[str, ...] = ()
    over: tuple[str, ...] | None = None


class Daily(Strict):
    """The mail with each reviewer's queue, at a time of day in UTC."""

    at: At = time(7)
    over: tuple[str, ...] | None = None


class Weekly(Daily):
    """The mail that says what agents in shadow would have done, to whom it is given by role or name."""

    day: str = Field(default="monday", pattern=f"^({'|'.join(DAYS)})$")
    to: tuple[str, ...] = ("revops", "admin")


class Settings(Strict):
    """`over` is for every event whose own entry under `tell` names no channels. The console is always told too."""

    address: str = Field(default="", pattern=r"^(https?://[^\s/]+)?$")
    over: tuple[str, ...] = ()
    tell: Mapping[Event, Telling] = {}
    daily: Daily | None = None
    weekly: Weekly | None = None

    def channels_for(self, event: Event) -> tuple[str, ...]:
        """Return the channels of an event besides the console."""
        digest = {Event.DAILY_QUEUE: self.daily, Event.WEEKLY_SHADOW: self.weekly}.get(event)
        named = digest or self.tell.get(event)
        return self.over if named is None or named.over is None else named.over

    def also(self, event: Event) -> tuple[str, ...]:
        """Return who hears of an event besides those it concerns."""
        found = self.tell.get(event)
        return found.also if found else ()
