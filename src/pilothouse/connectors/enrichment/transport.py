"""One HTTP exchange, with everything bounded: where it goes, how long it takes, how much comes back.

No redirect is followed. What a caller gets is the parsed answer or one of the exceptions below; the messages are our own,
because those of the library may quote addresses and headers.
"""

from __future__ import annotations

import email.utils
import ipaddress
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from pilothouse.vocabulary.errors import InvalidInput

SECONDS, LARGEST = 20.0, 2_000_000
"""How long an exchange may take as a whole, and how many bytes an answer may have."""


PRINTABLE = re.compile(r"[\x20-\x7e]*")
# Its lines quote whole addresses, and with them whom was asked about.
logging.getLogger("httpx").setLevel(logging.WARNING)


class Again(Exception):
    """The provider did nothing, and asks to be asked later: in `wait` seconds, None when it does not say."""

    def __init__(self, sentence: str, wait: float | None = None) -> None:
        super().__init__(sentence)
        self.sentence, self.wait = sentence, wait


class Unanswered(Exception):
    """It was sent, and no whole answer came back."""


class Unusable(Exception):
    """An answer came back that nothing can be done with."""


class Unsendable(Exception):
    """Nothing was sent: what should be cannot be."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status and, for a success, its parsed JSON."""

    status: int
    content: Any = None


def checked_base(url: str) -> str:
    """Return a provider's base URL; raises `InvalidInput` unless it is https, or http on the loopback address."""
    parts = urlsplit(url)
    if parts.username or parts.password or parts.query or parts.fragment or not parts.hostname:
        raise InvalidInput(f"{url!r} is not a base URL.", hint="Write https://host, without user, query or fragment.")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise InvalidInput(f"{url} is not https.", hint="Only the loopback address may be asked without encryption.")
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    """True for an address or name of this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Transport:
    """Exchanges with one host."""

    def __init__(self, base_url: str, *, seconds: float = SECONDS, largest: int = LARGEST) -> None:
        self._base, self._seconds, self._largest = checked_base(base_url), seconds, largest

    @cached_property
    def _client(self) -> httpx.Client:
        # Proxies of the environment are for the world outside, not for this machine.
        local = is_loopback(urlsplit(self._base).hostname or "")
        return httpx.Client(timeout=self._seconds, follow_redirects=False, trust_env=not local)

    def exchange(
        self, method: str, path: str, headers: Mapping[str, str], query: Mapping[str, str], body: Any
    ) -> Reply:
        """Send one request; raises `Again`, `Unanswered`, `Unusable` or `Unsendable`."""
        if not all(PRINTABLE.fullmatch(value) for value in headers.values()):
            # Checked here, because the library would quote it in its log.
            raise Unsendable("the request cannot be sent: a credential holds characters that no header may hold.")
        content = None if body is None else orjson.dumps(body)
        sent = {"accept": "application/json", "accept-encoding": "identity", **headers}
        if content is not None:
            sent["content-type"] = "application/json"
        try:
            stream = self._client.stream(
                method, self._base + path, headers=sent, params=dict(query) or None, content=content
            )
            with stream as response:
                return self._reply(response)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise Again("it cannot be reached.") from None
        except httpx.TimeoutException:
            raise Unanswered(f"no answer within {self._seconds:g} seconds.") from None
        except httpx.HTTPError:
            raise Unanswered("the connection broke before the answer was whole.") from None

    def _reply(self, response: httpx.Response) -> Reply:
        status = response.status_code
        if status in (429, 503):
            raise Again(f"it answered {status}.", _retry_after(response.headers.get("retry-after", "")))
        if 300 <= status < 400:
            raise Unusable(f"it answered {status}, a redirect, which is not followed.")
        if status != 200:
            return Reply(status)
        return Reply(status, self._parsed(response))

    def _parsed(self, response: httpx.Response) -> Any:
        until, content = time.monotonic() + self._seconds, bytearray()
        for part in response.iter_bytes():
            content += part
            if len(content) > self._largest:
                raise Unusable(f"its answer is larger than {self._largest:,} bytes.")
            if time.monotonic() > until:
                raise Unanswered(f"its answer was not whole within {self._seconds:g} seconds.")
        try:
            return orjson.loads(content)
        except ValueError:
            raise Unusable("its answer is not JSON.") from None


def _retry_after(text: str) -> float | None:
    """Read a Retry-After header: seconds, or a date (RFC 9110, 10.2.3)."""
    if text.strip().isdigit():
        return float(min(int(text), 86_400))
    try:
        return min(max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time()), 86_400.0)
    except ValueError:
        return None
