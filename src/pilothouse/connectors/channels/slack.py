"""Slack, or whatever takes the shape of its incoming webhooks: `{"text": …}` to an address that is itself the secret."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import orjson

from pilothouse.connectors.channels.posting import SECONDS, post
from pilothouse.handoff.notifying.channels import Line, Message, Undelivered

MOST_LINES = 10


@dataclass(frozen=True, slots=True)
class SlackChannel:
    """One incoming webhook; `url` looks its address up at each message."""

    name: str
    url: Callable[[], str]
    to_people: bool = False
    seconds: float = SECONDS

    def send(self, message: Message) -> None:
        """Post one message; raises `Undelivered`."""
        url = self.url()
        if not url:
            raise Undelivered("there is no address for this channel.", lasting=True)
        post(url, orjson.dumps({"text": text_of(message)}), {}, self.seconds)


def text_of(message: Message) -> str:
    """Return the message in Slack's mrkdwn: a title, then what is told, each with its link."""
    left = message.more + max(0, len(message.lines) - MOST_LINES)
    lines = [f"*{_safe(message.title)}*", *(f"• {_linked(each)}" for each in message.lines[:MOST_LINES])]
    return "\n".join(lines + ([f"• and {left} more"] if left else []))


def _linked(line: Line) -> str:
    words = _safe(line.words).replace("|", "¦") or "Open"
    return f"<{line.link}|{words}>" if line.link else words


def _safe(text: str) -> str:
    """Escape the three characters that mean something to Slack, on one line: no record's name may mention a channel."""
    return " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
