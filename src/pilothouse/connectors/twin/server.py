"""The outside system itself. It answers requests with a status like any web API, and journals every one of them.

It is deliberately ignorant of Pilothouse: it enforces what a CRM enforces (credentials, required fields, versions,
idempotent requests) and nothing else, so that the gateway's own guarantees are what the tests measure.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from pilothouse.connectors.twin import merging
from pilothouse.connectors.twin.faults import Fault, Faults
from pilothouse.connectors.twin.schema import REQUIRED, SCHEMA
from pilothouse.vocabulary.clock import Clock, new_id, stamp
from pilothouse.vocabulary.records import MERGED, merged_into
from pilothouse.vocabulary.values import canonical, parse_json

Fields = Mapping[str, Any]
Work = Callable[[sqlite3.Connection, str, Fields], tuple["Answer", bool]]
"""What a request does in its transaction, for whom, with which fields: the answer, and whether anything was done."""


class NoAnswer(Exception):
    """The connection broke before an answer came."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: 200 done, 401 unknown credential, 404, 409 stale version, 422 invalid, 429 and 500 not done."""

    status: int
    body: dict[str, Any]


class TwinServer:
    """The twin. One instance per file and process; several processes may share the file."""

    def __init__(self, path: Path, clock: Clock) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self._clock = path, clock
        self.faults = Faults()
        self._local = threading.local()
        # SQLite lets waiting writers sleep and try again; in one process they queue here and go on at once.
        self._turn = threading.Lock()
        self._db().executescript(SCHEMA)

    def _db(self, use: Literal["writing", "reading"] = "writing") -> sqlite3.Connection:
        """Return this thread's connection. What is journalled of reads survives a crash of the process, not of the
        machine: a read changes nothing, and one that waited for the disk would be unlike any CRM."""
        found: sqlite3.Connection | None = getattr(self._local, use, None)
        if found is None:
            found = sqlite3.connect(self.path, timeout=30, isolation_level=None)
            found.row_factory = sqlite3.Row
            level = "FULL" if use == "writing" else "NORMAL"
            for pragma in ("journal_mode=WAL", f"synchronous={level}", "busy_timeout=30000"):
                found.execute(f"PRAGMA {pragma}")
            setattr(self._local, use, found)
        return found

    @contextmanager
    def _writing(self, use: Literal["writing", "reading"] = "writing") -> Generator[sqlite3.Connection, None, None]:
        connection = self._db(use)
        with self._turn:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def issue_credential(self, name: str) -> str:
        """Make (or renew) a credential and return its secret; only the hash is kept."""
        secret = secrets.token_urlsafe(32)
        with self._writing() as connection:
            connection.execute("INSERT OR REPLACE INTO credential VALUES (?, ?)", (name, _hash(secret)))
        return secret

    def read(self, secret: str, object_name: str, record_id: str) -> Answer:
        """Return a record. Reads are journalled too."""
        who = self._who(secret)
        answer = self._read(who, object_name, record_id)
        with self._writing("reading") as connection:
            self._journal(connection, who or "?", "read", object_name, record_id, {}, answer, "", False)
        return answer

    def _read(self, who: str | None, object_name: str, record_id: str) -> Answer:
        if who is None:
            return Answer(401, {"error": "unknown credential"})
        fault = self.faults.strike("read")
        if fault in (Fault.TIMEOUT_BEFORE, Fault.TIMEOUT_AFTER):
            raise NoAnswer("the connection timed out")
        if fault is Fault.TOO_MANY or fault is Fault.BROKEN:
            return Answer(int(fault.value), {"error": "try later"})
        row = self._row(object_name, record_id)
        if row is None:
            return Answer(404, {"error": f"no {object_name} {record_id}"})
        body = {"version": row["version"], "fields": _fields(row["fields"]), "writers": _fields(row["writers"])}
        return Answer(200, body)

    def write(
        self,
        secret: str,
        operation: str,
        object_name: str,
        record_id: str,
        fields: Fields,
        *,
        expected_version: int | None = None,
        request_id: str = "",
    ) -> Answer:
        """Create (no record id) or change a record. A request id that took effect before is answered, not repeated.

        Raises `NoAnswer` when the connection breaks, before or after the work was done.
        """

        def work(connection: sqlite3.Connection, who: str, wanted: Fields) -> tuple[Answer, bool]:
            return self._apply(connection, who, operation, object_name, record_id, wanted, expected_version, request_id)

        return self._requested(secret, operation, (object_name, record_id), fields, request_id, work)

    def merge(
        self,
        secret: str,
        operation: str,
        object_name: str,
        record_id: str,
        into: str,
        *,
        expected_version: int | None = None,
        into_version: int | None = None,
        request_id: str = "",
    ) -> Answer:
        """Merge a record into another of its object: `merging.py` says what changes, and all of it does or nothing.

        Answers 409 when either record is at another version than expected, 422 when the two cannot be merged; raises
        `NoAnswer` as `write`.
        """

        def work(connection: sqlite3.Connection, who: str, _: Fields) -> tuple[Answer, bool]:
            versions = (expected_version, into_version)
            return self._merge(connection, who, object_name, (record_id, into), versions, request_id)

        payload = {"into": into}
        return self._requested(secret, operation, (object_name, record_id), payload, request_id, work)

    def unmerge(
        self,
        secret: str,
        operation: str,
        object_name: str,
        record_id: str,
        merge: str,
        *,
        expected_version: int | None = None,
        request_id: str = "",
    ) -> Answer:
        """Take a merge, named by its request, apart: what nobody changed since is as it was before (`merging.apart`).

        Answers 422 when the record did not go into another by that request, or the other went on into a third.
        """

        def work(connection: sqlite3.Connection, who: str, _: Fields) -> tuple[Answer, bool]:
            return self._unmerge(connection, who, object_name, (record_id, merge), expected_version, request_id)

        payload = {"merge": merge}
        return self._requested(secret, operation, (object_name, record_id), payload, request_id, work)

    def _requested(
        self, secret: str, operation: str, place: tuple[str, str], fields: Fields, request_id: str, work: Work
    ) -> Answer:
        """Do the work of a request in one transaction with its line in the journal, faults permitting."""
        object_name, record_id = place
        who = self._who(secret)
        fault = self.faults.strike("write")
        if fault is Fault.SLOW:
            time.sleep(0.2)
        early = _early(who, fault)
        if early is not None or fault is Fault.TIMEOUT_BEFORE:
            answer = early or Answer(0, {"error": "timed out before commit"})
            with self._writing() as connection:
                self._journal(
                    connection, who or "?", operation, object_name, record_id, fields, answer, request_id, False
                )
            if early is None:
                raise NoAnswer("the connection timed out")
            return answer
        assert who is not None
        wanted = _distorted(fields) if fault is Fault.WRONG_VALUE else fields
        with self._writing() as connection:
            answer, committed = work(connection, who, wanted)
            self._journal(connection, who, operation, object_name, record_id, fields, answer, request_id, committed)
        if fault is Fault.TIMEOUT_AFTER:
            raise NoAnswer("the connection timed out")
        return answer

    def _apply(
        self,
        connection: sqlite3.Connection,
        who: str,
        operation: str,
        object_name: str,
        record_id: str,
        fields: Fields,
        expected_version: int | None,
        request_id: str,
    ) -> tuple[Answer, bool]:
        earlier = self._request(connection, request_id)
        if earlier is not None:
            return earlier, False
        row = self._row(object_name, record_id) if record_id else None
        if record_id and row is None and operation != "seed":
            return Answer(404, {"error": f"no {object_name} {record_id}"}), False
        version = row["version"] if row else 0
        if row is not None and expected_version is not None and expected_version != version:
            return Answer(409, {"error": f"version is {version}, not {expected_version}"}), False
        present: dict[str, Any] = _fields(row["fields"]) if row else {}
        after = {**present, **fields}
        missing = [name for name in REQUIRED.get(object_name, ()) if after.get(name) in (None, "")]
        if missing and operation != "seed":
            return Answer(422, {"error": f"{object_name} needs {', '.join(missing)}"}), False
        ident = record_id or new_id(object_name[:3])
        self._store(connection, who, object_name, ident, version + 1, present, fields, row, request_id)
        body = {"id": ident, "version": version + 1, "fields": after}
        self._remember(connection, request_id, object_name, body)
        return Answer(200, body), True

    def _merge(
        self,
        connection: sqlite3.Connection,
        who: str,
        object_name: str,
        pair: tuple[str, str],
        versions: tuple[int | None, int | None],
        request_id: str,
    ) -> tuple[Answer, bool]:
        earlier = self._request(connection, request_id)
        if earlier is not None:
            return earlier, False
        rows: list[sqlite3.Row] = []
        for ident, expected in zip(pair, versions, strict=True):
            row = self._row(object_name, ident)
            if row is None:
                return Answer(404, {"error": f"no {object_name} {ident}"}), False
            if expected is not None and expected != row["version"]:
                return Answer(409, {"error": f"version of {ident} is {row['version']}, not {expected}"}), False
            rows.append(row)
        loser, winner = rows
        why = merging.refusal(_fields(loser["fields"]), _fields(winner["fields"]), *pair)
        if why:
            return Answer(422, {"error": why}), False
        also = list(merging.edits(connection, loser, winner))
        for edit in also:
            self._edit(connection, edit, request_id)
        void = merging.Edit(object_name, pair[0], {"flags": f"{MERGED}{pair[1]}"}, who)
        done = self._edit(connection, void, request_id)
        body = {**done, "changed": sorted({f"{edit.object}/{edit.id}" for edit in also})}
        self._remember(connection, request_id, object_name, done)
        return Answer(200, body), True

    def _unmerge(
        self,
        connection: sqlite3.Connection,
        who: str,
        object_name: str,
        named: tuple[str, str],
        expected: int | None,
        request_id: str,
    ) -> tuple[Answer, bool]:
        earlier = self._request(connection, request_id)
        if earlier is not None:
            return earlier, False
        record_id, merge = named
        row = self._row(object_name, record_id)
        if row is None:
            return Answer(404, {"error": f"no {object_name} {record_id}"}), False
        if expected is not None and expected != row["version"]:
            return Answer(409, {"error": f"version of {record_id} is {row['version']}, not {expected}"}), False
        why = self._together(connection, row, merge)
        if why:
            return Answer(422, {"error": why}), False
        also = list(merging.apart(connection, merge))
        for edit in also:
            own = (edit.object, edit.id) == (object_name, record_id)
            self._edit(connection, replace(edit, who=who) if own else edit, request_id)
        now = self._row(object_name, record_id)
        assert now is not None
        done = {"id": record_id, "version": now["version"], "fields": _fields(now["fields"])}
        self._remember(connection, request_id, object_name, done)
        return Answer(200, {**done, "changed": sorted({f"{edit.object}/{edit.id}" for edit in also})}), True

    def _together(self, connection: sqlite3.Connection, row: sqlite3.Row, merge: str) -> str:
        """Return why a merge cannot be taken apart, empty when it can."""
        into = merged_into(_fields(row["fields"]).get("flags"))
        query = "SELECT after FROM change WHERE request_id = ? AND object = ? AND id = ?"
        found = connection.execute(query, (merge, row["object"], row["id"])).fetchall()
        if not merge or not into or not any(merged_into(_fields(each["after"]).get("flags")) == into for each in found):
            return f"{row['id']} is not merged by request {merge}"
        winner = self._row(row["object"], into)
        further = merged_into(_fields(winner["fields"]).get("flags")) if winner else ""
        return f"{into} was merged into {further} since; take that apart first" if further else ""

    def _edit(self, connection: sqlite3.Connection, edit: merging.Edit, request_id: str) -> dict[str, Any]:
        """Set fields of a record that exists, and return it as it is then."""
        row = self._row(edit.object, edit.id)
        assert row is not None
        present, version = _fields(row["fields"]), row["version"] + 1
        self._store(connection, edit.who, edit.object, edit.id, version, present, edit.fields, row, request_id)
        return {"id": edit.id, "version": version, "fields": {**present, **edit.fields}}

    @staticmethod
    def _remember(connection: sqlite3.Connection, request_id: str, object_name: str, done: Fields) -> None:
        if request_id:
            made = (request_id, object_name, done["id"], done["version"], _text(done["fields"]))
            connection.execute("INSERT INTO request VALUES (?, ?, ?, ?, ?)", made)

    def _store(
        self,
        connection: sqlite3.Connection,
        who: str,
        object_name: str,
        record_id: str,
        version: int,
        present: Fields,
        fields: Fields,
        row: sqlite3.Row | None,
        request_id: str,
    ) -> None:
        now = stamp(self._clock.now())
        writers: dict[str, str] = _fields(row["writers"]) if row else {}
        writers |= dict.fromkeys(fields, who)
        record = (object_name, record_id, version, _text({**present, **fields}), _text(writers))
        creator = row["created_by"] if row else who
        connection.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?, ?)", (*record, creator, now))
        before = {name: present.get(name) for name in fields}
        change = (object_name, record_id, version, _text(before), _text(fields), now, who, request_id)
        connection.execute(
            "INSERT INTO change (object, id, version, before, after, at, who, request_id) VALUES (?,?,?,?,?,?,?,?)",
            change,
        )

    def _request(self, connection: sqlite3.Connection, request_id: str) -> Answer | None:
        if not request_id:
            return None
        row = connection.execute("SELECT * FROM request WHERE request_id = ?", (request_id,)).fetchone()
        if row is None:
            return None
        body = {"id": row["id"], "version": row["version"], "fields": _fields(row["after"])}
        return Answer(200, {**body, "object": row["object"]})

    def lookup(self, secret: str, request_id: str) -> Answer:
        """Return what a request did, 404 when it never took effect."""
        if self._who(secret) is None:
            return Answer(401, {"error": "unknown credential"})
        return self._request(self._db(), request_id) or Answer(404, {"error": "no such request"})

    def reached(self, secret: str, names: Collection[str]) -> bool:
        """True when a logged activity or a sent message names a contact (by id or address, in lower case)."""
        if self._who(secret) is None:
            return False
        activities = ({str(row.get("contact", ""))} for row in self.records("activity"))
        sent = (
            set(map(str, row.get("recipients") or ())) for row in self.records("message") if row.get("status") == "sent"
        )
        return any(name.casefold() in names for each in (*activities, *sent) for name in each)

    def edit_as(self, person: str, object_name: str, record_id: str, fields: Fields) -> Answer:
        """Change a record as a person does in the CRM's own pages."""
        who = f"user:{person}"
        with self._writing() as connection:
            answer, committed = self._apply(connection, who, "edit", object_name, record_id, fields, None, "")
            self._journal(connection, who, "edit", object_name, record_id, fields, answer, "", committed)
        return answer

    def seed(self, records: Iterable[tuple[str, str, Fields]], who: str = "import") -> int:
        """Load (object, id, fields) as a data import does: nothing is required of it. Returns how many."""
        count = 0
        with self._writing() as connection:
            for object_name, record_id, fields in records:
                self._apply(connection, who, "seed", object_name, record_id, fields, None, "")
                count += 1
            answer = Answer(200, {"records": count})
            self._journal(connection, who, "seed", "*", "*", {"records": count}, answer, "", True)
        return count

    def changes(self, after: int) -> Iterator[sqlite3.Row]:
        """Yield what changed after a cursor, oldest first."""
        yield from self._db().execute("SELECT * FROM change WHERE cursor > ? ORDER BY cursor", (after,)).fetchall()

    def journal(self) -> list[dict[str, Any]]:
        """Return every request ever made, oldest first."""
        return [dict(row) for row in self._db().execute("SELECT * FROM journal ORDER BY number")]

    def records(self, object_name: str) -> list[dict[str, Any]]:
        """Return the fields of every record of an object, with its id and version."""
        rows = self._db().execute("SELECT * FROM record WHERE object = ? ORDER BY id", (object_name,))
        return [{"id": row["id"], "version": row["version"], **_fields(row["fields"])} for row in rows]

    def _row(self, object_name: str, record_id: str) -> sqlite3.Row | None:
        query = "SELECT * FROM record WHERE object = ? AND id = ?"
        return self._db().execute(query, (object_name, record_id)).fetchone()

    def _who(self, secret: str) -> str | None:
        query = "SELECT name FROM credential WHERE hash = ?"
        row = self._db().execute(query, (_hash(secret),)).fetchone()
        return row["name"] if row else None

    def _journal(
        self,
        connection: sqlite3.Connection,
        who: str,
        operation: str,
        object_name: str,
        record_id: str,
        payload: Fields,
        answer: Answer,
        request_id: str,
        committed: bool,
    ) -> None:
        row = (stamp(self._clock.now()), who, operation, object_name, record_id, _text(payload), answer.status)
        connection.execute(
            "INSERT INTO journal (at, credential, operation, object, id, payload, status, result, request_id,"
            " committed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*row, _text(answer.body), request_id, int(committed)),
        )


def _early(who: str | None, fault: Fault | None) -> Answer | None:
    if who is None:
        return Answer(401, {"error": "unknown credential"})
    if fault is Fault.TOO_MANY or fault is Fault.BROKEN:
        return Answer(int(fault.value), {"error": "not done, try later"})
    return None


def _distorted(fields: Fields) -> Fields:
    return {name: f"{value}?" if isinstance(value, str) else value for name, value in fields.items()}


def _text(value: Any) -> str:
    return canonical(value)


def _fields(text: str) -> dict[str, Any]:
    return cast("dict[str, Any]", parse_json(text))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
