"""Beginning what is due, once for each time and on one server; recording how it ended.

A run is begun by an entry whose due time is unique, and holds a lock of the database's own kind while it lasts. A run that
was begun, has not ended and holds no lock was cut off: that is recorded, and the time is not run again, since nobody knows
how far it came. A time at which no server ran is made up for once, however many were missed; a schedule that is new, or whose
times were changed, has missed none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import select

from pilothouse.ledger.entries import Draft
from pilothouse.ledger.ledger import Ledger
from pilothouse.ledger.turns import Busy, hold
from pilothouse.orchestration.schedules.jobs import Jobs
from pilothouse.orchestration.schedules.projection import BEGUN, ENDED, SEEN, schedule_runs, schedules_seen
from pilothouse.orchestration.schedules.reading import Schedule
from pilothouse.vocabulary.actors import SYSTEM_PERSON, Actor
from pilothouse.vocabulary.clock import Clock, new_id, stamp, unstamp
from pilothouse.vocabulary.errors import Conflict, NotFound, PilothouseError
from pilothouse.vocabulary.values import Json, JsonObject, parse_json

DONE, FAILED, CUT_OFF = "done", "failed", "cut off"
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Run:
    """One run: when it was due (None: asked for by hand), by whom, and how it ended; `outcome` is empty until it does."""

    id: str
    schedule: str
    due: datetime | None
    person: str
    asked_by: str
    begun_at: datetime
    ended_at: datetime | None
    outcome: str
    sentence: str
    result: Json


@dataclass(frozen=True, slots=True)
class Standing:
    """A schedule with its last run and its next time; `next` is None while it is paused."""

    schedule: Schedule
    last: Run | None
    next: datetime | None


class Scheduler:
    """Runs a workspace's schedules."""

    def __init__(self, ledger: Ledger, clock: Clock, jobs: Jobs, schedules: Sequence[Schedule]) -> None:
        self.schedules = tuple(schedules)
        self._ledger, self._clock, self._jobs = ledger, clock, jobs

    def tend(self) -> list[Run]:
        """Run what is due, one after the other; returns the runs that this call made. Safe to repeat at any time."""
        due = [(each, each.times.last(self._clock.now())) for each in self.schedules if self._seen(each)]
        runs = (self._due(each, moment) for each, moment in due if not each.paused)
        return [run for run in runs if run is not None]

    def run_now(self, name: str, asked_by: str) -> Run:
        """Run a schedule at once, in its own person's name, because somebody asks who may have it done too.

        Raises `NotFound`, `Forbidden`, or `Conflict` while it runs already.
        """
        schedule = next((each for each in self.schedules if each.name == name), None)
        if schedule is None:
            known = ", ".join(each.name for each in self.schedules) or "none is declared"
            raise NotFound(f"there is no schedule {name!r}.", hint=f"There is: {known}.")
        self._jobs.allowed(schedule.job, asked_by)
        try:
            with hold(self._ledger.engine, _lock(schedule), 0):
                self._close(schedule)
                return self._run(schedule, None, asked_by)
        except Busy:
            raise Conflict(f"{name} is running already.", hint="Try again when it has ended.") from None

    def standing(self) -> list[Standing]:
        """Return every schedule with its last run and its next time, in the order of the files."""
        now = self._clock.now()
        return [
            Standing(each, next(self.runs(each.name), None), None if each.paused else each.times.next(now))
            for each in self.schedules
        ]

    def runs(self, name: str) -> Iterator[Run]:
        """Yield a schedule's runs, the last one first."""
        query = select(schedule_runs).where(schedule_runs.c.schedule == name)
        with self._ledger.engine.connect() as connection:
            rows = connection.execute(query.order_by(schedule_runs.c.position.desc()).limit(1000)).all()
        yield from map(_told, rows)

    def _seen(self, schedule: Schedule) -> bool:
        """True when these times were seen before; where they are new, from now on they are."""
        with self._ledger.engine.connect() as connection:
            seen = connection.execute(select(schedules_seen).where(schedules_seen.c.name == schedule.name)).first()
        if seen is not None and seen.mark == schedule.mark:
            return True
        body: JsonObject = {"name": schedule.name, "mark": schedule.mark, "times": schedule.words}
        self._ledger.append([Draft(SEEN, Actor(SYSTEM_PERSON), body, subject=f"schedule/{schedule.name}")])
        return False

    def _due(self, schedule: Schedule, due: datetime) -> Run | None:
        if not self._missed(schedule, due):
            return None
        try:
            with hold(self._ledger.engine, _lock(schedule), 0):
                self._close(schedule)
                return self._run(schedule, due, "")
        except (Busy, Conflict):
            return None  # Another server took this time, or still runs an earlier one.

    def _missed(self, schedule: Schedule, due: datetime) -> bool:
        """True when this time came after its schedule was first seen, and nothing was begun for it or a later one."""
        with self._ledger.engine.connect() as connection:
            since = select(schedules_seen.c.at).where(schedules_seen.c.name == schedule.name)
            seen = unstamp(connection.execute(since).scalar_one())
            newest = schedule_runs.c.due.desc()
            query = select(schedule_runs.c.due).where(schedule_runs.c.schedule == schedule.name)
            last = connection.execute(query.where(schedule_runs.c.due.is_not(None)).order_by(newest).limit(1)).first()
        return due > seen and (last is None or due > unstamp(last.due))

    def _run(self, schedule: Schedule, due: datetime | None, asked_by: str) -> Run:
        ident, actor = new_id("srun"), Actor(schedule.person)
        job = f"{schedule.job} {schedule.argument}".strip()
        told: JsonObject = {"id": ident, "schedule": schedule.name, "job": job, "system": schedule.system}
        by: JsonObject = {"person": schedule.person, "asked_by": asked_by, "due": stamp(due) if due else None}
        self._ledger.append([Draft(BEGUN, actor, {**told, **by}, subject=f"schedule/{schedule.name}")])
        result: JsonObject = {}
        try:
            done = self._jobs.do(schedule)
            outcome, sentence, result = DONE, done.sentence, done.result
        except PilothouseError as error:
            outcome, sentence = FAILED, str(error)
        except Exception as error:  # One job's fault must not keep the others from running.
            log.exception("a scheduled job failed", schedule=schedule.name)
            outcome, sentence = (
                FAILED,
                f"It failed unexpectedly ({type(error).__name__}); the server's log tells where.",
            )
        self._end(schedule.name, ident, outcome, sentence, result)
        return next(each for each in self.runs(schedule.name) if each.id == ident)

    def _close(self, schedule: Schedule) -> None:
        """Record runs that were cut off; whoever calls holds the lock, so none of them is still going on."""
        for run in list(self.runs(schedule.name)):
            if not run.outcome:
                self._end(
                    schedule.name, run.id, CUT_OFF, "The server stopped before it ended; it is not run again.", {}
                )

    def _end(self, name: str, ident: str, outcome: str, sentence: str, result: JsonObject) -> None:
        body: JsonObject = {"id": ident, "outcome": outcome, "sentence": sentence, "result": result}
        self._ledger.append([Draft(ENDED, Actor(SYSTEM_PERSON), body, subject=f"schedule/{name}")])

    def close_cut_off(self) -> None:
        """Record what an earlier server left unfinished, as when one starts."""
        for each in self.schedules:
            try:
                with hold(self._ledger.engine, _lock(each), 0):
                    self._close(each)
            except Busy:
                continue


def _lock(schedule: Schedule) -> str:
    return f"schedule-{schedule.name}"


def _told(row: Any) -> Run:
    return Run(
        row.id, row.schedule, unstamp(row.due) if row.due else None, row.person, row.asked_by, unstamp(row.begun_at),
        unstamp(row.ended_at) if row.ended_at else None, row.outcome, row.sentence, parse_json(row.result),
    )  # fmt: skip
