"""How far any agent may go by the organisation's readiness: worked out above, recorded as an entry, read here.

What must never happen here: no assessment, or one that nobody renewed, read as a high ceiling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, Integer, Table, Text, delete, select

from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Entry
from pilothouse.ledger.statements import Statement
from pilothouse.vocabulary.clock import stamp, unstamp

VALID_FOR = timedelta(days=7)
"""An assessment that was not renewed for this long no longer holds anything open."""
readiness_ceiling = Table(
    "readiness_ceiling",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("level", Integer, nullable=False),
    Column("stage", Integer, nullable=False),
    Column("at", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The highest autonomy level (1 to 4) and the stage of the organisation (0 to 4) at an assessment."""

    level: int
    stage: int
    at: datetime | None = None

    def holding(self, now: datetime) -> Ceiling:
        """Return what holds now: the lowest ceiling when nobody assessed, or the assessment is too old."""
        return self if self.at is not None and now - self.at <= VALID_FOR else LOWEST


LOWEST = Ceiling(level=2, stage=0)
"""R-311: with any of items 1 to 3 missing the level stays 2. Without an assessment all are missing."""


class CeilingProjector:
    """Follows the assessments of readiness."""

    name = "ceiling"
    kinds = frozenset({"readiness.assessed"})
    tables = (readiness_ceiling,)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Keep the last one."""
        last = entries[-1]
        connection.execute(delete(readiness_ceiling))
        row = {"id": 1, "level": last.body["level"], "stage": last.body["stage"], "at": stamp(last.at)}
        connection.execute(readiness_ceiling.insert().values(**row))


_READ = Statement(select(readiness_ceiling))


def read_ceiling(connection: Connection) -> Ceiling:
    """Return the ceiling of the last assessment, the lowest when there was none."""
    row = _READ.first(connection)
    return LOWEST if row is None else Ceiling(row.level, row.stage, unstamp(row.at))
