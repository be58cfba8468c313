"""Webhooks signed as Standard Webhooks 1.0 says, which any of its libraries can verify."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import orjson

from pilothouse.connectors.channels.posting import SECONDS, post
from pilothouse.directory.sources import sign
from pilothouse.handoff.notifying.channels import Message, Undelivered
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.errors import InvalidInput

FITTING = re.compile(r"whsec_[A-Za-z0-9+/]{16,200}={0,2}")


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """One receiver; `secret` looks the signing secret up at each message. `now` dates the attempt."""

    name: str
    url: str
    secret: Callable[[], str]
    now: Callable[[], datetime]
    to_people: bool = False
    seconds: float = SECONDS

    def send(self, message: Message) -> None:
        """Post one event; raises `Undelivered`. The identifier is the same at every attempt, the signature is not."""
        at, body = str(int(self.now().timestamp())), body_of(message)
        secret = self.secret()
        if not FITTING.fullmatch(secret):
            raise Undelivered(
                "there is no signing secret for this channel, or not one that begins whsec_.", lasting=True
            )
        try:
            signature = sign(secret, message.id, at, body)
        except InvalidInput:
            raise Undelivered("the signing secret of this channel is not base64.", lasting=True) from None
        headers = {"webhook-id": message.id, "webhook-timestamp": at, "webhook-signature": signature}
        post(self.url, body, headers, self.seconds)


def body_of(message: Message) -> bytes:
    """Return the event as JSON: type, timestamp, data."""
    data = {
        "id": message.id,
        "title": message.title,
        "link": message.link,
        "items": [{"words": each.words, "link": each.link} for each in message.lines],
        "more": message.more,
    }
    return orjson.dumps({"type": f"pilothouse.{message.event}", "timestamp": stamp(message.at), "data": data})
