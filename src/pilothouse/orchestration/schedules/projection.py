"""The tables of schedules that were seen and of their runs, drawn from the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Table, Text, UniqueConstraint, delete, insert, update

from pilothouse.ledger.database import metadata
from pilothouse.ledger.entries import Entry
from pilothouse.vocabulary.clock import stamp
from pilothouse.vocabulary.values import canonical

SEEN, BEGUN, ENDED = "schedule.seen", "schedule.begun", "schedule.ended"

schedules_seen = Table(
    "schedules_seen",
    metadata,
    Column("name", Text, primary_key=True),
    Column("mark", Text, nullable=False),
    Column("at", Text, nullable=False),
)
schedule_runs = Table(
    "schedule_runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("schedule", Text, nullable=False, index=True),
    Column("due", Text),
    Column("job", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("begun_at", Text, nullable=False),
    Column("ended_at", Text),
    Column("outcome", Text, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    # Of any number of servers, one begins a due time. Runs by hand have none.
    UniqueConstraint("schedule", "due", name="one_run_for_each_due_time"),
)


class ScheduleProjector:
    """Follows which schedules there are, and when each began and ended."""

    name = "schedules"
    kinds = frozenset({SEEN, BEGUN, ENDED})
    tables = (schedules_seen, schedule_runs)

    def apply(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Add a run when it begins, which fails where its due time was taken; close it when it ends."""
        for entry in entries:
            body: dict[str, Any] = dict(entry.body)
            if entry.kind == SEEN:
                connection.execute(delete(schedules_seen).where(schedules_seen.c.name == body["name"]))
                row = {"name": body["name"], "mark": body["mark"], "at": stamp(entry.at)}
                connection.execute(insert(schedules_seen), row)
            elif entry.kind == BEGUN:
                row = {key: body[key] for key in ("id", "schedule", "due", "job", "person", "asked_by")}
                begun = {"begun_at": stamp(entry.at), "outcome": "", "sentence": "", "result": "{}"}
                connection.execute(insert(schedule_runs), {**row, **begun, "position": entry.position})
            else:
                told = {key: body[key] for key in ("outcome", "sentence")}
                ended = {**told, "ended_at": stamp(entry.at), "result": canonical(body["result"])}
                connection.execute(update(schedule_runs).where(schedule_runs.c.id == body["id"]).values(**ended))
