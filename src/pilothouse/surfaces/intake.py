"""Bodies of requests that carry signals: read up to a limit, and no faster than a limit; one way for REST and webhooks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
from fastapi import Request

from pilothouse.vocabulary.errors import InvalidInput, TooLarge, TooMany, Unsupported

LARGEST_BODY = 1_000_000
MOST_EVENTS = 1000
ONE, SEVERAL = "application/cloudevents+json", "application/cloudevents-batch+json"


@dataclass
class Bucket:
    """A token bucket for each caller: `burst` requests at once, `per_second` in the long run."""

    per_second: float = 50.0
    burst: float = 200.0
    clock: Callable[[], float] = time.monotonic
    _left: dict[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, caller: str) -> None:
        """Take one; raises `TooMany` when none is left."""
        with self._lock:
            now = self.clock()
            left, at = self._left.get(caller, (self.burst, now))
            left = min(self.burst, left + (now - at) * self.per_second)
            self._left[caller] = (max(0.0, left - 1), now)
        if left < 1:
            raise TooMany(f"more than {self.per_second:g} requests a second.", hint="Wait a second, or send a batch.")


async def body_of(request: Request) -> bytes:
    """Return the body; raises `TooLarge` without reading the rest of one that is longer than the limit."""
    told = request.headers.get("content-length", "")
    content = bytearray()
    if not (told.isascii() and told.isdigit() and int(told) > LARGEST_BODY):
        async for piece in request.stream():
            content += piece
            if len(content) > LARGEST_BODY:
                break
        else:
            return bytes(content)
    raise TooLarge(
        f"a body of more than {LARGEST_BODY:,} bytes.", hint="Send smaller batches, or use `pilothouse import`."
    )


def events_of(content_type: str, body: bytes) -> list[Mapping[str, Any]]:
    """Return the events of a body in CloudEvents structured or batched mode; raises when it is neither."""
    kind = content_type.partition(";")[0].strip().casefold()
    if kind not in (ONE, SEVERAL):
        raise Unsupported(f"content of type {kind or 'nothing'!r} is not taken.", hint=f"Send {ONE} or {SEVERAL}.")
    parsed = parsed_json(body)
    if kind == ONE and isinstance(parsed, dict):
        return [cast("dict[str, Any]", parsed)]
    if kind == SEVERAL and isinstance(parsed, list):
        events = cast("list[Any]", parsed)
        if len(events) > MOST_EVENTS:
            raise TooLarge(f"{len(events):,} events in one request.", hint=f"Send at most {MOST_EVENTS}.")
        if all(isinstance(each, dict) for each in events):
            return cast("list[Mapping[str, Any]]", events)
    raise InvalidInput("the body is no CloudEvent, or no list of them.", hint=f"{ONE} is one object, {SEVERAL} a list.")


def parsed_json(body: bytes) -> Any:
    """Return what a body holds; raises `InvalidInput`."""
    try:
        return orjson.loads(body)
    except ValueError as error:
        raise InvalidInput(f"the body is not readable as JSON: {error}.") from None
