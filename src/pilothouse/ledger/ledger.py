"""Appending and reading. Concurrent callers share one commit; each waits for its own durability.

A caller that finds nobody writing becomes the writer: it takes all waiting submissions into one transaction, commits
once, and wakes them. Each submission runs in its own savepoint, so one that is refused takes nobody with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from pilothouse.ledger.entries import COLUMNS, PRIVATE_COLUMNS, Draft, Entry, Row, Sealed, entry_of, row_of, seal
from pilothouse.ledger.projections import Projector, project
from pilothouse.ledger.readers import Readers
from pilothouse.ledger.statements import Statement, given
from pilothouse.ledger.tables import entries as entries_table
from pilothouse.ledger.tables import head as head_table
from pilothouse.ledger.tables import private as private_table
from pilothouse.vocabulary.actors import Actor
from pilothouse.vocabulary.clock import Clock, new_ids, stamp
from pilothouse.vocabulary.errors import Conflict, LedgerUnavailable, NotFound, PilothouseError

Guard = Callable[[Connection], None]
MOST_IN_ONE_COMMIT = 256
_HEAD = Statement(select(head_table.c.size))
_LOCK_HEAD = Statement(select(head_table.c.size).with_for_update())
_SET_HEAD = Statement(update(head_table).values(size=given("size")))
_SAVE, _BACK = Statement(text("SAVEPOINT part")), Statement(text("ROLLBACK TO SAVEPOINT part"))
_INSERT_ENTRIES = Statement(insert(entries_table), COLUMNS)
_INSERT_PRIVATE = Statement(insert(private_table), PRIVATE_COLUMNS)


@dataclass
class _Submission:
    sealed: list[Sealed]
    guard: Guard | None
    done: threading.Event = field(default_factory=threading.Event)
    entries: list[Entry] = field(default_factory=list[Entry])
    error: BaseException | None = None


class Ledger:
    """The one place where facts and acts are written down."""

    def __init__(self, engine: Engine, clock: Clock, projectors: Sequence[Projector] = ()) -> None:
        self.engine, self.clock = engine, clock
        self.projectors = tuple(projectors)
        self._waiting: list[_Submission] = []
        self._lock = threading.Lock()
        self._writing = False
        self._readers = Readers(engine)
        self.reading = self._readers.reading
        self._writer = engine.execution_options(pilothouse_write=True)

    def close(self) -> None:
        """Close what is open for reading; the engine is its owner's to dispose of."""
        self._readers.close()

    def append(self, drafts: Sequence[Draft], guard: Guard | None = None) -> list[Entry]:
        """Write entries and everything that follows from them, and return them once they are durable.

        `guard` runs first, inside the transaction and under the write lock; whatever it raises refuses this
        submission alone. Raises `Conflict` when a projection contradicts (a unique key taken), `LedgerUnavailable`
        when the store cannot be written.
        """
        now, ids = self.clock.now, new_ids("ent", len(drafts))
        submission = _Submission([seal(draft, ident, now()) for draft, ident in zip(drafts, ids, strict=True)], guard)
        with self._lock:
            self._waiting.append(submission)
            leads = not self._writing
            if leads:
                self._writing = True
        if leads:
            self._write_until_empty(submission)
        submission.done.wait()
        if submission.error is not None:
            raise submission.error
        return submission.entries

    def _write_until_empty(self, mine: _Submission) -> None:
        while True:
            with self._lock:
                group = self._waiting[:MOST_IN_ONE_COMMIT]
                del self._waiting[:MOST_IN_ONE_COMMIT]
                if not group:
                    self._writing = False
                    return
            self._write(group)

    def _write(self, group: Sequence[_Submission]) -> None:
        try:
            with self._writer.connect() as connection, connection.begin() as transaction:
                start = position = self._lock_head(connection)
                for submission in group:
                    before, alone = position, len(group) == 1
                    position = self._write_one(connection, submission, before, alone=alone)
                    if position != before:
                        # At once, and not at the end: the guard of the next one asks how long the ledger is.
                        _SET_HEAD.run(connection, size=position)
                if position == start:
                    transaction.rollback()
                # The commit is durable here. A crash before it leaves nothing; one after it leaves all of the group,
                # whose callers were not told: they find their entries by action or idempotency key.
        except BaseException as error:
            for submission in group:
                submission.entries = []
                submission.error = _unavailable(error)
        finally:
            for submission in group:
                submission.done.set()

    def _lock_head(self, connection: Connection) -> int:
        return _LOCK_HEAD.first(connection).size

    def _write_one(self, connection: Connection, submission: _Submission, position: int, *, alone: bool) -> int:
        """Write one submission; return the position after it, or the same when it was refused and undone.

        Who is alone in the transaction needs no savepoint: the whole of it is rolled back.
        """
        rows = [row_of(sealed, position + offset) for offset, sealed in enumerate(submission.sealed)]
        try:
            if not alone:
                _SAVE.run(connection)
            if submission.guard is not None:
                submission.guard(connection)
            self._insert(connection, rows)
            project(connection, self.projectors, [row.entry for row in rows])
        except (DBAPIError, MemoryError) as error:
            if not isinstance(error, IntegrityError):
                raise
            submission.error = Conflict(f"the ledger holds something that excludes this: {error.orig}")
        except Exception as error:  # A guard or projector of one caller must not lose the others' appends.
            submission.error = error
        if submission.error is not None:
            if not alone:
                _BACK.run(connection)
            return position
        submission.entries = [row.entry for row in rows]
        return position + len(rows)

    def _insert(self, connection: Connection, rows: Sequence[Row]) -> None:
        _INSERT_ENTRIES.run_in_order(connection, [row.columns for row in rows])
        _INSERT_PRIVATE.run_in_order(connection, [row.private for row in rows if row.private is not None])

    def entries(
        self,
        *,
        after: int = -1,
        before: int | None = None,
        limit: int | None = None,
        kinds: Collection[str] | None = None,
        action: str | None = None,
        subject: str | None = None,
        agent: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[Entry]:
        """Yield entries in order of position, read in pages, so that no transaction stays open between them.

        Of many entries of several kinds, ask for a span at a time (`before`): the database sorts all that follow for
        every page.
        """
        query = _selection()
        if before is not None:
            query = query.where(entries_table.c.position < before)
        for column, wanted in (("action", action), ("subject", subject), ("agent", agent)):
            if wanted is not None:
                query = query.where(entries_table.c[column] == wanted)
        if kinds is not None:
            query = query.where(entries_table.c.kind.in_(sorted(kinds)))
        if since is not None:
            query = query.where(entries_table.c.at >= stamp(since))
        if until is not None:
            query = query.where(entries_table.c.at < stamp(until))
        left = limit
        while left is None or left > 0:
            page = min(left or 1000, 1000)
            with self.engine.connect() as connection:
                rows = connection.execute(query.where(entries_table.c.position > after).limit(page)).all()
            for row in rows:
                yield entry_of(row.line, row.payload)
            if len(rows) < page:
                return
            after = rows[-1].position
            left = None if left is None else left - len(rows)

    def entry(self, position: int) -> Entry:
        """Return one entry; raises `NotFound`."""
        with self.engine.connect() as connection:
            row = connection.execute(_selection().where(entries_table.c.position == position)).first()
        if row is None:
            raise NotFound(f"the ledger has no entry {position}.", hint=f"It holds {self.size()} entries.")
        return entry_of(row.line, row.payload)

    def size(self) -> int:
        """Return how many entries there are; their positions are 0 to size - 1."""
        with self.reading() as connection:
            return self.size_in(connection)

    def size_in(self, connection: Connection) -> int:
        """Return the size as a transaction sees it; inside a guard, with what was written before it in the same commit."""
        return _HEAD.first(connection).size

    def erase(self, data_subject: str, by: Actor, reason: str) -> int:
        """Erase the personal payloads kept for somebody, record that, and rebuild what had been drawn from them.

        Returns how many payloads went. The entries and every proof over them stay as they were.
        """
        gone = 0

        def remove(connection: Connection) -> None:
            nonlocal gone
            gone = connection.execute(
                delete(private_table).where(private_table.c.data_subject == data_subject)
            ).rowcount

        self.append([Draft("privacy.erased", by, {"data_subject": data_subject, "reason": reason})], guard=remove)
        self.rebuild()
        return gone

    def rebuild(self, names: Collection[str] | None = None) -> int:
        """Throw projections away and make them again from the entries, in one transaction; returns entries read."""
        chosen = [each for each in self.projectors if names is None or each.name in names]
        with self._writer.connect() as connection, connection.begin():
            size = self._lock_head(connection)
            for projector in chosen:
                for table in reversed(projector.tables):
                    connection.execute(delete(table))
            for start in range(0, size, 1000):
                page = _selection().where(entries_table.c.position.between(start, start + 999))
                rows = connection.execute(page).all()
                project(connection, chosen, [entry_of(row.line, row.payload) for row in rows])
        return size


def _selection():  # pyright: ignore[reportUnknownParameterType]
    joined = entries_table.outerjoin(private_table, entries_table.c.position == private_table.c.position)
    columns = (entries_table.c.position, entries_table.c.line, private_table.c.payload)
    return select(*columns).select_from(joined).order_by(entries_table.c.position)


def _unavailable(error: BaseException) -> BaseException:
    if isinstance(error, PilothouseError) or not isinstance(error, SQLAlchemyError | OSError):
        return error
    return LedgerUnavailable(
        f"the ledger cannot be written ({error}).",
        hint="Nothing was executed. Check the database's disk space, permissions and connection, then try again.",
    )
