"""The tables of signals and of what each is found by, drawn from `signal.received` entries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Table, Text, UniqueConstraint, insert

from pilothouse.data.signals.model import EMAIL
from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Entry
from pilothouse.ledger.statements import Statement
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.values import canonical

KIND = "signal.received"
signals = Table(
    "signals",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    *(Column(name, Text, nullable=False) for name in ("source", "id", "type", "occurred_at", "received_at")),
    *(Column(name, Text, nullable=False) for name in ("account", "contact", "email", "attributes", "digest")),
    UniqueConstraint("source", "id", name="signals_identity"),
)
signal_handles = Table(
    "signal_handles",
    metadata,
    Column("handle", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
)
_SIGNAL = Statement(
    insert(signals),
    ("position", "source", "id", "type", "occurred_at", "received_at",
     "account", "contact", "email", "attributes", "digest"),
)  # fmt: skip
_HANDLE = Statement(insert(signal_handles), ("handle", "position"))


class SignalProjector:
    """Follows `signal.received` entries."""

    name = "signals"
    kinds = frozenset({KIND})
    tables = (signals, signal_handles)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Add the signals; a second one with a known identity is refused by the table itself."""
        _SIGNAL.run_in_order(connection, [_row(entry) for entry in entries])
        handles = [(handle, entry.position) for entry in entries for handle in _handles(entry)]
        _HANDLE.run_in_order(connection, handles)


def _row(entry: Entry) -> tuple[Any, ...]:
    told = {**entry.body, **entry.private} if entry.private else entry.body
    get, attributes = told.get, canonical(told.get("attributes", {}))
    return (
        entry.position, told["source"], told["id"], told["type"], told["occurred_at"], stamp(entry.at),
        told["account"], told["contact"], get("email", ""), attributes, get("digest", ""),
    )  # fmt: skip


def _handles(entry: Entry) -> list[str]:
    handles: list[str] = entry.body["handles"]
    email = "" if entry.private is None or entry.body["contact"] else entry.private.get("email", "")
    return [*handles, f"{EMAIL}{email}"] if email else handles
