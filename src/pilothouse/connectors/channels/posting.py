"""One POST over HTTP, bounded in time; its errors name no address, since the address may be the secret."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from pilothouse.handoff.notifying.channels import Undelivered

SECONDS = 10.0
AGAIN = frozenset({408, 425, 429})
logging.getLogger("httpx").setLevel(logging.WARNING)  # its lines quote whole addresses


def post(url: str, body: bytes, headers: Mapping[str, str], seconds: float = SECONDS) -> None:
    """Post JSON; raises `Undelivered` unless the answer is a success. No redirect is followed."""
    local = (urlsplit(url).hostname or "") in ("127.0.0.1", "::1", "localhost")
    sent = {"content-type": "application/json", "user-agent": "pilothouse", **headers}
    try:
        # Streamed and closed unread: of an answer its status is all that counts.
        with (
            httpx.Client(timeout=seconds, follow_redirects=False, trust_env=not local) as client,
            client.stream("POST", url, content=body, headers=sent) as response,
        ):
            status, asked = response.status_code, response.headers.get("retry-after", "")
    except httpx.TimeoutException:
        raise Undelivered(f"no answer within {seconds:g} seconds.", down=True) from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError):
        raise Undelivered("it cannot be reached.", down=True) from None
    if 200 <= status < 300:
        return
    wait = float(asked) if asked.isascii() and asked.isdigit() and len(asked) < 8 else None
    again = status in AGAIN or status >= 500
    raise Undelivered(f"it answered {status}.", lasting=not again, down=status in (429, 503), wait=wait)
