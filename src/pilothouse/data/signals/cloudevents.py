"""From a CloudEvents 1.0 event in JSON (structured mode) to a signal, and nothing made up on the way.

`source`, `id`, `type`, `time` and `data` are the standard's; `subject` says whom it is about (`system/account/id`,
`system/contact/id`, `entity/ID`, `domain:example.com` or `mailto:a@example.com`), and so do the extension attributes `account`, `contact`,
`email` and `domain`, beside it or in its place.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

import orjson

from pilothouse.data.signals.model import About, Signal
from pilothouse.vocabulary.clock import stamp, unstamp
from pilothouse.vocabulary.values import Json

OWN = frozenset(
    [
        "specversion",
        "id",
        "source",
        "type",
        "time",
        "subject",
        "data",
        "data_base64",
        "datacontenttype",
        "dataschema",
        "account",
        "contact",
        "email",
        "domain",
    ]
)
WHOM = frozenset({"account", "contact", "email", "domain"})
LONGEST = {"id": 200, "source": 300, "type": 80, "subject": 600} | dict.fromkeys(WHOM, 600)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_DOMAIN = re.compile(r"(?:https?://)?(?:www\.)?([a-z0-9][a-z0-9.-]*\.[a-z0-9-]{2,})(?:[/?#:].*)?")
_NAME = re.compile(r"[a-z0-9]{1,40}")


def signal_of(event: Mapping[str, Any], source: str = "") -> Signal:
    """Return an event's signal; raises `ValueError` with a sentence.

    `source` names the channel where its sender was authenticated: identities of one channel then cannot be taken for
    those of another.
    """
    if event.get("specversion") != "1.0":
        raise ValueError(f'specversion must be "1.0", and is {event.get("specversion")!r}')
    origin = _text(event, "source")
    ident, kind, at = _text(event, "id"), _text(event, "type"), moment(event.get("time"))
    return Signal(
        channelled(source, origin),
        ident,
        kind,
        at,
        stamp(at),
        about(event),
        _data(event),
        {name: event[name] for name in event if name not in OWN and _extension(name, event[name])},
    )


def channelled(channel: str, origin: str) -> str:
    """Return the source that a signal stands under, given the channel that brought it and where it says it is from."""
    return origin if not channel or channel == origin else f"{channel}:{origin}"


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError(f"{name} is missing, or no text")
    if len(value) > LONGEST[name]:
        raise ValueError(f"{name} is longer than {LONGEST[name]} characters")
    return value


def moment(value: Any) -> datetime:
    """Return when it happened; raises `ValueError` for what does not say, or not clearly."""
    if not isinstance(value, str) or not value:
        raise ValueError("time is missing: when it happened is never guessed")
    try:
        return unstamp(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"time: {value[:40]!r} is not a moment; write it as 2026-01-31T12:00:00Z") from None


def _data(event: Mapping[str, Any]) -> dict[str, Json]:
    data = event.get("data")
    if data is None and isinstance(event.get("data_base64"), str):
        try:
            data = orjson.loads(base64.b64decode(event["data_base64"], validate=True))
        except ValueError:
            raise ValueError("data_base64 holds no JSON") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ValueError("data must be an object: the attributes of the signal's type")
    return cast("dict[str, Json]", data)


def _extension(name: str, value: Any) -> bool:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no CloudEvents attribute: those have lower-case letters and digits")
    if value is not None and not isinstance(value, str | bool | int):
        raise ValueError(f"{name}: an extension attribute holds text, a whole number or true and false")
    return value is not None


def about(event: Mapping[str, Any]) -> About:
    """Return whom an event is about; raises `ValueError` when it does not say, or not in a known form."""
    told: dict[str, str] = {}
    if not WHOM.isdisjoint(event):
        told = {name: _text(event, name) for name in WHOM if event.get(name) not in (None, "")}
    subject = event.get("subject")
    if subject not in (None, ""):
        name, value = _subject(_text(event, "subject"))
        if told.setdefault(name, value) != value:
            raise ValueError(f"subject and {name} tell of different {name}s")
    if not told:
        raise ValueError("nothing says whom it is about: subject, account, contact, email and domain are all missing")
    return About(**{name: CHECKS[name](value) if name in CHECKS else value for name, value in told.items()})


def _subject(text: str) -> tuple[str, str]:
    parts = text.split("/", 2)
    if len(parts) == 3 and parts[1] in ("account", "contact"):
        return parts[1], text
    for mark, name in (("entity/", "entity"), ("domain:", "domain"), ("mailto:", "email"), ("email:", "email")):
        if text.startswith(mark) and text != mark:
            return name, text.removeprefix(mark)
    raise ValueError(
        f"subject: {text[:60]!r} names nobody; write system/account/id, system/contact/id, entity/ID, domain:… or mailto:…"
    )


def _record(text: str, object_name: str) -> str:
    system, _, rest = text.partition("/")
    kind, _, ident = rest.partition("/")
    if not system or kind != object_name or not ident:
        raise ValueError(f"{object_name}: {text[:60]!r} is no {object_name}; write it as system/{object_name}/id")
    return text


def _account(text: str) -> str:
    return _record(text, "account")


def _contact(text: str) -> str:
    return _record(text, "contact")


def _email(text: str) -> str:
    lower = text.strip().casefold()
    if not _EMAIL.fullmatch(lower):
        raise ValueError(f"email: {text[:60]!r} is no address")
    return lower


def _domain(text: str) -> str:
    found = _DOMAIN.fullmatch(text.strip().casefold())
    if found is None:
        raise ValueError(f"domain: {text[:60]!r} is no domain")
    return found.group(1)


CHECKS: Mapping[str, Callable[[str], str]] = {
    "account": _account, "contact": _contact, "email": _email, "domain": _domain
}  # fmt: skip


def domain_of(text: str) -> str:
    """Return the domain of a web address or domain as a record tells it, empty where there is none."""
    try:
        return _domain(text)
    except ValueError:
        return ""
