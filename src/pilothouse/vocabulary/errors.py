"""Errors that people read: what is wrong, where, and what to do next; a code for machines.

An error that is a *decision* (a refusal by policy, a missing grant) is not raised: it is a `Verdict` or a `Stop` and
becomes an entry in the ledger. These classes are for input that is wrong and for parts that do not work.
"""

from __future__ import annotations


class PilothouseError(Exception):
    """The base of every error Pilothouse raises on purpose.

    `code` is stable and for machines; the message says what is wrong and where; `hint` says what to do next.
    """

    code = "error"

    def __init__(self, message: str, *, hint: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        if not self.hint:
            return self.message
        # A reason that somebody typed often lacks its full stop.
        stop = "" if self.message.endswith((".", "!", "?", ":", ";")) else "."
        return f"{self.message}{stop} {self.hint}"


class InvalidInput(PilothouseError):
    """Input from a file, a request or a command line that cannot be used as it is."""

    code = "invalid_input"


class WrongUse(InvalidInput):
    """A command or request that is put together wrongly, whatever the data is: a part missing, or written otherwise."""


class NotFound(PilothouseError):
    """Something was named that does not exist."""

    code = "not_found"


class Conflict(PilothouseError):
    """The world moved: a version, an identifier or a state is not what the caller took it to be."""

    code = "conflict"


class TooLarge(PilothouseError):
    """More was sent at once than is taken."""

    code = "too_large"


class TooMany(PilothouseError):
    """Requests come faster than they are taken."""

    code = "too_many_requests"


class Unsupported(PilothouseError):
    """The content is of a kind that is not understood here."""

    code = "unsupported_media_type"


class Forbidden(PilothouseError):
    """The caller is known, and may not do this."""

    code = "forbidden"


class Unauthenticated(PilothouseError):
    """The caller is not known: no token or session, or one that is expired, revoked or forged."""

    code = "unauthenticated"


class LedgerUnavailable(PilothouseError):
    """The ledger cannot be written. Nothing may execute while this lasts."""

    code = "ledger_unavailable"
