"""Projections: tables that are written with their entries and can be thrown away and made again from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import Connection, Table

from pilothouse.ledger.entries import Entry


class Projector(Protocol):
    """Follows the entries of some kinds into some tables.

    `apply` runs inside the transaction of the append, in order of position. Raising there refuses the submission. It
    must depend on nothing but the entries and its own tables, or a rebuild would tell another story.
    """

    @property
    def name(self) -> str:
        """A stable name."""
        ...

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of entry it follows."""
        ...

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables it alone writes."""
        ...

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Bring the tables up to date with these entries, which are all of `kinds`."""
        ...


def project(connection: Connection, projectors: Sequence[Projector], entries: Sequence[Entry]) -> None:
    """Hand each projector the entries it follows."""
    if not entries:
        return
    present = {entry.kind for entry in entries}
    for projector in projectors:
        if present <= projector.kinds:
            projector.apply(connection, entries)
        elif not present.isdisjoint(projector.kinds):
            projector.apply(connection, [entry for entry in entries if entry.kind in projector.kinds])
