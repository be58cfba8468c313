"""Each recipient's own way out of a letter: a link that asks for one address, theirs, to be left alone (RFC 2369, RFC 8058).

The link holds the address encrypted and authenticated (Fernet) under a key that follows from the one that signs agents'
tokens, so there is nothing to look up, to guess or to keep for it, and it is good for as long as that key is: letters stay.

What must never happen here: an address that can be read from a link; a link that was altered taken for another one; a
link that stops being good by time.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken

from pilothouse.directory.secret_text import as_bytes, derived
from pilothouse.vocabulary.clock import Clock
from pilothouse.vocabulary.errors import InvalidInput

PURPOSE = "unsubscribe/1"
ONE_CLICK = ("List-Unsubscribe", "One-Click")
"""The one name and value that a mail program posts (RFC 8058 section 3.1)."""
LONGEST_TOKEN = 1000


class WaysOut:
    """Makes and opens links. `secret` is the key from which theirs follows."""

    def __init__(self, secret: str, clock: Clock) -> None:
        key = base64.urlsafe_b64encode(bytes.fromhex(derived(secret, PURPOSE)))
        self._box, self._clock = Fernet(key), clock

    def token(self, address: str) -> str:
        """Return what stands for an address in a link."""
        return self._box.encrypt_at_time(as_bytes(address), int(self._clock.now().timestamp())).decode()

    def address(self, token: str) -> str:
        """Return the address that a link was made for; raises `InvalidInput` for one that was not made here."""
        try:
            if len(token) > LONGEST_TOKEN:
                raise InvalidToken
            return self._box.decrypt(as_bytes(token)).decode()
        except (InvalidToken, ValueError):
            raise InvalidInput(
                "this link is not whole, or was not made here.",
                hint="Open it from the letter again, or write your address.",
                code="unknown_link",
            ) from None

    def headers(self, way_out: str, address: str) -> Mapping[str, str]:
        """Return the headers of one recipient's copy. `way_out` is the policy's `unsubscribe`.

        One click is offered over https alone, as RFC 8058 asks; a mail address as the way out stands as it is.
        """
        if not way_out.startswith("http"):
            return {"List-Unsubscribe": f"<{way_out}>"}
        headers = {"List-Unsubscribe": f"<{way_out.rstrip('/')}/{self.token(address)}>"}
        return {**headers, "List-Unsubscribe-Post": "=".join(ONE_CLICK)} if way_out.startswith("https") else headers
