"""What the gateway asks of a connector: the port, its value types and its errors.

The error carries the retry answer. `CallRefused` means *certainly not done*; `CallUnknown` means *sent, not answered*:
nobody may say it was done, or that it was not, before `lookup` has asked the system of record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pilothouse.vocabulary.capabilities import Capability
from pilothouse.vocabulary.records import RecordRef, Snapshot
from pilothouse.vocabulary.values import Json


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a system of record. The same `request_id` must never take effect twice.

    `partner_version` is the version of the second record that the call changes, where it changes two. `headers` are the
    mail headers of a letter, by recipient as the arguments name them: each holds a link that is that person's alone, so
    whoever is addressed gets a copy with their own headers and sees nobody else's.
    """

    capability: str
    ref: RecordRef
    arguments: Mapping[str, Json]
    expected_version: int | None
    request_id: str
    partner_version: int | None = None
    headers: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the system of record says it did: the record, its new version and its fields afterwards."""

    request_id: str
    ref: RecordRef
    version: int
    after: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Change:
    """A change that the system of record tells of. `ours` is true for what this connector's own credential did."""

    ref: RecordRef
    before: Mapping[str, Json]
    fields: Mapping[str, Json]
    version: int
    at: datetime
    who: str
    ours: bool


class CallRefused(Exception):
    """Certainly not done. `retryable` says whether asking again may help; `code` is for machines."""

    def __init__(self, code: str, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.code, self.retryable = code, retryable


class StaleRecord(CallRefused):
    """Certainly not done, because the record is at another version than expected."""

    def __init__(self, message: str) -> None:
        super().__init__("stale_read", message)


class CallUnknown(Exception):
    """Sent and not answered: it may have been done."""


class SystemOfRecord(Protocol):
    """A connector. It alone holds the system's credential."""

    @property
    def name(self) -> str:
        """The system's name, the first part of its records' references."""
        ...

    def capabilities(self) -> Sequence[Capability]:
        """Return everything that can be done to the system, classified."""
        ...

    def read(self, ref: RecordRef) -> Snapshot | None:
        """Return a record as it is now, None when there is none; raises `CallRefused` or `CallUnknown`."""
        ...

    def perform(self, call: Call) -> Receipt:
        """Do what a call says, once per request id; raises `CallRefused` or `CallUnknown`."""
        ...

    def lookup(self, request_id: str) -> Receipt | None:
        """Return the receipt of a request that took effect, None when the system has no trace of it."""
        ...

    def contact(self, recipient: str) -> Snapshot | None:
        """Return the contact that a recipient (a contact's id or an address) is, None for nobody it knows."""
        ...

    def opted_out(self, recipient: str) -> bool:
        """True when a recipient (a contact's id or an address) opted out of messages, or is not known at all."""
        ...

    def first_touch(self, recipient: str) -> bool:
        """True unless the system shows that a recipient (as above) was written to or spoken with before."""
        ...

    def changes(self, after: int) -> Iterator[tuple[int, Change]]:
        """Yield changes with their cursors, oldest first, after a cursor."""
        ...
